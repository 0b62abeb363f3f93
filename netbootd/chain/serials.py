"""The soft serial that a machine would call itself by, and why it may not be installed with it."""

from __future__ import annotations

from collections.abc import Callable

from netbootd.boot.args import Arg, ArgError, expand, merge
from netbootd.boot.facts import Facts, NotKnown
from netbootd.boot.model import Boots
from netbootd.boot.render import RenderError
from netbootd.boot.site import Site
from netbootd.chain.subject import subject
from netbootd.chain.world import World
from netbootd.fleet.snapshot import Assignment
from netbootd.fleet.soft_serials import BadSoftSerial, checked
from netbootd.payloads import PAYLOADS
from netbootd.payloads.base import CannotBoot

_NOWHERE = Site("127.0.0.1")


class Unnumbered(CannotBoot, NotKnown):
    """The next of its profile's range has not been assigned to it yet."""


def written(world: World, assignment: Assignment, facts: Facts, site: Site = _NOWHERE) -> str | None:
    """What settings and records give it beside its arguments; None: nothing.  Raises `RenderError`, `ArgError`."""
    soft = assignment.soft_serial
    if soft is None or not soft.text:
        return None
    where = f"the soft serial of {soft.origin}"
    machine = subject(assignment, facts)
    text = world.templates.expand(soft.text, where, machine=machine, site=site) if "{" in soft.text else soft.text
    try:
        return checked(text)
    except BadSoftSerial as error:
        raise ArgError(f"{where}: {error}") from None


def spoken(world: World, assignment: Assignment, facts: Facts) -> str:
    """What becomes of it, arguments over the rest; "" where that takes facts nobody knows yet, or there is none."""
    profile = assignment.profile
    if profile is None:
        return ""
    payload = PAYLOADS[profile.payload]
    try:
        own = written(world, assignment, facts) or ""
        if not payload.soft_serial or waits(assignment):
            return own
        defaults = payload.defaults(profile.settings, facts, world.bundles.get(payload.bundle(profile.settings)))
        layers = merge(defaults, *assignment.args)
        made = expand([each for each in layers if each.key == payload.soft_serial], _expander(world, assignment, facts))
    except (ArgError, RenderError):
        return ""
    return next((each.value or "" for each in made), "")


def waits(assignment: Assignment) -> bool:
    """Whether it has to be assigned one of a range, as nothing else gives it any."""
    soft, profile = assignment.soft_serial, assignment.profile
    if soft is None or soft.text or soft.range is None or profile is None:
        return False
    key = PAYLOADS[profile.payload].soft_serial
    return not key or not any(each.key == key for layer in assignment.args for each in layer)


def refuse(world: World, assignment: Assignment, facts: Facts, args: tuple[Arg, ...]) -> None:
    """Before an installation.  Raises `CannotBoot` for one without the number it is to have, or with another's."""
    profile = assignment.profile
    if profile is None or profile.boots is not Boots.ONCE:
        return
    if waits(assignment):
        assert assignment.soft_serial, "that is what it waits for"
        why = f"it has no soft serial of {assignment.soft_serial.range} yet ({assignment.soft_serial.origin})"
        raise Unnumbered(f"{why}; the daemon assigns it, once the state can be written and the range is not through")
    key = PAYLOADS[profile.payload].soft_serial
    said = next((arg.value for arg in args if key and arg.key == key), None) or written(world, assignment, facts)
    if why := _taken(world, assignment, facts, said):
        raise CannotBoot(why)


def doubled(world: World, assignment: Assignment, facts: Facts) -> str:
    """Why it could not be installed, as another has its soft serial; "" where none has."""
    return _taken(world, assignment, facts, spoken(world, assignment, facts))


def _taken(world: World, assignment: Assignment, facts: Facts, serial: str | None) -> str:
    owner = world.rival(serial, facts, assignment.machine) if serial else ""
    why = "no two machines may be installed with one"
    return f"its soft serial {serial} already belongs to {owner}: {why}" if owner else ""


def _expander(world: World, assignment: Assignment, facts: Facts) -> Callable[[str, str], str]:
    def expanded(text: str, where: str) -> str:
        own = written(world, assignment, facts) if "soft_serial" in text else None
        return world.templates.expand(text, where, machine=subject(assignment, facts, own), site=_NOWHERE)

    return expanded
