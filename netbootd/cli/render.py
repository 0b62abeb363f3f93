"""``netbootd render``: exactly the text a machine would get."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from netbootd.boot.facts import Facts, parse_facts
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.cli.common import (
    USED_WRONGLY,
    ConfigOption,
    arguments,
    by_url_alone,
    called,
    fail,
    finding_record,
    remarks,
    row,
    settings,
    site,
    world,
)
from netbootd.wire.mac import Mac


def render(
    mac: Annotated[str, typer.Argument(help="The machine's hardware address in any usual spelling, or its name.")],
    config: ConfigOption = None,
    arch: Annotated[str | None, typer.Option(metavar="A", help="iPXE's ${buildarch}: x86_64, i386, arm64.")] = None,
    platform: Annotated[str | None, typer.Option(metavar="P", help="iPXE's ${platform}: efi or pcbios.")] = None,
    stage: Annotated[Loader, typer.Option(help="For which loader.")] = Loader.IPXE,
    fact: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="What iPXE would report: serial, manufacturer ...")
    ] = None,
    origins: Annotated[bool, typer.Option("--origins", help="Say instead where each argument came from.")] = False,
    file: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead a text made for this machine, such as EVE's grub.cfg.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Script, profile, arguments and origins as JSON.")] = False,
) -> None:
    """Print the script this machine would get now, exactly as the daemon would send it."""
    loaded_config = settings(config)
    known = world(loaded_config)
    address = called(mac, known)
    if address is None:
        fail(f"{mac!r} is neither a machine's name nor a hardware address", USED_WRONGLY)
    facts = _facts(address, arch, platform, tuple(fact or ()))
    machine = by_url_alone(mac, known)
    rendered = script(facts, known, site(loaded_config), loader=stage, machine=machine)
    if as_json:
        typer.echo(json.dumps(_record(rendered), indent=2))
    elif origins:
        _origins(rendered)
    elif file and not rendered.failure:
        typer.echo(_document(rendered, file), nl=False)
    else:
        typer.echo(rendered.text, nl=False)
    if rendered.failure:
        fail(rendered.failure)


_TEXTS = (".cfg",)
_REPORTED = tuple(each.name for each in dataclasses.fields(Facts) if each.name != "mac")


def _facts(mac: Mac, arch: str | None, platform: str | None, given: tuple[str, ...]) -> Facts:
    pairs = [("mac", str(mac))]
    pairs += [(key, value) for key, value in (("buildarch", arch), ("platform", platform)) if value]
    for each in given:
        key, separator, value = each.partition("=")
        if not separator:
            fail(f"--fact {each!r}: write it as KEY=VALUE", USED_WRONGLY)
        if key not in _REPORTED:
            fail(f"--fact {key}: iPXE reports no such thing; there is {', '.join(_REPORTED)}", USED_WRONGLY)
        pairs.append((key, value))
    facts, refused = parse_facts(tuple(pairs))
    for refusal in refused:
        fail(f"{refusal.field}: {refusal.reason}", USED_WRONGLY)
    return facts


def _document(rendered: Rendered, name: str) -> str:
    """The text of a file that is made for this machine; what is no text may hold its keys."""
    texts = {each.name: each.content for each in rendered.documents if each.name.endswith(_TEXTS)}
    if name not in texts:
        fail(f"--file {name}: there is {', '.join(texts) or 'no text made for this machine'}", USED_WRONGLY)
    return texts[name].joined().decode()


def _origins(rendered: Rendered) -> None:
    if rendered.assignment:
        row("profile", f"{rendered.profile or 'none'}: {rendered.assignment.why}")
    if rendered.verdict:
        row("now", f"{'boots it' if rendered.verdict.netboot else 'own disk'}: {rendered.verdict.why}")
    arguments(rendered.args)
    remarks(rendered.findings)


def _record(rendered: Rendered) -> dict[str, object]:
    return {
        "script": rendered.text,
        "payload": rendered.payload,
        "profile": rendered.profile,
        "why": rendered.assignment.why if rendered.assignment else "",
        "failure": rendered.failure,
        "args": [{"key": a.key, "value": a.value, "origin": a.origin} for a in rendered.args],
        "findings": [finding_record(each) for each in rendered.findings],
    }
