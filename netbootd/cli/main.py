"""The command line: ``netbootd COMMAND``."""

from __future__ import annotations

from typing import Annotated

import typer

from netbootd import __version__
from netbootd.cli import bundles, check, explain, import_, machines, render, run, watch
from netbootd.cli.doctor import command as doctor

app = typer.Typer(
    name="netbootd",
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
