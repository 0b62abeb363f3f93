"""Causes between our offer and the request that should come of it."""

from __future__ import annotations

from netbootd.fleet.record import Reached
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.advice import SNOOPING, SPANNING_TREE, USUAL, boot_options, open_port, port_of
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import (
    Far,
    asked_in_vain,
    chose,
    client,
    counted,
    discovers,
    far,
    offered,
    on_4011,
    over,
    seconds,
    told,
)
from netbootd.observe.servers import Server


def waits(case: Case) -> bool:
    """Whether firmware was offered a boot program and does nothing about it."""
    if far(case.attempt) is not Far.FIRMWARE or not offered(case):
        return False
    lease = chose(case, Reached.FIRMWARE)
    if lease is None:
        return asked_in_vain(case, Reached.FIRMWARE, times.IGNORED, times.ASKED)
    begins_anew = any(step.last > lease.last for step in discovers(case, Reached.FIRMWARE))
    return over(case, times.TFTP) or (begins_anew and case.now - lease.last >= times.IGNORED)


def _tftp_never_asked(case: Case) -> Told | None:
    asked = on_4011(case, Reached.FIRMWARE)
    if asked is None or far(case.attempt) is not Far.FIRMWARE or not over(case, times.TFTP):
        return None
    return told(
        case,
        f"was told to read {offered(case)} by TFTP from {case.server}, and its request never came",
        f"let UDP port 69 through to this machine: {open_port(69, 'udp')}. "
        f"Try it from another machine of that network: `tftp {case.server} -c get {offered(case)}`. "
        f"Does {case.server} lie on the machine's own network? (`advertise:` in the settings)",
        f"answered on port 4011 {seconds(case.now - asked.last)} ago, no TFTP request since",
        *(of_server(case, each.ip) for each in case.servers),
        at=asked.last,
    )


def _http_boot_never_asked(case: Case) -> Told | None:
    url = offered(case)
    if not url.startswith(("http:", "https:")) or not waits(case):
        return None
    return told(
        case,
        f"was offered {url} for UEFI HTTP Boot and never asks for it",
        f"let TCP port {port_of(url)} through to this machine: {open_port(port_of(url), 'tcp')}. From another one of "
        f"that network try `curl -I {url}`. Some firmware takes https:// alone, and says so on its screen only: "
        "look for 'Allow HTTP connections' in its set-up.",
        repeats(case),
    )


def _answers_lost(case: Case) -> Told | None:
    server = heard(case, "dhcp")
    if server is None or not waits(case) or chose(case, Reached.FIRMWARE) or not _for_it(case, server):
        return None
    return told(
        case,
        f"asks again and again, though {server.ip} offers it an address and we a boot file: answers do not reach it",
        f"look between this network and the machine: {SNOOPING}; a VLAN whose tag is not taken off on the "
        f"way back; {SPANNING_TREE}; a card that negotiates its link anew.",
        repeats(case),
        of_server(case, server.ip),
    )


def _no_address(case: Case) -> Told | None:
    if not waits(case) or chose(case, Reached.FIRMWARE) or on_4011(case, Reached.FIRMWARE):
        return None
    others = sorted({each.ip for each in case.servers if each.kind == "dhcp"})
    return told(
        case,
        "asks and asks, and takes no address from anybody; netbootd gives boot files, not addresses",
        "is there a DHCP server on its network (the right VLAN, a relay), with free addresses, that does not know "
        f"this machine as denied? Do answers reach it: {SNOOPING}, and a firewall here must let UDP from port 67 "
        "out. `netbootd doctor` asks as a machine would.",
        repeats(case),
        f"DHCP servers heard: {', '.join(others) or 'none'}",
    )


def _offer_ignored(case: Case) -> Told | None:
    lease = chose(case, Reached.FIRMWARE)
    if lease is None or not waits(case):
        return None
    server = lease.asked.server if lease.asked else ""
    return told(
        case,
        f"took an address from {server or 'a DHCP server'} and does nothing about our offer of {offered(case)}: "
        "its firmware takes a boot file from its DHCP server alone, or our offer did not reach it",
        f"first let UDP ports 67 and 4011 through a firewall on this machine; {SNOOPING}. Where that is "
        "right the firmware ignores ProxyDHCP (HP DL380 Gen9, some laptops): have the DHCP server "
        f"{server} say it.\n" + to_paste(case),
        repeats(case),
        f"REQUEST for {server}, none for us on port 4011, no TFTP",
        at=lease.last,
    )


def to_paste(case: Case) -> str:
    """For the DHCP server, where this machine's firmware takes a boot file from nobody else."""
    return boot_options(case.server, offered(case) or USUAL, f"{case.base_url}/ipxe.cfg")


def heard(case: Case, kind: str, *, pxe: bool = False) -> Server | None:
    """A server of that kind, overheard, that says so or names a boot file."""
    found = (each for each in case.servers if each.kind == kind and each.ip not in case.own)
    return next((each for each in found if each.pxe or not pxe), None)


def _for_it(case: Case, server: Server) -> bool:
    return server.last >= case.attempt.started


def repeats(case: Case) -> str:
    """Its DISCOVERs, as evidence."""
    asks = discovers(case, Reached.FIRMWARE)
    if not asks:
        return ""
    number = sum(step.times for step in asks)
    within = seconds(max(step.last for step in asks) - asks[0].at)
    return f"{counted(number, 'DISCOVER')} of {client(case)} within {within}, answered with {offered(case)}"


def of_server(case: Case, ip: str) -> str:
    """What was overheard of that server, as evidence."""
    found = next((each for each in case.servers if each.ip == ip), None)
    if found is None:
        return ""
    says = [f"boot file {found.file}"] * bool(found.file) + [f"next-server {found.next_server}"] * bool(
        found.next_server
    )
    says += ["option 60 PXEClient"] * found.pxe
    ago = seconds(max(0.0, case.now - found.last))
    return f"overheard {ago} ago: {ip} ({found.kind}): {', '.join(says) or 'an address'}"


ROWS = (
    Row(
        Cause.HTTP_BOOT_NEVER_ASKED,
        "It was offered a URL for UEFI HTTP Boot again and again, and never asks for it.",
        "Open the HTTP port; look for a setting of its firmware that takes https alone.",
        _http_boot_never_asked,
    ),
    Row(
        Cause.TFTP_NEVER_ASKED,
        "We answered on 4011, and no TFTP request came for 30 s.",
        "Open UDP port 69; see that the address it was told is one it can reach.",
        _tftp_never_asked,
    ),
    Row(
        Cause.ANSWERS_LOST,
        "Three DISCOVERs in 30 s and no REQUEST, though a DHCP server was overheard offering it an address.",
        "DHCP snooping, VLANs, spanning tree, the cable.",
        _answers_lost,
    ),
    Row(
        Cause.OFFER_IGNORED,
        "It took an address (REQUEST to a DHCP server), and asks neither on 4011 nor by TFTP.",
        "Open UDP 67 and 4011; where the firmware ignores ProxyDHCP paste options 66 and 67 into the DHCP server.",
        _offer_ignored,
    ),
    Row(
        Cause.NO_ADDRESS,
        "Three DISCOVERs in 30 s, answered by us, and no REQUEST to anybody.",
        "A DHCP server with free addresses on its VLAN; answers that reach it.",
        _no_address,
    ),
)
