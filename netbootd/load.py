"""From settings to a `World`: everything that is read from disk once, at start and at reload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from netbootd.artifacts import bundles
from netbootd.artifacts.firmware import scan
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.render import Templates
from netbootd.chain.claims import every, rival
from netbootd.chain.world import World
from netbootd.config import Config
from netbootd.fleet.asked import Asked
from netbootd.fleet.database import peek
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.state import BadStateUrl, StateError, shown
from netbootd.payloads import PAYLOADS
from netbootd.resources import payload_file, templates_dir
from netbootd.wire.mac import Mac

_LARGEST_TEMPLATE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A world, the boot programs' bytes, and what could not be read."""

    world: World
    firmware: Mapping[str, bytes]
    notes: tuple[str, ...]
    records: tuple[Record, ...] = ()
    """Those a command read beside the daemon."""


def load_world(
    config: Config,
    stage: Callable[[Mac], Stage | None] = lambda _mac: None,
    known: Callable[[Mac], Facts] = lambda mac: Facts(mac=mac),
    left: Callable[[Mac], bool] = lambda _mac: False,
    recorded: Callable[[Facts], Record | None] = lambda _facts: None,
    rival: Callable[[str, Facts, Machine | None], str] = lambda _serial, _facts, _machine: "",
) -> Loaded:
    """Read boot programs, templates and bundles.  What cannot be read is a note, never an error: the rest works."""
    found = scan(config.firmware)
    sources, notes = read_templates(config.templates)
    shelf = bundles.scan(config.artifacts)
    templates = Templates(sources)
    world = World(
        config.snapshot, found.firmware, templates, stage, known, left, shelf.bundles, payload_files(), recorded, rival
    )
    return Loaded(world, found.contents, (*found.notes, *notes, *shelf.notes))


def load_recorded(config: Config) -> Loaded:
    """As `load_world`, for commands that speak without the daemon: what is on record of machines, and where they
    stand, is read from the state on disk.  Where that cannot be read they are shown as if nobody had been armed and
    nothing was set for any, and a note says so."""
    try:
        known = peek(config.state)
    except (StateError, BadStateUrl) as error:
        loaded = load_world(config)
        why = f"state {shown(config.state)} cannot be read ({error}): machines are shown as if nobody were armed"
        return replace(loaded, notes=(*loaded.notes, why))
    asked = Asked(config.snapshot, known)
    loaded = load_world(config, stage=asked.stage, known=asked.known, recorded=asked.recorded)
    world = replace(loaded.world, called=asked.called)
    return replace(loaded, records=known.records, world=replace(world, rival=_rival(world, asked)))


def _rival(world: World, asked: Asked) -> Callable[[str, Facts, Machine | None], str]:
    """Claims are found for the first that asks: most commands never do."""
    claims = cache(lambda: every(world, asked.records.all(), asked.armed()))
    return lambda serial, facts, machine: rival(claims().get(serial.lower(), ()), world, facts, machine)


def payload_files() -> Mapping[str, bytes]:
    """Every file that a payload names, by that name."""
    return {name: payload_file(name).read_bytes() for payload in PAYLOADS.values() for name in payload.files}


def read_templates(own: Path | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The built-in templates, and the user's over them by name."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(templates_dir().glob("*.j2"))}
    notes: list[str] = []
    if own is None:
        return sources, ()
    if not own.is_dir():
        return sources, (f"templates: {own} is not a directory; the built-in ones are used",)
    for path in sorted(p for p in own.rglob("*") if p.is_file() and not p.name.startswith(".")):
        try:
            sources[str(path.relative_to(own))] = _text(path)
        except (OSError, ValueError) as error:
            notes.append(f"template {path}: {error}")
    return sources, tuple(notes)


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST_TEMPLATE:
        raise ValueError(f"larger than {_LARGEST_TEMPLATE // 1024} KiB")
    return path.read_text(encoding="utf-8")
