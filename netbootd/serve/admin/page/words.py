"""How the page says times, sizes and stages."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from netbootd.fleet.record import Outcome, Reached
from netbootd.observe.sentences import seconds_text, size_text
from netbootd.serve.admin.overview import Rank

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))

STAGES = {
    Reached.FIRMWARE: "firmware asks",
    Reached.LOADER: "boot program",
    Reached.IPXE: "iPXE asks",
    Reached.SCRIPT: "script",
    Reached.FILE: "file",
    Reached.PAYLOAD: "all files are out",
    Reached.LOCAL: "its own disk",
    Reached.SYSTEM: "a system asks for an address",
    Reached.AGAIN: "firmware asks anew",
    Reached.SAID: "its installer says",
    Reached.END: "the end",
}
"""Short, for a row; `Reached` itself says it in full."""

OUTCOMES = {
    Outcome.RUNNING: "under way",
    Outcome.PAYLOAD: "got all its files",
    Outcome.LOCAL: "left to its own disk",
    Outcome.INSTALLED: "installed",
    Outcome.FAILED: "failed",
    Outcome.ABANDONED: "came no further",
}

RANKS = {
    Rank.TROUBLE: "Trouble",
    Rank.BOOTING: "Booting now",
    Rank.STRANGER: "Nobody approved these yet",
    Rank.ARMED: "Armed, waiting for their boot",
    Rank.REST: "All others",
}

ORIGINS = {"file": "file", "api": "set by", "seen": "it says so"}
"""Who says so, by `shapes.Origin.origin`; where, stands behind it."""


def ago(at: float, now: float) -> str:
    """How long ago that was: "12 s ago", "3 h ago", and what is to come: "in 5 min"."""
    seconds = now - at
    text = lasting(abs(seconds))
    if abs(seconds) < 1.0:
        return "now"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def lasting(seconds: float) -> str:
    """Roughly, in the one unit that fits: "12 s", "3 h", "5 d"."""
    for scale, unit in _UNITS:
        if seconds >= scale:
            return f"{seconds / scale:.0f} {unit}"
    return f"{seconds:.0f} s"


def span(seconds: float) -> str:
    """A measured time: "40 ms", "2.3 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 3600:
        return seconds_text(seconds)
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min"


def mark(seconds: float) -> str:
    """A time on an axis: as `span`, without noughts that say nothing."""
    if 60 <= seconds < 3600 and seconds % 60 == 0:
        return f"{seconds / 60:.0f} min"
    return span(seconds).replace(".0 s", " s").removesuffix(" 0 min")


def rate(size: int, seconds: float) -> str:
    """Bytes in a time; "" where that says nothing."""
    return f"{size_text(round(size / seconds))}/s" if size and seconds > 0 else ""


def sentence(text: str) -> str:
    """What is said about a machine, as a sentence by itself."""
    return f"{text[:1].upper()}{text[1:]}"


def marked(text: str) -> Markup:
    """What stands between backticks is something to type."""
    parts = sentence(text).split("`")
    kinds = (Markup("<code>{}</code>") if place % 2 else Markup("{}") for place in range(len(parts)))
    return Markup("").join(kind.format(part) for kind, part in zip(kinds, parts, strict=True))


def iso(at: float) -> str:
    """For programs, and whoever points at it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def when(at: float | None, now: float) -> Markup:
    """How long ago, with the very time behind it."""
    if at is None:
        return Markup("never")
    text = Markup('<time datetime="{0}" title="{0}" data-at="{1}">{2}</time>')
    return text.format(iso(at), f"{at:.0f}", ago(at, now))


def clock(at: float) -> Markup:
    """The very time, to the second, in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    text = Markup('<time datetime="{0}" title="{0}">{1}</time>')
    return text.format(iso(at), moment.strftime("%H:%M:%S"))
