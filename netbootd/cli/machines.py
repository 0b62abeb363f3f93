"""``netbootd machines``: the fleet, through the admin API of the daemon that runs."""

from __future__ import annotations

import getpass
import http.client
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from netbootd.cli import own_url
from netbootd.cli.common import FOUND_WRONG, USED_WRONGLY, ConfigOption, JsonOption, fail, row, settings
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_PATIENCE = 15.0  # seconds; longer than the daemon waits for its disk
_WIDTH = 80  # columns, where there is no terminal to ask

app = typer.Typer(help="The fleet: who waits, arming, and leaving machines to their own disks.")

Which = Annotated[list[str], typer.Argument(metavar="MACHINE...", help="Names, or MAC addresses in any spelling.")]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        list_(config, as_json)
    elif config or as_json:
        fail(f"write options behind {context.invoked_subcommand!r}", USED_WRONGLY)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """All machines that are listed in the settings or have a record."""
    found = Daemon.of(config).machines()
    if as_json:
        _print(found)
    elif not found:
        typer.echo("no machine is listed in the settings, and none has a record")
    else:
        _table(found)


@app.command()
def show(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Where a machine stands, and why."""
    daemon = Daemon.of(config)
    _each([daemon.ask("GET", f"/{mac}") for mac in daemon.macs(machines)], as_json, _details)


@app.command()
def install(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Arm machines: each gets its payload at its next boot, once.  Installing wipes its disk."""
    _change("install", machines, config, as_json, "is armed: installs at its next boot")


@app.command()
def local(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Leave machines to their own disks, until they are armed."""
    _change("local", machines, config, as_json, "boots its own disk")


app.command()(own_url.secret)
app.command()(own_url.url)


@dataclass(frozen=True)
class Answer:
    """``said`` is a machine, or the problem with it."""

    done: bool
    said: dict[str, Any]


class Daemon:
    """The daemon's API, spoken over one address; whatever keeps it from answering ends the program."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    @classmethod
    def of(cls, config: Path | None) -> Daemon:
        """The one with these settings."""
        host, port = settings(config).admin_listen
        if not port:
            fail("admin.listen lets the system choose the port: name one, or ask the API at the one `run --json` told")
        return cls(host, port)

    def machines(self) -> list[dict[str, Any]]:
        """All of them."""
        found = self._ask("GET", "")[1]
        return found if isinstance(found, list) else self._not_netbootd()

    def macs(self, wanted: Iterable[str]) -> list[str]:
        """The addresses of machines called by name or address; ends the program at one that is neither."""
        names = {machine["name"]: machine["mac"] for machine in self.machines() if machine["name"]}
        return [names.get(each) or _address(each) for each in dict.fromkeys(wanted)]

    def ask(self, method: str, path: str) -> Answer:
        """About one machine."""
        status, said = self._ask(method, path)
        return Answer(status == http.client.OK, said) if isinstance(said, dict) else self._not_netbootd()

    def _ask(self, method: str, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        body = json.dumps({"by": f"{_person()}, by netbootd machines"}) if method == "POST" else None
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection.request(method, f"/api/v1/machines{path}", body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except TimeoutError:
            fail(f"the daemon on {self._where} does not answer")
        except OSError:
            fail(f"no daemon answers on {self._where}; is `netbootd run` running?")
        except (http.client.HTTPException, ValueError):
            self._not_netbootd()
        finally:
            connection.close()

    @property
    def _where(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def _not_netbootd(self) -> NoReturn:
        fail(f"what answers on {self._where} is not the admin API of this netbootd")


def _change(verb: str, machines: list[str], config: Path | None, as_json: bool, done: str) -> None:
    daemon = Daemon.of(config)
    answers = [daemon.ask("POST", f"/{mac}/{verb}") for mac in daemon.macs(machines)]
    _each(answers, as_json, lambda machine: typer.echo(f"{_called(machine)} {done}"))


def _each(answers: list[Answer], as_json: bool, tell: Callable[[dict[str, Any]], None]) -> None:
    """Tell what was done, complain about the rest; exit 1 if there is any."""
    if as_json:
        _print([answer.said for answer in answers])
    for answer in answers:
        if not answer.done:
            typer.secho("netbootd: ", fg=typer.colors.RED, err=True, nl=False)
            typer.echo(answer.said.get("detail", answer.said), err=True)
        elif not as_json:
            tell(answer.said)
    if not all(answer.done for answer in answers):
        raise typer.Exit(FOUND_WRONG)


def _print(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def _table(machines: list[dict[str, Any]]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("NAME", overflow="fold")
    table.add_column("MAC", no_wrap=True)
    table.add_column("PROFILE", overflow="fold")
    table.add_column("NEXT BOOT", overflow="fold")
    for machine in machines:
        table.add_row(machine["name"] or "-", machine["mac"], machine["profile"] or "-", _next_boot(machine))
    console.print(table)
    if waiting := sum(machine["waiting"] for machine in machines):
        typer.echo(f"\n{waiting} wait{'s' * (waiting == 1)} to be armed: netbootd machines install MACHINE")


def _next_boot(machine: dict[str, Any]) -> str:
    match machine:
        case {"profile": None}:
            return "as unknown machines"
        case {"netboot": True, "boots": "once", "fetching": True}:
            return "installs, is fetching now"
        case {"netboot": True, "boots": "once"}:
            return "installs"
        case {"netboot": True}:
            return "the profile, always"
        case {"stage": "given"}:
            return "own disk, was given its payload"
        case {"stage": "armed"}:
            return "held back, see the log"
        case _:
            return "own disk, not armed"


def _details(machine: dict[str, Any]) -> None:
    typer.secho(_called(machine), bold=True)
    row("profile", f"{machine['profile'] or 'none'}: {machine['assigned']}", indent=2)
    row("next boot", f"{_next_boot(machine)}: {machine['why']}", indent=2)
    if machine["stage"]:
        row("record", f"{machine['stage']} since {machine['since']}, {machine['by']}", indent=2)
    if len(machine["macs"]) > 1:
        row("cards", ", ".join(machine["macs"]), indent=2)


def _called(machine: dict[str, Any]) -> str:
    return f"{machine['name']} ({machine['mac']})" if machine["name"] else str(machine["mac"])


def _address(text: str) -> str:
    try:
        return str(Mac.parse(text))
    except WireError:
        fail(f"{text!r} is neither a machine's name nor a hardware address", USED_WRONGLY)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
