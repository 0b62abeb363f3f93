"""The table people take to their controller, and open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import astuple, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.fleet.export import Row, as_csv, as_json

NODE = Row(
    name="node-1",
    soft_serial="NODE-0001",
    serial="7XK2B32",
    uuid="4c4c4544-0042-3510-8052-b3c04f4b4e32",
    mac="52:54:00:12:34:56 52:54:00:12:34:57",
    manufacturer="Dell Inc.",
    model="PowerEdge R640",
    profile="edge",
    release="13.3.0",
    state="approved",
)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_row_for_each_machine_under_headings() -> None:
    assert read(as_csv([NODE])) == [[field.name for field in fields(Row)], list(astuple(NODE))]
    assert as_csv([]).startswith("name,soft_serial,serial,uuid,mac,manufacturer,model,profile,release,state\r\n")


def test_a_node_that_was_never_on_has_a_row_with_what_is_known() -> None:
    waiting = Row(name="node-2", soft_serial="NODE-0002", state="approved")
    assert json.loads(as_json([waiting]))[0] == {
        "name": "node-2",
        "soft_serial": "NODE-0002",
        "serial": None,
        "uuid": None,
        "mac": None,
        "manufacturer": None,
        "model": None,
        "profile": None,
        "release": None,
        "state": "approved",
    }


@pytest.mark.parametrize(
    "hostile",
    ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", " =1", "\uff1d1", '=HYPERLINK("http://x","y")'],
)
def test_what_a_machine_says_of_itself_is_no_formula(hostile: str) -> None:
    cell = read(as_csv([Row(serial=hostile)]))[1][2]
    assert cell.startswith("'")
    assert json.loads(as_json([Row(serial=hostile)]))[0]["serial"] == hostile


@given(st.lists(st.builds(Row, *(st.text(max_size=12) for _ in fields(Row))), max_size=4))
def test_whatever_is_in_it_the_table_has_its_shape_and_no_formula(rows: list[Row]) -> None:
    table = read(as_csv(rows))
    assert len(table) == len(rows) + 1
    for line in table:
        assert len(line) == len(fields(Row))
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in line)
        assert all(cell.isprintable() for cell in line)
    assert len(json.loads(as_json(rows))) == len(rows)
