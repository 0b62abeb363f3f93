"""What to boot, before it is text: plain values that a payload makes and a template writes down."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from netbootd.boot.args import Arg, command_line
from netbootd.wire.segments import Segments


class LocalMethod(Enum):
    """How a machine is left to its own disk."""

    SILENT = "silent"
    """No DHCP answer at all: firmware goes on to its next boot device.  A script falls back to AUTO."""
    AUTO = "auto"
    """``sanboot`` of the first disk on BIOS, ``exit 1`` on UEFI."""
    EXIT = "exit"
    EXIT_1 = "exit 1"
    """EDK2 goes on to the next boot entry only after a failure; after a success it opens its set-up menu."""
    SANBOOT = "sanboot"
    CHAIN = "chain"
    """Start the boot loader on the EFI system partition."""
    POWEROFF = "poweroff"


@dataclass(frozen=True, slots=True)
class Image:
    """One file iPXE loads, under the name that ``initrd=`` calls it by."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class ByIpxe:
    """An argument whose value only the machine's iPXE knows; ``setting`` is the name of a setting there.

    Both are ours, never a user's: the template writes ``${...}`` around the name.
    """

    key: str
    setting: str
    whole: bool = False
    """The setting holds the argument itself, key and all."""

    @property
    def prefix(self) -> str:
        """What stands before the setting."""
        return "" if self.whole else f"{self.key}="


@dataclass(frozen=True, slots=True)
class Variant:
    """Arguments that depend on the board, decided by iPXE itself when the server does not know the board yet."""

    manufacturer: str
    args: tuple[Arg, ...]

    @property
    def line(self) -> str:
        """Its arguments as one line."""
        return command_line(self.args)


DONE = "done"
FAILED = "failed"
"""What an installer asks for, beside its documents, to say how it went."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file made for one machine, which gets it under a URL that nobody can guess (`Order.document_url`).

    The source of an `Extent` in it is a path under ``artifacts``.
    """

    name: str
    content: Segments = field(repr=False)

    def __post_init__(self) -> None:
        if self.name in (DONE, FAILED):
            raise AssertionError(f"a document cannot be called {self.name}: an installer calls there")


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """A Linux kernel with its initrds in order and its arguments."""

    kernel: Image
    initrds: tuple[Image, ...]
    args: tuple[Arg, ...]
    fallback: tuple[Arg, ...] = ()
    """Arguments of a board that no variant names; only with ``variants``."""
    variants: tuple[Variant, ...] = ()
    documents: tuple[Document, ...] = ()
    """What is made for this machine of what it fetches."""
    by_ipxe: tuple[ByIpxe, ...] = ()
    """Arguments behind ``args``; no other loader than iPXE knows them."""

    @property
    def line(self) -> str:
        """The arguments as one line, without ``initrd=``."""
        return command_line(self.args)

    @property
    def length(self) -> int:
        """Characters of the longest command line the kernel may get, with ``initrd=`` and a variant's arguments."""
        board = max((len(command_line(args)) for args in (self.fallback, *(v.args for v in self.variants))), default=0)
        named = sum(len(f" initrd={image.name}") for image in self.initrds)
        return len(self.line) + (board + 1 if board else 0) + named

    @property
    def fallback_line(self) -> str:
        """The fallback's arguments as one line."""
        return command_line(self.fallback)


@dataclass(frozen=True, slots=True)
class GrubPlan:
    """A GRUB that iPXE starts, and the menu in a disk image that it boots by, with something added to it.

    What GRUB fetches it fetches from ``address``, for it has no TLS and seldom a name server.
    """

    address: str
    server: str
    """``http://192.0.2.1:8080``: how GRUB reaches this server, without a trailing slash."""
    program: str
    """Its URL."""
    image: str
    """The disk image's URL."""
    include: str
    """The URL of what is added to the menu, a `Document`."""
    last: str
    """The URL of the last file that GRUB fetches."""
    args: tuple[Arg, ...]
    """All that the kernel gets but for its root."""
    documents: tuple[Document, ...] = ()

    @property
    def device(self) -> str:
        """The server in GRUB's words: ``http,192.0.2.1:8080``; ports since 2.12."""
        return self.server.replace("://", ",", 1)

    @property
    def line(self) -> str:
        """The arguments as one line."""
        return command_line(self.args)

    @property
    def length(self) -> int:
        """Characters of the arguments."""
        return len(self.line)


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """Another script or program by URL."""

    url: str


@dataclass(frozen=True, slots=True)
class TemplatePlan:
    """A user's own template, with this machine's arguments at hand."""

    template: str
    args: tuple[Arg, ...]

    @property
    def line(self) -> str:
        """The arguments as one line."""
        return command_line(self.args)


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """The machine's own disk, and why."""

    method: LocalMethod
    why: str
    withheld: tuple[Arg, ...] = ()
    """For a machine that waits to be armed: the arguments it will get then, shown as a comment."""
    how: str = ""
    """For such a machine: the command that arms it."""
    look: str = ""
    """And the one that shows its script as it will be then."""

    @property
    def withheld_line(self) -> str:
        """The withheld arguments as one line."""
        return command_line(self.withheld)


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the menu."""

    key: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class MenuPlan:
    """The menu of a machine nobody has named: it times out to the local disk."""

    entries: tuple[MenuEntry, ...]
    timeout: int
    """Seconds."""
    leave: str
    """The script that leaves the machine to its own disk, so that the server knows it did."""


Plan = KernelPlan | GrubPlan | ChainPlan | TemplatePlan | LocalPlan | MenuPlan
