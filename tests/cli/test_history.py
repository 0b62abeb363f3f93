"""What a machine did, as a person reads it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from netbootd.cli.common import settings
from netbootd.cli.history import Past, head, past, show, timeline
from netbootd.fleet.happening import Happening
from netbootd.fleet.record import Asked, Attempt, Outcome, PutAttempt, PutRecord, Reached, Record, Step, Transfer
from netbootd.fleet.store import Store
from netbootd.load import load_recorded
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import TransferMoved
from netbootd.serve.admin.view import boot
from netbootd.wire.mac import Mac
from tests.support.fleet import EDGE, Api, serving

CARD = Mac.parse("52:54:00:12:34:56")
NOW = datetime.fromtimestamp(342.0, UTC)
PXE = Asked("DISCOVER", 67, "x86 BIOS PXE", offered="undionly.kpxe")
STEPS = (
    Step(Reached.FIRMWARE, 100.0, last=104.0, times=2, asked=PXE),
    Step(Reached.FIRMWARE, 104.5, asked=Asked("REQUEST", 67, "x86 BIOS PXE", server="192.0.2.9")),
    Step(Reached.LOADER, 105.0, file="undionly.kpxe", reason="probed", transfer=Transfer("tftp", 70_000)),
    Step(
        Reached.LOADER,
        107.0,
        70_000,
        "x",
        file="undionly.kpxe",
        transfer=Transfer("tftp", 70_000, 70_000, 1.5, 512, 1, 3),
    ),
    Step(Reached.SCRIPT, 150.0, 0, "ipxe.cfg: linux"),
    Step(
        Reached.FILE,
        300.0,
        30_000_000,
        "a/initrd: the client stopped reading",
        trouble=True,
        file="a/initrd",
        reason="stalled",
        transfer=Transfer("http", 60_000_000, 30_000_000, 149.0),
    ),
)
BOOT = Attempt("1", "r", CARD, 100.0, 300.0, Outcome.ABANDONED, STEPS, 2, "rescue")


def said(attempt: Attempt = BOOT, *diagnoses: Diagnosis) -> dict[str, Any]:
    return boot(attempt, diagnoses).model_dump()


def test_a_step_that_holds_nothing_but_its_stage_says_what_that_is() -> None:
    given = Attempt("1", "r", CARD, 100.0, 100.0, Outcome.PAYLOAD, (Step(Reached.PAYLOAD, 100.0, last=100.0),))
    (line,) = timeline(said(given), NOW)
    assert line.text.strip() == "0.0 s  payload   all of its payload went out"


def test_a_boot_is_told_from_its_first_packet_on_with_every_silence() -> None:
    assert [line.text.strip() for line in timeline(said(), NOW)] == [
        "0.0 s  firmware  x86 BIOS PXE, DISCOVER on port 67: offered undionly.kpxe (2 times, the last at 4.0 s)",
        "4.5 s  firmware  x86 BIOS PXE, REQUEST on port 67 to server 192.0.2.9",
        "5.0 s  loader    asked for the size of undionly.kpxe",
        "5.5 s  loader    undionly.kpxe, 70 kB in 1.5 s (47 kB/s), 3 packets sent again",
        "nothing for 43.0 s",
        "50.0 s  script    ipxe.cfg: linux",
        "51.0 s  file      a/initrd: the client stopped reading, 30 MB of 60 MB in 2 min 29 s (201 kB/s)",
        "2 steps more, for which there was no room",
        "nothing for 42.0 s since",
    ]


def test_silence_ends_where_the_next_boot_begins() -> None:
    later = said(Attempt("2", "r", CARD, 320.0, 320.0))
    assert [line.text.strip() for line in timeline(said(), NOW, later)][-1] == "nothing for 20.0 s, then it began anew"


def test_a_boot_that_was_begun_anew_at_once_is_not_silent() -> None:
    """A person who presses reset."""
    later = said(Attempt("2", "r", CARD, 305.0, 305.0))
    assert not [line for line in timeline(said(), NOW, later) if line.text.endswith("anew")]


def test_a_file_on_its_way_is_no_silence() -> None:
    begun = Attempt("1", "r", CARD, 100.0, 150.0, steps=STEPS[:5])
    moving = {"file": "artifacts/a/big", "sent": 26_000_000, "size": 200_000_000, "seconds": 60.0, "rate": 400e3}
    *_, last = timeline(said(begun), NOW, moving={**moving, "quiet": 1.0})
    assert last.text.strip() == "181.0 s  file      artifacts/a/big, 26 MB of 200 MB so far (400 kB/s)"
    *_, last = timeline(said(begun), NOW, moving={**moving, "quiet": 12.0})
    assert last.text.strip() == "nothing for 12.0 s since"


def test_what_went_wrong_is_red() -> None:
    assert [line.text.split()[2] for line in timeline(said(), NOW) if line.trouble] == ["file"]


def test_a_boot_that_came_to_its_end_is_not_silent() -> None:
    done = Attempt("1", "r", CARD, 100.0, 300.0, Outcome.INSTALLED)
    assert list(timeline(said(done), NOW)) == []


def test_its_head_says_when_it_was_how_long_it_took_and_what_became_of_it() -> None:
    assert head(said()).endswith(": came no further, 3 min 20 s, 30 MB, 3 packets sent again, profile rescue")


def test_what_is_wrong_comes_first_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    found = Diagnosis(Cause.FILE_STALLED, "its download stopped", "look at:\nthe cable", ("30 MB of 60 MB",), 300.0)
    show(Past([said(BOOT, found)] * 5, "the daemon"), NOW)
    text = capsys.readouterr().out
    first, _, rest = text.partition("Its latest boots, from the daemon:")
    words = "What is wrong: its download stopped What to do: look at: the cable seen 30 MB of 60 MB"
    assert " ".join(first.split()) == words
    assert rest.count("came no further") == 3


def test_of_a_machine_that_was_never_heard_of_it_says_who_knows_why(capsys: pytest.CaptureFixture[str]) -> None:
    show(Past((), "the daemon"))
    assert "has heard nothing of it" in (text := capsys.readouterr().out)
    assert "netbootd doctor" in text


def test_without_a_daemon_nobody_tells_a_machine_anything_and_that_is_said_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else what it would be told reads as if it were told that."""
    show(Past([said()], "the state on disk, as no daemon answers", heard=False), NOW)
    first, _, rest = capsys.readouterr().out.partition("Its latest boots")
    assert "No daemon answers here" in first
    assert "netbootd run" in first
    assert "came no further" in rest


def test_lines_to_paste_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    found = Diagnosis(Cause.OTHER_BOOT_FILE, "x", "name us:\ndnsmasq:\n  dhcp-match=set:ipxe,175", (), 300.0)
    show(Past([said(BOOT, found)], "the daemon"), NOW)
    assert "  What to do: name us:\n  dnsmasq:\n    dhcp-match=set:ipxe,175\n" in capsys.readouterr().out


async def test_the_daemon_knows_best(tmp_path: Path) -> None:
    async with serving(Api()) as api:
        api.saw(EDGE)
        api.attempts.happened(Happening(Reached.FIRMWARE, 1.0, EDGE, detail="PXE"))
        api.running(TransferMoved(mac=str(EDGE), file="artifacts/big", via="http", sent=2, size=4, seconds=1.0))
        path = tmp_path / "netbootd.yaml"
        path.write_text("admin: {{listen: {}:{}}}\nstate: sqlite:///{}/state.db\n".format(*api.address, tmp_path))
        config = settings(path)
        found = await asyncio.to_thread(lambda: past(config, path, EDGE, load_recorded(config).world))
    assert found.source == "the daemon"
    assert [each["steps"][0]["detail"] for each in found.boots] == ["PXE"]
    assert found.moving
    assert found.moving["file"] == "artifacts/big"


async def test_where_no_daemon_answers_the_state_on_disk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "netbootd.yaml"
    path.write_text(f"admin: {{listen: 127.0.0.1:1}}\nstate: sqlite:///{tmp_path}/state.db\n")
    config = settings(path)
    assert past(config, path, CARD, load_recorded(config).world).boots == []
    store = Store(config.state, lambda _trouble: None)
    await store.open()
    assert await store.write(PutRecord(Record("r", (CARD,))), PutAttempt(BOOT))
    await store.close()
    found = past(config, path, CARD, load_recorded(config).world)
    assert found.source.startswith("the state on disk")
    assert [each["id"] for each in found.boots] == ["1"]
