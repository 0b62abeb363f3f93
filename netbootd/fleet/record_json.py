"""Records and boots as text, the way they are kept.

Reading is lenient where a later netbootd may have written more, and strict where a value is not what it was: a field
that is not known is left out, one that is missing has its default, and what cannot be read raises `BadRecord`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.plan import LocalMethod
from netbootd.fleet.record import Approval, Asked, Attempt, Ending, Outcome, Reached, Record, Signal, Step, Transfer
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_E = TypeVar("_E", bound=Enum)
_T = TypeVar("_T")


class BadRecord(ValueError):
    """This text is no record, or no boot; says why in words."""


def record_text(record: Record) -> str:
    """As JSON, without what is not known."""
    return _text({field.name: _plain(getattr(record, field.name)) for field in fields(record)})


def attempt_text(attempt: Attempt) -> str:
    """As JSON, without what is as it mostly is."""
    return json.dumps(_told(attempt))


def read_record(text: str) -> Record:
    """What `record_text` wrote.  Raises `BadRecord`."""
    return _read(text, lambda said: _made(Record, said, _RECORD))


def read_attempt(text: str) -> Attempt:
    """What `attempt_text` wrote.  Raises `BadRecord`."""
    return _read(text, lambda said: _made(Attempt, said, _ATTEMPT))


def _text(values: dict[str, Any]) -> str:
    """In ASCII: no database minds it, whatever a machine says of itself."""
    return json.dumps({name: value for name, value in values.items() if value not in (None, [])})


def _plain(value: Any) -> Any:
    match value:
        case Mac() | UUID():
            return str(value)
        case Enum():
            return value.name
        case tuple():
            return [_plain(each) for each in value]
        case ArgSetting():
            return {"key": value.key, "values": _plain(value.values), "origin": value.origin}
        case Approval() | Ending():
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case Step() | Asked() | Transfer():
            return _told(value)
        case _:
            return value


def _told(value: Attempt | Step | Asked | Transfer) -> dict[str, Any]:
    said = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _plain(each) for field, each in said if each != field.default}


def _read(text: str, read: Callable[[dict[str, Any]], _T]) -> _T:
    try:
        said = json.loads(text)
        if not isinstance(said, dict):
            raise BadRecord("it is no JSON object")
        return read(said)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, WireError) as error:
        raise BadRecord(f"{type(error).__name__}: {error}"[:200]) from None


def _made(kind: Callable[..., _T], said: dict[str, Any], readers: dict[str, Callable[[Any], Any]]) -> _T:
    """What is null is not known."""
    known = {name: reader(said[name]) for name, reader in readers.items() if said.get(name) is not None}
    return kind(**known)


def _is(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError(f"{value!r:.40} is not a {kinds[0].__name__}")
        return value

    return read


def _number(value: Any) -> float:
    found = float(_is(int, float)(value))
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(f"{found} is no time")
    return found


def _each(reader: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda values: tuple(reader(value) for value in _is(list)(values))


def _one_of(kind: type[_E]) -> Callable[[Any], _E]:
    return lambda name: kind[name]


def _part(kind: Callable[..., _T], readers: dict[str, Callable[[Any], Any]]) -> Callable[[Any], _T]:
    return lambda said: _made(kind, _is(dict)(said), readers)


def _mac(text: Any) -> Mac:
    return Mac(bytes.fromhex(_is(str)(text).replace(":", "")))


def _uuid(text: Any) -> UUID:
    return UUID(_is(str)(text))


def _argument(said: Any) -> ArgSetting:
    """Its values may be null, which takes an inherited argument away.  What is on record of a machine is its own."""
    values = _is(dict)(said).get("values")
    texts = None if values is None else _each(_str)(values)
    return ArgSetting(_str(said["key"]), texts, _str(said["origin"]), Layer.MACHINE)


_str, _int, _bool = _is(str), _is(int), _is(bool)
_APPROVAL = {"by": _str, "at": _number}
_ENDING = {"generation": _int, "done": _bool, "at": _number, "signal": _one_of(Signal), "detail": _str}
_ASKED = {**dict.fromkeys(("message", "client", "arch", "server", "offered"), _str), "port": _int}
_TRANSFER = {
    "via": _str,
    "seconds": _number,
    **dict.fromkeys(("size", "sent", "blksize", "windowsize", "retransmits"), _int),
}
_STEP = {
    "stage": _one_of(Reached),
    "at": _number,
    "bytes": _int,
    "detail": _str,
    "last": _number,
    "times": _int,
    "trouble": _bool,
    "file": _str,
    "reason": _str,
    "asked": _part(Asked, _ASKED),
    "transfer": _part(Transfer, _TRANSFER),
}
_TEXTS = (
    "id serial asset manufacturer product arch platform ipxe name profile soft_serial soft_serial_by origin".split()  # noqa: SIM905
)
_RECORD: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_TEXTS, _str),
    "macs": lambda said: tuple(dict.fromkeys(_each(_mac)(said))),  # each is one card, whoever wrote it twice
    "uuid": _uuid,
    "addresses": _each(_str),
    "first_seen": _number,
    "last_seen": _number,
    "args": _each(_argument),
    "local": _one_of(LocalMethod),
    "approved": _part(Approval, _APPROVAL),
    "ending": _part(Ending, _ENDING),
}
_ATTEMPT: dict[str, Callable[[Any], Any]] = {
    "id": _str,
    "record": _str,
    "mac": _mac,
    "started": _number,
    "last": _number,
    "outcome": _one_of(Outcome),
    "steps": _each(_part(Step, _STEP)),
    "left_out": _int,
    "profile": _str,
    "files": _each(_str),
    "generation": _int,
    "shared": _bool,
}
