"""The stream of events: numbered, kept for who comes back, bounded for who is slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpSilent,
    Event,
    MachineChanged,
    TransferMoved,
)
from netbootd.serve.admin.stream import Stream, TooMany

MAC = "52:54:00:00:00:01"


def changed(number: int, mac: str = MAC) -> Event:
    return MachineChanged(mac=mac, change=Change.CHANGED, detail=str(number))


def stream(**limits: int) -> Stream:
    return Stream("run", lambda: 1700000000.0, **limits)


async def taken(texts: AsyncIterator[str], most: int = 100) -> list[str]:
    """What there is to read without waiting."""
    found: list[str] = []
    while len(found) < most:
        reading = asyncio.ensure_future(anext(texts))
        for _ in range(5):
            await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
            break
        if text := reading.result():
            found.append(text)
    return found


def fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if line and not line.startswith(":"))


def data(text: str) -> Any:
    return json.loads(fields(text)["data"])


async def test_an_event_comes_with_its_number_its_name_and_what_the_log_says() -> None:
    events = stream()
    with events.reading() as texts:
        events(changed(1))
        opening, text = await taken(texts)
    assert fields(opening) == {"retry": "2000", "id": "run-0"}
    assert text.endswith("\n\n")
    assert (fields(text)["id"], fields(text)["event"]) == ("run-1", "machine.changed")
    assert data(text) == {
        "at": "2023-11-14T22:13:20.000+00:00",
        "event": "machine.changed",
        "level": "info",
        "sentence": "changed: 1",
        "mac": MAC,
        "machine": "",
        "ip": "",
        "change": "changed",
        "detail": "1",
    }


async def test_who_comes_back_gets_what_they_missed_and_nothing_twice() -> None:
    events = stream()
    for number in range(1, 5):
        events(changed(number))
    with events.reading("run-2") as texts:
        events(changed(5))
        _, *missed = await taken(texts)
    assert [data(text)["detail"] for text in missed] == ["3", "4", "5"]


async def test_who_comes_for_the_first_time_gets_what_happens_from_now_on() -> None:
    events = stream()
    events(changed(1))
    with events.reading() as texts:
        events(changed(2))
        opening, text = await taken(texts)
    assert (fields(opening)["id"], data(text)["detail"]) == ("run-1", "2")


async def test_what_is_no_longer_kept_is_said_to_be_missing() -> None:
    events = stream(kept=2)
    for number in range(1, 6):
        events(changed(number))
    with events.reading("run-1") as texts:
        gap, *missed = await taken(texts)
    assert (fields(gap)["event"], data(gap)) == ("gap", {"count": 2})
    assert [data(text)["detail"] for text in missed] == ["4", "5"]


@pytest.mark.parametrize("last", ["other-7", "7", "run-", "run-x", "run-\u0663", "run-" + "9" * 40, "\n"])
async def test_an_id_of_another_run_or_none_of_ours_means_that_all_may_have_been_missed(last: str) -> None:
    events = stream()
    events(changed(1))
    with events.reading(last) as texts:
        (gap,) = await taken(texts)
    assert (fields(gap)["event"], data(gap), fields(gap)["id"]) == ("gap", {"count": None}, "run-1")


async def test_a_reader_that_is_too_slow_loses_the_oldest_and_is_told_how_many() -> None:
    events = stream(waiting=2)
    with events.reading() as texts:
        for number in range(1, 6):
            events(changed(number))
        _, dropped, *rest = await taken(texts)
    assert (fields(dropped)["event"], data(dropped)) == ("dropped", {"count": 3})
    assert [data(text)["detail"] for text in rest] == ["4", "5"]


async def test_a_reader_may_want_one_machine_and_what_matters_alone() -> None:
    events = stream()
    with events.reading(mac=MAC) as one, events.reading(least="warning") as grave:
        events(changed(1))
        events(changed(2, "52:54:00:00:00:02"))
        events(DaemonNotice(text="oh", severity="error"))
        assert [data(text)["detail"] for text in (await taken(one))[1:]] == ["1"]
        assert [data(text)["text"] for text in (await taken(grave))[1:]] == ["oh"]


async def test_a_flood_of_packets_pushes_nothing_out_of_what_is_kept() -> None:
    events = stream(kept=2)
    events(changed(1))
    for _ in range(100):
        events(DhcpSilent(reason="NOT_NETBOOT"))
    with events.reading("run-0") as texts:
        opening, text = await taken(texts)
    assert "gap" not in opening
    assert data(text)["detail"] == "1"


async def test_silence_is_broken_by_a_comment() -> None:
    with stream().reading(beat=0.0) as texts:
        await anext(texts)
        assert await anext(texts) == ": still here\n\n"


async def test_readers_are_bounded_and_who_leaves_makes_room() -> None:
    events = stream(readers=1)
    with events.reading(), pytest.raises(TooMany), events.reading():
        pass
    with events.reading():
        pass


async def test_when_the_daemon_stops_every_reading_ends() -> None:
    events = stream()
    with events.reading() as texts:
        await anext(texts)
        ended = asyncio.ensure_future(_all(texts))
        await asyncio.sleep(0)
        events.close()
        assert [text for text in await ended if text] == []


async def _all(texts: AsyncIterator[str]) -> list[str]:
    return [text async for text in texts]


async def test_text_of_an_event_cannot_end_its_line() -> None:
    events = stream()
    with events.reading() as texts:
        events(DaemonNotice(text="a\ndata: b\r\u2028"))
        _, text = await taken(texts)
    assert text.count("\n") == 4
    assert data(text)["text"] == "a\ndata: b\r\u2028"


def moved(sent: int, file: str = "a", mac: str = MAC) -> Event:
    return TransferMoved(mac=mac, file=file, via="http", sent=sent, size=1000, seconds=1.0)


async def test_of_each_transfer_only_how_far_it_is_now_is_told_and_after_all_else() -> None:
    events = stream(waiting=3)
    with events.reading() as texts:
        for number in range(100):
            events(moved(number))
            events(moved(number, "b"))
        events(changed(1))
        _, *told = await taken(texts)
    assert [(data(text)["event"], data(text).get("file"), data(text).get("sent")) for text in told] == [
        ("machine.changed", None, None),
        ("transfer.moved", "a", 99),
        ("transfer.moved", "b", 99),
    ]


async def test_how_far_a_transfer_is_has_no_id_to_come_back_to() -> None:
    events = stream()
    with events.reading() as texts:
        events(moved(5))
        _, text = await taken(texts)
    assert "id" not in fields(text)


async def test_nothing_is_told_of_a_transfer_after_its_end() -> None:
    events = stream()
    with events.reading() as texts:
        events(moved(5))
        events(ArtifactServed(mac=MAC, file="a", status=200, size=9, sent=9, seconds=1.0, complete=True))
        _, *told = await taken(texts)
    assert [data(text)["event"] for text in told] == ["http.served"]


async def test_a_flood_of_transfers_is_bounded_and_drops_nothing_else() -> None:
    events = stream(waiting=3)
    with events.reading() as texts:
        events(changed(1))
        for number in range(100):
            events(moved(1, str(number)))
        _, *told = await taken(texts)
    assert [data(text).get("file") for text in told] == [None, "97", "98", "99"]
