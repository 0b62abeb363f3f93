"""``netbootd machines``: the fleet, through the admin API of the daemon that runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netbootd.boot.plan import LocalMethod
from netbootd.cli import own_url
from netbootd.cli.admin_api import Answer, Daemon
from netbootd.cli.common import FOUND_WRONG, USED_WRONGLY, ConfigOption, JsonOption, fail, repeated, wrapped
from netbootd.cli.common import row as labelled
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_WIDTH = 80  # columns, where there is no terminal to ask
_NAMED = 3  # machines in trouble
_NOT_YET = ("discovered", "approved")

app = typer.Typer(help="The fleet: who is there, who waits, arming, and leaving machines to their own disks.")

Which = Annotated[
    list[str], typer.Argument(metavar="MACHINE...", help="Names, MAC addresses in any spelling, or ids of records.")
]
State = Literal["discovered", "approved", "armed", "installing", "installed", "failed", "local"]
StateOption = Annotated[State | None, typer.Option("--state", help="Those that stand there.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Those that have this profile.")]
SearchOption = Annotated[str | None, typer.Option("-q", "--search", metavar="TEXT", help="Those with it anywhere.")]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        list_(config, as_json)
    elif config or as_json:
        fail(f"write options behind {context.invoked_subcommand!r}", USED_WRONGLY)


@app.command("list")
def list_(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    profile: ProfileOption = None,
    search: SearchOption = None,
) -> None:
    """All machines that are listed in the settings or have a record, or some of them."""
    found = Daemon.of(config).machines(state=state, profile=profile, q=search)
    if as_json:
        _print(found)
    elif not found:
        some = state or profile or search
        typer.echo("no machine is like that" if some else "no machine is listed in the settings, and none has a record")
    else:
        _table(found, config)


@app.command()
def add(
    mac: Annotated[list[str] | None, typer.Argument(metavar="[MAC...]", help="Its cards.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    profile: Annotated[str | None, typer.Option(help="What it boots.")] = None,
    uuid: Annotated[str | None, typer.Option(help="Of its board, where no card is known: with --serial.")] = None,
    serial: Annotated[str | None, typer.Option(help="What SMBIOS says.")] = None,
    soft_serial: Annotated[
        str | None, typer.Option(help="This one, or the next of a range such as 'NODE-[0001-0999]'.")
    ] = None,
    local: Annotated[
        LocalMethod | None, typer.Option("--local", help="How it is left to its own disk, over what its profile says.")
    ] = None,
    arg: Annotated[
        list[str] | None, typer.Option("--arg", metavar="KEY[=VALUE]", help="Of the kernel; may be repeated.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a machine that nobody has seen yet.  It is approved by that, and not armed."""
    macs = [_card(each) for each in mac or []]
    if not macs and not (uuid and serial):
        fail("a machine needs a MAC, or --uuid and --serial", USED_WRONGLY)
    said: dict[str, Any] = {"macs": macs or None, "name": name, "profile": profile, "uuid": uuid, "serial": serial}
    said |= {"soft_serial": soft_serial, "args": _arguments(arg or []), "local": local and local.value}
    answer = Daemon.of(config).ask("POST", "/machines", {key: value for key, value in said.items() if value})
    _each([answer], as_json, _added)


@app.command()
def approve(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say that machines that showed up are yours."""
    _change("approve", machines, config, as_json, "is approved")


@app.command()
def forget(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Forget machines, with their boots: what they were armed for ends, and when they show up again they are new."""
    daemon = Daemon.of(config)
    keys = daemon.keys(machines)
    before = [daemon.ask("GET", _path(key)) for key in keys]
    answers = [daemon.ask("DELETE", _path(key)) if old.done else old for key, old in zip(keys, before, strict=True)]
    said = [Answer(each.done, old.said if each.done else each.said) for each, old in zip(answers, before, strict=True)]
    _each(said, as_json, lambda machine: typer.echo(f"{_called(machine)} is forgotten"))


@app.command()
def export(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    profile: ProfileOption = None,
    search: SearchOption = None,
) -> None:
    """The fleet as CSV: names, soft serials, serial numbers, cards, models, releases and states."""
    form = "json" if as_json else "csv"
    text = Daemon.of(config).text(f"/export.{form}", state=state, profile=profile, q=search)
    typer.echo(text, nl=False)


@app.command()
def show(machines: Which, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Where a machine stands, and why."""
    daemon = Daemon.of(config)
    _each([daemon.ask("GET", _path(key)) for key in daemon.keys(machines)], as_json, partial(_details, config=config))


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


def _change(verb: str, machines: list[str], config: Path | None, as_json: bool, done: str) -> None:
    daemon = Daemon.of(config)
    answers = [daemon.ask("POST", f"{_path(key)}/{verb}") for key in daemon.keys(machines)]
    _each(answers, as_json, lambda machine: typer.echo(f"{_called(machine)} {done}"))


def _each(answers: list[Answer], as_json: bool, tell: Callable[[dict[str, Any]], None]) -> None:
    """Tell what was done, complain about the rest; exit 1 if there is any."""
    if as_json:
        _print([answer.said for answer in answers])
    for answer in answers:
        if not answer.done:
            typer.secho("netbootd: ", fg=typer.colors.RED, err=True, nl=False)
            typer.echo(str(answer.said.get("detail", answer.said)).removeprefix("the body: "), err=True)
        elif not as_json:
            tell(answer.said)
    if not all(answer.done for answer in answers):
        raise typer.Exit(FOUND_WRONG)


def _print(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def _table(machines: list[dict[str, Any]], config: Path | None) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("NAME", overflow="fold")
    table.add_column("MAC", no_wrap=True)
    table.add_column("PROFILE", overflow="fold")
    table.add_column("STATE", no_wrap=True)
    table.add_column("NEXT BOOT", overflow="fold")
    for machine in machines:
        cells = (machine["name"], machine["mac"], machine["profile"], machine["state"], _next_boot(machine))
        table.add_row(*(escape(cell or "-") for cell in cells))
    console.print(table)
    if lines := _what_to_do(machines):
        typer.echo("\n" + "\n".join(wrapped(repeated(line, config), "", sys.stdout) for line in lines))


def _what_to_do(machines: list[dict[str, Any]]) -> list[str]:
    """Those that were never installed wait; to arm one that was, or is just being, is nothing to be told to do."""
    waiting = sum(machine["waiting"] and machine["state"] in _NOT_YET for machine in machines)
    failed = sum(machine["state"] == "failed" for machine in machines)
    lines = [f"{waiting} wait{'s' * (waiting == 1)} to be armed: netbootd machines install MACHINE"] * bool(waiting)
    conflicts = sum(machine["conflict"] is not None for machine in machines)
    lines += [f"{failed} failed: netbootd machines show MACHINE"] * bool(failed)
    lines += [f"{conflicts} in conflict, or beside one: netbootd machines show MACHINE"] * bool(conflicts)
    troubled = sorted((m for m in machines if m["trouble"]), key=lambda m: bool(m["state"] == "discovered"))
    if stuck := [_short(machine) for machine in troubled]:  # strangers, whom anybody can make up, come last
        more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
        lines.append(f"in trouble: {', '.join(stuck[:_NAMED])}{more}; what to do: netbootd explain MACHINE")
    return lines


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
        case {"stage": "armed"} | {"state": "armed"}:
            return "held back, see the log"
        case _:
            return "own disk, not armed"


def _details(machine: dict[str, Any], config: Path | None) -> None:
    row = partial(labelled, width=13, indent=2)
    typer.secho(_called(machine), bold=True)
    row("state", f"{machine['state']}{_sure(machine)}: {machine['state_why'] or 'nobody approved it'}")
    row("profile", f"{machine['profile'] or 'none'}: {machine['assigned']}")
    row("next boot", f"{_next_boot(machine)}: {machine['why']}")
    if machine["stage"]:
        row("record", f"{machine['stage']} since {machine['since']}, {machine['by']}")
    if own := machine["origins"].get("local"):
        row("own disk by", f"{machine['local']}  ({own['where'] or own['origin']})")
    if len(machine["macs"]) > 1:
        row("cards", ", ".join(machine["macs"]))
    for label, key in (
        ("soft serial", "soft_serial"),
        ("serial", "serial"),
        ("uuid", "uuid"),
        ("approved", "approved"),
    ):
        if machine[key]:
            row(label, f"{machine[key]}{_from(machine, key)}")
    if known := " ".join(filter(None, (machine["manufacturer"], machine["product"], machine["arch"]))):
        row("hardware", known)
    if machine["ipxe"] or machine["platform"]:
        row("firmware", ", ".join(filter(None, (machine["platform"], machine["ipxe"] and f"iPXE {machine['ipxe']}"))))
    if machine["last_seen"]:
        at = ", ".join(machine["addresses"]) or "no address"
        row("seen", f"{machine['last_seen']}, at {at}; first {machine['first_seen']}")
    for position, arg in enumerate(machine["args"]):
        row("" if position else "arguments", f"{_argument(arg)}  ({arg['where'] or arg['origin']})")
    if machine["conflict"]:
        row("conflict", machine["conflict"], colour=typer.colors.RED)
        forget = "show each by its id; `netbootd machines forget ID` takes away what is not true any more"
        row("", repeated(forget, config))
        if machine["id"]:
            row("id", machine["id"])
    elif machine["trouble"]:
        row("trouble", machine["trouble"]["sentence"], colour=typer.colors.RED)
        row("what to do", repeated(machine["trouble"]["advice"], config))


def _sure(machine: dict[str, Any]) -> str:
    return f" ({machine['confidence']})" if machine["confidence"] else ""


def _from(machine: dict[str, Any], key: str) -> str:
    origin = machine["origins"].get(key, {"origin": "seen", "where": ""})
    return f"  ({origin['where'] or origin['origin']})" if origin["where"] != machine[key] else ""


def _argument(arg: dict[str, Any]) -> str:
    if arg["values"] is None:
        return f"{arg['key']} (taken away)"
    return " ".join(f"{arg['key']}={value}" for value in arg["values"]) or str(arg["key"])


def _arguments(texts: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` again and again repeats an argument, ``KEY`` is a bare flag."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or (key in found and not equals) or found.get(key) is True:
            fail(f"--arg {text}: write KEY=VALUE, or KEY alone once", USED_WRONGLY)
        found[key] = [*found.get(key, []), value] if equals else True
    return found


def _card(text: str) -> str:
    try:
        return str(Mac.parse(text))
    except WireError:
        fail(f"{text!r} is not a hardware address such as 52:54:00:12:34:56", USED_WRONGLY)


def _added(machine: dict[str, Any]) -> None:
    soft = f", with the soft serial {machine['soft_serial']}" if machine["soft_serial"] else ""
    typer.echo(f"{_called(machine)} is added{soft}")


def _called(machine: dict[str, Any]) -> str:
    card = machine["mac"] or machine["id"]
    return f"{machine['name']} ({card})" if machine["name"] and card else str(machine["name"] or card)


def _short(machine: dict[str, Any]) -> str:
    return str(machine["name"] or machine["mac"] or machine["id"])


def _path(key: str) -> str:
    return f"/machines/{quote(key, safe='')}"
