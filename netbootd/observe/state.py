"""What is said of the state: that it is new, that it cannot be written, and that it can be again."""

from __future__ import annotations

from netbootd.boot.model import Boots
from netbootd.fleet.snapshot import Snapshot
from netbootd.fleet.store import Trouble
from netbootd.observe.events import DaemonNotice


def state_notice(trouble: Trouble) -> DaemonNotice:
    """The store's trouble as an event."""
    if not trouble.reason:
        text = f"state {trouble.state} can be written again"
        return DaemonNotice(text=text)
    cure = "put that right" + ("" if not trouble.final else ", or name another file, and start netbootd again")
    text = (
        f"state {trouble.state} cannot be {'written' if trouble.opened else 'used'}: {trouble.reason}; "
        f"until then no profile that boots once is handed out: {cure}"
    )
    return DaemonNotice(text=text, severity="error")


def new_state_notice(state: str, fleet: Snapshot) -> DaemonNotice | None:
    """Nobody is armed by a state that is new, or was lost; but profiles that arm by themselves take every machine for
    one that was never installed."""
    names = [profile.name for profile in fleet.profiles.values() if profile.auto and profile.boots is Boots.ONCE]
    if not names:
        return None
    text = f"state {state} is new: machines of {', '.join(names)} install at their next boot (auto: true)"
    return DaemonNotice(text=text, severity="warning")
