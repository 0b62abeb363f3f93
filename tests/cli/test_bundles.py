"""``netbootd bundles``: what there is, what each can do, and taking one away."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.cli.common import human
from netbootd.payloads.eve.bundle import Era
from tests.support.cli import Ran, netbootd
from tests.support.eve_bundles import files_of, net_tar, put
from tests.support.house import furnished, settings
from tests.support.settings import Files

PROFILES = "profiles:\n  edge: {payload: eve, bundle: eve-13.3.0}\n  rescue: {payload: linux, kernel: kernel}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two bundles that were imported, one of them by two names, and one made by hand."""
    path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, PROFILES))
    put(tmp_path, {"13.3.0.tar": net_tar(Era.A), "17.3.0.tar": net_tar(Era.B2)})
    for source, name in (("13.3.0.tar", "eve-13.3.0"), ("17.3.0.tar", "eve-17.3.0"), ("17.3.0.tar", "lab")):
        assert netbootd("import", tmp_path / source, "--name", name, "-c", path).code == 0
    put(tmp_path / "artifacts" / "mine", files_of(Era.B1X))
    return path


def bundles(config: Path, *arguments: str) -> Ran:
    return netbootd("bundles", *arguments, "-c", config)


def size(era: Era) -> list[str]:
    return human(sum(map(len, files_of(era).values()))).split()


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_the_list_says_what_each_can_do(config: Path, arguments: tuple[str, ...]) -> None:
    ran = bundles(config, *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["NAME", "VERSION", "ERA", "ARCH", "SIZE", "CAN"],
        ["eve-13.3.0", "13.3.0", "A", "amd64", *size(Era.A), "arguments", "config", "BIOS", "UEFI", "cloud"],
        ["eve-17.3.0", "17.3.0", "B2", "amd64", *size(Era.B2), "arguments", "config", "UEFI", "cloud"],
        ["lab"],
        ["mine", "-", "B1x", "amd64", *size(Era.B1X), "arguments", "config", "UEFI", "cloud", "BIOS?"],
    ]


def test_for_programs_the_list_says_everything(config: Path) -> None:
    first, second, third = bundles(config, "list", "--json").json
    assert (first["names"], first["profiles"], first["source"]) == (["eve-13.3.0"], ["edge"], "13.3.0.tar")
    assert (second["names"], second["era"], second["can"]["BIOS"]) == (["eve-17.3.0", "lab"], "B2", False)
    assert (third["digest"], third["imported"], third["directory"]) == ("", "", "mine")


def test_without_any_the_list_says_how_to_get_one(tmp_path: Path) -> None:
    path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path))
    ran = bundles(path)
    assert (ran.code, ran.out) == (
        0,
        f"there is no bundle in {tmp_path}/artifacts; to get one: netbootd import -c {path} SOURCE\n",
    )


def test_what_is_damaged_is_a_warning_beside_the_list(config: Path) -> None:
    (config.parent / "artifacts" / "lab" / "ipxe.efi").unlink()
    ran = bundles(config)
    assert (ran.code, "eve-17.3.0" in ran.out) == (0, False)
    assert "ipxe.efi: No such file or directory; import it anew" in ran.err


def test_one_is_shown_in_full_by_any_of_its_names(config: Path) -> None:
    ran = bundles(config, "show", "lab")
    assert ran.out.startswith("eve-17.3.0, lab\n  era        B2: ")
    assert "  came from  17.3.0.tar, 20" in ran.out
    assert "  verified   no\n" in ran.out
    assert ran.out.endswith("  profiles   none\n")
    digest = bundles(config, "show", "lab", "--json").json["digest"]
    assert bundles(config, "show", digest[:8]).out == ran.out


def test_one_made_by_hand_says_that_it_may_change(config: Path) -> None:
    assert "  digest     none: it was not imported, and may change\n" in bundles(config, "show", "mine").out


def test_one_that_does_not_exist_is_answered_with_what_was_meant(config: Path) -> None:
    ran = bundles(config, "show", "eve-13.3")
    assert (ran.code, ran.complaint) == (1, "netbootd: no bundle 'eve-13.3'; did you mean 'eve-13.3.0'?")


class TestRemove:
    def test_a_name_goes_and_with_the_last_the_bundle(self, config: Path) -> None:
        assert bundles(config, "remove", "lab").out == "lab is no name any more; the bundle stays as eve-17.3.0\n"
        assert bundles(config, "remove", "eve-17.3.0").out == f"eve-17.3.0 removed, {' '.join(size(Era.B2))}\n"
        assert bundles(config, "show", "eve-17.3.0").code == 1

    def test_what_a_profile_boots_stays_unless_it_is_forced(self, config: Path) -> None:
        ran = bundles(config, "remove", "eve-13.3.0")
        assert (ran.code, ran.complaint) == (
            1,
            "netbootd: profile edge boots eve-13.3.0; --force removes it all the same",
        )
        assert bundles(config, "remove", "eve-13.3.0", "--force").code == 0

    def test_what_was_not_imported_stays(self, config: Path) -> None:
        ran = bundles(config, "remove", "mine")
        assert (ran.code, "yours to delete" in ran.complaint) == (1, True)


def test_an_option_before_the_word_is_not_lost(config: Path) -> None:
    assert netbootd("bundles", "-c", config, "list").code == 2
