"""What comes in, before anything believes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from netbootd.serve.admin.asked import By, Draft, Page, Patch
from tests.support.fleet import EDGE, Api, problem, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@pytest.mark.parametrize(
    "body",
    ["[" * 5000, '{"by": "\\ud800"}', '{"by": NaN}', "\x00", '{"by": "x"', '{"by": "x"} {}', "null", '"x"'],
)
async def test_a_body_that_is_no_json_object_is_refused(api: Api, body: str) -> None:
    reply = await api.post(f"/{EDGE}/install", body)
    assert reply.status == 400
    assert problem(reply).startswith("the body: ")


@given(st.text(max_size=50) | st.binary(max_size=50).map(repr))
def test_whatever_is_said_only_one_kind_of_error_comes_of_it(text: str) -> None:
    for model in (By, Draft, Patch, Page):
        for said in ({"by": text}, {text: text}, {"name": text, "args": {text: text}}, {"limit": text}):
            try:
                model.model_validate(said)
            except ValidationError:
                continue


def test_who_asks_is_one_printable_line() -> None:
    assert By(by="a\nb\x1b[31m").who == "a?b?[31m"
    assert By().who == "the admin API"


def test_numbers_and_words_are_not_taken_for_each_other() -> None:
    with pytest.raises(ValidationError):
        Draft.model_validate({"args": {"a": 1}})
    assert Page.model_validate({"limit": "7"}).limit == 7
