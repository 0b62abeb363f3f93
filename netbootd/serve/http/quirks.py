"""What single HTTP clients need beyond the RFCs: one named entry each, with the evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpQuirk:
    """``agent`` is the beginning of the User-Agent it applies to."""

    name: str
    agent: str
    evidence: str
    bare_errors: bool = False
    """Errors without a body, their Content-Length not being the first header."""
    stall_seconds: float = 0.0
    """The least time it may take nothing before it is dropped."""
    holds: bool = False
    """It leaves what was sent in our socket's buffer for long, so that is not over before it is taken."""
    same_ports: bool = False
    """It numbers its connections alike after every start, see `leftovers`."""


NONE = HttpQuirk("none", "", "")

QUIRKS = (
    HttpQuirk(
        name="grub",
        agent="GRUB ",
        evidence=(
            "GRUB 2.12 http.c takes 404, and any other error, as success once the headers have ended, and eats the "
            "first of them: without the Content-Length it waits 33 s and asks again with 'Range: bytes=0-', for ever; "
            "a body would be read as the file.  It holds the connections of a loop-mounted ISO open at window 0 while "
            "it reads elsewhere or shows a menu: a limit of 5 s cut a boot that was well (seen in QEMU).  Were such a "
            "connection closed for being idle, the end of the file, still in our buffer, would go with it: Linux "
            "gives up on a shut window that belongs to nobody any more (tcp_orphan_retries).  Its connections have "
            "the ports 21550, 21551 ... after every start (net/tcp.c): a machine that lost power and boots again "
            "meets its own old ones, the server answers its SYN with a challenge ACK and GRUB waits until the boot "
            "fails (two power-cut runs and a capture)."
        ),
        bare_errors=True,
        stall_seconds=3600.0,
        holds=True,
        same_ports=True,
    ),
)


def quirk_for(user_agent: str) -> HttpQuirk:
    """The entry for a client, `NONE` for most."""
    return next((quirk for quirk in QUIRKS if user_agent.startswith(quirk.agent)), NONE)
