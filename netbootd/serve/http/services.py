"""What the boot site needs from the rest of netbootd, and the values that pass between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from netbootd.artifacts.tree import Tree
from netbootd.observe.events import Event

ScriptKind = Literal["entry", "machine", "grub"]
"""``/ipxe.cfg`` (and ``autoexec.ipxe``), ``/machines/{mac}/ipxe.cfg``, ``/machines/{mac}/grub.cfg``."""


@dataclass(frozen=True, slots=True)
class ScriptRequest:
    """A request for a script; every text is as hostile as the network.

    ``mac`` is the raw text of the path; ``query`` the decoded pairs in order, a ``+`` being a plus, since iPXE writes
    a space as ``%20``; ``local`` the address and port the request arrived at; ``host`` the Host header, which GRUB
    sends without a port even when one is used.
    """

    kind: ScriptKind
    mac: str | None
    query: tuple[tuple[str, str], ...]
    client_ip: str
    local: tuple[str, int]
    host: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class ScriptReply:
    """``body`` is never empty: iPXE drops a zero-length autoexec.ipxe without a word."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    recorded: Awaitable[bool] | None = None
    """For a script that installs: sent when this turns out True, asked for anew when not."""

    def __post_init__(self) -> None:
        if not self.body:
            raise AssertionError("an empty script")


class BootServices(Protocol):
    """Read at every request, so that a reload can swap what is behind it."""

    @property
    def emit(self) -> Callable[[Event], None]: ...

    @property
    def stall_seconds(self) -> float:
        """How long a client may take nothing before it is dropped."""
        ...

    def script(self, request: ScriptRequest) -> ScriptReply:
        """From memory; never waits."""
        ...

    def firmware(self, name: str) -> bytes | None:
        """An iPXE binary by its file name, from memory."""
        ...

    def artifacts(self) -> Tree:
        """The tree served now."""
        ...

    async def admit(self, ip: str, file: str) -> bool:
        """Whether a file may be sent now; waits only for the record of an installation that it completes."""
        ...
