"""Events as steps of a boot: what `fleet.attempts` is told."""

from __future__ import annotations

from netbootd.boot.firmware import is_boot_program
from netbootd.boot.silence import Reason
from netbootd.fleet.attempts import Happening
from netbootd.fleet.record import Reached
from netbootd.observe.events import (
    ArtifactServed,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HttpRefused,
    MachineChanged,
    ScriptFailed,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TftpRefused,
)
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

GIVEN = "given its payload"
"""What `MachineChanged` says when the last byte of a payload went out."""

_SCRIPTS = (".cfg", ".ipxe")  # told of by `ScriptServed`
_TO_ITS_DISK = frozenset({Reason.BOOT_LOCAL.name, Reason.UNKNOWN_MACHINE.name})
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
    """``at``: seconds since the epoch.  None for what is no step of a boot."""
    mac, ip = _mac(event.mac), event.ip
    match event:
        case DhcpAnswered(message=message, client=client, file=file):
            stage = Reached.IPXE if client.startswith("iPXE") else Reached.FIRMWARE
            return Happening(stage, at, mac, ip, detail=f"{client}: {file}", goes_on=message != "DISCOVER")
        case DhcpSilent():
            return _silent(event, at)
        case TftpFinished(file=file, size=size) if stage_of(file):
            return Happening(stage_of(file) or Reached.FILE, at, mac, ip, size, file)
        case ArtifactServed(file=file, sent=sent, status=status) if status < 300 and stage_of(file):
            return Happening(stage_of(file) or Reached.FILE, at, mac, ip, sent, file)
        case TftpAborted(file=file, reason=reason, sent=sent):
            return Happening(stage_of(file) or Reached.FILE, at, mac, ip, sent, f"{file}: {reason}", trouble=True)
        case TftpRefused(file=file, reason=reason) | HttpRefused(file=file, reason=reason) if file:
            return Happening(stage_of(file) or Reached.FILE, at, mac, ip, 0, f"{file}: {reason}", trouble=True)
        case ScriptServed(script=script, profile=profile, payload=payload):
            stage = Reached.LOCAL if payload == "local" else Reached.SCRIPT
            return Happening(stage, at, mac, ip, detail=f"{script}: {payload}" if payload else script, profile=profile)
        case ScriptFailed(script=script, reason=reason):
            return Happening(Reached.SCRIPT, at, mac, ip, detail=f"{script}: {reason}", trouble=True)
        case MachineChanged(change=change) if change == GIVEN:
            return Happening(Reached.PAYLOAD, at, mac)
        case _:
            return None


def stage_of(file: str) -> Reached | None:
    """What it is to have fetched this; None for a script, which has an event of its own."""
    name = file.lower()
    if name.endswith(_SCRIPTS):
        return None
    return Reached.LOADER if is_boot_program(name) and "artifacts/" not in name else Reached.FILE


def _silent(event: DhcpSilent, at: float) -> Happening | None:
    mac = _mac(event.mac)
    if event.reason == Reason.NOT_NETBOOT.name:
        return Happening(Reached.SYSTEM, at, mac, event.ip)
    if event.reason in _TO_ITS_DISK:
        return Happening(Reached.LOCAL, at, mac, event.ip, detail=event.detail)
    if event.reason in _UNBOOTABLE:
        detail = Reason[event.reason].value
        return Happening(Reached.FIRMWARE, at, mac, event.ip, detail=detail, trouble=True)
    return None


def _mac(text: str) -> Mac | None:
    try:
        return Mac(bytes.fromhex(text.replace(":", ""))) if text else None
    except (ValueError, WireError):
        return None
