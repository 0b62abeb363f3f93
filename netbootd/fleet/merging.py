"""Two daemons changed one record, or one boot: what is it now?

A record is put as a difference: from what was on disk when it was changed, to what it is to be.  What a machine said
and what was seen of it is merged field by field, and nothing of it is lost.  What a person set counts as it was set
first: who sets the same field anew on top of what they have not seen is refused, or, where nobody waits for an answer
any more, theirs is dropped and what is there is learned.  Of two endings of one installation the surer counts.

A boot is put together of the steps that either saw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from netbootd.fleet.identity import board
from netbootd.fleet.record import SEEN, Attempt, Ending, Outcome, Record, Signal, Step
from netbootd.fleet.sightings import ADDRESSES, CARDS

SET_BY_HAND = ("name", "profile", "args", "local", "soft_serial", "soft_serial_by")
"""Fields of a record that only a person sets, or who acts for one."""
_SAID = ("uuid", "serial", "asset", "manufacturer", "product", "arch", "platform", "ipxe")
_AT_ONCE = 2.0  # seconds between two that saw one packet
_SUREST_FIRST = tuple(Signal)
_RANKS = {Outcome.INSTALLED: 2, Outcome.FAILED: 2, Outcome.PAYLOAD: 1, Outcome.LOCAL: 1}


@dataclass(frozen=True, slots=True)
class Merge:
    """``clashes``: fields that both set by hand, each to something else; theirs are in the record."""

    record: Record
    clashes: tuple[str, ...] = ()


def merge(base: Record | None, ours: Record, theirs: Record) -> Merge:
    """What became of ``base``, here and elsewhere, together; None: either made the record anew."""
    if base == theirs:
        return Merge(ours)
    known = base or Record(ours.id)
    clashes = [
        name
        for name in SET_BY_HAND
        if _changed(name, known, ours) and _changed(name, known, theirs) and _changed(name, ours, theirs)
    ]
    chosen = {
        name: getattr(ours if _changed(name, known, ours) and name not in clashes else theirs, name)
        for name in (*_SAID, *SET_BY_HAND)
    }
    chosen["soft_serial_by"] = (ours if chosen["soft_serial"] == ours.soft_serial else theirs).soft_serial_by
    if board(replace(theirs, **chosen)) not in (board(ours), board(theirs)):  # of two boards no third is made
        chosen |= {"uuid": theirs.uuid, "serial": theirs.serial}
    merged = replace(
        theirs,
        **chosen,
        macs=_both(theirs.macs, ours.macs)[:CARDS],
        addresses=_addresses(known, ours, theirs),
        first_seen=min((at for at in (ours.first_seen, theirs.first_seen) if at is not None), default=None),
        last_seen=max((at for at in (ours.last_seen, theirs.last_seen) if at is not None), default=None),
        approved=theirs.approved or ours.approved,
        ending=_ending(ours.ending, theirs.ending),
        origin=ours.origin if theirs.origin == SEEN else theirs.origin,
    )
    return Merge(merged, tuple(clashes))


def set_otherwise(one: Record, other: Record) -> tuple[str, ...]:
    """What a person set in one of them that is not so in the other."""
    return tuple(name for name in (*SET_BY_HAND, "approved", "origin") if _changed(name, one, other))


def united(one: Attempt, other: Attempt) -> Attempt:
    """What either saw of one boot; the second says whose it is."""
    later, earlier = (one, other) if one.last > other.last else (other, one)
    best = max(one, other, key=lambda each: (_RANKS.get(each.outcome, 0), each is later))
    return replace(
        later,
        id=other.id,
        record=other.record or one.record,
        mac=earlier.mac if earlier.started < later.started else later.mac,
        started=min(one.started, other.started),
        outcome=best.outcome,
        steps=_steps(one.steps, other.steps),
        left_out=max(one.left_out, other.left_out),
        profile=later.profile or earlier.profile,
        files=later.files or earlier.files,
        generation=max(one.generation, other.generation),
        shared=one.shared or other.shared,
    )


def _steps(one: tuple[Step, ...], other: tuple[Step, ...]) -> tuple[Step, ...]:
    """In the order they happened; of one that both saw, what saw more of it."""
    both: list[Step] = []
    for step in sorted((*one, *other), key=lambda step: step.at):
        place = next((n for n in reversed(range(len(both))) if _same(both[n], step)), None)
        if place is None:
            both.append(step)
        elif (both[place].times, both[place].last) < (step.times, step.last):
            both[place] = replace(step, at=both[place].at)
    return tuple(both)


def _same(one: Step, other: Step) -> bool:
    said = [(step.stage, step.detail, step.trouble, step.file, step.reason) for step in (one, other)]
    return said[0] == said[1] and other.at - one.at <= _AT_ONCE


def _changed(name: str, before: Record, after: Record) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _both(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _addresses(base: Record, ours: Record, theirs: Record) -> tuple[str, ...]:
    """The latest first, as far as times tell."""
    ahead = (
        ours if (ours.last_seen or 0.0) >= (theirs.last_seen or 0.0) and ours.addresses != base.addresses else theirs
    )
    behind = theirs if ahead is ours else ours
    return _both(ahead.addresses, behind.addresses)[:ADDRESSES]


def _ending(ours: Ending | None, theirs: Ending | None) -> Ending | None:
    if ours is None or theirs is None:
        return ours or theirs
    return min(theirs, ours, key=lambda ending: (-ending.generation, _SUREST_FIRST.index(ending.signal)))
