"""Events as steps of a boot: what `fleet.attempts` is told."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from netbootd.boot.firmware import is_boot_program
from netbootd.boot.identify import DHCP_PORT
from netbootd.boot.rehearsal import rehearsed
from netbootd.boot.silence import Reason
from netbootd.fleet.happening import Happening
from netbootd.fleet.record import Asked, Reached, Transfer
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HttpProbed,
    HttpRefused,
    InstallerSaid,
    MachineChanged,
    ScriptFailed,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TlsFailed,
)
from netbootd.observe.sentences import how_it_ended
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

PROBED = "probed"
"""The `Step.reason` of a file whose size alone was asked for."""
GONE = "gone"
"""And of one that its client left before the end: GRUB does when it goes on reading elsewhere in the file."""

NO_TLS = "tls-failed"
"""And of what was to be fetched by https, when it came to nothing before it was said what."""

_SCRIPTS = (".cfg", ".ipxe")  # told of by `ScriptServed`
_TO_ITS_DISK = frozenset({Reason.BOOT_LOCAL.name, Reason.UNKNOWN_MACHINE.name})
_ELSEWHERE = frozenset({Reason.LEASE_REQUEST.name, Reason.OTHER_SERVER.name})
_UNBOOTABLE = frozenset(
    reason.name
    for reason in (
        Reason.NO_ARCHITECTURE,
        Reason.UNKNOWN_ARCHITECTURE,
        Reason.NO_BINARY,
        Reason.NOT_IPXE_BOOTABLE,
        Reason.SIGNED_BOOT,
        Reason.IPXE_WITHOUT_PROTOCOL,
        Reason.TFTP_OFF,
    )
)


def happening(event: Event, at: float) -> Happening | None:
    """``at``: seconds since the epoch.  None for what is no step of a boot, and for what ``netbootd doctor`` plays."""
    if rehearsed(event.mac):
        return None
    match event:
        case DhcpAnswered():
            return _answered(event, at)
        case DhcpSilent():
            return _silent(event, at)
        case TftpFinished() | TftpAborted() | TftpProbed() | TftpRefused():
            return _tftp(event, at)
        case ArtifactServed() | HttpProbed() | HttpRefused():
            return _http(event, at)
        case ScriptServed() | ScriptFailed():
            return _script(event, at)
        case TlsFailed(reason=why):
            mac, ip = mac_of(event), event.ip
            return Happening(Reached.SCRIPT, at, mac, ip, detail=why, trouble=True, reason=NO_TLS, joins=True)
        case InstallerSaid(text=text, program=program):
            said = f"{program}: {text}" if program else text
            return Happening(Reached.SAID, at, mac_of(event), event.ip, detail=said, reason=event.severity)
        case MachineChanged(change=Change.GIVEN):
            return Happening(Reached.PAYLOAD, at, mac_of(event))
        case _:
            return None


def stage_of(file: str) -> Reached | None:
    """What it is to have fetched this; None for a script, which has an event of its own."""
    name = file.lower()
    if name.endswith(_SCRIPTS):
        return None
    return Reached.LOADER if is_boot_program(name) and "artifacts/" not in name else Reached.FILE


def mac_of(event: Event) -> Mac | None:
    """The card an event names."""
    try:
        return Mac(bytes.fromhex(event.mac.replace(":", ""))) if event.mac else None
    except (ValueError, WireError):
        return None


def _answered(event: DhcpAnswered, at: float) -> Happening:
    return Happening(
        _asking(event.client),
        at,
        mac_of(event),
        event.ip,
        detail=f"{event.client}: {event.file}",
        goes_on=event.message != "DISCOVER",
        asked=_asked(event, event.file),
        uuid=_uuid(event.uuid),
    )


def _silent(event: DhcpSilent, at: float) -> Happening | None:
    reason = event.reason
    if reason == Reason.NOT_NETBOOT.name:
        return Happening(Reached.SYSTEM, at, mac_of(event), event.ip, detail=event.detail, reason=reason)
    if reason in _TO_ITS_DISK:
        return _unanswered(event, at, Reached.LOCAL, event.detail)
    if reason in _UNBOOTABLE:
        return replace(_unanswered(event, at, Reached.FIRMWARE, Reason[reason].value), trouble=True)
    if reason in _ELSEWHERE and event.client:
        what = "address" if event.port == DHCP_PORT else "boot file"
        detail = f"{event.client}: asks {event.server or 'another server'} for its {what}"
        return replace(_unanswered(event, at, _asking(event.client), detail), goes_on=True)
    return None


def _unanswered(event: DhcpSilent, at: float, stage: Reached, detail: str) -> Happening:
    asked, uuid = _asked(event, ""), _uuid(event.uuid)
    return Happening(stage, at, mac_of(event), event.ip, detail=detail, reason=event.reason, asked=asked, uuid=uuid)


def _tftp(event: TftpFinished | TftpAborted | TftpProbed | TftpRefused, at: float) -> Happening | None:
    """Who finds a script by TFTP has an event for that of its own; who does not find one has this alone."""
    stage, file = stage_of(event.file), event.file
    match event:
        case TftpFinished() if stage:
            return _file(event, at, stage, file, transfer=_by_tftp(event, event.size))
        case TftpAborted():
            said = f"{file}: {how_it_ended(event.reason)}"
            moved = _by_tftp(event, event.sent)
            return _file(event, at, stage, said, transfer=moved, reason=event.reason, trouble=True)
        case TftpProbed() if stage:
            return _file(event, at, stage, file, transfer=Transfer("tftp", event.size), reason=PROBED)
        case TftpRefused() if file:
            return _file(event, at, stage, f"{file}: {event.reason}", reason="tftp-refused", trouble=True)
    return None


def _http(event: ArtifactServed | HttpProbed | HttpRefused, at: float) -> Happening | None:
    event = replace(event, file=event.file.lstrip("/").partition("?")[0])  # what was refused is a path as it was asked
    stage, file = stage_of(event.file), event.file
    match event:
        case ArtifactServed(status=status) if status < 300 and stage:
            moved = Transfer(event.via, event.total or event.size, event.sent, event.seconds)
            if event.complete:
                return _file(event, at, stage, file, transfer=moved)
            why, reason = f"{file}: {event.detail}" if event.detail else file, event.reason.lower() or GONE
            return _file(event, at, stage, why, transfer=moved, reason=reason, trouble=reason != GONE)
        case HttpProbed() if stage:
            return _file(event, at, stage, file, transfer=Transfer("http", event.size), reason=PROBED)
        case HttpRefused() if file:
            return _file(event, at, stage, f"{file}: {event.reason}", reason=f"http-{event.status}", trouble=True)
    return None


def _file(
    event: TftpFinished | TftpAborted | TftpProbed | TftpRefused | ArtifactServed | HttpProbed | HttpRefused,
    at: float,
    stage: Reached | None,
    detail: str,
    *,
    transfer: Transfer | None = None,
    reason: str = "",
    trouble: bool = False,
) -> Happening:
    return Happening(
        stage or Reached.FILE,
        at,
        mac_of(event),
        event.ip,
        transfer.sent if transfer else 0,
        detail,
        trouble=trouble,
        file=event.file,
        reason=reason,
        transfer=transfer,
    )


def _by_tftp(event: TftpFinished | TftpAborted, sent: int) -> Transfer:
    sizes = event.size, sent, event.seconds
    return Transfer("tftp", *sizes, event.blksize, event.windowsize, event.retransmits)


def _script(event: ScriptServed | ScriptFailed, at: float) -> Happening:
    mac, ip, script = mac_of(event), event.ip, event.script
    match event:
        case ScriptServed(payload=payload, profile=profile, files=files):
            stage = Reached.LOCAL if payload == "local" else Reached.SCRIPT
            detail = f"{script}: {payload}" if payload else script
            return Happening(stage, at, mac, ip, detail=detail, profile=profile, file=script, files=files)
        case ScriptFailed(reason=reason):
            detail = f"{script}: {reason}"
            return Happening(
                Reached.SCRIPT, at, mac, ip, detail=detail, trouble=True, file=script, reason="script-failed"
            )


def _asking(client: str) -> Reached:
    return Reached.IPXE if client.startswith("iPXE") else Reached.FIRMWARE


def _asked(event: DhcpAnswered | DhcpSilent, offered: str) -> Asked | None:
    if not event.message:
        return None
    return Asked(event.message, event.port, event.client, event.arch, event.server, offered)


def _uuid(text: str) -> UUID | None:
    return UUID(text) if text else None
