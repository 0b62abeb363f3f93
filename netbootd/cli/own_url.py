"""``netbootd machines url`` and ``secret``: the URL that makes whoever boots from it one machine."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Annotated

import typer

from netbootd.boot.model import Machine
from netbootd.cli.common import USED_WRONGLY, ConfigOption, JsonOption, fail, settings, site

_BYTES = 24  # 192 bits, 32 characters


def secret() -> None:
    """Make a secret for a machine: `secret:` in its settings."""
    typer.echo(secrets.token_urlsafe(_BYTES))


def url(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Names; without any, all that have a secret.")
    ] = None,
    config: ConfigOption = None,
    script: Annotated[
        bool, typer.Option("--script", help="Instead a script of two lines, for a provider that keeps the text.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """A machine's own URL, for whoever boots it.  Who has it is that machine: keep it as you keep a password."""
    loaded = settings(config)
    machines = {each.name: each for each in loaded.snapshot.machines}
    wanted = names or [name for name, each in machines.items() if each.secret]
    here = site(loaded)
    found = {name: here.secret_url(_secret_of(name, machines)) for name in dict.fromkeys(wanted)}
    texts = {name: _script(each) for name, each in found.items()} if script else found
    if as_json:
        typer.echo(json.dumps(texts, indent=2))
    elif names and len(texts) == 1:
        typer.echo(texts[names[0]])
    else:
        for name, text in texts.items():
            typer.echo(f"{name} = {json.dumps(text)}")


def _script(address: str) -> str:
    return f"#!ipxe\nchain --autofree {address}"


def _secret_of(name: str, machines: Mapping[str, Machine]) -> str:
    machine = machines.get(name)
    if machine is None:
        fail(f"the settings name no machine {name!r}", USED_WRONGLY)
    if machine.secret is None:
        fail(f"{name} has no secret; to give it one, add to it: secret: {secrets.token_urlsafe(_BYTES)}")
    return machine.secret
