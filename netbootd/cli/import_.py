"""``netbootd import``: an EVE installer becomes a bundle."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.importer import Imported, import_bundle
from netbootd.artifacts.sources import STDIN, Pipe, Source, opened
from netbootd.cli.bundle_text import details, record
from netbootd.cli.common import USED_WRONGLY, ConfigOption, JsonOption, fail, row, settings


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="An installer_net tar, an unpacked directory, an installer.iso; - is stdin."
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What profiles call it; without it, eve- and the version.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a bundle of an EVE installer, e.g.: docker run --rm lfedge/eve installer_net | netbootd import -"""
    artifacts = settings(config).artifacts
    if source == STDIN and sys.stdin.isatty():
        fail("standard input is a terminal: pipe a tar or an ISO into it", USED_WRONGLY)
    try:
        done, why_not_verified = _imported(source, artifacts, name)
    except ImportFault as fault:
        fail(str(fault))
    except OSError as error:
        fail(f"nothing was imported: {error.filename or artifacts}: {error.strerror}")
    except KeyboardInterrupt:
        fail("interrupted: nothing was imported", 130)
    if as_json:
        about = {"already": done.already, "verified": done.verified, "left_out": done.left_out}
        typer.echo(json.dumps({**record(done.bundle), **about}, indent=2))
    else:
        _tell(done, artifacts, why_not_verified)


def _imported(source: str, artifacts: Path, name: str | None) -> tuple[Imported, str]:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with _ended_cleanly(), _bar() as (count, expect), opened(source, Pipe(0), count) as found:
        expect(found)
        done = import_bundle(found, artifacts, name=name, imported=now)
        listed = ", ".join(found.sums.files)
        return done, f"{listed} does not list it" if listed else "no sha256sums beside it"


def _tell(done: Imported, artifacts: Path, why_not_verified: str) -> None:
    typer.secho(done.bundle.name, bold=True, nl=False)
    there = " was there already" + (", under another name" if done.new_name else "")
    typer.echo(there if done.already else " imported")
    details(done.bundle)
    row("artifacts", str(artifacts), indent=2)
    row("verified", f"by {done.verified}" if done.verified else f"no: {why_not_verified}", indent=2)
    if done.left_out:
        row("left out", ", ".join(done.left_out), indent=2)
    if done.new_name or not done.already:
        typer.echo("a netbootd that runs knows it after: systemctl reload netbootd")


@contextmanager
def _bar() -> Iterator[tuple[Callable[[int], None], Callable[[Source], None]]]:
    """To count bytes, and to say how many are to come; drawn only where somebody watches."""
    columns = (TextColumn("importing"), BarColumn(), DownloadColumn(True), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield (
            lambda count: progress.advance(task, count),
            lambda source: progress.update(task, total=source.size),
        )


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Told to stop, as by a terminal that closes, leave nothing behind."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
