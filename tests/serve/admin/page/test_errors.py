"""What goes wrong is said in the form of who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.fleet import Api, problem, serving
from tests.support.pages import opened, posted


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@pytest.mark.parametrize("target", ["/nothing", "/machines", "/machines/node-1/nothing", "/machines/nobody"])
async def test_a_person_gets_a_page_with_a_way_back(api: Api, target: str) -> None:
    page = await opened(api, target)
    assert (page.status, page.root.one("h1").text) == (404, "Not Found")
    assert page.root.one("main").one("a").attrs["href"] == "/"


async def test_what_was_asked_for_is_repeated_as_text(api: Api) -> None:
    page = await opened(api, "/machines/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "'<script>alert(1)</script>' is not a hardware address" in page.root.one("main").text
    assert page.root.all("script") == []


async def test_a_page_that_only_shows_takes_no_form(api: Api) -> None:
    page = await posted(api, "/profiles", {})
    assert (page.status, page.headers["Allow"]) == (405, "GET,HEAD")


async def test_a_program_gets_what_it_always_got(api: Api) -> None:
    assert (await api.ask("GET", "/nothing")).type == "text/plain; charset=utf-8"
    assert "not a hardware address" in problem(await api.ask("GET", "/api/v1/machines/x", Accept="text/html"))


async def test_a_fault_of_ours_is_told_and_shown_to_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "about", None)
    page = await api.ask("GET", "/start", Accept="text/html")
    assert (page.status, page.body) == (500, "a fault of netbootd's own, see its log\n")
    assert any("internal error" in getattr(event, "text", "") for event in api.events)
