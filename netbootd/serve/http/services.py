"""What the boot site needs from the rest of netbootd, and the values that pass between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from netbootd.artifacts.tree import Tree
from netbootd.boot.model import Machine
from netbootd.chain.scripts import Loader
from netbootd.observe.events import Event
from netbootd.serve.http.forwarded import Network
from netbootd.serve.tokens import Granted
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class ScriptRequest:
    """A request for a script: a machine's own, or with ``mac`` None the one for any iPXE.

    ``query`` holds the decoded pairs in order, as hostile as the network, a ``+`` being a plus, since iPXE writes a
    space as ``%20``; ``local`` is the address and port the request arrived at, and ``base_url`` how the client calls
    this site, if a trusted proxy told.  ``head``: only what the answer would be is asked, and nobody gets it.
    """

    mac: Mac | None
    query: tuple[tuple[str, str], ...]
    client_ip: str
    local: tuple[str, int]
    loader: Loader = Loader.IPXE
    base_url: str | None = None
    head: bool = False
    machine: Machine | None = None
    """The one whose secret stood in the URL."""
    via: str = "http"


@dataclass(frozen=True, slots=True)
class ScriptReply:
    """``body`` is never empty: iPXE drops a zero-length autoexec.ipxe without a word."""

    body: bytes
    recorded: Awaitable[bool] | None = None
    """For a script that installs: sent when this turns out True, asked for anew when not."""

    def __post_init__(self) -> None:
        if not self.body:
            raise AssertionError("an empty script")


RECORDINGS = 3
"""A script whose record failed is rendered anew, and then installs nothing."""


async def recorded(script: Callable[[ScriptRequest], ScriptReply], asked: ScriptRequest) -> ScriptReply | None:
    """The script, once it may be sent; None if what it does could not be recorded."""
    for _ in range(RECORDINGS):
        reply = script(asked)
        if reply.recorded is None or await reply.recorded:
            return reply
    return None


class Heard(Enum):
    """What became of an installer's call."""

    TAKEN = "recorded"
    REFUSED = "there is no such installation, or it has said otherwise before"
    NOT_WRITTEN = "it could not be recorded"


class NotNow(Exception):
    """What is asked for cannot be found out at this moment."""


class NodeServices(Protocol):
    """What is for whoever has a token, see `serve.node`.  Each raises `NotNow`."""

    async def document(self, token: str, name: str, ip: str) -> Granted | None:
        """What was made for one machine, if this token opens it to this address."""
        ...

    async def holder(self, token: str, ip: str) -> Mac | None:
        """The machine that this token was made for, while it lasts."""
        ...

    async def calls(self, token: str, ip: str) -> bool:
        """Whether the installer with this token may still say how it went."""
        ...

    async def call(self, token: str, done: bool, message: str) -> Heard:
        """The installer with this token says how it went; waits until that is on disk."""
        ...


class BootServices(Protocol):
    """Read at every request, so that a reload can swap what is behind it."""

    @property
    def emit(self) -> Callable[[Event], None]: ...

    @property
    def stall_seconds(self) -> float:
        """How long a client may take nothing before it is dropped."""
        ...

    @property
    def trusted_proxies(self) -> tuple[Network, ...]:
        """Whose word on the client counts, see `forwarded`."""
        ...

    def script(self, request: ScriptRequest) -> ScriptReply:
        """From memory; never waits."""
        ...

    def by_secret(self, secret: str) -> Machine | None:
        """The machine that is known by a URL of its own."""
        ...

    def grub(self, ip: str, path: str) -> Mac | None:
        """Whose configuration a GRUB at this address asks for by a path; None where that is no name of GRUB's for it,
        or nobody is known to be there."""
        ...

    def firmware(self, name: str) -> bytes | None:
        """An iPXE binary by its file name, from memory."""
        ...

    def artifacts(self) -> Tree:
        """The tree served now."""
        ...

    def stock(self, ip: str, name: str) -> str | None:
        """What this client means by a name at the root, as a path under ``artifacts``, see `serve.stock`."""
        ...

    @property
    def node(self) -> NodeServices: ...

    async def admit(self, ip: str, file: str, mac: Mac | None = None) -> bool:
        """Whether a file may be sent now; waits only for the record of an installation that it completes.

        ``mac`` is the machine that it was made for, if it was for one alone.
        """
        ...
