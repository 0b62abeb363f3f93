"""The boots of a machine, told from what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.fleet.attempts import ON_ITS_WAY, QUIET, Attempts, Limits, last_step
from netbootd.fleet.happening import FOLD, Happening
from netbootd.fleet.record import Attempt, DropAttempts, Outcome, PutAttempt, Reached, RecordChange, Step
from netbootd.wire.mac import Mac

A, B, C = (Mac.parse(f"52:54:00:00:00:0{n}") for n in (1, 2, 3))
IP = "192.0.2.7"
BOOT = (Reached.FIRMWARE, Reached.LOADER, Reached.IPXE, Reached.SCRIPT, Reached.FILE)


def book(
    *known: Attempt, owner: Callable[[Mac], str] = lambda mac: "node" if mac in (A, B) else "", **more: Any
) -> Attempts:
    """The machine "node" has two cards."""
    numbers = count(1)
    return Attempts(known, new_id=lambda: f"boot-{next(numbers)}", owner=owner, **more)


def boots(attempts: Attempts, *stages: Reached, at: float = 0.0, mac: Mac = A) -> float:
    """These, a second apart; returns when the next would be."""
    for stage in stages:
        attempts.happened(Happening(stage, at, mac, IP, 100 if stage is Reached.FILE else 0))
        at += 1
    return at


def stages(attempt: Attempt) -> list[Reached]:
    return [step.stage for step in attempt.steps]


def now(attempts: Attempts, machine: str = "node") -> Attempt:
    attempt = attempts.current(machine)
    assert attempt is not None
    return attempt


def test_a_boot_is_its_stages_with_times_and_bytes() -> None:
    attempts = book()
    attempts.happened(Happening(Reached.FIRMWARE, 10.0, A, detail="x86-64 UEFI PXE"))
    attempts.happened(Happening(Reached.LOADER, 11.5, A, IP, 1_000_000, "snponly.efi"))
    assert now(attempts) == Attempt(
        "boot-1",
        "node",
        A,
        10.0,
        11.5,
        steps=(
            Step(Reached.FIRMWARE, 10.0, 0, "x86-64 UEFI PXE", 10.0),
            Step(Reached.LOADER, 11.5, 1_000_000, "snponly.efi", 11.5),
        ),
    )


def test_what_names_no_card_belongs_to_who_was_last_at_its_address() -> None:
    attempts = book()
    boots(attempts, *BOOT)
    attempts.happened(Happening(Reached.FILE, 6.0, None, IP, 50, "artifacts/vmlinuz"))
    attempts.happened(Happening(Reached.FILE, 6.0, None, "192.0.2.99", 50, "artifacts/vmlinuz"))
    step = last_step(now(attempts))
    assert step is not None
    assert (step.detail, step.bytes, len(attempts)) == ("artifacts/vmlinuz", 50, 1)


def test_a_machine_that_goes_on_by_its_other_card_is_in_the_same_boot() -> None:
    attempts = book()
    boots(attempts, Reached.FIRMWARE)
    boots(attempts, Reached.FIRMWARE, Reached.LOADER, at=20.0, mac=B)
    assert len(attempts.of("node")) == 1
    assert now(attempts).mac == A


def test_a_file_in_many_ranges_is_one_step() -> None:
    attempts = book()
    boots(attempts, *BOOT)
    for at in range(10, 100, 10):
        attempts.happened(Happening(Reached.FILE, float(at) * FOLD, None, IP, 1000, "artifacts/installer.iso"))
    step = last_step(now(attempts))
    assert step is not None
    assert (step.bytes, step.times, step.at, step.last) == (9000, 9, 10 * FOLD, 90 * FOLD)


def test_what_is_said_again_within_a_minute_is_counted_and_later_it_is_said_anew() -> None:
    attempts = book()
    for at in (0.0, 4.0, 12.0, 12.0 + FOLD + 1):
        attempts.happened(Happening(Reached.FIRMWARE, at, A))
    assert [(step.at, step.times) for step in now(attempts).steps] == [(0.0, 3), (13.0 + FOLD, 1)]


@pytest.mark.parametrize("come", range(2, len(BOOT) + 1))
def test_firmware_that_begins_from_the_start_has_begun_another_boot(come: int) -> None:
    attempts = book()
    at = boots(attempts, *BOOT[:come])
    boots(attempts, Reached.FIRMWARE, at=at)
    latest, before = attempts.of("node")
    assert (stages(latest), before.outcome) == ([Reached.FIRMWARE], Outcome.ABANDONED)


def test_ipxe_in_the_rom_that_asks_again_after_its_script_has_begun_another_boot() -> None:
    attempts = book()
    at = boots(attempts, Reached.IPXE, Reached.SCRIPT)
    boots(attempts, Reached.IPXE, at=at)
    assert len(attempts.of("node")) == 2


def test_the_second_packet_of_an_exchange_begins_nothing() -> None:
    """EDK2 may ask port 4011 when it has the boot program already."""
    attempts = book()
    at = boots(attempts, Reached.FIRMWARE, Reached.LOADER)
    attempts.happened(Happening(Reached.FIRMWARE, at, A, goes_on=True))
    assert len(attempts.of("node")) == 1


def test_after_long_silence_it_is_another_boot() -> None:
    attempts = book()
    boots(attempts, Reached.FIRMWARE)
    boots(attempts, Reached.FIRMWARE, at=QUIET + 1)
    assert [each.outcome for each in attempts.of("node")] == [Outcome.RUNNING, Outcome.ABANDONED]


def test_a_machine_on_its_way_to_its_disk_may_try_its_other_cards() -> None:
    attempts = book()
    at = boots(attempts, Reached.IPXE, Reached.SCRIPT, Reached.LOCAL)
    boots(attempts, Reached.FIRMWARE, at=at + 10)
    assert (len(attempts.of("node")), now(attempts).outcome) == (1, Outcome.LOCAL)
    boots(attempts, Reached.FIRMWARE, at=at + 10 + ON_ITS_WAY + 1)
    assert len(attempts.of("node")) == 2


def test_what_any_computer_does_joins_a_boot_and_begins_none() -> None:
    attempts = book()
    browses = Happening(Reached.SCRIPT, 5.0, A, IP, detail="does not accept the certificate", trouble=True, joins=True)
    attempts.happened(browses)
    assert len(attempts) == 0
    at = boots(attempts, Reached.FIRMWARE, Reached.IPXE)
    attempts.happened(replace(browses, at=at))
    attempts.happened(replace(browses, at=at + QUIET + FOLD))
    assert [(step.stage, step.times) for step in now(attempts).steps][-1] == (Reached.SCRIPT, 1)


def test_an_installation_that_is_followed_by_another_boot_says_so() -> None:
    attempts = book()
    boots(attempts, *BOOT, Reached.PAYLOAD)
    boots(attempts, Reached.FIRMWARE, at=900.0)
    before = attempts.of("node")[1]
    assert stages(before)[-1] is Reached.AGAIN
    assert (before.outcome, before.steps[-1].at) == (Outcome.PAYLOAD, 900.0)


def test_an_ordinary_system_shows_up_after_an_installation_a_few_times_and_is_of_no_interest_else() -> None:
    attempts = book()
    boots(attempts, Reached.SYSTEM)
    assert len(attempts) == 0, "any computer on the network does that"
    boots(attempts, *BOOT)
    boots(attempts, Reached.SYSTEM, at=10.0)
    assert Reached.SYSTEM not in stages(now(attempts))
    boots(attempts, Reached.PAYLOAD, at=11.0)
    for day in range(1, 10):
        boots(attempts, Reached.SYSTEM, at=day * 86400.0)
    assert stages(now(attempts)).count(Reached.SYSTEM) == 4


def test_the_end_of_an_installation_is_written_into_its_boot() -> None:
    attempts = book()
    boots(attempts, *BOOT, Reached.PAYLOAD)
    attempts.ended("boot-1", False, 99.0, "no disk found")
    assert now(attempts).outcome is Outcome.FAILED
    assert now(attempts).steps[-1] == Step(Reached.END, 99.0, 0, "no disk found", 99.0, 1, trouble=True)
    attempts.ended("boot-9", True, 99.0, "")


def test_a_boot_given_up_goes_on_when_a_large_file_is_through() -> None:
    attempts = book()
    at = boots(attempts, *BOOT)
    attempts.prune(at + QUIET + 1)
    assert now(attempts).outcome is Outcome.ABANDONED
    attempts.happened(Happening(Reached.FILE, at + QUIET + 60, None, IP, 1 << 30, "artifacts/installer.iso"))
    assert now(attempts).outcome is Outcome.RUNNING


def test_trouble_is_a_step_and_ends_nothing() -> None:
    attempts = book()
    attempts.happened(Happening(Reached.SCRIPT, 1.0, A, IP, detail="cannot be rendered", trouble=True))
    assert now(attempts).outcome is Outcome.RUNNING
    assert now(attempts).steps[0].trouble


def test_steps_are_bounded_but_the_end_finds_room() -> None:
    attempts = book()
    for number in range(100):
        attempts.happened(Happening(Reached.FILE if number else Reached.SCRIPT, 1.0, A, IP, detail=str(number)))
    boots(attempts, Reached.PAYLOAD, at=2.0)
    assert len(now(attempts).steps) == 57
    assert now(attempts).left_out == 44
    assert stages(now(attempts))[-1] is Reached.PAYLOAD


def test_a_flood_of_made_up_cards_pushes_out_no_boot_that_came_further() -> None:
    attempts = book(limits=Limits(total=100))
    for number in range(90):
        boots(attempts, *BOOT, mac=Mac(b"\x52\x54\x02\0\0" + bytes([number])))
    for number in range(200):
        attempts.happened(Happening(Reached.FIRMWARE, 1.0, Mac(b"\x52\x54\x01\0\0" + bytes([number]))))
    assert len(attempts) == 100
    for number in range(90):
        assert stages(now(attempts, str(Mac(b"\x52\x54\x02\0\0" + bytes([number]))))) == list(BOOT)


def test_a_flood_pushes_out_no_machine_that_somebody_knows_however_far_it_pretends_to_come() -> None:
    """One that is stuck at its first question is the one to look at."""
    attempts = book(limits=Limits(total=100), known_card=lambda mac: mac in (A, C))
    boots(attempts, Reached.FIRMWARE, mac=A)
    boots(attempts, *BOOT, mac=C)
    for number in range(500):
        made_up = Mac(b"\x52\x54\x01" + number.to_bytes(3, "big"))
        boots(attempts, *BOOT[: 1 + number % 5], at=2.0 + number, mac=made_up)
    assert len(attempts) == 100
    assert attempts.pushed_out == 402
    assert stages(now(attempts)) == [Reached.FIRMWARE]
    assert stages(now(attempts, str(C))) == list(BOOT)


def test_what_is_dropped_in_the_course_of_months_is_no_flood() -> None:
    attempts = book(limits=Limits(total=5))
    for number in range(20):
        boots(attempts, *BOOT, at=number * 86400.0, mac=Mac(b"\x52\x54\x01\0\0" + bytes([number])))
    assert (len(attempts), attempts.pushed_out) == (5, 0)


def test_packets_in_its_name_do_not_push_out_the_boot_that_installs() -> None:
    attempts = book(limits=Limits(per_machine=3))
    boots(attempts, *BOOT, Reached.PAYLOAD)
    for number in range(1, 20):
        boots(attempts, Reached.FIRMWARE, at=number * (QUIET + 10))
    kept = attempts.of("node")
    assert len(kept) == 3
    assert stages(kept[-1])[-1] is Reached.AGAIN


def test_what_is_old_is_dropped_here_and_on_disk() -> None:
    attempts = book(limits=Limits(age=1000.0))
    boots(attempts, *BOOT)
    attempts.take()
    attempts.prune(2000.0)
    assert attempts.take() == (DropAttempts(("boot-1",)),)
    assert attempts.take() == ()


def test_the_boots_of_a_record_that_became_part_of_another_go_along() -> None:
    attempts = book(owner=lambda mac: f"mac-{mac.hexraw}")
    boots(attempts, Reached.FIRMWARE, mac=B, at=5.0)
    boots(attempts, Reached.FIRMWARE, mac=A, at=1.0)
    attempts.moved(f"mac-{B.hexraw}", f"mac-{A.hexraw}")
    assert [each.mac for each in attempts.of(f"mac-{A.hexraw}")] == [B, A]
    assert all(each.record == f"mac-{A.hexraw}" for each in attempts.of(f"mac-{A.hexraw}"))
    attempts.forget(f"mac-{A.hexraw}")
    assert len(attempts) == 0


def test_a_restart_goes_on_with_the_boot_that_was_under_way() -> None:
    attempts = book()
    at = boots(attempts, *BOOT)
    again = book(now(attempts))
    boots(again, Reached.PAYLOAD, at=at)
    assert stages(now(again)) == [*BOOT, Reached.PAYLOAD]


HAPPENINGS = st.builds(
    lambda stage, wait, mac, ip, trouble: (wait, stage, mac, ip, trouble),
    st.sampled_from(Reached),
    st.sampled_from([0.0, 1.0, 30.0, 90.0, 400.0, 5000.0]),
    st.sampled_from([A, B, C, None]),
    st.sampled_from(["", IP, "192.0.2.8"]),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(HAPPENINGS, max_size=60))
def test_whatever_happens_the_disk_follows_within_the_bounds(
    events: list[tuple[float, Reached, Mac | None, str, bool]],
) -> None:
    limits = Limits(age=20_000.0, per_machine=3, total=5, steps=12)
    attempts, disk, at = book(limits=limits), dict[str, Attempt](), 0.0
    for wait, stage, mac, ip, trouble in events:
        at += wait
        attempts.happened(Happening(stage, at, mac, ip, 1, trouble=trouble))
        if wait > 1000:
            attempts.prune(at)
        _apply(disk, attempts.take())
        every = [each for machine in ("node", str(C)) for each in attempts.of(machine)]
        assert disk == {each.id: each for each in every}
        assert len(attempts) == len(every) <= limits.total
        assert len(attempts.of("node")) <= limits.per_machine
        for each in every:
            assert len(each.steps) <= limits.steps
            assert each.started <= each.last <= at


def _apply(disk: dict[str, Attempt], changes: tuple[RecordChange, ...]) -> None:
    for change in changes:
        match change:
            case PutAttempt(attempt):
                disk[attempt.id] = attempt
            case DropAttempts(ids):
                for id in ids:
                    disk.pop(id, None)


def test_each_change_of_a_boot_is_told_with_what_was_before() -> None:
    told: list[tuple[Attempt | None, Attempt]] = []
    attempts = book(took=lambda before, after: told.append((before, after)))
    boots(attempts, Reached.FIRMWARE, Reached.LOADER)
    first, second = told
    assert first[0] is None
    assert (stages(first[1]), second[0]) == ([Reached.FIRMWARE], first[1])
    assert stages(second[1]) == [Reached.FIRMWARE, Reached.LOADER]


def test_who_got_scripts_at_one_address_at_one_time_shares_it() -> None:
    """Behind NAT: which of them fetches a file there is not known."""
    attempts = book()
    for at, mac in enumerate((A, C)):
        attempts.happened(Happening(Reached.SCRIPT, at, mac, IP))
    assert [now(attempts, machine).shared for machine in ("node", str(C))] == [True, True]
    attempts.happened(Happening(Reached.FILE, 2.0, None, IP, 10, "artifacts/kernel"))
    assert now(attempts, str(C)).shared


def test_another_card_of_the_machine_a_packet_that_names_an_address_and_who_comes_later_share_nothing() -> None:
    attempts = book()
    for mac in (A, B):
        attempts.happened(Happening(Reached.SCRIPT, 0.0, mac, IP))
    attempts.happened(Happening(Reached.FIRMWARE, 1.0, C, IP))
    attempts.happened(Happening(Reached.SCRIPT, QUIET + 1, C, IP))
    assert [now(attempts, machine).shared for machine in ("node", str(C))] == [False, False]
