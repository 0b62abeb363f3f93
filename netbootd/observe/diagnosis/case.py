"""A case, put together from what is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from netbootd.boot.args import ArgSetting
from netbootd.fleet.record import Attempt
from netbootd.observe.diagnosis.model import Case
from netbootd.observe.plain import Plain, PlainAsks
from netbootd.observe.running import Moving, Running
from netbootd.observe.servers import Server, Servers
from netbootd.wire.mac import Mac

_NETWORK = frozenset(
    {"ip", "inst.ks", "inst.repo", "inst.stage2", "ks", "ds", "url", "autoinstall", "cloud-config-url", "nfsroot"}
    | {"netroot", "rd.neednet", "ignition.config.url", "coreos.live.rootfs_url", "archiso_http_srv", "talos.config"}
)
"""Arguments of installers and live systems that ask for an address."""


_INSTALLERS = frozenset(
    {"auto", "auto-install/enable", "preseed/url", "preseed/file", "url", "autoinstall", "inst.ks", "ks"}
    | {"coreos.inst.install_dev", "coreos.inst.ignition_url", "autoyast", "autoyast2"}
)


_BEFORE = 60.0


class Heard:
    """What is known beside the boots."""

    def __init__(self, servers: Servers, plain: PlainAsks, running: Running) -> None:
        self.servers = servers
        self.plain = plain
        self.running = running

    def about(self, case: Case, macs: Sequence[Mac]) -> Case:
        """The case with that in it; ``macs`` are all cards of the machine."""
        started = case.attempt.started
        return replace(
            case,
            servers=_servers(self.servers, macs, started),
            plain=_plain(self.plain, macs),
            moving=self._moving(case, macs),
        )

    def _moving(self, case: Case, macs: Sequence[Mac]) -> Moving | None:
        found = self.running.of(str(mac) for mac in macs)
        return None if found is None else replace(found, at=case.now - self.running.quiet(found))


def nothing_yet(mac: Mac, record: str, plain: Plain | None) -> Attempt | None:
    """A boot that never was: of a machine that only asks for addresses."""
    return None if plain is None else Attempt("", record, mac, plain.first, 0.0)


def speaks(settings: Iterable[ArgSetting]) -> bool:
    """Whether these arguments have the system use the network, so that it is heard of again."""
    return any(
        each.key in _NETWORK or any("://" in value for value in each.values or ())
        for each in settings
        if each.values is not None
    )


def installs(settings: Iterable[ArgSetting]) -> bool:
    """Whether these arguments are an installer's, which is not to come again and again as a diskless system is."""
    return any(
        each.key in _INSTALLERS or any("boot.done_url" in value for value in each.values or ())
        for each in settings
        if each.values is not None
    )


def _servers(servers: Servers, macs: Sequence[Mac], since: float) -> tuple[Server, ...]:
    """Those that spoke to it in this boot, or right before: what they say is told once a minute at most, and a server
    may be faster than we are."""
    return tuple(server for mac in macs for server in servers.to(mac, since - _BEFORE))


def _plain(asks: PlainAsks, macs: Sequence[Mac]) -> Plain | None:
    return max((found for mac in macs if (found := asks.of(mac))), key=lambda each: each.last, default=None)
