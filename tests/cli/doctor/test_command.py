"""``netbootd doctor``, as far as it goes without a network; see tests/system for the rest."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import netbootd


def test_settings_that_cannot_be_read_are_all_it_has_to_say(tmp_path: Path) -> None:
    path = tmp_path / "netbootd.yaml"
    path.write_text("httq: {}\n")
    ran = netbootd("doctor", "-c", path)
    assert ran.code == 1
    assert "FAIL  settings:" in ran.out
    assert ran.out.endswith("A machine would not boot (1 FAIL)\n")
    assert netbootd("doctor", "-c", path, "--json").json["boots"] is False


def test_an_interface_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    ran = netbootd("doctor", "-i", "none0")
    assert ran.code == 2
    assert "no interface 'none0' here" in ran.err


def test_a_server_is_named_by_its_address() -> None:
    for wrong in ("netboot.example.net", "10.99.0", "10.99.0.300"):
        ran = netbootd("doctor", "--server", wrong)
        assert ran.code == 2
        assert "IPv4 address" in ran.err
