"""An event as a sentence about a machine: ``sentence(event)`` is what a person reads in the log.

The machine is the subject and stands before the sentence, so "sent kernel, 8.1 MB in 2.3 s" and "boots its own disk".
"""

from __future__ import annotations

from http import HTTPStatus

from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HostileValue,
    HttpProbed,
    HttpRefused,
    InstallerSaid,
    Level,
    MachineChanged,
    MachineTrouble,
    ScriptFailed,
    ScriptServed,
    ServerHeard,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TftpStarted,
    TlsFailed,
    TransferMoved,
)
from netbootd.wire.text import printable
from netbootd.wire.transfer import Outcome

_LONGEST = 500  # characters of one sentence; a URL with everything iPXE knows of a machine fits


def sentence(event: Event) -> str:
    """What happened, in words and on one line; an event this does not know is told by its name."""
    return printable(_words(event), _LONGEST)


def level_of(event: Event) -> Level:
    """How much it matters: the event's own level, but a notice carries one, an unfinished download is a warning, and of
    the questions that get no answer those of a machine that boots its own disk are no secret: else who waits for it to
    install sees nothing."""
    match event:
        case DaemonNotice(severity=severity):
            return severity
        case ArtifactServed(complete=False):
            return "warning"
        case DhcpSilent(reason="BOOT_LOCAL", message="DISCOVER"):
            return "info"
        case _:
            return event.level


def size_text(size: int) -> str:
    """``size`` bytes as people say it: "512 bytes", "71 kB", "8.1 MB", "2.4 GB"."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        value = size / scale
        if value < 999.5 or unit == "GB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


def rate_text(rate: float) -> str:
    """Bytes a second, in at most eight characters: "8.1 MB/s"."""
    return size_text(round(rate)).replace(" bytes", " B").replace(" byte", " B") + "/s"


def seconds_text(seconds: float) -> str:
    """A duration as people say it: "40 ms", "2.3 s", "3 min 20 s"."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _words(event: Event) -> str:
    match event:
        case DhcpAnswered():
            return _dhcp_answered(event)
        case TftpStarted() | TftpFinished() | TftpAborted() | TftpProbed() | TftpRefused():
            return _tftp(event)
        case ScriptServed():
            return _script_served(event)
        case ArtifactServed():
            return _artifact_served(event)
        case HttpProbed(file=file, size=size):
            return _probed(file, size)
        case DhcpSilent(reason="BOOT_LOCAL", detail=detail):
            return f"is left to its own disk{_because(detail)}"
        case DhcpSilent(reason=reason, detail=detail):
            return f"no answer: {_spoken(reason)}{_because(detail)}"
        case ScriptFailed(script=script, reason=reason):
            return f"got no script: {script}: {reason}"
        case HostileValue(field=field, reason=reason):
            return f"sent a value of {field} that is not used: {_spoken(reason)}"
        case HttpRefused(file=file, status=status, reason=reason):
            return f"was refused {file}: {_status(status)}{_because(reason)}"
        case TlsFailed(reason=reason):
            return f"no TLS: {reason}"
        case MachineChanged(change=change, detail=detail):
            return f"{_CHANGES.get(change, change)}{_because(detail)}"
        case MachineTrouble(reason=reason):
            return f"{reason}; what to do: netbootd explain {event.machine or event.mac}"
        case TransferMoved(file=file, sent=sent, size=size, seconds=seconds):
            return f"is at {size_text(sent)} of {size_text(size)} of {file}, after {seconds_text(seconds)}"
        case ServerHeard():
            return _server_heard(event)
        case InstallerSaid(text=text, program=program):
            return f"says: {program}: {text}" if program else f"says: {text}"
        case DaemonNotice(text=text):
            return text
        case _:
            return event.name


_CHANGES = {
    Change.ARMED: "is armed: installs at its next boot",
    Change.DISARMED: "is disarmed: boots its own disk",
    Change.GIVEN: "has been given its payload",
}


def _dhcp_answered(event: DhcpAnswered) -> str:
    match event:
        case DhcpAnswered(answer="OFFER"):
            return f"offered {event.file} to {event.client}"
        case _:
            return f"gave {event.file} to {event.client}"


def _tftp(event: TftpStarted | TftpFinished | TftpAborted | TftpProbed | TftpRefused) -> str:
    match event:
        case TftpStarted(file=file, size=size):
            return f"reads {file} by TFTP, {size_text(size)}"
        case TftpFinished(file=file, size=size, seconds=seconds, retransmits=again):
            resent = f", {again} packet{'s' * (again != 1)} sent again" if again else ""
            return f"sent {file}, {size_text(size)} in {seconds_text(seconds)}{resent}"
        case TftpAborted(file=file, reason=reason, sent=sent, size=size, detail=detail):
            of = f" of {size_text(size)}" if size else ""
            return f"lost {file} after {size_text(sent)}{of}: {how_it_ended(reason)}{_because(detail)}"
        case TftpProbed(file=file, size=size):
            return _probed(file, size)
        case TftpRefused(file=file, reason=reason):
            return f"was refused {file} by TFTP: {_spoken(reason)}"


def _script_served(event: ScriptServed) -> str:
    how = " by TFTP" if event.via == "tftp" else ""
    match event:
        case ScriptServed(payload="" | "entry"):
            return f"asks for its script ({event.script}){how}"
        case ScriptServed(payload="local"):
            return "boots its own disk"
        case ScriptServed(payload="menu"):
            return "sees the menu"
        case ScriptServed(profile="") | ScriptServed(profile=event.payload):
            return f"boots {event.payload}{how}"
        case _:
            return f"boots {event.profile} ({event.payload}){how}"


def _artifact_served(event: ArtifactServed) -> str:
    match event:
        case ArtifactServed(complete=False):
            return f"lost {event.file} after {size_text(event.sent)} of {size_text(event.size)}{_because(event.detail)}"
        case _:
            part = "part of " if event.status == HTTPStatus.PARTIAL_CONTENT else ""
            return f"sent {part}{event.file}, {size_text(event.sent)} in {seconds_text(event.seconds)}"


def _probed(file: str, size: int) -> str:
    return f"asked for the size of {file}, {size_text(size)}"


def _server_heard(event: ServerHeard) -> str:
    kind = "another PXE server" if event.kind == "proxy" else "the DHCP server"
    return f"was answered by {kind} {event.server}" + (f", boot file {event.file}" if event.file else "")


def how_it_ended(reason: str) -> str:
    """Of a transfer by TFTP, as `TftpAborted` names it."""
    return Outcome[reason].value if reason in Outcome.__members__ else _spoken(reason)


def _spoken(reason: str) -> str:
    """An enumeration's name as words: NOT_PXE, "not pxe"."""
    return reason.replace("_", " ").lower() if reason.isupper() else reason


def _because(detail: str) -> str:
    return f": {detail}" if detail else ""


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
