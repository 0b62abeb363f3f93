"""The table that a flood of made-up addresses cannot make grow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.recent import Recent


def test_what_was_put_last_is_there() -> None:
    table: Recent[str, int] = Recent(2)
    table.put("a", 1)
    table.put("a", 2)
    assert (table.get("a"), table.get("b"), len(table)) == (2, None, 1)


def test_the_one_longest_unheard_of_makes_room() -> None:
    table: Recent[str, int] = Recent(2)
    table.put("a", 1)
    table.put("b", 2)
    table.put("a", 3)
    table.put("c", 4)
    assert (table.get("a"), table.get("b"), table.get("c")) == (3, None, 4)


@given(st.lists(st.integers(0, 20)), st.integers(1, 5))
def test_it_holds_the_latest_and_no_more(keys: list[int], limit: int) -> None:
    table: Recent[int, int] = Recent(limit)
    for place, key in enumerate(keys):
        table.put(key, place)
    latest = list(dict.fromkeys(reversed(keys)))[:limit]
    assert len(table) == len(latest)
    assert all(table.get(key) is not None for key in latest)


def test_what_was_put_last_is_last() -> None:
    table = Recent[str, int](3)
    for number, name in enumerate("abca"):
        table.put(name, number)
    assert table.values() == (1, 2, 3)


def test_what_is_kept_comes_with_its_keys() -> None:
    table: Recent[str, int] = Recent(2)
    table.put("a", 1)
    table.put("b", 2)
    table.put("a", 3)
    assert table.items() == (("b", 2), ("a", 3))
