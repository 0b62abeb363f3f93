"""What a daemon says of itself: the banner at its start, and one line for the service manager."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netbootd import __version__
from netbootd.artifacts.firmware import missing
from netbootd.boot.site import Site
from netbootd.check import lacking
from netbootd.config import Config
from netbootd.config.certificate import Identity, doubts
from netbootd.config.values import UNIX
from netbootd.load import Loaded
from netbootd.net.interfaces import Interface
from netbootd.observe.banner import Banner, ServedInterface
from netbootd.serve.listening import Listening

_ANY = ("0.0.0.0", "::")
_SHOWN = 4  # files that are not there; a banner is read at a glance


def announcement(
    config: Config,
    loaded: Loaded,
    served: Sequence[Interface],
    listening: Listening,
    site: Callable[[str], Site],
    shown: Identity | None = None,
) -> Banner:
    """The facts of the banner; ``site`` is how a client that asks at one of our addresses comes back, ``shown`` the
    certificate of ``http.tls``."""
    fleet = loaded.world.fleet
    return Banner(
        version=__version__,
        interfaces=_interfaces(served, listening),
        services=_services(listening),
        script_urls=(*_script_urls(served, listening, site), *_secure_urls(config, listening, shown)),
        admin_url=_admin_url(listening.admin_address),
        config=str(config.path) if config.path else "",
        firmware=tuple(sorted(binary.name for binary in loaded.world.firmware.binaries)),
        missing=missing(loaded.world.firmware),
        profiles=tuple(fleet.profiles),
        machines=len(fleet.machines),
        unknown=fleet.unknown,
        warnings=(*warnings(config, loaded, served), *_of_certificate(config, shown)),
    )


@dataclass(frozen=True, slots=True)
class Service:
    """What listens at an address of this machine; 0.0.0.0 is every one of them."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where everything is, for the program that started the daemon."""

    version: str
    pid: int
    url: str
    """How machines come to HTTP, without a slash at the end."""
    script: str
    """The script for any iPXE."""
    http: Service
    https: Service | None
    """None: there is no TLS."""
    tftp: Service | None
    """None: it is off."""
    syslog: Service | None
    """None: it is off."""
    admin: Service
    """At a Unix socket its address is ``unix:/PATH``, and the port 0."""
    dhcp: tuple[int, ...]
    """The ports ProxyDHCP is answered on; none when it is off."""


def started(served: Sequence[Interface], listening: Listening, site: Callable[[str], Site]) -> Started:
    """The facts for ``run --json``."""
    addresses = (address.ip for each in served for address in each.addresses)
    here = site(next(addresses, "127.0.0.1"))
    return Started(
        version=__version__,
        pid=os.getpid(),
        url=here.base_url,
        script=here.entry_url(),
        http=Service(*listening.http_address),
        https=Service(*listening.https_address) if listening.https_address else None,
        tftp=Service(*listening.tftp_address) if listening.tftp_address else None,
        syslog=Service(*listening.syslog_address) if listening.syslog_address else None,
        admin=_admin(listening.admin_address),
        dhcp=tuple(port for _, port in listening.dhcp),
    )


def _admin(bound: tuple[str, int] | Path) -> Service:
    return Service(f"{UNIX}{bound}", 0) if isinstance(bound, Path) else Service(*bound)


def _admin_url(bound: tuple[str, int] | Path) -> str:
    if isinstance(bound, Path):
        return f"{UNIX}{bound}"
    host, port = bound
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _interfaces(served: Sequence[Interface], listening: Listening) -> tuple[ServedInterface, ...]:
    """Without DHCP, one address may be all there is."""
    if listening.dhcp or listening.address is None:
        return tuple(ServedInterface(name=i.name, addresses=tuple(map(str, i.addresses))) for i in served)
    owner = next((i.name for i in served for a in i.addresses if a.ip == listening.address), "")
    return (ServedInterface(name=owner or "only", addresses=(listening.address,)),)


def _script_urls(served: Sequence[Interface], listening: Listening, site: Callable[[str], Site]) -> tuple[str, ...]:
    """One for each interface, unless settings say one for all."""
    addresses = [address.ip for each in served for address in each.addresses[:1]]
    if listening.address and not addresses:
        addresses = [listening.address]
    return tuple(dict.fromkeys(site(address).entry_url() for address in addresses))


def _secure_urls(config: Config, listening: Listening, shown: Identity | None) -> tuple[str, ...]:
    """By the first name that the certificate is for."""
    if shown is None or listening.https_address is None or config.public_url:
        return ()
    port = listening.https_address[1]
    names = [f"[{name}]" if ":" in name else name for name in shown.names if "*" not in name]
    return tuple(f"https://{name}{'' if port == 443 else f':{port}'}/ipxe.cfg" for name in names[:1])


def _of_certificate(config: Config, shown: Identity | None) -> tuple[str, ...]:
    if shown is None or config.tls is None:
        return ()
    hidden = [each for each in (config.tls.certificate, config.tls.key) if each and not os.access(each, os.R_OK)]
    return (
        *map(str, doubts(config.tls, shown, config.public_url)),
        *(f"{each} was read by root: to be reloaded when renewed, user {config.user} must read it" for each in hidden),
    )


def warnings(config: Config, loaded: Loaded, served: Sequence[Interface]) -> tuple[str, ...]:
    """What a person should know, a sentence each: of the settings, of what was read, of this machine."""
    doubts = []
    if not served and not (config.listen and config.dhcp_mode == "off"):
        doubts.append("no interface with an IPv4 address to serve; packets are answered once one appears")
    if not config.artifacts.is_dir():
        doubts.append(f"artifacts: {config.artifacts} does not exist yet; put kernels and bundles there")
    return (*map(str, config.warnings), *loaded.notes, *doubts, *_lacking(config, loaded))


def _lacking(config: Config, loaded: Loaded) -> tuple[str, ...]:
    found = [str(problem) for problem in lacking(config, loaded.world) if problem.severity == "error"]
    more = len(found) - _SHOWN
    return (*found[:_SHOWN], f"and {more} more: netbootd check tells them all") if more > 0 else tuple(found)


def summary(loaded: Loaded) -> str:
    """One line."""
    fleet = loaded.world.fleet
    return f"{len(fleet.machines)} machines, {len(fleet.profiles)} profiles"


def _services(listening: Listening) -> tuple[str, ...]:
    dhcp = ("ProxyDHCP on 67 and 4011",) if listening.dhcp else ()
    tftp = (f"TFTP on {_where(listening.tftp_address)}",) if listening.tftp_address else ()
    https = (f"HTTPS on {_where(listening.https_address)}",) if listening.https_address else ()
    syslog = (f"syslog on {_where(listening.syslog_address)}",) if listening.syslog_address else ()
    return (*dhcp, *tftp, f"HTTP on {_where(listening.http_address)}", *https, *syslog)


def _where(bound: tuple[str, int]) -> str:
    address, port = bound
    return str(port) if address in _ANY else f"{address}:{port}"
