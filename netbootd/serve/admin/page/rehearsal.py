"""The script a machine would get if its iPXE asked now, with the origin of each argument; no secret and no token.

The very chain that answers machines; what is a secret is taken out of what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from netbootd.boot.args import Arg
from netbootd.boot.finding import Finding
from netbootd.boot.site import Site
from netbootd.chain.scripts import Rendered, script
from netbootd.fleet.lifecycle import Stage
from netbootd.serve.admin.roster import Seat
from netbootd.serve.admin.secrets import HIDDEN, kept_from_sight
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View

_USER = re.compile(r"(?<=://)[^/\s@]+@")
_TELLING = 6  # characters of a value that is looked for by itself


@dataclass(frozen=True, slots=True)
class Argument:
    """``value`` None: a bare flag."""

    key: str
    value: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of its configuration."""

    path: str
    origin: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """``armed``: as it will be once the machine is armed."""

    armed: bool
    payload: str
    profile: str
    now: str
    text: str
    failure: str
    args: tuple[Argument, ...]
    config: tuple[File, ...]
    findings: tuple[Finding, ...]


def rehearsals(services: ApiServices, seat: Seat, site: Callable[[str], Site]) -> tuple[Rehearsal, ...]:
    """Now; and once it is armed, where it waits for that."""
    here = site(seat.record.addresses[0] if seat.record and seat.record.addresses else "")
    now = _rendered(services, seat, here)
    if now.verdict is None or not now.verdict.waiting:
        return (_shown(now, seat, armed=False),)
    return _shown(now, seat, armed=False), _shown(_rendered(services, seat, here, armed=True), seat, armed=True)


def _rendered(services: ApiServices, seat: Seat, here: Site, *, armed: bool = False) -> Rendered:
    world, machine = services.world(), seat.machine
    if armed:
        world = replace(world, stage=lambda _mac: Stage.ARMED)
    known = machine if machine and machine.only_by_secret else None
    return script(View(services).facts(seat), world, here, machine=known)


def _shown(rendered: Rendered, seat: Seat, *, armed: bool) -> Rehearsal:
    hidden = {word: instead for each in (*rendered.args, *_as_written(rendered)) for word, instead in _secrets(each)}
    if seat.machine and seat.machine.secret:
        hidden[seat.machine.secret] = HIDDEN
    return Rehearsal(
        armed=armed,
        payload=rendered.payload,
        profile=rendered.profile,
        now=rendered.verdict.why if rendered.verdict else "",
        text=_without(rendered.text, hidden),
        failure=_without(rendered.failure, hidden),
        args=tuple(Argument(each.key, _value(each, hidden), each.origin) for each in rendered.args),
        config=tuple(File(each.path, each.origin) for each in rendered.config),
        findings=tuple(replace(each, text=_without(each.text, hidden)) for each in rendered.findings),
    )


def _value(arg: Arg, hidden: Mapping[str, str]) -> str | None:
    return None if arg.value is None else _without(kept_from_sight(arg.key, arg.value), hidden)


def _as_written(rendered: Rendered) -> Iterator[Arg]:
    """The arguments as the settings have them: what is refused may be told with its value."""
    for layer in rendered.assignment.args if rendered.assignment else ():
        for each in layer:
            yield from (Arg(each.key, value, each.origin, each.layer) for value in each.values or ())


def _secrets(arg: Arg) -> Iterator[tuple[str, str]]:
    """How a secret among the arguments can stand in a text, and what stands there instead.  A short value alone may
    be part of any other word."""
    if arg.value is None or (shown := kept_from_sight(arg.key, arg.value)) == arg.value:
        return
    yield str(arg), f"{arg.key}={shown}"
    yield arg.word, f"{arg.key}={shown}"
    if len(arg.value) >= _TELLING:
        yield arg.value, shown


def _without(text: str, hidden: Mapping[str, str]) -> str:
    """The longest first, as one may be part of another."""
    for word in sorted(hidden, key=len, reverse=True):
        text = text.replace(word, hidden[word])
    return _USER.sub(f"{HIDDEN}@", text)
