"""What came back on one wire, judged: the addresses, netbootd's own answers, and those of others that boot machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netbootd.boot.decide import Answer, Decision
from netbootd.boot.silence import Reason
from netbootd.cli.doctor.kinds import Heard, Kind
from netbootd.cli.doctor.line import Line, Status, fail, ok, skipped, warn
from netbootd.observe.diagnosis.advice import SNOOPING, no_pxe_class, no_second_server

_NO_PROGRAM = (Reason.NO_BINARY, Reason.UNKNOWN_ARCHITECTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What should come back."""

    own: frozenset[str]
    """What netbootd calls itself."""
    answered: bool
    """There is a netbootd to answer."""
    here: bool
    """And it runs on this machine."""
    proxy: bool = True
    """It answers DHCP at all."""
    decisions: Mapping[Kind, Decision] | None = None
    """What its settings say; None: they are not known here."""
    shared: bool = False
    """Its state is a database server's, which other daemons may have, too."""

    def answers(self, kind: Kind) -> bool:
        """Whether this kind is to be answered, as far as is known."""
        said = self.decisions.get(kind) if self.decisions is not None else None
        return self.answered and self.proxy and kind.boots and (said is None or isinstance(said, Answer))


def judge(found: Sequence[Heard], expected: Expected) -> Iterator[Line]:
    """Everything there is to say, most wanted first."""
    yield _addresses(found)
    yield from _offers(found, expected)
    strangers = [each for each in found if each.server not in expected.own]
    others = list(_others(strangers, expected))
    yield from others or [ok("dhcp.others", "other boot servers", "none answers")]
    if not expected.proxy:
        yield _sent_here(found, expected)


def discovered(found: Sequence[Heard]) -> str | None:
    """The address of a netbootd among those that answered, by the script that it offers to iPXE."""
    return next((each.server for each in found if _is_netbootd(each)), None)


def _is_netbootd(said: Heard) -> bool:
    """A DHCP server may name a netbootd's script, too."""
    return said.kind is Kind.IPXE and not said.offered and said.file.endswith("/ipxe.cfg")


def enough(found: Sequence[Heard], expected: Expected) -> bool:
    """Everybody who should answer has, and the lease would come."""
    own = {each.kind for each in found if each.server in expected.own}
    leased = any(each.offered for each in found)
    known = expected.decisions is not None or not expected.answered
    wanted = (Kind.BIOS, Kind.UEFI, Kind.IPXE) if not known else tuple(k for k in Kind if expected.answers(k))
    return leased and own.issuperset(wanted)


def _addresses(found: Sequence[Heard]) -> Line:
    tried = "DISCOVER"
    servers = {each.server: each for each in found if each.offered}
    if not servers:
        return fail(
            "dhcp.address",
            tried,
            "no DHCP server offered an address",
            "Look at cable, VLAN and the DHCP server: netbootd gives none itself. One that serves only cards it knows"
            " stays silent here, too, for the card of this rehearsal is made up.",
        )
    told = ", ".join(f"{server} offers {each.offered}" for server, each in servers.items())
    if len(servers) > 1:
        return warn(
            "dhcp.address",
            tried,
            told,
            f"{len(servers)} DHCP servers on one network: machines take either. Is one of them a router's?",
        )
    return ok("dhcp.address", tried, told)


def _offers(found: Sequence[Heard], expected: Expected) -> Iterator[Line]:
    """One line a kind; where all are missing, one for all."""
    kinds = [kind for kind in Kind if kind.boots and expected.proxy]
    lines = [_own(kind, found, expected) for kind in kinds]
    missing = [each for each in lines if each.status is Status.FAIL]
    if len(missing) > 1 and not any(each.status is Status.OK for each in lines):
        names = ", ".join(each.tried for each in missing)
        yield fail("dhcp.offer", names, missing[0].found, missing[0].todo)
        lines = [each for each in lines if each not in missing]
    yield from lines


def _own(kind: Kind, found: Sequence[Heard], expected: Expected) -> Line:
    probe, tried = f"dhcp.offer.{kind.name.lower()}", kind.value
    said = expected.decisions.get(kind) if expected.decisions is not None else None
    if said is not None and not isinstance(said, Answer):
        if said.reason in _NO_PROGRAM:
            return skipped(probe, tried, f"these get no answer: {said.reason.value}")
        return skipped(probe, tried, f"gets no answer, as the settings say: {said}")
    offers = [each for each in found if each.kind is kind and each.server in expected.own]
    if not expected.answered:
        would = f"; it would be offered {said.file}" if isinstance(said, Answer) else ""
        return skipped(probe, tried, f"nobody is here to answer{would}")
    if not offers:
        partly = any(each.server in expected.own for each in found)
        return _unheard(probe, tried, expected, partly=partly)
    offer = offers[-1]
    way = "seen leaving" if offer.sent else "it arrived"
    if isinstance(said, Answer) and said.file != offer.file:
        return warn(
            probe,
            tried,
            f"offered {offer.file} by {offer.server}, and by these settings it would be {said.file}",
            "The daemon runs with other settings than were read here: reload it, or name its file with -c.",
        )
    return ok(probe, tried, f"{offer.server} offers {offer.file}, {way}")


def _unheard(probe: str, tried: str, expected: Expected, *, partly: bool) -> Line:
    """``partly``: it has answered others."""
    server = ", ".join(sorted(expected.own))
    if expected.decisions is None and partly:
        return skipped(probe, tried, f"{server} offers these nothing; it may have no boot program for them")
    if expected.here:
        return fail(
            probe,
            tried,
            "netbootd runs here, and no offer left this machine",
            "A firewall of this machine drops UDP 67: let it in (DISCOVER) and out from port 67 (OFFER), or netbootd"
            " does not serve this interface: setting 'interfaces'. Its log (netbootd run -v) tells which.",
        )
    return fail(
        probe,
        tried,
        f"no offer of {server} arrived",
        "Something between drops UDP 67 or 68: a firewall there (its port 67 in, and out from 67), a switch"
        f" ({SNOOPING}), or another VLAN than netbootd's.",
    )


def _others(strangers: Sequence[Heard], expected: Expected) -> Iterator[Line]:
    """What sends machines to a netbootd that does not answer DHCP itself is as it should be."""
    rivals = [each for each in strangers if expected.proxy or not points(each, expected.own)]
    for server in dict.fromkeys(each.server for each in rivals):
        said = [each for each in rivals if each.server == server]
        if line := _other_netbootd(server, expected) if discovered(said) else _other(server, said):
            yield line


def _other_netbootd(server: str, expected: Expected) -> Line:
    """Two may serve one network, if they share what they know."""
    told = f"another netbootd answers, too: {server}"
    if expected.shared:
        return ok("dhcp.others", "other boot servers", f"{told}, as daemons of one database may")
    if expected.decisions is None:
        todo = "That is well if they share one database (docs/postgresql.md). Else stop one of them."
        return warn("dhcp.others", "other boot servers", told, todo)
    todo = (
        "The two know nothing of each other: who is armed here may be answered there. Stop one, or let them share one "
        "PostgreSQL database (docs/postgresql.md)."
    )
    return fail("dhcp.others", "other boot servers", told, todo)


def _other(server: str, said: Sequence[Heard]) -> Line | None:
    files = ", ".join(dict.fromkeys(each.file for each in said if each.file)) or "no file of its own"
    proxy = next((each for each in said if not each.offered and each.boots), None)
    if proxy is not None:
        return fail(
            "dhcp.others",
            "other boot servers",
            f"a second PXE server answers: {server} offers {files}, without an address (ProxyDHCP)",
            f"{_sentence(no_second_server(server))}, or move it to another network.",
        )
    classed = next((each for each in said if each.kind.boots and _is_boot_class(each.vendor_class)), None)
    if classed is not None:
        return fail(
            "dhcp.others",
            "other boot servers",
            f"the DHCP server {server} calls itself {classed.vendor_class} (option 60) and offers {files}",
            f"UEFI then asks {server} on port 4011 and never netbootd: {no_pxe_class(server)}.",
        )
    if any(each.no_proxy for each in said):
        return fail(
            "dhcp.others",
            "other boot servers",
            f"the DHCP server {server} tells iPXE to wait for nobody else (option 175.176, no-pxedhcp)",
            "Take ipxe.no-pxedhcp out of that server, or have it name netbootd's script.",
        )
    return _with_file(server, said, files)


def _with_file(server: str, said: Sequence[Heard], files: str) -> Line | None:
    named = next((each for each in said if each.file), None)
    if named is None:
        return None
    return warn(
        "dhcp.others",
        "other boot servers",
        f"the DHCP server {server} names a boot file of its own: {files} from {named.next_server or server}",
        "U-Boot, shim and some BIOS machines take that one. Take it out of that server (options 66 and 67,"
        " 'filename', 'next-server').",
    )


def points(said: Heard, own: frozenset[str]) -> bool:
    """Whether an answer of a DHCP server sends machines to netbootd."""
    return said.next_server in own or any(f"://{each}" in said.file for each in own)


def _sent_here(found: Sequence[Heard], expected: Expected) -> Line:
    """With ``dhcp: {mode: off}`` somebody else must tell machines."""
    if told := next((each for each in found if each.file and points(each, expected.own)), None):
        return ok("dhcp.sent-here", "dhcp.mode off", f"{told.server} sends machines here: {told.file}")
    return fail(
        "dhcp.sent-here",
        "dhcp.mode off",
        "no DHCP server sends machines here",
        f"In that server: option 66 (next-server) {', '.join(sorted(expected.own))}, option 67 (filename)"
        " undionly.kpxe for BIOS, snponly.efi for UEFI, and for iPXE itself, which would else load itself again and"
        " again, netbootd's ipxe.cfg: docs/diagnosis.md has the lines. Or let netbootd answer: dhcp: {mode: proxy}.",
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _is_boot_class(text: str) -> bool:
    return text.startswith(("PXEClient", "HTTPClient"))
