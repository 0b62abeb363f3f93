"""Pages out of templates: everything is escaped, nothing is left out unseen, and our own files are what they are."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from jinja2 import UndefinedError

from netbootd.serve.admin.page.render import Pages, asset
from netbootd.serve.admin.sessions import Sessions
from tests.support.crowd import NASTY


class House:
    trouble = ""


def opened(path: str) -> web.Request:
    """From elsewhere, so that nobody looks for a socket."""
    return make_mocked_request("GET", path, headers={"X-Forwarded-For": "192.0.2.9"})


def pages(house: House | None = None) -> Pages:
    place = house or House()
    return Pages(Sessions(), lambda: 1700000000.0, lambda: place.trouble)


def refused(made: Pages, **values: object) -> str:
    said: dict[str, Any] = {"title": "Not so", "text": "it is not so", "alarming": True, **values}
    return made.page(opened("/x"), "refused", **said).text or ""


def test_every_value_is_escaped() -> None:
    text = refused(pages(), title=NASTY, text=NASTY)
    assert NASTY not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_value_that_was_forgotten_is_a_fault_of_ours_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        pages().page(opened("/"), "refused", title="Not so", text="it is not so")


def test_the_daemons_own_trouble_stands_on_every_page_that_may_tell_of_it() -> None:
    house = House()
    made = pages(house)

    def text() -> str:
        answer = made.page(opened("/profiles"), "profiles", title="Profiles", profiles=[])
        return answer.text or ""

    assert 'role="alert"' not in text()
    house.trouble = "the disk is full"
    assert "The disk is full" in text()


def test_a_page_says_which_it_is() -> None:
    answer = pages().page(opened("/profiles"), "profiles", title="Profiles", profiles=[])
    assert '<a href="/profiles" aria-current="page">' in (answer.text or "")
    assert "<title>Profiles · netbootd</title>" in (answer.text or "")


async def test_our_own_files_are_served_as_what_they_are() -> None:
    answer = await asset("page.css", "text/css")(opened("/static/page.css"))
    assert isinstance(answer, web.Response)
    assert answer.content_type == "text/css"
    assert ":root" in (answer.text or "")
