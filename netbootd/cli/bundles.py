"""``netbootd bundles``: what has been imported, and what each can do."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from netbootd.artifacts import bundles as on_disk
from netbootd.artifacts.bundles import OnShelf, Shelf, scan
from netbootd.artifacts.faults import ImportFault
from netbootd.cli.bundle_text import details, shelf_record, short
from netbootd.cli.common import USED_WRONGLY, ConfigOption, JsonOption, fail, human, repeated, row, settings, tell
from netbootd.config import Config, Problem
from netbootd.config.problems import suggest
from netbootd.payloads import PAYLOADS

_WIDTH = 100  # columns, where there is no terminal to ask

app = typer.Typer(help="What has been imported, and what each can do.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name, or a digest; its first eight digits will do.")]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        list_(config, as_json)
    elif config or as_json:
        fail(f"write options behind {context.invoked_subcommand!r}", USED_WRONGLY)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """All bundles: version, era, size, and what each can do."""
    loaded = settings(config)
    shelf = scan(loaded.artifacts)
    if as_json:
        typer.echo(json.dumps([shelf_record(one, _used_by(one, loaded)) for one in shelf.all], indent=2))
    elif shelf.all:
        _table(shelf)
    else:
        typer.echo(repeated(f"there is no bundle in {loaded.artifacts}; to get one: netbootd import SOURCE", config))
    tell(tuple(Problem("bundles", None, "", note, "warning") for note in shelf.notes))


@app.command()
def show(name: Name, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One bundle: its form, where it came from, what it can do and what not."""
    loaded = settings(config)
    one = _find(scan(loaded.artifacts), name)
    used_by = _used_by(one, loaded)
    if as_json:
        typer.echo(json.dumps(shelf_record(one, used_by), indent=2))
        return
    typer.secho(", ".join(one.names) or one.bundle.directory, bold=True)
    details(one.bundle)
    row("digest", one.bundle.digest or "none: it was not imported, and may change", indent=2)
    if one.manifest:
        row("came from", f"{one.manifest.source or 'standard input'}, {one.manifest.imported}", indent=2)
        row("verified", f"by {one.manifest.verified}" if one.manifest.verified else "no", indent=2)
    row("profiles", ", ".join(used_by) or "none", indent=2)


@app.command()
def remove(
    name: Name,
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Even if a profile names it.")] = False,
) -> None:
    """Take away a name; with its last name the bundle goes, by its digest all names go with it."""
    loaded = settings(config)
    try:
        names = on_disk.located(loaded.artifacts, name).names
        gone = (name,) if name in names else names
        users = [profile for profile, wanted in _wishes(loaded) if wanted in gone]
        if users and not force:
            fail(f"profile {', '.join(users)} boots {name}; --force removes it all the same")
        removed = on_disk.remove(loaded.artifacts, name)
    except ImportFault as fault:
        fail(str(fault))
    except OSError as error:
        fail(f"{error.filename or loaded.artifacts}: {error.strerror}")
    if removed.kept:
        typer.echo(f"{name} is no name any more; the bundle stays as {', '.join(removed.kept)}")
    else:
        typer.echo(f"{name} removed, {human(removed.size)}")


def _find(shelf: Shelf, name: str) -> OnShelf:
    if (one := shelf.find(name)) is None:
        fail(f"no bundle {name!r}{suggest(name, [each for one in shelf.all for each in one.names])}")
    return one


def _used_by(one: OnShelf, config: Config) -> tuple[str, ...]:
    known = {*one.names, one.bundle.directory, one.bundle.digest}
    return tuple(profile for profile, wanted in _wishes(config) if wanted in known)


def _wishes(config: Config) -> list[tuple[str, str]]:
    """Each profile with the bundle it names."""
    profiles = config.snapshot.profiles.values()
    named = ((each.name, PAYLOADS[each.payload].bundle(each.settings)) for each in profiles)
    return [(profile, bundle) for profile, bundle in named if bundle]


def _table(shelf: Shelf) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("NAME", "VERSION", "ERA", "ARCH", "SIZE", "CAN"):
        table.add_column(head, overflow="fold", justify="right" if head == "SIZE" else "left")
    for one in shelf.all:
        bundle = one.bundle
        names = "\n".join(one.names) or bundle.directory
        table.add_row(
            names, bundle.version or "-", bundle.era.value, bundle.arch or "-", human(bundle.size), short(bundle)
        )
    console.print(table)
