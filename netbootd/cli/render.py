"""``netbootd render``: exactly the text a machine would get."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from netbootd.boot.plan import LocalPlan
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.cli.common import USED_WRONGLY, ConfigOption, by_url_alone, called, fail, hint, row, settings, site, world
from netbootd.cli.facts import FactOption, facts
from netbootd.cli.told import record, told
from netbootd.fleet.lifecycle import Stage


def render(
    mac: Annotated[
        str, typer.Argument(metavar="MAC", help="The machine's hardware address in any usual spelling, or its name.")
    ],
    config: ConfigOption = None,
    arch: Annotated[str | None, typer.Option(metavar="A", help="iPXE's ${buildarch}: x86_64, i386, arm64.")] = None,
    platform: Annotated[str | None, typer.Option(metavar="P", help="iPXE's ${platform}: efi or pcbios.")] = None,
    stage: Annotated[Loader, typer.Option(help="For which loader.")] = Loader.IPXE,
    fact: FactOption = None,
    armed: Annotated[bool, typer.Option("--armed", help="As it will be once the machine is armed.")] = False,
    origins: Annotated[
        bool, typer.Option("--origins", help="Say instead where each argument and configuration file came from.")
    ] = False,
    file: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead a text made for this machine, such as EVE's grub.cfg.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Script, profile, arguments, files and origins as JSON.")
    ] = False,
) -> None:
    """Print the script this machine would get now, exactly as the daemon would send it."""
    loaded_config = settings(config)
    known = world(loaded_config)
    address = called(mac, known)
    if address is None:
        fail(f"{mac!r} is neither a machine's name nor a hardware address", USED_WRONGLY)
    said = facts(address, fact or (), (("buildarch", arch), ("platform", platform)))
    said = said.over(known.known(address))
    if armed:
        known = replace(known, stage=lambda _mac: Stage.ARMED)
    rendered = script(said, known, site(loaded_config), loader=stage, machine=by_url_alone(mac, known))
    if as_json:
        typer.echo(json.dumps({"script": rendered.text, **record(rendered)}, indent=2))
    elif origins:
        _origins(rendered)
    elif file and not rendered.failure:
        typer.echo(_document(rendered, file), nl=False)
    else:
        typer.echo(rendered.text, nl=False)
        _hint(rendered, mac, config)
    if rendered.failure:
        fail(rendered.failure)


_TEXTS = (".cfg",)


def _hint(rendered: Rendered, mac: str, config: Path | None) -> None:
    if rendered.verdict and rendered.verdict.waiting:
        same = f" -c {shlex.quote(str(config))}" if config else ""
        hint(f"as it will be once armed: netbootd render {shlex.quote(mac)} --armed{same}")


def _document(rendered: Rendered, name: str) -> str:
    """The text of a file that is made for this machine; what is no text may hold its keys."""
    texts = {each.name: each.content for each in rendered.documents if each.name.endswith(_TEXTS)}
    if name not in texts:
        fail(f"--file {name}: {_instead(rendered, tuple(texts))}", USED_WRONGLY)
    return texts[name].joined().decode()


def _instead(rendered: Rendered, texts: tuple[str, ...]) -> str:
    if texts:
        return f"there is {', '.join(texts)}"
    if isinstance(rendered.plan, LocalPlan):
        waits = rendered.verdict is not None and rendered.verdict.waiting
        return "this machine boots its own disk" + ("; as it will be once armed: --armed" if waits else "")
    return "no text is made for this machine; one whose profile has route: grub (payload eve) gets a grub.cfg"


def _origins(rendered: Rendered) -> None:
    if rendered.assignment:
        row("profile", f"{rendered.profile or 'none'}: {rendered.assignment.why}")
    if rendered.verdict:
        row("now", f"{'boots it' if rendered.verdict.netboot else 'own disk'}: {rendered.verdict.why}")
    told(rendered)
