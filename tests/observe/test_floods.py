"""What repeats is said once and counted, and whatever happens the log stays bounded."""

from __future__ import annotations

import dataclasses

from netbootd.observe.events import (
    Change,
    DaemonNotice,
    DhcpSilent,
    Event,
    HostileValue,
    MachineChanged,
    ScriptServed,
    TftpAborted,
)
from netbootd.observe.floods import BURST, WINDOW, Counted, FloodGuard

BOGUS = HostileValue(mac="52:54:00:00:00:01", field="serial", reason="NOT_PRINTABLE")


def test_the_first_is_said_at_once_and_its_likes_are_counted_until_the_window_ends() -> None:
    guard = FloodGuard()
    assert [guard.admit(BOGUS, now) for now in (0.0, 1.0, 4.9)] == [True, False, False]
    assert guard.counting
    assert guard.due(WINDOW - 0.1) == []
    assert guard.due(WINDOW) == [Counted(BOGUS, 2)]
    assert not guard.counting
    assert guard.admit(BOGUS, WINDOW)


def test_what_did_not_repeat_leaves_no_trace() -> None:
    guard = FloodGuard()
    guard.admit(BOGUS, 0.0)
    assert guard.due(WINDOW) == []


def test_windows_end_one_by_one_in_the_order_they_began() -> None:
    guard, other = FloodGuard(), dataclasses.replace(BOGUS, mac="52:54:00:00:00:02")
    for now, event in ((0.0, BOGUS), (1.0, other), (2.0, other), (2.0, BOGUS)):
        guard.admit(event, now)
    assert guard.due(WINDOW) == [Counted(BOGUS, 1)]
    assert guard.due(WINDOW + 1) == [Counted(other, 1)]


def test_another_machine_name_or_reason_is_another_matter() -> None:
    guard = FloodGuard()
    different: list[Event] = [
        BOGUS,
        dataclasses.replace(BOGUS, mac="52:54:00:00:00:02"),
        dataclasses.replace(BOGUS, mac="", ip="192.0.2.7"),
        dataclasses.replace(BOGUS, field="asset"),
        dataclasses.replace(BOGUS, reason="TOO_LONG"),
        ScriptServed(mac=BOGUS.mac, script="ipxe.cfg"),
        ScriptServed(mac=BOGUS.mac, script="ipxe.cfg", payload="menu"),
    ]
    assert all(guard.admit(event, 0.0) for event in different)


def test_a_detail_that_varies_does_not_make_a_reason_new() -> None:
    """A peer that makes up a new detail for each packet still repeats itself; the latest is what is told."""
    guard = FloodGuard()
    silent = [DhcpSilent(mac="02:00:00:00:00:01", reason="MALFORMED", detail=f"option {n}") for n in range(3)]
    assert [guard.admit(event, 0.0) for event in silent] == [True, False, False]
    assert guard.due(WINDOW) == [Counted(silent[2], 2)]
    aborted = [TftpAborted(file=f"{n}", reason="TIMED_OUT") for n in range(2)]
    assert [guard.admit(event, 6.0) for event in aborted] == [True, False]


def test_where_a_machine_stands_is_told_in_the_order_it_came_to_be() -> None:
    """A second arming that was counted came out seconds late: behind the failure that it led to."""
    guard = FloodGuard()
    lives = [
        MachineChanged(mac=BOGUS.mac, change=change)
        for change in (Change.ARMED, Change.FAILED, Change.ARMED, Change.FAILED)
    ]
    assert [guard.admit(event, 0.0) for event in lives] == [True] * 4
    assert guard.due(WINDOW) == []
    assert sum(guard.admit(lives[0], 1.0) for _ in range(2 * BURST)) == BURST - 4


def test_a_flood_that_never_repeats_itself_is_cut_and_the_cut_is_said() -> None:
    """Forged addresses, each new: the lines and the memory they take are bounded all the same."""
    guard = FloodGuard()
    said = sum(guard.admit(ScriptServed(mac=f"{n}", script="ipxe.cfg"), 0.0) for n in range(BURST + 300))
    assert said == BURST
    assert guard.due(WINDOW) == [
        Counted(DaemonNotice(text="too much at once: 300 more lines were left out", severity="warning"), 0)
    ]
    assert guard.admit(ScriptServed(mac="later", script="ipxe.cfg"), WINDOW)
