"""What is remembered of machines: the record of each, and what happened at each of its boots.

Plain values; times are seconds since the epoch, sizes bytes.  `fleet.records` keeps the records, `fleet.attempts` the
boots, and both say what they changed as one of the changes at the end, for a `Journal` to write behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from netbootd.boot.args import ArgSetting
from netbootd.boot.plan import LocalMethod
from netbootd.wire.mac import Mac

SEEN = "seen"
"""The origin of a record nobody made: the machine showed up."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody said that this machine is one of theirs."""

    by: str
    at: float


class Signal(Enum):
    """How the end of an installation was learned, the surest first."""

    TOLD = "the installer said so, with its token"
    PLAIN_DHCP = "its payload went out whole, then silence, then an ordinary system asked for an address"
    PXE_AGAIN = "its payload went out whole, then silence, then its firmware asked again"
    TIMEOUT = "its time was over"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one arming; ``generation`` is that of its `Entry`."""

    generation: int
    done: bool
    at: float
    signal: Signal
    detail: str = ""
    """The installer's own words, or the last stage seen."""


@dataclass(frozen=True, slots=True)
class Record:
    """One machine.  What it said of itself, what was seen of it, and what somebody set for it by the API."""

    id: str
    macs: tuple[Mac, ...] = ()
    """The card seen first is first."""
    uuid: UUID | None = None
    serial: str | None = None
    asset: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    arch: str | None = None
    """iPXE's ``${buildarch}``."""
    platform: str | None = None
    ipxe: str | None = None
    """The version of its iPXE."""
    addresses: tuple[str, ...] = ()
    """The latest first."""
    first_seen: float | None = None
    """None: made by the API, and not seen yet."""
    last_seen: float | None = None
    name: str | None = None
    profile: str | None = None
    args: tuple[ArgSetting, ...] = ()
    local: LocalMethod | None = None
    """How it is left to its own disk, over what its profile says."""
    soft_serial: str | None = None
    soft_serial_by: str | None = None
    """The profile whose range it was assigned from; None: somebody set it by the API."""
    approved: Approval | None = None
    ending: Ending | None = None
    """Of its last installation."""
    origin: str = SEEN
    """`SEEN`, or who made it by the API."""


class Reached(Enum):
    """What happens in a boot, about in that order."""

    FIRMWARE = "its firmware asked for a boot program"
    LOADER = "it fetched a boot program"
    IPXE = "its iPXE asked for an address"
    SCRIPT = "it fetched its script"
    FILE = "it fetched a file"
    PAYLOAD = "all of its payload went out"
    LOCAL = "it was left to its own disk"
    SYSTEM = "an ordinary system asked for an address"
    AGAIN = "its firmware asked anew"
    SAID = "its installer said something"
    END = "its installation ended"


@dataclass(frozen=True, slots=True)
class Asked:
    """A DHCP question, and what became of it."""

    message: str
    """``DISCOVER``, ``REQUEST`` or ``INFORM``."""
    port: int
    """67 or 4011."""
    client: str = ""
    """``x86-64 UEFI PXE``, ``iPXE 1.21.1 on x86 BIOS``; "" for an ordinary system."""
    arch: str = ""
    """The name of a `boot.arch.Architecture`."""
    server: str = ""
    """The server it is meant for (option 54): in a REQUEST on port 67, the DHCP server that it chose."""
    offered: str = ""
    """The boot file of our answer; "" for silence."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a file went out, all repetitions of a step together; an attempt to learn the size alone has sent nothing."""

    via: str
    """``tftp``, ``http`` or ``https``."""
    size: int = 0
    """Of the whole file; 0: not known."""
    sent: int = 0
    """At the latest try."""
    seconds: float = 0.0
    blksize: int = 0
    windowsize: int = 0
    retransmits: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened in a boot, or several that differ in nothing."""

    stage: Reached
    at: float
    """Of the first of them."""
    bytes: int = 0
    """Sent, all together."""
    detail: str = ""
    last: float = 0.0
    """Of the last of them."""
    times: int = 1
    trouble: bool = False
    """It went wrong: refused, aborted, given up."""
    file: str = ""
    """What was fetched, as events name it."""
    reason: str = ""
    """A name that stays the same for what went otherwise than well, never to be read as text: of a
    `boot.silence.Reason` or a `wire.transfer.Outcome`, ``http-404``, ``tftp-refused``, ``script-failed``, or the
    ``stalled``, ``gone``, ``short``, ``changed`` or ``unreadable`` of a `net.sendfile.Ending`; ``probed`` where only
    the size was asked for, which is no trouble."""
    asked: Asked | None = None
    transfer: Transfer | None = None


class Outcome(Enum):
    """What became of a boot."""

    RUNNING = "under way"
    PAYLOAD = "given its payload"
    LOCAL = "left to its own disk"
    INSTALLED = "installed"
    FAILED = "failed"
    ABANDONED = "came no further"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One boot, from the first packet to what became of it."""

    id: str
    record: str
    """The record's id."""
    mac: Mac
    """The card it began with."""
    started: float
    last: float
    outcome: Outcome = Outcome.RUNNING
    steps: tuple[Step, ...] = ()
    left_out: int = 0
    """Steps there was no room for."""
    profile: str = ""
    files: tuple[str, ...] = ()
    """What its latest script has it fetch from here, in that order, as `Step.file` will name it."""
    generation: int = 0
    """Of the arming that a script was handed out for; 0: for none."""
    shared: bool = False
    """Another machine got a script at the same address (NAT): whose a file is that went there is not known, unless its
    URL is one machine's alone."""

    @property
    def told_apart(self) -> bool:
        """Whether what it fetches is known to be its own; what installs comes by URLs of its own."""
        return bool(self.generation) or not self.shared


@dataclass(frozen=True, slots=True)
class PutRecord:
    """A record, new or changed, as a difference from ``base``, which was on disk; None: it was not."""

    record: Record
    base: Record | None = field(default=None, compare=False)
    firm: bool = field(default=False, compare=False)
    """Somebody waits for the answer: refused, and not merged, where it meets what somebody else set."""


@dataclass(frozen=True, slots=True)
class DropRecord:
    """There is no such record any more, nor its attempts; ``base`` and ``firm`` as in `PutRecord`."""

    id: str
    base: Record | None = field(default=None, compare=False)
    firm: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class PutAttempt:
    """A boot, new or changed; ``base`` was on disk."""

    attempt: Attempt
    base: Attempt | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DropAttempts:
    """Boots that are too old, or too many, to be kept."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prune:
    """Boots last heard of before this are on disk no longer, nor more than so many of the others."""

    before: float
    most: int


RecordChange = PutRecord | DropRecord | PutAttempt | DropAttempts
