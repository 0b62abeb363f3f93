"""What a machine did: its latest boots as timelines, from the daemon if it runs, else from the state on disk."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import typer

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.cli.admin_api import Daemon
from netbootd.cli.common import counted, repeated, row, wrapped
from netbootd.config import Config
from netbootd.fleet.peek import peek_boots
from netbootd.fleet.record import Outcome, Reached
from netbootd.fleet.state import BadStateUrl, StateError
from netbootd.observe.boots import stage_of
from netbootd.observe.sentences import rate_text, seconds_text, size_text
from netbootd.serve.admin.view import boot
from netbootd.wire.mac import Mac

SHOWN = 3
"""Boots that a person reads; ``--json`` has all there are."""
_QUIET = 10.0  # seconds of silence that are shown
_HEAD = 24  # columns of a step's time and stage, before its words
_OPEN = ("running", "abandoned")
_NOBODY = (
    "No daemon answers here, so that nobody tells it any of this now. Start one: sudo netbootd run, or "
    "systemctl start netbootd."
)
_NOTHING = (
    "The daemon has heard nothing of it. If it is on and boots from the network, its questions do not arrive: "
    "sudo netbootd doctor says why."
)


@dataclass(frozen=True, slots=True)
class Past:
    """``boots`` as the API has them, the latest first; ``source`` says where they are from."""

    boots: Sequence[Mapping[str, Any]]
    source: str
    heard: bool = True
    """The daemon itself said so."""
    moving: Mapping[str, Any] | None = None
    """The file that is on its way in the latest, as the API has it."""


def past(config: Config, path: Path | None, mac: Mac, world: World) -> Past:
    """Of this machine.  Never ends the program: that nobody answers is no fault here."""
    told = _from_daemon(config, path, mac)
    if told is not None:
        return told
    record = world.recorded(Facts(mac=mac))
    try:
        found = peek_boots(config.state, record.id if record else "", record.macs if record else (mac,))
    except (StateError, BadStateUrl):
        return Past((), "", heard=False)
    return Past([boot(each).model_dump() for each in found], "the state on disk, as no daemon answers", heard=False)


def show(found: Past, now: datetime | None = None, config: Path | None = None) -> None:
    """On standard output; of a machine that has never booted, why that may be."""
    if not found.heard:
        typer.secho(f"\n{_wrapped(repeated(_NOBODY, config))}", fg=typer.colors.RED)
    if not found.boots and found.heard:
        typer.echo(f"\n{_wrapped(repeated(_NOTHING, config))}")
    if not found.boots:
        return
    latest = found.boots[0]
    for each in latest["diagnoses"]:
        typer.secho(f"\n{_wrapped('What is wrong: ' + each['sentence'])}\n", fg=typer.colors.RED)
        for text in f"What to do: {repeated(each['advice'], config)}".splitlines():
            typer.echo(f"  {text}" if text.startswith(" ") else wrapped(text, "  ", sys.stdout))
        for said in each["evidence"]:
            row("seen", said, indent=2)
    typer.echo(f"\nIts latest boots, from {found.source}:")
    for place, each in enumerate(found.boots[:SHOWN]):
        typer.echo(f"\n  {head(each)}")
        later = found.boots[place - 1] if place else None
        for line in timeline(each, now or datetime.now(UTC), later, None if later else found.moving):
            when, text = line.text[:_HEAD], line.text[_HEAD:]
            typer.secho(wrapped(text, when, sys.stdout), fg=typer.colors.RED if line.trouble else None, dim=line.faint)


def _wrapped(text: str) -> str:
    return wrapped(text, "", sys.stdout)


@dataclass(frozen=True, slots=True)
class Line:
    """One of a timeline."""

    text: str
    trouble: bool = False
    faint: bool = False


def head(said: Mapping[str, Any]) -> str:
    """When it was, how long it took, and what became of it."""
    started = datetime.fromisoformat(said["started"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    outcome = Outcome[said["outcome"].upper()].value
    parts = [f"{started}: {outcome}", f"{seconds_text(said['seconds'])}"]
    parts += [size_text(said["bytes"])] if said["bytes"] else []
    parts += [f"{counted(said['retransmits'], 'packet')} sent again"] if said["retransmits"] else []
    parts += [f"profile {said['profile']}"] if said["profile"] else []
    return ", ".join(parts)


def timeline(
    said: Mapping[str, Any],
    now: datetime,
    later: Mapping[str, Any] | None = None,
    moving: Mapping[str, Any] | None = None,
) -> Iterator[Line]:
    """Steps with their seconds since the boot's first packet, and the silences between them.

    ``later`` is the boot after it, which ended its silence; ``moving`` the file it fetches now.
    """
    heard = 0.0
    for step in sorted(said["steps"], key=_began):
        if _began(step) - heard >= _QUIET:
            yield _nothing(_began(step) - heard)
        times = f" ({step['times']} times, the last at {step['until']:.1f} s)" if step["times"] > 1 else ""
        yield Line(f"  {_began(step):8.1f} s  {step['stage']:<8}  {_words(step)}{times}", bool(step["trouble"]))
        heard = max(heard, step["until"])
    if said["left_out"]:
        yield Line(f"{'':14}{said['left_out']} steps more, for which there was no room", faint=True)
    if moving:
        yield _on_its_way(said, now, moving)
    end, when = (datetime.fromisoformat(later["started"]), ", then it began anew") if later else (now, " since")
    silent = moving["quiet"] if moving else (end - datetime.fromisoformat(said["last"])).total_seconds()
    if said["outcome"] in _OPEN and silent >= _QUIET:
        yield _nothing(silent, when)


def _on_its_way(said: Mapping[str, Any], now: datetime, moving: Mapping[str, Any]) -> Line:
    begun = (now - datetime.fromisoformat(said["started"])).total_seconds() - moving["quiet"] - moving["seconds"]
    stage = stage_of(moving["file"]) or Reached.SCRIPT
    far = f"{size_text(moving['sent'])} of {size_text(moving['size'])} so far ({rate_text(moving['rate'])})"
    return Line(f"  {max(0.0, begun):8.1f} s  {stage.name.lower():<8}  {moving['file']}, {far}")


def _began(step: Mapping[str, Any]) -> float:
    """A transfer is told of when it is through."""
    moved, at = step["transfer"], float(step["after"])
    return max(0.0, at - moved["seconds"]) if moved and step["times"] == 1 else at


def _nothing(seconds: float, when: str = "") -> Line:
    return Line(f"{'':14}nothing for {seconds_text(seconds)}{when}", faint=True)


def _words(step: Mapping[str, Any]) -> str:
    moved, asked = step["transfer"], step["asked"]
    if step["reason"] == "probed":
        return f"asked for the size of {step['file']}"
    if moved and not step["trouble"]:
        return f"{step['file']}{_size(moved, step['bytes'])}"
    if asked and asked["offered"]:
        return f"{asked['client']}, {asked['message']} on port {asked['port']}: offered {asked['offered']}"
    if asked and asked["server"]:
        return f"{asked['client']}, {asked['message']} on port {asked['port']} to server {asked['server']}"
    return f"{step['detail'] or Reached[step['stage'].upper()].value}{_size(moved, step['bytes']) if moved else ''}"


def _size(moved: Mapping[str, Any], sent: int) -> str:
    """Of less than all of a file the whole is said, too."""
    of = f" of {size_text(moved['size'])}" if 0 <= sent < moved["size"] else ""
    again = f", {counted(moved['retransmits'], 'packet')} sent again" if moved["retransmits"] else ""
    return f", {size_text(sent)}{of} in {seconds_text(moved['seconds'])} ({rate_text(moved['rate'])}){again}"


def _from_daemon(config: Config, path: Path | None, mac: Mac) -> Past | None:
    """None: nobody answers there."""
    listen = config.admin_listen
    if not isinstance(listen, Path) and not listen[1]:
        return None
    try:
        with redirect_stderr(StringIO()):
            daemon = Daemon.of(path)
            if daemon.gone():
                return None
            machine = daemon.ask("GET", f"/machines/{mac}")
            return Past(daemon.boots(str(mac)), "the daemon", moving=machine.said.get("progress"))
    except typer.Exit:
        return None
