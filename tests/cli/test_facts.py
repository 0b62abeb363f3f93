"""What a person says a machine's iPXE would report, for ``render`` and ``explain``."""

from __future__ import annotations

import pytest
import typer

from netbootd.boot.facts import Facts
from netbootd.cli.facts import facts
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")


def test_they_are_read_as_the_daemon_reads_them() -> None:
    assert facts(CARD, ("serial=S/N 1=2", "ip=192.0.2.9")) == Facts(mac=CARD, serial="S/N 1=2", ip="192.0.2.9")


def test_options_of_their_own_count_where_they_are_given() -> None:
    assert facts(CARD, (), (("buildarch", "arm64"), ("platform", None))) == Facts(mac=CARD, buildarch="arm64")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("serial", "--fact 'serial': write it as KEY=VALUE"),
        ("mac=52:54:00:12:34:57", "--fact mac: iPXE reports no such thing; there is uuid, serial, "),
        ("ip=none", "ip: it is not an IPv4 address"),
    ],
)
def test_what_the_daemon_would_refuse_ends_the_program(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as end:
        facts(CARD, (given,))
    assert end.value.exit_code == 2
    assert f"netbootd: {said}" in capsys.readouterr().err
