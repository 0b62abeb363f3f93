"""``netbootd check``: everything that can be known to be wrong before a machine is switched on."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import typer

from netbootd import check as checks
from netbootd.boot.model import LimitKeys
from netbootd.cli.common import FOUND_WRONG, ConfigOption, JsonOption, counted, find_settings, repeated, row, tell
from netbootd.cli.missing import missed
from netbootd.cli.told import in_words
from netbootd.config import Config, ConfigError, Problem, load
from netbootd.fleet.limits import limits_of
from netbootd.load import Loaded, load_recorded


def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Settings, templates, machines, artifacts: each error with its file and key.  Exit 1 if there is any."""
    loaded: Loaded | None = None
    try:
        settings = load(find_settings(config))
    except ConfigError as error:
        problems = error.problems
    else:
        loaded = load_recorded(settings)
        problems = (*settings.warnings, *checks.check(settings, loaded), *missed(loaded.world))
        if not as_json:
            _summary(settings, loaded, config)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2))
    else:
        _verdict(problems, config)
    if _errors(problems):
        raise typer.Exit(FOUND_WRONG)


def _summary(settings: Config, loaded: Loaded, path: Path | None) -> None:
    world = loaded.world
    row("settings", str(settings.path or "none found, the defaults are used"))
    row("firmware", ", ".join(sorted(b.name for b in world.firmware.binaries)) or "none")
    row("profiles", ", ".join(world.fleet.profiles) or "none")
    row("machines", f"{len(world.fleet.machines) or 'none'} named; others: {world.fleet.unknown}")
    for profile in world.fleet.profiles.values():
        if profile.limits != LimitKeys():
            row("limits", f"{profile.name}: {in_words(limits_of(profile))}")
    if waits := checks.waiting_named(world, loaded.records):
        row("waiting", waits)
        row("", repeated("until armed by: netbootd machines install NAME", path))


def _verdict(problems: tuple[Problem, ...], path: Path | None) -> None:
    gap = "\n" * sys.stdout.isatty()
    typer.echo(gap, nl=False)
    tell(problems, path)
    typer.echo(gap if problems else "", nl=False)
    errors, warnings = _errors(problems), sum(problem.severity == "warning" for problem in problems)
    said = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    typer.echo(", ".join(said if errors else ["ok", *said]))


def _errors(problems: tuple[Problem, ...]) -> int:
    return sum(problem.severity == "error" for problem in problems)
