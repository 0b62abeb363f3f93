"""Pages out of templates.  Jinja2 escapes every value; names that are not given are a fault of ours."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from netbootd import __version__
from netbootd.observe.diagnosis.advice import ONE_IDENTITY
from netbootd.observe.events import Event
from netbootd.serve.admin.access import is_near
from netbootd.serve.admin.page import words
from netbootd.serve.admin.page.glance import PHASES
from netbootd.serve.admin.sessions import FIELD, Sessions

_HERE = Path(__file__).parent


class Pages:
    """``wall`` is seconds since the epoch, ``trouble`` what is wrong with the daemon itself, "" for nothing."""

    def __init__(self, sessions: Sessions, wall: Callable[[], float], trouble: Callable[[], str]) -> None:
        self._sessions = sessions
        self._wall = wall
        self._trouble = trouble
        self._env = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(
            span=words.span,
            clock=words.clock,
            sentence=words.sentence,
            marked=words.marked,
            ago=self._ago,
        )
        self._env.globals.update(
            version=__version__,
            csrf_field=FIELD,
            phases=PHASES,
            outcomes=words.OUTCOMES,
            ranks=words.RANKS,
            one_identity=ONE_IDENTITY,
            origins_said=words.ORIGINS,
            events=" ".join(sorted({each.name for each in Event.__subclasses__()})),
        )

    def page(
        self, request: web.Request, name: str, status: HTTPStatus = HTTPStatus.OK, **values: object
    ) -> web.Response:
        """An answer.  ``title`` must be among the values."""
        text = self._env.get_template(f"{name}.html").render(
            **values,
            path=request.path,
            alarm=self._trouble(),
            csrf=self._sessions.token(request, is_near(request)),
            logged_in=self._sessions.known(request),
        )
        return web.Response(status=status, text=text, content_type="text/html")

    def _ago(self, at: float | None) -> str:
        return words.when(at, self._wall())


def asset(name: str, content_type: str) -> Handler:
    """A handler for one of our own files, read once."""
    text = (_HERE / "static" / name).read_text()

    async def served(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return served
