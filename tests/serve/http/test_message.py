"""What an installer says: one printable line of a bounded length, whatever it sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.serve.http.message import LONGEST, in_body, line

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("text/plain", b"no disk found\n", "no disk found"),
        ("application/octet-stream", b"no disk found", "no disk found"),
        (FORM, b"message=no+disk%20found", "no disk found"),
        (FORM, b"code=7&message=no+disk", "no disk"),
        (FORM, b"message=", ""),
        (FORM, b"no disk found", "no disk found"),  # curl -d, wget --post-data
        (FORM, b"reason=disk", "reason=disk"),
        (FORM, b"&".join([b"a=b"] * 100), ("a=b&" * 100)[: LONGEST - 1] + "…"),
        (FORM, b"", ""),
        (FORM, b"message=one&message=two", "one"),
        (JSON, b'{"message": "no disk found", "code": 7}', "no disk found"),
        (JSON, b'{"error": "no disk"}', '{"error": "no disk"}'),
        (JSON, b'{"message": 7}', '{"message": 7}'),
        (JSON, b'["no disk"]', '["no disk"]'),
        (JSON, b"no disk", "no disk"),
        (JSON, b"[" * 4000, "[" * (LONGEST - 1) + "…"),
        ("text/plain", b"", ""),
        ("text/plain", b"message=x", "message=x"),
    ],
)
def test_a_body_is_a_form_or_json_with_a_message_or_else_the_message(content_type: str, body: bytes, said: str) -> None:
    assert line(in_body(content_type, body)) == said


def test_a_message_becomes_one_line() -> None:
    assert line("  grub-install\r\n\tfailed\x1b[31m\0 ") == "grub-install failed?[31m?"


@given(st.sampled_from((FORM, JSON, "text/plain", "")), st.binary(max_size=4096))
def test_whatever_comes_makes_a_short_printable_line(content_type: str, body: bytes) -> None:
    said = line(in_body(content_type, body))

    assert len(said) <= LONGEST
    assert said.isprintable()


@given(st.text(max_size=1000))
def test_and_so_does_whatever_a_query_holds(text: str) -> None:
    assert len(line(text)) <= LONGEST
    assert line(text).isprintable()
