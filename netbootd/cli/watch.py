"""``netbootd watch``: live boots, stage by stage, from the stream of the daemon's admin API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from netbootd.cli.admin_api import Daemon, Lost, Told
from netbootd.cli.board import ROOM, Board
from netbootd.cli.common import ConfigOption, repeated
from netbootd.cli.drawn import view

_AGAIN = 2.0  # seconds between two attempts to find the daemon again
_WHO = 17  # columns: a MAC address


def watch(
    machine: Annotated[
        str | None, typer.Argument(metavar="[MACHINE]", help="This one alone: a name, or a MAC address.")
    ] = None,
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Also what is of little interest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON for each event, for programs.")] = False,
) -> None:
    """Watch machines boot, until stopped.  A daemon that is started again is found again."""
    daemon = Daemon.of(config)
    (mac,) = daemon.keys([machine]) if machine else (None,)
    told = follow(daemon, mac, "debug" if verbose else "info")
    with suppress(KeyboardInterrupt):
        if as_json:
            for each in told:
                typer.echo(json.dumps({"id": each.id, "event": each.name, **each.data}))
        elif (console := Console(highlight=False)).is_terminal:
            board = Board(explain=repeated("netbootd explain MACHINE", config))
            known = daemon.machines() if mac is None else [daemon.ask("GET", f"/machines/{quote(mac, safe='')}").said]
            for one in under_way(known):
                board.knew(one)
            _live(told, console, board)
        else:
            for each in told:
                if verbose or each.name != "transfer.moved":
                    typer.echo(repeated(line(each), config))


def follow(daemon: Daemon, mac: str | None, level: str, sleep: Callable[[float], None] = time.sleep) -> Generator[Told]:
    """Everything that happens, for ever; what happened while the connection was lost comes when it is back."""
    last = ""
    while True:
        try:
            for each in daemon.events(last, mac=mac, level=level):
                last = each.id
                yield each
        except Lost:
            typer.echo(f"netbootd: lost the daemon on {daemon.where}, waiting for it", err=True)
        sleep(_AGAIN)
        while daemon.gone():
            sleep(_AGAIN)


def line(told: Told) -> str:
    """For a person who reads a file."""
    match told.name:
        case "dropped":
            return f"({told.data['count']} events were dropped: this could not be read fast enough)"
        case "gap":
            return "(events were missed)"
    data = told.data
    at = str(data.get("at", "")).partition("T")[2][:8]
    who = data.get("machine") or data.get("mac") or data.get("ip") or ""
    return f"{at}  {who!s:<{_WHO}}  {data.get('sentence', '')}".rstrip()


def under_way(machines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that boot as this begins, or stopped on their way; strangers, whom anybody can make up, last."""
    found = [
        each for each in machines if each.get("state") == "installing" or each.get("progress") or each.get("trouble")
    ]
    return sorted(found, key=lambda each: bool(each["state"] == "discovered"))[:ROOM]


def _live(told: Iterator[Told], console: Console, board: Board) -> None:
    """The picture is drawn anew by a thread of its own, so that silence is seen while nothing is told."""
    lock = Lock()

    def picture() -> Text:
        with lock:
            return view(board, max(3, console.height - 1), console.width)

    with Live(get_renderable=picture, console=console, refresh_per_second=4, vertical_overflow="crop"):
        for each in told:
            with lock:
                board.take(each.data)
