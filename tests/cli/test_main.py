"""The command line as a whole: help, version, and what is used wrongly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netbootd import __version__
from tests.support.cli import netbootd


def test_it_says_its_version() -> None:
    ran = netbootd("--version")
    assert (ran.code, ran.out) == (0, f"netbootd {__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command_in_a_line(flag: str) -> None:
    ran = netbootd(flag)
    assert ran.code == 0
    for command in ("run", "check", "render", "explain", "import", "bundles"):
        assert f" {command} " in ran.out


@pytest.mark.parametrize("command", ["run", "check", "render", "explain", "import", "bundles"])
def test_every_command_has_help_of_its_own(command: str) -> None:
    ran = netbootd(command, "-h")
    assert (ran.code, "--config" in ran.out, ran.err) == (0, True, "")


@pytest.mark.parametrize(
    "arguments", [("nosuch",), ("render",), ("run", "--nosuch"), ("explain", "a", "b"), ("import",)]
)
def test_what_is_used_wrongly_ends_with_2(arguments: tuple[str, ...]) -> None:
    ran = netbootd(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint.startswith("netbootd: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nosuch",), "No such command 'nosuch'; see: netbootd -h"),
        (("machines", "show"), "Missing argument 'MACHINE...'; see: netbootd machines show -h"),
        (("run", "--nosuch"), "No such option: --nosuch; see: netbootd run -h"),
        (("run", "-i"), "Option '-i' requires an argument"),
    ],
)
def test_what_is_used_wrongly_is_said_in_one_line(arguments: tuple[str, ...], complaint: str) -> None:
    assert netbootd(*arguments).complaint == f"netbootd: {complaint}"


def test_a_choice_that_there_is_not_is_told_with_those_that_there_are() -> None:
    said = netbootd("machines", "list", "--state", "gone").complaint
    assert "'--state'" in said
    assert "Value error" not in said
    assert "'discovered'" in said


def test_without_a_command_it_helps() -> None:
    ran = netbootd()
    assert (ran.code, ran.err) == (2, "")
    assert " machines " in ran.out


def test_python_m_netbootd_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "netbootd", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"netbootd {__version__}\n")
