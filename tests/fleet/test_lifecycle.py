"""May this machine have its payload now, and where does it stand?  To be listed is not to be armed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.fleet.lifecycle import (
    AUTO,
    Confidence,
    Limits,
    Stage,
    Standing,
    State,
    is_over,
    learned,
    spends,
    state_of,
    told,
    verdict,
)
from netbootd.fleet.record import Approval, Attempt, Ending, Reached, Record, Signal, Step
from tests.support.worlds import ALWAYS, CARD, ONCE, linux


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("auto", [False, True])
def test_a_profile_that_boots_always_is_always_given(stage: Stage | None, auto: bool) -> None:
    said = verdict(linux(boots=ALWAYS, auto=auto), stage)

    assert (said.netboot, said.waiting) == (True, False)


@pytest.mark.parametrize(
    ("stage", "auto", "netboot"),
    [
        (None, False, False),
        (None, True, True),
        (Stage.ARMED, False, True),
        (Stage.ARMED, True, True),
        (Stage.GIVEN, False, False),
        (Stage.GIVEN, True, False),
        (Stage.DISARMED, False, False),
        (Stage.DISARMED, True, False),
        (Stage.HELD, False, False),
        (Stage.HELD, True, False),
    ],
)
def test_a_profile_that_boots_once_is_given_to_who_is_armed(stage: Stage | None, auto: bool, netboot: bool) -> None:
    said = verdict(linux(boots=ONCE, auto=auto), stage)

    assert said.netboot is netboot
    assert said.waiting is not netboot
    assert said.why


ARMED_AT, GIVEN_AT = 1000.0, 1100.0
LIMITS = Limits(fetching=600.0, installing=3600.0, quiet=60.0)


@dataclass(frozen=True)
class Known:
    """As a ledger has it."""

    stage: Stage
    since: float = ARMED_AT
    by: str = "admin"
    generation: int = 7


ARMED, GIVEN = Known(Stage.ARMED), Known(Stage.GIVEN, GIVEN_AT, "rootfs.img went to 192.0.2.7")


def boot(*steps: tuple[Reached, float], started: float = 1010.0) -> Attempt:
    made = tuple(Step(stage, at, detail="rootfs.img" if stage is Reached.FILE else "", last=at) for stage, at in steps)
    return Attempt("1", "node", CARD, started, max((at for _, at in steps), default=started), steps=made)


FETCHING = boot((Reached.FIRMWARE, 1010.0), (Reached.SCRIPT, 1020.0), (Reached.FILE, 1090.0))
WHOLE = boot((Reached.SCRIPT, 1020.0), (Reached.FILE, 1099.0), (Reached.PAYLOAD, GIVEN_AT))
RECORD = Record("node", (CARD,), first_seen=5.0)


def after(*steps: tuple[Reached, float]) -> Attempt:
    """The boot with a whole payload, and what came then."""
    return boot((Reached.SCRIPT, 1020.0), (Reached.PAYLOAD, GIVEN_AT), *steps)


def ended(done: bool, signal: Signal, at: float = 1500.0, generation: int = 7) -> Record:
    return replace(RECORD, ending=Ending(generation, done, at, signal))


def standing(record: Record | None, known: Known | None, attempt: Attempt | None, now: float = 1200.0) -> Standing:
    return state_of(record, known, attempt, now, limits=LIMITS)


def test_a_machine_that_shows_up_is_discovered_until_a_person_or_a_file_approves_it() -> None:
    assert standing(RECORD, None, None) == Standing(State.DISCOVERED, "nobody approved it", 5.0)
    assert standing(None, None, None).state is State.DISCOVERED
    approved = replace(RECORD, approved=Approval("admin", 9.0))
    assert standing(approved, None, None) == Standing(State.APPROVED, "by admin", 9.0)
    assert state_of(RECORD, None, None, 1.0, listed=True).state is State.APPROVED


def test_being_listed_or_approved_hands_out_nothing() -> None:
    assert not state_of(replace(RECORD, approved=Approval("admin", 9.0)), None, None, 1.0, listed=True).payload


def test_a_machine_never_installed_whose_profile_arms_by_itself_is_armed() -> None:
    standing = state_of(RECORD, None, None, 1.0, listed=True, auto=True)
    assert standing == Standing(State.ARMED, "its profile arms by itself", payload=True)
    assert state_of(RECORD, Known(Stage.DISARMED), None, 1.0, auto=True).state is State.LOCAL


def test_who_brought_it_where_it_stands_is_told() -> None:
    whys = {
        state_of(RECORD, Known(Stage.DISARMED), None, 1.0).why,
        state_of(RECORD, ARMED, None, 1.0).why,
        state_of(replace(RECORD, approved=Approval("admin", 9.0)), None, None, 1.0).why,
    }
    assert whys == {"by admin"}
    by_itself = replace(ARMED, by=AUTO)
    assert state_of(RECORD, by_itself, None, 1.0, auto=True).why == "its profile arms by itself"


def test_while_nothing_can_be_recorded_an_armed_machine_is_held_back_and_says_so() -> None:
    held = state_of(RECORD, ARMED, None, 1.0, held=True)
    assert (held.state, held.payload) == (State.ARMED, False)
    assert held.why == "by admin; held back, as that cannot be recorded here now"


def test_an_armed_machine_waits_for_its_next_boot_as_long_as_it_takes() -> None:
    a_year_later = ARMED_AT + 365 * 86400
    assert standing(RECORD, ARMED, None, a_year_later) == Standing(State.ARMED, "by admin", ARMED_AT, payload=True)
    offered = boot((Reached.FIRMWARE, 1010.0))
    assert standing(RECORD, ARMED, offered, a_year_later).state is State.ARMED


def test_a_boot_before_it_was_armed_installs_nothing() -> None:
    before = boot((Reached.SCRIPT, 20.0), started=10.0)
    assert standing(RECORD, ARMED, before).state is State.ARMED


def test_with_its_script_a_machine_is_installing_and_has_its_payload_until_it_is_whole() -> None:
    fetching = standing(RECORD, ARMED, FETCHING)
    assert fetching == Standing(State.INSTALLING, "it fetched a file (rootfs.img)", 1020.0, until=1690.0, payload=True)
    writing = standing(RECORD, GIVEN, WHOLE)
    assert writing == Standing(State.INSTALLING, GIVEN.by, GIVEN_AT, until=4700.0)


def test_a_payload_that_hangs_fails_after_its_time_with_the_last_stage_seen() -> None:
    ending = learned(RECORD, ARMED, FETCHING, 1690.0, LIMITS)
    assert ending == Ending(7, False, 1690.0, Signal.TIMEOUT, "it fetched a file (rootfs.img)")
    assert learned(RECORD, ARMED, FETCHING, 1689.0, LIMITS) is None
    failed = standing(replace(RECORD, ending=ending), ARMED, FETCHING, 9999.0)
    assert (failed.state, failed.payload, failed.confidence) == (State.FAILED, False, Confidence.ASSUMED)
    assert failed.why == "its time was over: it fetched a file (rootfs.img)"


def test_what_is_over_while_still_armed_is_to_be_used_up() -> None:
    """Were it not, a machine that failed would be handed its payload again."""
    assert spends(ended(False, Signal.TIMEOUT), ARMED)
    assert not spends(ended(False, Signal.TIMEOUT, generation=6), ARMED), "that was an earlier installation"
    assert not spends(ended(True, Signal.TOLD), GIVEN)
    assert not spends(RECORD, None)


def test_silence_after_the_payload_fails_when_its_time_is_over() -> None:
    assert learned(RECORD, GIVEN, WHOLE, 4699.0, LIMITS) is None
    ending = learned(RECORD, GIVEN, WHOLE, 4700.0, LIMITS)
    assert ending == Ending(7, False, 4700.0, Signal.TIMEOUT, "all of its payload went out")
    assert standing(RECORD, GIVEN, WHOLE, 4700.0).state is State.FAILED


def test_silence_is_how_an_installer_ends_that_switches_the_machine_off() -> None:
    ending = learned(RECORD, GIVEN, WHOLE, 4700.0, replace(LIMITS, powers_off=True))
    assert ending is not None
    assert ending.done


def test_an_ordinary_system_after_silence_means_that_it_is_likely_installed() -> None:
    ending = learned(RECORD, GIVEN, after((Reached.SYSTEM, 1400.0)), 1401.0, LIMITS)
    assert ending == Ending(7, True, 1400.0, Signal.PLAIN_DHCP)
    assert standing(replace(RECORD, ending=ending), GIVEN, None).confidence is Confidence.LIKELY


@pytest.mark.parametrize("steps", [[1130.0], [1130.0, 1170.0], [1159.0]])
def test_the_installers_own_requests_without_silence_before_mean_nothing(steps: list[float]) -> None:
    came = after(*((Reached.SYSTEM, at) for at in steps))
    assert learned(RECORD, GIVEN, came, 1300.0, LIMITS) is None


def test_a_system_after_the_installers_own_request_and_silence_counts() -> None:
    came = after((Reached.SYSTEM, 1110.0), (Reached.SYSTEM, 1500.0))
    assert learned(RECORD, GIVEN, came, 1501.0, LIMITS) == Ending(7, True, 1500.0, Signal.PLAIN_DHCP)


@pytest.mark.parametrize("recorded", [RECORD, ended(True, Signal.PXE_AGAIN, 1400.0)])
def test_a_system_seconds_after_its_firmware_came_anew_and_was_left_to_its_disk_counts(recorded: Record) -> None:
    """The silence was before the firmware; the end that this told of may be written down already."""
    came = boot((Reached.LOCAL, 1403.0), (Reached.END, 1400.0), (Reached.SYSTEM, 1420.0), started=1400.0)
    assert learned(recorded, GIVEN, came, 1421.0, LIMITS) == Ending(7, True, 1420.0, Signal.PLAIN_DHCP)


@pytest.mark.parametrize(
    "came",
    [
        boot((Reached.LOCAL, 1122.0), (Reached.SYSTEM, 1180.0), started=1119.0),
        boot((Reached.LOCAL, 1159.0), (Reached.SYSTEM, 1170.0), started=1158.0),
        boot((Reached.FIRMWARE, 1400.0), (Reached.SYSTEM, 1420.0), started=1400.0),
        boot((Reached.FIRMWARE, 1400.0), (Reached.SYSTEM, 1402.0), (Reached.LOCAL, 1403.0), started=1400.0),
    ],
    ids=["firmware at once", "firmware too soon", "never left to its disk", "before it was"],
)
def test_a_system_after_firmware_that_shows_no_installation_is_not_likely_one(came: Attempt) -> None:
    guess = learned(RECORD, GIVEN, came, 1430.0, LIMITS)
    assert guess is None or guess.signal is Signal.PXE_AGAIN


def test_firmware_that_asks_anew_after_silence_means_that_it_is_possibly_installed() -> None:
    """It is the latest boot that begins so; the one before has it as its last step."""
    for attempt in (after((Reached.AGAIN, 1400.0)), boot((Reached.LOCAL, 1401.0), started=1400.0)):
        ending = learned(RECORD, GIVEN, attempt, 1402.0, LIMITS)
        assert ending == Ending(7, True, 1400.0, Signal.PXE_AGAIN)
    assert standing(replace(RECORD, ending=ending), GIVEN, None).confidence is Confidence.POSSIBLE


def test_firmware_that_asks_at_once_has_not_installed_anything() -> None:
    assert learned(RECORD, GIVEN, boot((Reached.LOCAL, 1120.0), started=1119.0), 1200.0, LIMITS) is None


def test_what_comes_after_its_time_comes_too_late_for_a_guess() -> None:
    ending = learned(RECORD, GIVEN, after((Reached.SYSTEM, 5000.0)), 5001.0, LIMITS)
    assert ending is not None
    assert ending.signal is Signal.TIMEOUT


def test_a_surer_sign_goes_before_a_less_sure_one_and_never_back() -> None:
    system = after((Reached.SYSTEM, 1600.0))
    surer = learned(ended(True, Signal.PXE_AGAIN), GIVEN, system, 1601.0, LIMITS)
    assert surer == Ending(7, True, 1600.0, Signal.PLAIN_DHCP)
    assert learned(ended(True, Signal.PLAIN_DHCP), GIVEN, after((Reached.AGAIN, 1700.0)), 1701.0, LIMITS) is None
    assert learned(ended(True, Signal.TOLD), GIVEN, system, 9999.0, LIMITS) is None


@pytest.mark.parametrize("signal", [Signal.TIMEOUT, Signal.TOLD])
def test_no_guess_turns_a_failure_into_a_success(signal: Signal) -> None:
    """A hung machine that is switched off and on asks for addresses as an installed one does."""
    assert learned(ended(False, signal), GIVEN, after((Reached.SYSTEM, 1600.0)), 1601.0, LIMITS) is None


def test_the_installers_call_is_certain_and_goes_before_every_guess() -> None:
    for record, known in ((RECORD, ARMED), (RECORD, GIVEN), (ended(False, Signal.TIMEOUT), GIVEN)):
        assert told(record, known, 7, True, 1300.0, "ok") == Ending(7, True, 1300.0, Signal.TOLD, "ok")
    assert told(ended(True, Signal.PXE_AGAIN), GIVEN, 7, False, 1300.0, "no disk") == Ending(
        7, False, 1300.0, Signal.TOLD, "no disk"
    )


def test_the_first_call_counts_and_the_same_again_is_the_same_answer() -> None:
    said = ended(True, Signal.TOLD)
    assert told(said, GIVEN, 7, True, 1999.0) == said.ending
    assert told(said, GIVEN, 7, False, 1999.0) is None


@pytest.mark.parametrize("known", [None, Known(Stage.DISARMED), replace(ARMED, generation=8)])
def test_a_call_for_an_installation_that_is_not_under_way_is_refused(known: Known | None) -> None:
    assert told(RECORD, known, 7, True, 1300.0) is None


def test_arming_again_leaves_the_old_ending_behind() -> None:
    again = replace(ARMED, generation=8, since=2000.0)
    assert standing(ended(True, Signal.TOLD), again, WHOLE, 2001.0).state is State.ARMED


def test_a_machine_left_to_its_disk_is_local_whatever_happened_before() -> None:
    assert standing(ended(True, Signal.TOLD), Known(Stage.DISARMED, 9.0, "bob"), WHOLE) == Standing(
        State.LOCAL, "by bob", 9.0
    )


def test_what_was_given_before_boots_were_recorded_is_taken_for_installed() -> None:
    """A state of an older netbootd says only that the payload went out."""
    old = standing(None, GIVEN, None, 9e9)
    assert (old.state, old.confidence, old.payload) == (State.INSTALLED, Confidence.ASSUMED, False)
    assert learned(None, GIVEN, None, 9e9, LIMITS) is None


STEPS = st.lists(st.tuples(st.sampled_from(Reached), st.floats(900, 9000)), max_size=8)
KNOWN = st.one_of(
    st.none(),
    st.builds(
        Known,
        st.sampled_from([Stage.ARMED, Stage.GIVEN, Stage.DISARMED]),
        st.floats(900, 2000),
        generation=st.integers(6, 8),
    ),
)
ENDINGS = st.one_of(
    st.none(), st.builds(Ending, st.integers(6, 8), st.booleans(), st.floats(900, 9000), st.sampled_from(Signal))
)


@given(KNOWN, ENDINGS, STEPS, st.floats(900, 20_000), st.booleans(), st.booleans(), st.booleans())
def test_no_state_promises_a_payload_that_the_verdict_refuses(
    known: Known | None,
    ending: Ending | None,
    steps: list[tuple[Reached, float]],
    now: float,
    powers_off: bool,
    auto: bool,
    held: bool,
) -> None:
    """And what is recorded once is not news again: the same look twice gives one ending."""
    limits = replace(LIMITS, powers_off=powers_off)
    record, attempt = replace(RECORD, ending=ending), boot(*sorted(steps, key=lambda step: step[1]))
    found = state_of(record, known, attempt, now, auto=auto, held=held, limits=limits)
    stage = known.stage if known else None
    ledgers = Stage.HELD if held and stage in (None, Stage.ARMED) else stage
    assert not found.payload or verdict(linux(boots=ONCE, auto=auto), ledgers).netboot
    assert held or found.payload is (found.state in (State.ARMED, State.INSTALLING) and stage in (None, Stage.ARMED))
    news = learned(record, known, attempt, now, limits)
    if news is not None:
        assert known is not None
        assert learned(replace(record, ending=news), known, attempt, now, limits) is None
        assert ending is None or ending.generation != known.generation or ending.done


def step_at(stage: Reached, at: float) -> Step:
    return Step(stage, at, last=at)


STEP = st.builds(
    step_at,
    st.sampled_from([Reached.SYSTEM, Reached.AGAIN, Reached.LOCAL, Reached.FIRMWARE, Reached.FILE]),
    st.floats(GIVEN_AT, GIVEN_AT + 3 * 3600),
)
ENDINGS = st.one_of(st.none(), st.builds(Ending, st.just(1), st.booleans(), st.just(1.0), st.sampled_from(Signal)))


@given(ENDINGS, st.lists(STEP, max_size=6), st.floats(0, 4 * 3600), st.integers(0, 6), st.booleans())
def test_of_what_is_over_nothing_more_is_learned_whatever_comes(
    ending: Ending | None, steps: list[Step], later: float, seen: int, powers_off: bool
) -> None:
    arming = Known(Stage.GIVEN, GIVEN_AT, "x", 1)
    record, limits = Record("1", (CARD,), ending=ending), replace(LIMITS, powers_off=powers_off)
    steps.sort(key=lambda step: step.at)
    before, now = steps[:seen], max([GIVEN_AT + later, *(step.at for step in steps[:seen])])
    attempt = Attempt("b", "1", CARD, ARMED_AT, now, steps=tuple(before))
    if learned(record, arming, attempt, now, limits) is None and is_over(record, arming, attempt, now, limits):
        come = [replace(step, at=max(step.at, now), last=max(step.last, now)) for step in steps[seen:]]
        after = replace(attempt, steps=(*before, *come), last=now + 9 * 3600)
        assert learned(record, arming, after, now + 9 * 3600, limits) is None
