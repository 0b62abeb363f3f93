"""``netbootd machines url`` and ``secret``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.cli import Ran, netbootd
from tests.support.settings import Files

ONE, TWO = "Zq2uWm7xKp4tVn9rYc3sHd6f", "f6dHs3cYr9nVt4pKx7mWu2qZ"
SETTINGS = f"""\
http: {{public_url: "http://boot.example.net:8080"}}
machines:
  - {{name: metal-1, secret: {ONE}}}
  - {{name: metal-2, secret: {TWO}, mac: 52:54:00:00:00:02}}
  - {{name: plain, mac: 52:54:00:00:00:03}}
"""
URL_1, URL_2 = (f"http://boot.example.net:8080/boot/{secret}/ipxe.cfg" for secret in (ONE, TWO))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Files(tmp_path).write("netbootd.yaml", SETTINGS)


def url(path: Path, *arguments: str) -> Ran:
    return netbootd("machines", "url", *arguments, "-c", path)


def test_one_machine_s_is_alone_on_its_line(path: Path) -> None:
    """To be given to another program, or pasted."""
    assert url(path, "metal-1").out == f"{URL_1}\n"


def test_all_of_them_are_written_as_a_provider_of_terraform_prints_its_outputs(path: Path) -> None:
    assert url(path).out == f'metal-1 = "{URL_1}"\nmetal-2 = "{URL_2}"\n'


def test_as_json_they_are_one_table_of_texts(path: Path) -> None:
    """What terraform's data source "external" reads."""
    assert json.loads(url(path, "--json").out) == {"metal-1": URL_1, "metal-2": URL_2}


def test_a_provider_that_keeps_the_text_gets_a_script(path: Path) -> None:
    assert url(path, "metal-1", "--script").out == f"#!ipxe\nchain --autofree {URL_1}\n"


def test_a_machine_without_a_secret_is_told_one(path: Path) -> None:
    ran = url(path, "plain")
    assert ran.code == 1
    assert re.search(r"plain has no secret; to give it one, add to it: secret: [A-Za-z0-9_-]{32}$", ran.err.strip())


def test_a_machine_nobody_named_is_an_error(path: Path) -> None:
    ran = url(path, "metal-9")
    assert (ran.code, ran.err) == (2, "netbootd: the settings name no machine 'metal-9'\n")


def test_a_secret_is_made_at_random_and_taken_by_the_settings(tmp_path: Path) -> None:
    one, other = (netbootd("machines", "secret").out.strip() for _ in range(2))
    assert one != other
    assert Files(tmp_path).load(f"machines: [{{name: n1, secret: {one}}}]").snapshot.machines[0].secret == one


def test_neither_render_nor_explain_nor_check_show_a_secret(path: Path) -> None:
    """`render` does where the machine's own script has it: where that is the menu."""
    for command in (("render", "metal-1", "--origins"), ("render", "metal-2"), ("explain", "metal-1"), ("check",)):
        ran = netbootd(*command, "-c", path)
        assert ONE not in ran.out + ran.err
        assert TWO not in ran.out + ran.err
