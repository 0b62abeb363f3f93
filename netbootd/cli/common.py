"""What commands share: finding and loading the settings, and saying what is wrong in one readable line each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from netbootd.boot.site import Site
from netbootd.config import Config, ConfigError, Problem, find, load
from netbootd.net.interfaces import NoSuchInterface, list_interfaces, usable

FOUND_WRONG = 1
USED_WRONGLY = 2

ConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Settings; without it the usual places are looked at."),
]


def settings(path: Path | None, *, profile: str | None = None, interfaces: tuple[str, ...] = ()) -> Config:
    """The settings, or the end: every problem on stderr, exit 1."""
    try:
        return load(find(path, os.environ, Path.cwd()), profile=profile, interfaces=interfaces)
    except ConfigError as error:
        tell(error.problems)
        raise typer.Exit(FOUND_WRONG) from None


def tell(problems: tuple[Problem, ...]) -> None:
    """One line a problem, on stderr."""
    for problem in problems:
        colour = typer.colors.RED if problem.severity == "error" else typer.colors.YELLOW
        typer.secho(f"{problem.severity}: ", fg=colour, err=True, nl=False)
        typer.echo(str(problem), err=True)


def fail(text: str, code: int = FOUND_WRONG) -> NoReturn:
    """Say it on stderr and end."""
    typer.secho("netbootd: ", fg=typer.colors.RED, err=True, nl=False)
    typer.echo(text, err=True)
    raise typer.Exit(code)


def site(config: Config) -> Site:
    """How machines come back to a daemon with these settings on this machine."""
    return Site(config.advertise or _address(config), config.http_port, config.tftp_port, config.public_url)


def _address(config: Config) -> str:
    try:
        served = usable(list_interfaces(), config.interfaces or "auto")
    except NoSuchInterface:
        served = ()
    return next((a.ip for each in served for a in each.addresses), "127.0.0.1")
