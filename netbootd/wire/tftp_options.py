"""What a read is done with: the options asked, held against our limits (RFC 2347, 2348, 2349, 7440)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from netbootd.wire.tftp import ReadRequest

_WINDOW_BYTES = 256 << 10  # more than a client's receive buffer takes at once, and what one transfer keeps in memory


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a client is followed."""

    max_blksize: int = 1468
    """At most the path's MTU - 32: 20 bytes of IP header, 8 of UDP, 4 of TFTP; more, and every block is fragmented."""

    max_windowsize: int = 64
    """Blocks in flight."""

    timeout: float = 1.0
    """Seconds before the first retransmission.  Raspberry Pi's start4.elf is confused by earlier duplicates."""

    retries: int = 6
    """Retransmissions without progress before the client is given up."""

    rollover: Literal[0, 1] = 0
    """The block number after 65535.  iPXE, GRUB and U-Boot want 0."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transfer runs with; ``accepted`` is what the OACK holds, empty when there is nothing to say."""

    blksize: int = 512
    windowsize: int = 1
    timeout: float = 1.0
    accepted: tuple[tuple[str, str], ...] = ()

    @property
    def told_size(self) -> bool:
        """Whether the client learns the file's size."""
        return any(name.lower() == "tsize" for name, _ in self.accepted)


def agree(request: ReadRequest, size: int, limits: Limits) -> Terms:
    """The terms for a read of ``size`` bytes.

    RFC 2347: "Options which the server does not support should be omitted from the OACK; they should not cause an
    ERROR packet to be generated", and no option that was not asked is ever answered.
    """
    blksize = _blksize(request.option("blksize"), limits)
    windowsize = _windowsize(request.option("windowsize"), blksize or 512, limits)
    timeout = _number(request.option("timeout"), 1, 255)
    answers = {
        "blksize": blksize,
        "windowsize": windowsize,
        # RFC 2349: "The specified timeout value must match the value specified by the client."
        "timeout": timeout,
        # RFC 2349: 'a size of "0" is specified in the request and the size of the file, in octets, is returned'
        "tsize": size if request.option("tsize") is not None else None,
    }
    return Terms(
        blksize=blksize or 512,
        windowsize=windowsize or 1,
        timeout=float(timeout or limits.timeout),
        accepted=_accepted(request, answers),
    )


def _accepted(request: ReadRequest, answers: dict[str, int | None]) -> tuple[tuple[str, str], ...]:
    """RFC 2347: the option acknowledgment is "copied from the original request": the client's order and spelling."""
    found = ((name, answers.get(name.lower())) for name, _ in request.options)
    return tuple((name, str(value)) for name, value in found if value is not None)


def _blksize(asked: str | None, limits: Limits) -> int | None:
    """RFC 2348: "The specified value must be less than or equal to the value specified by the client."

    Its range is 8 to 65464; more than that is lowered like any other wish, less cannot be met.
    """
    number = _number(asked, 8, 65535)
    return min(number, limits.max_blksize) if number else None


def _windowsize(asked: str | None, blksize: int, limits: Limits) -> int | None:
    """RFC 7440 section 3: 1 to 65535 blocks, and the answer is at most what was asked."""
    number = _number(asked, 1, 65535)
    return min(number, limits.max_windowsize, max(1, _WINDOW_BYTES // blksize)) if number else None


def _number(text: str | None, low: int, high: int) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    number = int(text)
    return number if low <= number <= high else None
