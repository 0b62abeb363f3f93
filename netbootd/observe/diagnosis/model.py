"""The values of a diagnosis: what is known of a boot, and what that says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from netbootd.fleet.lifecycle import Standing
from netbootd.fleet.record import Attempt, Ending
from netbootd.observe.plain import Plain
from netbootd.observe.running import Moving
from netbootd.observe.servers import Server


class Cause(Enum):
    """Why a boot stopped.  The names stay as they are: programs and dashboards know them."""

    # fleet
    SHARED_IDENTITY = "two machines with one identity"
    REINSTALL_LOOP = "it is installed again and again"
    LOCAL_LOOP = "its own disk sends it back"
    BOOT_LOOP = "it starts over and over"
    # refused
    NO_PXE = "it does not boot from the network"
    NO_ARCHITECTURE = "no boot program exists for it"
    NO_BINARY = "the boot program for it is not installed"
    TFTP_OFF = "it needs TFTP, which is off"
    SIGNED_BOOT = "it asks for a signed boot image"
    # others
    ASKS_ANOTHER = "it asks another boot server"
    DHCP_SAYS_PXE = "the DHCP server calls itself a boot server"
    OTHER_PROXY = "another boot server answers"
    OTHER_BOOT_FILE = "the DHCP server names its own boot file"
    OTHER_TFTP = "it goes to another TFTP server"
    # offers
    TFTP_NEVER_ASKED = "its TFTP request never comes"
    HTTP_BOOT_NEVER_ASKED = "its HTTP Boot request never comes"
    ANSWERS_LOST = "answers do not reach it"
    NO_ADDRESS = "it gets no address"
    OFFER_IGNORED = "it ignores the offer"
    # loader
    LOADER_MISSING = "its boot program is not there"
    TFTP_NO_ANSWER = "TFTP's answers do not reach it"
    TFTP_MTU = "TFTP's blocks are too large for the way"
    TFTP_STOPPED = "TFTP stops midway"
    PROBED_ONLY = "it asks for the size, and never for the file"
    LOADER_NOT_STARTED = "its boot program does not start"
    # ipxe
    IPXE_NO_PROTOCOL = "its iPXE has neither HTTP nor TFTP"
    IPXE_NO_ADDRESS = "its iPXE gets no address"
    IPXE_LOOP = "its iPXE loads iPXE again"
    HTTP_NEVER_ASKED = "its iPXE never asks for its script"
    # script
    NO_TLS = "it cannot speak TLS with us"
    SCRIPT_FAILED = "its script cannot be written"
    OWN_SCRIPT_NEVER_ASKED = "it stops in the first script"
    KERNEL_NEVER_ASKED = "its script stops before the first file"
    # payload
    FILE_MISSING = "a file is missing"
    FILE_CHANGED = "a file changed under it"
    FILE_STALLED = "a download stopped"
    STOPPED_BETWEEN = "it stops between two files"
    SLOW_LINK = "the way to it is slow"
    INSTALLER_FAILED = "its installer says that it failed"
    NOT_STARTED = "its payload is not started"
    CRASHED = "its system starts and falls"
    SILENT = "its payload went out, then silence"
    TIME_OVER = "its installation takes too long"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One cause that the evidence is there for."""

    cause: Cause
    sentence: str
    """What happens, about the machine."""
    advice: str
    """What to do, with values to paste; lines."""
    evidence: tuple[str, ...]
    at: float
    """When it could be seen; seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one boot, at ``now`` (seconds since the epoch)."""

    attempt: Attempt
    now: float
    standing: Standing | None = None
    ending: Ending | None = None
    earlier: tuple[Attempt, ...] = ()
    """Boots of the same machine before this one, the latest first."""
    rivals: tuple[str, ...] = ()
    """What others claim of its identity, as sentences."""
    servers: tuple[Server, ...] = ()
    """Other servers that were overheard, those that spoke to this machine first."""
    own: tuple[str, ...] = ()
    """Our addresses, the one it comes back to first; behind them those of daemons that have the same fleet."""
    base_url: str = ""
    """How it reaches us by HTTP."""
    programs: tuple[str, ...] = ()
    """The boot programs there are, by name."""
    moving: Moving | None = None
    """A file on its way, ``at`` in seconds since the epoch."""
    plain: Plain | None = None
    """It asked for an address as an ordinary system does."""
    speaks: bool = False
    """Its arguments have its system use the network, so that it is heard of again."""
    powers_off: bool = False
    """Its installer says nothing at its end."""
    installs: bool = False
    """What it boots is an installer, as its payload and its arguments tell."""

    @property
    def server(self) -> str:
        """Our address, as advice names it."""
        return self.own[0] if self.own else "ADDRESS-OF-NETBOOTD"


@dataclass(frozen=True, slots=True)
class Told:
    """What a cause's evidence function found."""

    sentence: str
    advice: str
    evidence: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ``looks`` and ``do`` say for people what ``find`` does for one boot."""

    cause: Cause
    looks: str
    do: str
    find: Callable[[Case], Told | None]
