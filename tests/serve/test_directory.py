"""Who is behind an address: remembered, bounded, never trusted."""

from __future__ import annotations

from netbootd.boot.facts import Facts
from netbootd.serve.directory import Directory
from netbootd.wire.mac import Mac

ONE, TWO = Mac.parse("52:54:00:12:34:56"), Mac.parse("52:54:00:12:34:57")
NAMES = {ONE: "node-1"}


def directory(neighbours: dict[str, str] | None = None, limit: int = 8) -> Directory:
    return Directory(lambda mac: NAMES.get(mac, ""), (neighbours or {}).get, limit)


def test_a_card_is_known_by_the_address_it_last_spoke_from() -> None:
    known = directory()
    known.met("192.0.2.7", ONE)
    assert known.who("", "192.0.2.7") == (str(ONE), "node-1")
    known.met("192.0.2.7", TWO)
    assert known.who("", "192.0.2.7") == (str(TWO), "")
    assert known.mac_of("192.0.2.8") is None


def test_a_mac_is_named_whatever_its_spelling_and_its_address() -> None:
    assert directory().who("52-54-00-12-34-56", "") == (str(ONE), "node-1")
    assert directory().who("nonsense", "192.0.2.7") == ("nonsense", "")
    assert directory().who("", "") == ("", "")


def test_the_kernel_is_asked_for_an_address_nobody_spoke_from() -> None:
    assert directory({"192.0.2.7": str(ONE)}).who("", "192.0.2.7") == (str(ONE), "node-1")


def test_a_neighbour_without_an_ethernet_address_is_nobody() -> None:
    assert (
        directory({"192.0.2.7": "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:12:34"}).mac_of("192.0.2.7")
        is None
    )


def test_the_kernel_s_word_is_not_kept_for_the_address_may_go_to_another() -> None:
    neighbours = {"192.0.2.7": str(ONE)}
    known = directory(neighbours)
    assert known.mac_of("192.0.2.7") == ONE
    neighbours["192.0.2.7"] = str(TWO)
    assert known.mac_of("192.0.2.7") == TWO


def test_what_a_machine_says_is_added_to_what_it_said() -> None:
    known = directory()
    assert known.known(ONE) == Facts(mac=ONE)
    known.told(Facts(mac=ONE, serial="S1", product="old"))
    known.told(Facts(mac=ONE, product="new"))
    known.told(Facts(serial="of nobody"))
    assert known.known(ONE) == Facts(mac=ONE, serial="S1", product="new")
    assert known.known(TWO) == Facts(mac=TWO)


def test_forged_clients_cannot_fill_the_memory_and_push_out_the_oldest() -> None:
    known = directory(limit=4)
    for number in range(100):
        mac = Mac(bytes((2, 0, 0, 0, 0, number)))
        known.met(f"192.0.2.{number}", mac)
        known.told(Facts(mac=mac, serial=f"S{number}"))
    assert [n for n in range(100) if known.mac_of(f"192.0.2.{n}")] == [96, 97, 98, 99]
    assert [n for n in range(100) if known.known(Mac(bytes((2, 0, 0, 0, 0, n)))).serial] == [96, 97, 98, 99]


def test_a_machine_that_was_sent_to_its_disk_is_on_its_way_for_a_while() -> None:
    now = 100.0
    known = Directory(lambda _mac: "", clock=lambda: now)
    assert not known.left(ONE)
    known.leaves(ONE)
    now += 44
    assert known.left(ONE)
    assert not known.left(TWO)
    now += 2
    assert not known.left(ONE)


def on_a_clock(neighbours: dict[str, str] | None = None) -> tuple[Directory, list[float]]:
    """One whose clock is moved by hand."""
    now = [0.0]
    return Directory(lambda _mac: "", (neighbours or {}).get, clock=lambda: now[0]), now


class TestWhoIsSurelyAtAnAddress:
    """What is handed out on the strength of an address alone may wipe a disk."""

    def test_the_kernel_s_word_goes_before_what_was_said_from_there(self) -> None:
        """An address went to another machine, or a packet lied."""
        known, _ = on_a_clock({"192.0.2.7": str(TWO)})
        known.met("192.0.2.7", ONE)
        assert known.surely_at("192.0.2.7") == TWO

    def test_beyond_a_router_it_is_whoever_spoke_from_there_a_moment_ago(self) -> None:
        known, now = on_a_clock()
        known.met("192.0.2.7", ONE)
        now[0] = 599.0
        assert known.surely_at("192.0.2.7") == ONE
        now[0] = 600.0
        assert known.surely_at("192.0.2.7") is None
        assert known.mac_of("192.0.2.7") == ONE

    def test_of_several_behind_one_address_it_is_none(self) -> None:
        known, now = on_a_clock()
        known.met("192.0.2.7", ONE)
        known.met("192.0.2.7", TWO)
        assert known.surely_at("192.0.2.7") is None
        known.met("192.0.2.7", TWO)
        assert known.surely_at("192.0.2.7") is None
        now[0] = 600.0
        known.met("192.0.2.7", TWO)
        assert known.surely_at("192.0.2.7") == TWO

    def test_an_address_that_nobody_spoke_from_is_nobody_s(self) -> None:
        known, _ = on_a_clock({"192.0.2.8": "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:12:34"})
        assert [known.surely_at(ip) for ip in ("192.0.2.7", "192.0.2.8", "")] == [None, None, None]
