"""Causes between iPXE's start and its first script."""

from __future__ import annotations

from urllib.parse import urlsplit

from netbootd.boot.silence import Reason
from netbootd.fleet.record import Attempt, Reached, Step
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.advice import SNOOPING, SPANNING_TREE, open_port, port_of
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.offers import of_server, to_paste
from netbootd.observe.diagnosis.story import (
    Far,
    asked_in_vain,
    at,
    chose,
    discovers,
    far,
    fetched,
    offered,
    on_4011,
    over,
    seconds,
    told,
)

_NO_LEASE = (
    "a DHCP server without a free address, or one that counts the firmware's and iPXE's as two machines; answers that "
    f"do not come back ({SNOOPING})"
)
_PORT = (
    f"iPXE resets the card, and {SPANNING_TREE}; iPXE has given up by then. Energy-efficient Ethernet and LACP without "
    "fallback do the same."
)
_EMBEDDED = "A program with another script built in loops as well."


def _no_protocol(case: Case) -> Told | None:
    refused = [step for step in at(case, Reached.FIRMWARE, Reached.IPXE) if _speaks_nothing(step.reason)]
    if not refused or far(case.attempt) >= Far.SCRIPT:
        return None
    return told(
        case,
        "runs an iPXE that can fetch neither by HTTP nor by TFTP",
        "it is the card's own, built small. Have it load a whole one: `loader:` cannot reach it, so flash the card, "
        "or switch its boot ROM off in the set-up so that the firmware's own PXE loads netbootd's iPXE.",
        refused[-1].detail,
        at=refused[-1].last,
    )


def _speaks_nothing(reason: str) -> bool:
    return reason == Reason.IPXE_WITHOUT_PROTOCOL.name


def _here(case: Case) -> bool:
    return far(case.attempt) is Far.IPXE


def _no_address(case: Case) -> Told | None:
    if not _here(case) or chose(case, Reached.IPXE) or on_4011(case, Reached.IPXE):
        return None
    if not asked_in_vain(case, Reached.IPXE, times.LEASE, times.ASKED):
        return None
    asks = discovers(case, Reached.IPXE)
    loaded = fetched(case, Reached.LOADER)
    waited = asks[0].at - loaded[-1].last if loaded else 0.0
    others = sorted({each.ip for each in case.servers if each.kind == "dhcp"})
    return told(
        case,
        "came up in iPXE and gets no address" + (", though its firmware had one" if loaded else ""),
        f"its questions come here at once, so that its port forwards: {_NO_LEASE}. {_PORT}"
        if loaded and waited < times.AT_ONCE
        else f"{_PORT} If that is so already: {_NO_LEASE}.",
        f"{sum(step.times for step in asks)} DISCOVERs of iPXE, answered by us, no REQUEST",
        f"first heard {seconds(max(0.0, waited))} after its program's last byte" if loaded else "",
        f"DHCP servers heard: {', '.join(others) or 'none'}",
    )


def reloaded(attempt: Attempt) -> Step | None:
    """The boot program that its iPXE loaded once it had an address, where it should have asked for its script."""
    leases = [
        step.at for step in attempt.steps if step.stage is Reached.IPXE and step.reason == Reason.LEASE_REQUEST.name
    ]
    if not leases or far(attempt) is not Far.IPXE:
        return None
    reads = (step for step in attempt.steps if step.stage is Reached.LOADER and step.bytes and not step.trouble)
    return next((step for step in reads if step.last > min(leases)), None)


def _loops(case: Case) -> Told | None:
    """A ROM's iPXE may load another once, and that may take its time."""
    read = reloaded(case.attempt)
    if read is None:
        return None
    before = [each for each in case.earlier if case.attempt.started - each.started <= times.LOOP_WITHIN]
    again = sum(1 for each in before if reloaded(each))
    if read.times < times.LOOPS and not again and not over(case, times.STARTS):
        return None
    naming = next((each for each in case.servers if each.kind == "dhcp" and each.file), None)
    who = f"the DHCP server {naming.ip}" if naming else "the DHCP server"
    return told(
        case,
        f"came up in iPXE, and loads {read.file} again in place of its script",
        f"it takes that name from {who}, which gives iPXE what it gives firmware: to iPXE (user class iPXE, or option "
        f"175) it must name the script and no boot program, as these lines do. {_EMBEDDED}\n{to_paste(case)}",
        f"{read.file} was read {read.times} times, by its firmware and by iPXE, and no script was asked for",
        f"{again} of its boots before did the same" if again else "",
        of_server(case, naming.ip) if naming else "",
        at=read.last,
    )


def _http_never_asked(case: Case) -> Told | None:
    if not _here(case) or not (chose(case, Reached.IPXE) or on_4011(case, Reached.IPXE)):
        return None
    if reloaded(case.attempt) or not over(case, times.SCRIPT):
        return None
    url = offered(case, Reached.IPXE) or f"{case.base_url}/ipxe.cfg"
    port = port_of(url)
    by_tftp = "TFTP worked, and " if fetched(case, Reached.LOADER) else ""
    return told(
        case,
        f"came up in iPXE, has an address, and never asks for {url}",
        f"{_public(case, url)}{by_tftp}TCP port {port} is another door: {open_port(port, 'tcp')}. From another machine "
        f"of that network try `curl {url}`. With https: iPXE trusts only who signed ipxe.org's certificates unless it "
        "was built otherwise, and needs the right time. A router that hands out a wrong gateway shows so as well.",
        "an address was taken (REQUEST), no HTTP request came",
    )


def _public(case: Case, url: str) -> str:
    """Where it is sent to what no card of ours has, that is the first to look at."""
    host = urlsplit(url).hostname or ""
    if not case.own or host in case.own:
        return ""
    name = "" if host.replace(".", "").isdigit() else "must be known to the DNS server that DHCP gives it, and "
    return (
        f"{host} is not an address of this machine, it comes from `http.public_url`: it {name}must lead here from the "
        "machine's network; else take public_url out of the settings. If it does: "
    )


ROWS = (
    Row(
        Cause.IPXE_NO_PROTOCOL,
        "An iPXE asked whose features (option 175) name neither HTTP nor TFTP.",
        "Have the firmware's own PXE load netbootd's iPXE.",
        _no_protocol,
    ),
    Row(
        Cause.IPXE_LOOP,
        "iPXE took an address and read a boot program again, in two boots or three times, and asked for no script.",
        "The DHCP server must name the script to iPXE, and no boot program.",
        _loops,
    ),
    Row(
        Cause.HTTP_NEVER_ASKED,
        "iPXE took an address, and asked for no script for 45 s.",
        "Open the HTTP port, which is another one than TFTP's; certificates where it is https.",
        _http_never_asked,
    ),
    Row(
        Cause.IPXE_NO_ADDRESS,
        "Three DISCOVERs of iPXE in 30 s, answered by us, and no REQUEST to anybody.",
        "Spanning tree: portfast. Else a DHCP server with free addresses.",
        _no_address,
    ),
)
