"""The command line: ``netbootd COMMAND``."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from netbootd import __version__
from netbootd.cli import bundles, check, explain, import_, machines, render, run, watch
from netbootd.cli.common import USED_WRONGLY, fail
from netbootd.cli.doctor import command as doctor

_UsageError: Any = typer.BadParameter.__mro__[1]  # click's; typer, which may bring a click of its own, gives out none


class _Program(TyperGroup):
    """Says in one line what is used wrongly, as everything else that is wrong: typer draws a box."""

    def main(self, *args: Any, **more: Any) -> Any:
        if not more.setdefault("standalone_mode", True):
            return super().main(*args, **more)
        try:
            code = super().main(*args, **{**more, "standalone_mode": False})
        except _UsageError as error:
            code = USED_WRONGLY
            with suppress(typer.Exit):
                _complain(error)
        sys.exit(code)


app = typer.Typer(
    name="netbootd",
    cls=_Program,
    help="Network boot beside the DHCP server you already have.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"netbootd {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


def _complain(error: Any) -> None:
    said = error.format_message().replace("Value error, ", "").rstrip(".")
    if said:  # else it has shown the help
        fail(f"{said}; see: {error.ctx.command_path} -h" if error.ctx else said)


app.command("run")(run.run)
app.command("check")(check.check)
app.command("render")(render.render)
app.command("explain")(explain.explain)
app.command("import")(import_.import_)
app.command("watch")(watch.watch)
app.command("doctor")(doctor.doctor)
app.add_typer(bundles.app, name="bundles")
app.add_typer(machines.app, name="machines")


def main() -> None:
    """The entry point of the ``netbootd`` program."""
    app()
