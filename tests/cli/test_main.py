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
    assert "Traceback" not in ran.err


def test_python_m_netbootd_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "netbootd", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"netbootd {__version__}\n")
