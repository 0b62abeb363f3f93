"""One entry of the API: what is asked, by which models, and what comes back; served and described by the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from netbootd.serve.admin.asked import Asked, Nothing, body, query


class Media(Enum):
    """In what form an answer comes."""

    JSON = "application/json"
    CSV = "text/csv"
    EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """A good one: of this model, or a list of it; None: in a form that has none."""

    model: type[BaseModel] | None = None
    many: bool = False
    status: HTTPStatus = HTTPStatus.OK
    media: Media | None = Media.JSON
    """None: nothing comes back."""
    headers: tuple[str, ...] = ()


Result = web.StreamResponse | BaseModel | Sequence[BaseModel]


@dataclass(frozen=True, slots=True)
class Route:
    """``handler`` gets the request, its parameters and its body, both checked; ``problems`` are the usual ones."""

    method: str
    path: str
    handler: Callable[[web.Request, Any, Any], Awaitable[Result]]
    name: str
    summary: str
    answer: Answer
    query: type[Asked] = Nothing
    body: type[Asked] | None = None
    problems: tuple[HTTPStatus, ...] = ()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        wanted = query(request, self.query)
        said = await body(request, self.body) if self.body else None
        result = await self.handler(request, wanted, said)
        return result if isinstance(result, web.StreamResponse) else as_answer(result)


def add(app: web.Application, routes: Sequence[Route]) -> None:
    """To the site, before it starts."""
    for route in routes:
        if route.method == "GET":
            app.router.add_get(route.path, route.__call__, allow_head=route.answer.media is not Media.EVENTS)
        else:
            app.router.add_route(route.method, route.path, route.__call__)


def as_answer(
    value: BaseModel | Sequence[BaseModel], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """As JSON."""
    if isinstance(value, BaseModel):
        text = value.model_dump_json()
    else:
        text = f"[{','.join(each.model_dump_json() for each in value)}]"
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
