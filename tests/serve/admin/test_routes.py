"""One entry of the API: what comes in is checked before its handler sees it, and what goes out is JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel

from netbootd.serve.admin.asked import By, Nothing, Page
from netbootd.serve.admin.problems import problems
from netbootd.serve.admin.routes import Answer, Media, Result, Route, add, as_answer


class Machine(BaseModel):
    name: str


def route(handler: Callable[[web.Request, Any, Any], Awaitable[Result]], **more: Any) -> Route:
    said: dict[str, Any] = {"method": "GET", "path": "/api/x", "name": "x", "summary": "x", "answer": Answer(), **more}
    return Route(handler=handler, **said)


async def asked(entry: Route, query: str = "", said: bytes = b"") -> tuple[int, str, Any]:
    """The status of its answer, the form, and what the JSON says."""
    app = web.Application(middlewares=[problems(lambda _event: None)])
    add(app, [entry])
    async with (
        TestClient(TestServer(app)) as client,
        client.request(entry.method, f"/api/x{query}", data=said) as answer,
    ):
        return answer.status, answer.content_type, await answer.json(content_type=None)


async def named(_request: web.Request, wanted: Any, said: Any) -> Result:
    return [Machine(name=repr(wanted)), Machine(name=repr(said))]


def told(answer: web.Response) -> Any:
    assert answer.content_type == "application/json"
    return json.loads(answer.text or "")


async def test_a_handler_gets_its_parameters_and_its_body_as_models() -> None:
    _, _, (wanted, said) = await asked(route(named, method="POST", query=Page, body=By), "?limit=7", b'{"by": "ada"}')
    assert "limit=7" in wanted["name"]
    assert said == {"name": "By(by='ada')"}


async def test_one_that_takes_no_body_gets_none() -> None:
    assert (await asked(route(named)))[2] == [{"name": repr(Nothing())}, {"name": "None"}]


@pytest.mark.parametrize(
    ("query", "said"), [("?limit=0", b"{}"), ("?nothing=1", b"{}"), ("", b'{"by": 1}'), ("", b"no JSON")]
)
async def test_it_is_not_asked_what_does_not_fit(query: str, said: bytes) -> None:
    async def never(_request: web.Request, _wanted: Any, _said: Any) -> Result:
        pytest.fail("it was asked")

    status, form, _ = await asked(route(never, method="POST", query=Page, body=By), query, said)
    assert (status, form) == (400, "application/problem+json")


async def test_an_answer_that_is_one_already_stays_as_it_is() -> None:
    async def table(_request: web.Request, _wanted: Any, _said: Any) -> Result:
        return web.Response(text="1", content_type="text/csv")

    assert await asked(route(table)) == (200, "text/csv", 1)


def test_one_value_is_an_object_and_several_are_a_list() -> None:
    one, none = as_answer(Machine(name="é"), HTTPStatus.CREATED, {"Location": "/x"}), as_answer([])
    assert (one.status, one.headers["Location"], told(one)) == (201, "/x", {"name": "é"})
    assert (none.status, told(none)) == (200, [])


@pytest.mark.parametrize(
    ("method", "media", "served"),
    [
        ("GET", Media.JSON, {"GET", "HEAD"}),
        ("GET", Media.EVENTS, {"GET"}),  # what goes on for ever has no length to tell
        ("PATCH", Media.JSON, {"PATCH"}),
    ],
)
def test_it_is_served_as_it_is_described(method: str, media: Media, served: set[str]) -> None:
    app = web.Application()
    add(app, [route(named, method=method, answer=Answer(media=media))])
    assert {each.method for each in app.router.routes()} == served
