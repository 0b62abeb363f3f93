"""Where arguments and configuration files came from, for people and for programs; nothing of what is in a file."""

from __future__ import annotations

import json

import pytest

from netbootd.boot.args import Arg, Layer
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.model import ConfigFile
from netbootd.chain.scripts import Rendered
from netbootd.cli.told import record, told

RENDERED = Rendered(
    "#!ipxe\n",
    "eve",
    "edge",
    args=(Arg("console", "ttyS0", "profile edge", Layer.PROFILE), Arg("getty", None, "machine n1", Layer.MACHINE)),
    config=(
        ConfigFile("server", b"zed.example\n", "profile edge, a.yaml:7"),
        ConfigFile("onboard.key.pem", b"very secret" * 200, "machine n1, a.yaml:9"),
        ConfigFile("soft_serial", b"{{ machine.serial }}", "profile edge, a.yaml:8"),
    ),
    findings=(Finding(Severity.INFO, "so it is", "config"),),
)


def test_each_row_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    told(RENDERED)
    assert capsys.readouterr().out.splitlines() == [
        "arguments  console=ttyS0  (profile edge)",
        "           getty          (machine n1)",
        "config     server, 12 B              (profile edge, a.yaml:7)",
        "           onboard.key.pem, 2.1 KiB  (machine n1, a.yaml:9)",
        "           soft_serial, a template   (profile edge, a.yaml:8)",
        "info       so it is",
    ]


def test_for_programs_too_without_what_is_in_a_file() -> None:
    said = record(RENDERED)
    assert said["config"] == [
        {"path": "server", "size": 12, "origin": "profile edge, a.yaml:7"},
        {"path": "onboard.key.pem", "size": 2200, "origin": "machine n1, a.yaml:9"},
        {"path": "soft_serial", "size": None, "origin": "profile edge, a.yaml:8"},
    ]
    assert said["findings"] == [{"severity": "info", "key": "config", "text": "so it is"}]
    assert "secret" not in json.dumps(said)
