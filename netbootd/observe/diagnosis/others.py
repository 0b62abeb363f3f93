"""Causes that are another server's: it answers, is believed, or is asked instead of us."""

from __future__ import annotations

from netbootd.fleet.record import Reached
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.advice import no_pxe_class, no_second_server
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.offers import heard, of_server, repeats, to_paste, waits
from netbootd.observe.diagnosis.story import Far, elsewhere, far, offered, on_4011, over, seconds, told
from netbootd.observe.servers import Server


def _asks_another(case: Case) -> Told | None:
    step = elsewhere(case, Reached.FIRMWARE)
    if step is None or step.asked is None or far(case.attempt) is not Far.FIRMWARE:
        return None
    if on_4011(case, Reached.FIRMWARE) is not None or not over(case, times.TFTP):
        return None
    other = step.asked.server
    if other in case.own:
        return None
    return told(
        case,
        f"was offered {offered(case) or 'a boot file'} here, and asks {other} on port 4011 for its boot file instead",
        f"{other} answers as a boot server. Switch that off there (Windows DHCP: remove option 60; WDS: "
        "'Do not respond to any client computers'; dnsmasq: remove pxe-service and pxe-prompt), "
        "or leave this machine's boots to it.",
        f"REQUEST on port 4011 for {other}",
        of_server(case, other),
        at=step.last,
    )


def _dhcp_says_pxe(case: Case) -> Told | None:
    server = heard(case, "dhcp", pxe=True)
    if server is None or not waits(case) or on_4011(case, Reached.FIRMWARE):
        return None
    return told(
        case,
        f"gets its address from {server.ip}, which calls itself a boot server too (option 60 = PXEClient), "
        "so its firmware asks that one for the boot file and never us",
        f"{no_pxe_class(server.ip)}. It belongs there only where DHCP and boot server are one machine.",
        of_server(case, server.ip),
        repeats(case),
    )


def _other_proxy(case: Case) -> Told | None:
    server = heard(case, "proxy")
    if server is None or not waits(case) or on_4011(case, Reached.FIRMWARE):
        return None
    return told(
        case,
        f"is answered by another boot server as well: {server.ip} offers {server.file or 'a menu'}",
        f"{no_second_server(server.ip)}, or tell it to leave this machine alone: "
        f"dnsmasq: dhcp-host={case.attempt.mac},ignore",
        of_server(case, server.ip),
        repeats(case),
    )


def _other_boot_file(case: Case) -> Told | None:
    server = next(
        (each for each in case.servers if each.kind == "dhcp" and each.file and not _names_us(case, each)), None
    )
    if server is None or not waits(case) or on_4011(case, Reached.FIRMWARE):
        return None
    where = server.next_server or server.ip
    return told(
        case,
        f"is told by the DHCP server {server.ip} to boot {server.file} from {where}, "
        "and its firmware believes that rather than our offer",
        f"remove the boot file from the DHCP server {server.ip} (options 66 and 67, 'network boot', 'PXE' or "
        "'TFTP server' of a router), or have it name netbootd:\n" + to_paste(case),
        of_server(case, server.ip),
        repeats(case),
    )


def _other_tftp(case: Case) -> Told | None:
    asked = on_4011(case, Reached.FIRMWARE)
    server = next((each for each in case.servers if _sends_elsewhere(case, each)), None)
    if asked is None or server is None or far(case.attempt) is not Far.FIRMWARE or not over(case, times.TFTP):
        return None
    return told(
        case,
        f"was given {offered(case)} and never reads it here: {server.ip} names {server.next_server} as TFTP server, "
        "and some firmware goes there whatever the boot server says",
        f"have {server.ip} name netbootd, or nobody (siaddr/next-server and option 66):\n" + to_paste(case),
        of_server(case, server.ip),
        f"answered on port 4011 {seconds(case.now - asked.last)} ago, no TFTP request since",
    )


def _sends_elsewhere(case: Case, server: Server) -> bool:
    """Many a DHCP server calls itself the next one (siaddr) and has nothing to boot: that alone misleads nobody."""
    meant = server.file or server.pxe or server.next_server != server.ip
    return bool(server.next_server and meant) and not _names_us(case, server)


def _names_us(case: Case, server: Server) -> bool:
    return server.next_server in case.own or server.ip in case.own


ROWS = (
    Row(
        Cause.ASKS_ANOTHER,
        "Its question on port 4011 names another server (option 54), and nothing comes to us.",
        "Switch PXE off at that server, or leave the machine to it.",
        _asks_another,
    ),
    Row(
        Cause.DHCP_SAYS_PXE,
        "The DHCP server's answer was overheard with option 60 = PXEClient; the machine asks on, and us never on 4011.",
        "Remove option 60 from that DHCP server.",
        _dhcp_says_pxe,
    ),
    Row(
        Cause.OTHER_PROXY,
        "Another ProxyDHCP's answer was overheard; the machine asks on, and us never on 4011.",
        "Stop that one, or have it ignore the machine.",
        _other_proxy,
    ),
    Row(
        Cause.OTHER_BOOT_FILE,
        "The DHCP server's answer was overheard with a boot file of its own; the machine asks us for none.",
        "Remove it there, or paste the lines that name netbootd.",
        _other_boot_file,
    ),
    Row(
        Cause.OTHER_TFTP,
        "As `tftp_never_asked`, and another server was overheard that names its own TFTP server.",
        "Have that server name netbootd, or nobody.",
        _other_tftp,
    ),
)
