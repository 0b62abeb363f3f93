"""The request target: split first, decoded once, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.serve.http.errors import Refused
from netbootd.serve.http.target import parse, unmapped


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        ("/", ()),
        ("/ipxe.cfg", ("ipxe.cfg",)),
        ("//artifacts//eve/kernel", ("artifacts", "eve", "kernel")),
        ("/a%20b/c+d", ("a b", "c+d")),
        ("/a/..%2f..%2fetc", ("a", "../../etc")),
        ("/a/%252e%252e", ("a", "%2e%2e")),
        ("/a/%2E%2e/b", ("a", "..", "b")),
        ("/a%00b", ("a\0b",)),
        ("/caf%C3%A9", ("café",)),
        ("/%ff", ("\udcff",)),
        ("http://10.0.0.1:8080/ipxe.cfg", ("ipxe.cfg",)),
        ("HTTP://boot/a/b", ("a", "b")),
        ("http://boot", ()),
        ("/a#b?c", ("a",)),
        ("/http://other/x", ("http:", "other", "x")),
    ],
)
def test_the_path_is_split_before_it_is_decoded_once(raw: str, segments: tuple[str, ...]) -> None:
    assert parse(raw).segments == segments


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ("/x", ()),
        ("/x?", ()),
        ("/x?mac=52:54:00:12:34:56&ip=", (("mac", "52:54:00:12:34:56"), ("ip", ""))),
        ("/x?a=1&a=2&&b", (("a", "1"), ("a", "2"), ("b", ""))),
        ("/x?product=i440FX%20+%20PIIX", (("product", "i440FX + PIIX"),)),
        ("/x?serial=a=b?c/d", (("serial", "a=b?c/d"),)),
        ("/x?serial=%0a%24%7b", (("serial", "\n${"),)),
        ("/x?serial=%ff%fe", (("serial", "\ufffd\ufffd"),)),
    ],
)
def test_the_query_is_pairs_in_order_and_a_plus_stays_a_plus(raw: str, query: tuple[tuple[str, str], ...]) -> None:
    assert parse(raw).query == query


@pytest.mark.parametrize("raw", ["/%", "/%2", "/%zz", "/a?x=%", "/a?%zz=1", "/%u0041"])
def test_a_bad_escape_is_a_bad_request(raw: str) -> None:
    with pytest.raises(Refused, match="percent") as refused:
        parse(raw)
    assert refused.value.status == 400


@pytest.mark.parametrize("query", ["x=" + "y" * 5000, "&".join(["a=1"] * 65)])
def test_a_query_without_end_is_too_long(query: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(f"/ipxe.cfg?{query}")
    assert refused.value.status == 414


@given(st.text())
def test_no_target_breaks_it(raw: str) -> None:
    try:
        target = parse(raw)
    except Refused:
        return
    assert all(target.segments)


def test_an_ipv4_peer_of_an_ipv6_socket_is_shown_as_ipv4() -> None:
    assert unmapped("::ffff:10.0.0.1") == "10.0.0.1"
    assert unmapped("fe80::1") == "fe80::1"
