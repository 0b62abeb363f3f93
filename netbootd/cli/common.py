"""What commands share: finding and loading the settings, and saying things so that they read well."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, NoReturn, TextIO

import typer

from netbootd.boot.model import Machine
from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.config import Config, ConfigError, Problem, find, load, load_alone
from netbootd.load import load_recorded
from netbootd.net.interfaces import NoSuchInterface, list_interfaces, usable
from netbootd.observe.hints import with_settings
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

FOUND_WRONG = 1
USED_WRONGLY = 2

ConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Settings; without it the usual places are looked at."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as JSON, for programs.")]

COLOURS = MappingProxyType({"error": typer.colors.RED, "warning": typer.colors.MAGENTA, "info": typer.colors.CYAN})
_WIDEST = 100  # columns; longer lines are hard to read


def find_settings(path: Path | None) -> Path | None:
    """The settings file this command uses."""
    return find(path, os.environ, Path.cwd())


def settings(path: Path | None, *, profile: str | None = None, interfaces: tuple[str, ...] = ()) -> Config:
    """The settings, or the end: every problem on stderr, exit 1."""
    try:
        return load(find_settings(path), profile=profile, interfaces=interfaces)
    except ConfigError as error:
        tell(error.problems, path)
        raise typer.Exit(FOUND_WRONG) from None


def settings_alone(path: Path | None) -> Config:
    """Those that find the daemon, as `settings` does; what machines boot is not looked at."""
    return _loaded(lambda: load_alone(find_settings(path)))


def tell(problems: tuple[Problem, ...], path: Path | None = None) -> None:
    """One line a problem, on stderr."""
    for problem in problems:
        _complain(f"{problem.severity}: ", repeated(str(problem), path), COLOURS[problem.severity])


def repeated(text: str, path: Path | None) -> str:
    """With the ``-c`` that this command was given (``path``) in every command that the text names."""
    return with_settings(text, str(path) if path else "")


def fail(text: str, code: int = FOUND_WRONG) -> NoReturn:
    """Say it on stderr and end."""
    _complain("netbootd: ", text, typer.colors.RED)
    raise typer.Exit(code)


def hint(text: str) -> None:
    """What else there is, on stderr."""
    _complain("netbootd: ", text, COLOURS["info"])


def row(label: str, text: str, *, indent: int = 0, width: int = 11, colour: str | None = None) -> None:
    """``label`` in a column, ``text`` beside it; on a terminal a long text goes on below itself."""
    head = " " * indent + label.ljust(width)
    lines = wrapped(text, head, sys.stdout)
    typer.secho(lines, fg=colour) if colour else typer.echo(lines)


def human(size: int) -> str:
    """``512 B``, ``1.2 MiB``."""
    number, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{size} B" if unit == "B" else f"{number:.1f} {unit}"


def counted(number: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {word}{'s' * (number != 1)}"


def wrapped(text: str, head: str, stream: TextIO) -> str:
    """``head`` and ``text``, broken into lines where ``stream`` is a terminal; a pipe gets one line, for grep."""
    if not stream.isatty():
        return (head + text).rstrip()
    columns = min(shutil.get_terminal_size().columns, _WIDEST)
    below = " " * min(len(head), columns // 2)
    lines = textwrap.wrap(
        text, columns - 1, initial_indent=head, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) or head.rstrip()


def _loaded(load: Callable[[], Config]) -> Config:
    try:
        return load()
    except ConfigError as error:
        tell(error.problems)
        raise typer.Exit(FOUND_WRONG) from None


def _complain(label: str, text: str, colour: str) -> None:
    shown = wrapped(" ".join(text.split()), label, sys.stderr)
    typer.secho(label, fg=colour, err=True, nl=False)
    typer.echo(shown.removeprefix(label), err=True)


def world(config: Config) -> World:
    """What the daemon would decide with now, arming included; what could not be read is said on stderr."""
    loaded = load_recorded(config)
    tell(tuple(Problem("netbootd", None, "", note, "warning") for note in loaded.notes))
    return loaded.world


def called(text: str, world: World) -> Mac | None:
    """The hardware address that ``text`` spells, or the first one of the machine that has this name.

    Ends the program at one that is named without a card.
    """
    try:
        return Mac.parse(text)
    except WireError:
        machine = next((each for each in world.fleet.machines if each.name == text), None)
    if machine and not machine.macs:
        fail(f"{text} is named without a card: give the hardware address it has shown", USED_WRONGLY)
    return machine.macs[0] if machine else world.called(text)


def by_url_alone(text: str, world: World) -> Machine | None:
    """The machine of this name, where nothing but its own URL makes anybody that machine."""
    return next((each for each in world.fleet.machines if each.only_by_secret and each.name == text), None)


def site(config: Config) -> Site:
    """How machines come back to a daemon with these settings on this machine."""
    address = config.advertise or config.listen or _address(config)
    tftp_port = config.tftp_port if config.tftp_mode == "on" else None
    return Site(address, config.http_port, tftp_port, config.public_url, config.syslog_port)


def _address(config: Config) -> str:
    try:
        served = usable(list_interfaces(), config.interfaces or "auto")
    except NoSuchInterface:
        served = ()
    return next((a.ip for each in served for a in each.addresses), "127.0.0.1")
