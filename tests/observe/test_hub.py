"""Events reach every sink, completed with what is known of the machine."""

from __future__ import annotations

import pytest

from netbootd.observe.events import DaemonNotice, DhcpSilent, Event, TftpRefused
from netbootd.observe.hub import Hub

MAC = "52:54:00:12:34:56"


def told(event: Event, *, known: tuple[str, str] = (MAC, "node-1")) -> tuple[Event, list[tuple[str, str]]]:
    """What a sink gets, and whom the hub asked for."""
    asked: list[tuple[str, str]] = []
    got: list[Event] = []

    def who(mac: str, ip: str) -> tuple[str, str]:
        asked.append((mac, ip))
        return known

    hub = Hub(who)
    hub.add(got.append)
    hub(event)
    return got[0], asked


def test_an_address_is_completed_with_the_machine_behind_it() -> None:
    event, asked = told(TftpRefused(file="x", reason="no such file", ip="192.0.2.7"))
    assert (event.mac, event.machine, event.ip) == (MAC, "node-1", "192.0.2.7")
    assert asked == [("", "192.0.2.7")]


def test_what_the_event_says_itself_is_not_overruled() -> None:
    event, _ = told(DhcpSilent(reason="MALFORMED", mac="02:00:00:00:00:01"))
    assert (event.mac, event.machine) == ("02:00:00:00:00:01", "node-1")
    event, asked = told(DhcpSilent(reason="MALFORMED", mac=MAC, machine="mine"))
    assert (event.machine, asked) == ("mine", [])


def test_an_event_of_nobody_asks_for_nobody() -> None:
    notice = DaemonNotice(text="reloaded")
    assert told(notice) == (notice, [])


def test_every_sink_hears_in_the_order_it_was_added() -> None:
    heard: list[str] = []
    hub = Hub(lambda _mac, _ip: ("", ""))
    hub.add(lambda _event: heard.append("log"))
    hub.add(lambda _event: heard.append("metrics"))
    hub(DaemonNotice(text="one"))
    assert heard == ["log", "metrics"]


def test_a_fault_in_one_sink_is_told_once_and_the_others_hear_all_the_same() -> None:
    """Whether a machine has had its payload hangs on a sink, and its next install on that."""
    heard: list[Event] = []
    told: list[Exception] = []
    hub, notice = Hub(lambda _mac, _ip: ("", ""), told.append), DaemonNotice(text="one")

    def fails(_event: Event) -> None:
        raise ZeroDivisionError

    for sink in (fails, heard.append):
        hub.add(sink)
    hub(notice)
    hub(notice)
    assert heard == [notice, notice]
    assert [type(each) for each in told] == [ZeroDivisionError]


def test_where_nobody_is_to_be_told_of_a_fault_it_is_raised() -> None:
    hub = Hub(lambda _mac, _ip: ("", ""))
    hub.add(list[Event]().remove)
    with pytest.raises(ValueError, match="not in list"):
        hub(DaemonNotice(text="one"))


def test_a_card_that_the_doctor_asks_by_is_called_so() -> None:
    """Else strangers turn up in the log of who runs it."""
    event, _ = told(DhcpSilent(reason="MALFORMED", mac="02:6e:62:3e:29:15"), known=("", ""))
    assert event.machine == "doctor"
    event, _ = told(TftpRefused(file="x", reason="no such file", ip="192.0.2.7"), known=("02:6e:62:3e:29:15", ""))
    assert event.machine == "doctor"
