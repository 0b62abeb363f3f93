"""What can happen, as values: one event per step of a boot.

Shells emit these; `netbootd.observe` turns them into log lines and metrics.  An event is a plain frozen value whose
fields are already fit to be shown: text from the wire has passed `printable`.  ``name`` is the event's stable name in
logs and counters; the list below is the documented list of log events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base: ``mac`` and ``machine`` (its configured name) where known, ``ip`` of the peer where known."""

    name: ClassVar[str] = "event"
    level: ClassVar[Level] = "info"

    mac: str = ""
    machine: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpAnswered(Event):
    """A DISCOVER, REQUEST or INFORM got its OFFER or ACK."""

    name: ClassVar[str] = "dhcp.answered"

    message: str  # "DISCOVER", "REQUEST", "INFORM"
    answer: str  # "OFFER", "ACK"
    client: str  # what asks: "x86-64 UEFI PXE", "iPXE 1.21.1 on x86 BIOS"
    file: str  # the boot file or URL
    style: str  # how option 43 was used, the value of a `boot.memory.Style`
    port: int  # 67 or 4011
    interface: str = ""
    arch: str = ""  # the name of a `boot.arch.Architecture`
    server: str = ""  # whom the message is meant for (option 54)
    uuid: str = ""  # the machine's, where it says one of its own (option 97)


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpSilent(Event):
    """A packet got no answer; ``reason`` is the name of a `boot.silence.Reason`."""

    name: ClassVar[str] = "dhcp.silent"
    level: ClassVar[Level] = "debug"

    reason: str
    detail: str = ""
    port: int = 67
    message: str = ""
    client: str = ""  # these as in `DhcpAnswered`, of a client that netboots
    arch: str = ""
    server: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpStarted(Event):
    """A read request was accepted."""

    name: ClassVar[str] = "tftp.started"
    level: ClassVar[Level] = "debug"

    file: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpFinished(Event):
    """A transfer ended with its last block acknowledged."""

    name: ClassVar[str] = "tftp.finished"

    file: str
    size: int  # bytes delivered
    seconds: float
    blksize: int
    windowsize: int
    retransmits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpAborted(Event):
    """A transfer ended early; ``reason`` is the name of a `wire.transfer.Outcome`."""

    name: ClassVar[str] = "tftp.aborted"
    level: ClassVar[Level] = "warning"

    file: str
    reason: str
    sent: int = 0
    detail: str = ""
    size: int = 0  # of the file
    seconds: float = 0.0
    blksize: int = 0
    windowsize: int = 0
    retransmits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpProbed(Event):
    """The client asked for the size (RFC 2349 tsize) and stopped, as EDK2 and many ROMs do before the real read."""

    name: ClassVar[str] = "tftp.probed"
    level: ClassVar[Level] = "debug"

    file: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpRefused(Event):
    """A request was answered with ERROR: no such file, not allowed, malformed."""

    name: ClassVar[str] = "tftp.refused"
    level: ClassVar[Level] = "debug"

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptServed(Event):
    """A script was rendered and sent; ``payload`` says what it boots ("linux", "menu", "local" ...)."""

    name: ClassVar[str] = "script.served"

    script: str  # "ipxe.cfg", "machines/<mac>/ipxe.cfg", "machines/<mac>/grub.cfg"
    profile: str = ""
    payload: str = ""
    via: str = "http"
    files: tuple[str, ...] = ()  # what it has the machine fetch from here, in order, as `ArtifactServed` names it
    installs: bool = False  # its profile boots once, and this is that once


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFailed(Event):
    """A script could not be rendered; the machine was told so on its own screen."""

    name: ClassVar[str] = "script.failed"
    level: ClassVar[Level] = "error"

    script: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileValue(Event):
    """A value from the wire failed its grammar and was dropped ("serial", "product" ...)."""

    name: ClassVar[str] = "value.refused"
    level: ClassVar[Level] = "warning"

    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactServed(Event):
    """A file or range went out by HTTP, whole (``complete``) or until the client went away."""

    name: ClassVar[str] = "http.served"

    file: str
    status: int
    size: int  # bytes of the body that were owed
    sent: int
    seconds: float
    complete: bool
    offset: int = 0  # of the first byte in the file
    total: int = 0  # bytes of the file; 0: ``size`` is all of it
    detail: str = ""
    reason: str = ""  # the name of the `net.sendfile.Ending` of one that is not complete
    via: str = "http"  # or "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMoved(Event):
    """A file is on its way: at most once a second, and never of one that takes less."""

    name: ClassVar[str] = "transfer.moved"
    level: ClassVar[Level] = "debug"

    file: str
    via: str  # "tftp", "http", "https"
    sent: int  # bytes so far
    size: int  # bytes that will be
    seconds: float  # since it began


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbed(Event):
    """The client asked for the size by HEAD, as UEFI HTTP Boot does before the real read."""

    name: ClassVar[str] = "http.probed"
    level: ClassVar[Level] = "debug"

    file: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRefused(Event):
    """An HTTP request was answered with an error status."""

    name: ClassVar[str] = "http.refused"
    level: ClassVar[Level] = "debug"

    file: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFailed(Event):
    """Somebody could not speak TLS with us, or spoke it to the port of plain HTTP."""

    name: ClassVar[str] = "tls.failed"
    level: ClassVar[Level] = "warning"

    reason: str  # in words about the client: "does not trust who has signed the certificate"


class Change(StrEnum):
    """What became of a machine; the value is what logs, metrics and programs see."""

    ARMED = "armed"
    DISARMED = "disarmed"
    GIVEN = "given its payload"
    DOUBTED = "may have been given its payload"
    INSTALLED = "installed"
    FAILED = "failed"
    CREATED = "created"
    CHANGED = "changed"
    APPROVED = "approved"
    FORGOTTEN = "forgotten"
    ELSEWHERE = "changed elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineChanged(Event):
    """Where a machine stands changed, or what is on record of it."""

    name: ClassVar[str] = "machine.changed"

    change: Change
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTrouble(Event):
    """What is wrong with a machine's boot has become plain; told once, not again while it lasts."""

    name: ClassVar[str] = "machine.trouble"
    level: ClassVar[Level] = "warning"

    cause: str  # a name that stays the same, as in docs/diagnosis.md
    reason: str  # in words about the machine
    advice: str  # what to do, in lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHeard(Event):
    """Another server's OFFER or ACK was overheard; ``mac`` and ``ip`` are whom it was for and what that was given."""

    name: ClassVar[str] = "server.heard"
    level: ClassVar[Level] = "debug"

    server: str  # its address
    kind: str  # "dhcp", "proxy"
    file: str = ""  # the boot file it names
    next_server: str = ""
    pxe: bool = False  # it says that it is a boot server (option 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallerSaid(Event):
    """A line of a machine's own: by syslog, or with its call that it is done or failed."""

    name: ClassVar[str] = "installer.said"

    text: str
    severity: str = ""  # syslog's word for it
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonNotice(Event):
    """Something about the daemon itself: started, reloaded, a setting that is wrong."""

    name: ClassVar[str] = "daemon.notice"

    text: str
    severity: Level = "info"
