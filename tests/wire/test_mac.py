"""Hardware addresses in every usual spelling."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

NODE = Mac(bytes.fromhex("525400123456"))


@pytest.mark.parametrize(
    "spelling",
    [
        "52:54:00:12:34:56",
        "52-54-00-12-34-56",
        "5254.0012.3456",
        "525400123456",
        "01-52-54-00-12-34-56",
        "01:52:54:00:12:34:56",
        " 52:54:00:12:34:56\n",
    ],
)
def test_every_usual_spelling_is_the_same_address(spelling: str) -> None:
    assert Mac.parse(spelling) == NODE
    assert Mac.parse(spelling.upper()) == NODE


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "52:54:00:12:34",
        "52:54:00:12:34:56:78",
        "06-52-54-00-12-34-56",
        "52:54-00:12-34:56",
        "52:54:00:12:34:5g",
        "52:54:00:12:34:56/../..",
        "52:54:00:12:34:56\n52",
        "${mac}",
        "٥٢٥٤٠٠١٢٣٤٥٦",
    ],
)
def test_anything_else_is_refused(nonsense: str) -> None:
    with pytest.raises(WireError) as caught:
        Mac.parse(nonsense)

    assert caught.value.reason == "bad hardware address"


def test_it_prints_as_ipxe_does() -> None:
    assert str(NODE) == "52:54:00:12:34:56"
    assert NODE.hexhyp == "52-54-00-12-34-56"
    assert NODE.hexraw == "525400123456"
    assert NODE.oui == "52:54:00"


def test_a_guid_may_stand_in_for_it() -> None:
    """EDK2 can be told to send the machine's GUID, 16 octets, as its hardware address."""
    assert str(Mac(bytes(range(16)))).startswith("00:01:02")


@pytest.mark.parametrize("size", [0, 17])
def test_an_impossible_length_is_refused(size: int) -> None:
    with pytest.raises(WireError):
        Mac(bytes(size))


@given(st.binary(min_size=6, max_size=6))
@settings(deadline=None)
def test_what_is_printed_can_be_read_again(octets: bytes) -> None:
    mac = Mac(octets)

    assert Mac.parse(str(mac)) == Mac.parse(mac.hexhyp) == Mac.parse(mac.hexraw) == mac


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_text_does_anything_but_parse_or_raise_wire_error(text: str) -> None:
    with suppress(WireError):
        assert len(Mac.parse(text).octets) == 6
