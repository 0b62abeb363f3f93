"""How bundles are told: abilities as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.model import ConfigFile
from netbootd.cli.bundle_text import details, record, short
from netbootd.payloads.eve.abilities import notes
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile


def test_what_is_not_certain_has_a_question_mark() -> None:
    assert short(Bundle("eve", "", "eve", Era.B2, arch="amd64", config_size=1)) == "arguments config UEFI cloud BIOS?"


@pytest.mark.parametrize("era", list(Era), ids=[era.value for era in Era])
def test_every_era_is_told(era: Era, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = Bundle("eve", "", "eve", era)
    details(bundle)
    shown = capsys.readouterr().out
    assert shown.startswith(f"  era        {era.value}: ")
    assert "  version    not known\n  for        not known\n" in shown
    assert ("  boots      no: " in shown) is bool(record(bundle)["refused"])
    assert ("netbootd/payloads/eve/init.sh\n" in shown) is (era in (Era.B1, Era.B1X, Era.B2))


def test_where_the_files_of_an_iso_are_served_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is unpacked, so nobody would find them by looking."""
    bundle = Bundle(
        "eve", "", "sha256-1", Era.B3, iso=(IsoFile("boot/kernel", 2048, 5), IsoFile("config.img", 4096, 6))
    )
    details(bundle)
    assert "  iso        2 files in it, served as /artifacts/sha256-1/iso/PATH\n" in capsys.readouterr().out
    assert record(bundle)["iso"] == ["boot/kernel", "config.img"]


def test_what_the_release_s_own_configuration_holds_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = Bundle(
        "eve", "", "eve", Era.B2, stock=(ConfigFile("server", b"a"), ConfigFile("onboard.key.pem", b"secret"))
    )
    details(bundle)
    shown = capsys.readouterr().out
    assert "  config     a node's own lies over the release's server, onboard.key.pem\n" in shown
    assert record(bundle)["config"] == ["server", "onboard.key.pem"]
    assert "secret" not in shown


def test_what_stands_among_its_abilities_is_not_told_again_as_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = Bundle("eve", "", "eve", Era.B1, version="14.3.0")
    details(replace(bundle, notes=notes(bundle)))
    shown = capsys.readouterr().out
    assert shown.count("has no config.img; eve_install_server reaches it") == 1
    assert "  note       there is no ipxe.efi in it" in shown


def test_one_file_is_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    details(Bundle("eve", "", "eve", Era.B2, files=("installer.iso",), iso=(IsoFile("boot/kernel", 2048, 5),)))
    shown = capsys.readouterr().out
    assert "  size       0 B, 1 file\n" in shown
    assert "  iso        1 file in it, served" in shown
