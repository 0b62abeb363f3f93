"""``netbootd check``: everything that can be known to be wrong before a machine is switched on."""

from __future__ import annotations

import typer

from netbootd import check as checks
from netbootd.artifacts.firmware import missing
from netbootd.cli.common import FOUND_WRONG, ConfigOption, settings, tell
from netbootd.load import load_world


def check(config: ConfigOption = None) -> None:
    """Settings, templates, machines, artifacts: each error with its file and key.  Exit 1 if there is any."""
    loaded_config = settings(config)
    loaded = load_world(loaded_config)
    problems = (*loaded_config.warnings, *checks.check(loaded_config, loaded))
    tell(problems)
    for lack in missing(loaded.world.firmware):
        typer.secho("missing: ", fg=typer.colors.YELLOW, err=True, nl=False)
        typer.echo(str(lack), err=True)
    _summary(loaded_config.path, loaded)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        typer.echo(f"{errors} error{'s' if errors > 1 else ''}")
        raise typer.Exit(FOUND_WRONG)
    typer.echo("ok")


def _summary(path: object, loaded: object) -> None:
    world = loaded.world  # type: ignore[attr-defined]
    typer.echo(f"settings   {path or 'none found, the defaults are used'}")
    typer.echo(f"firmware   {', '.join(sorted(b.name for b in world.firmware.binaries)) or 'none'}")
    typer.echo(f"profiles   {', '.join(world.fleet.profiles) or 'none'}")
    typer.echo(f"machines   {len(world.fleet.machines)}; others: {world.fleet.unknown}")
    waits = checks.waiting(world)
    if waits:
        typer.echo(f"waiting    {', '.join(m.name for m in waits)}")
        typer.echo("           armed by: netbootd machines install NAME")
