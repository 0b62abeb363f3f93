"""What the API is asked, as models: the parameters of a request and its body, hostile until these have passed them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError

from netbootd.boot.facts import unsafe
from netbootd.boot.plan import LocalMethod
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.shapes import State
from netbootd.wire.text import printable

T = TypeVar("T", bound=BaseModel)


def _plain(text: str) -> str:
    if why := unsafe(text):
        raise ValueError(f"cannot be used: {why}")
    return text


def _shown(text: str) -> str:
    return printable(text, 100)


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
Who = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown)]
Card = Annotated[str, Field(min_length=12, max_length=40, description="A hardware address in any usual spelling.")]
Word = Annotated[str, Field(max_length=100)]
ArgumentValue = str | Annotated[list[str], Field(min_length=1, max_length=64)] | StrictBool
"""Text, a list that repeats the argument, true for a bare flag, false to take an inherited one away."""


LOCAL = Field(None, description="How it is left to its own disk; null: as its profile says.")


class Asked(BaseModel):
    """Just these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asked):
    """No parameters."""


class By(Asked):
    """Who asks for the change, as far as they say."""

    by: Who | None = None

    @property
    def who(self) -> str:
        return self.by or "the admin API"


class Which(Asked):
    """Machines that all of these are true of."""

    state: State | None = None
    profile: Word | None = Field(None, description="A profile's name.")
    name: Word | None = Field(None, description="A name, or a pattern with * and ?.")
    mac: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="A card, in any spelling, or the beginning of one."
    )
    q: Word | None = Field(None, description="Text anywhere in names, cards, numbers, addresses and makers.")


class Page(Which):
    """Some of them, in their order."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class Follow(Asked):
    """What of the events."""

    mac: Word | None = Field(None, description="Of the machine with this card alone.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="These, and what matters more.")


class Draft(By):
    """A machine that nobody has seen yet; it is approved by that."""

    mac: Card | None = None
    macs: Annotated[list[Card], Field(max_length=16)] = []
    uuid: UUID | None = None
    serial: Line | None = None
    name: Line | None = None
    profile: Line | None = None
    args: Annotated[dict[str, ArgumentValue], Field(max_length=200)] = {}
    soft_serial: Line | None = None
    local: LocalMethod | None = LOCAL


class Patch(By):
    """What is left out stays, null takes away (RFC 7396)."""

    name: Line | None = None
    profile: Line | None = None
    args: Annotated[dict[str, ArgumentValue | None], Field(max_length=200)] | None = None
    soft_serial: Line | None = None
    local: LocalMethod | None = LOCAL


def query(request: web.Request, model: type[T]) -> T:
    """The parameters.  Raises `Problem`."""
    said: dict[str, str] = {}
    for key, value in request.query.items():
        if key in said:
            raise Problem(HTTPStatus.BAD_REQUEST, f"{printable(key, 40)} is said twice")
        said[key] = value
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, _faults(error, "a parameter")) from None


async def body(request: web.Request, model: type[T]) -> T:
    """The JSON that came; nothing at all is an empty object.  Raises `Problem`."""
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body: {_faults(error, 'a key')}") from None


def _faults(error: ValidationError, what: str) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(_fault(each["loc"], each["type"], each["msg"], what) for each in found[:5])


def _fault(place: Iterable[int | str], kind: str, text: str, what: str) -> str:
    at = printable(".".join(map(str, place)), 80)
    if kind == "extra_forbidden":
        return f"{at} is not {what} of this"
    return f"{at}: {printable(re.sub('^Value error, ', '', text), 200)}" if at else printable(text, 200)
