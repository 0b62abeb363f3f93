"""The table of peculiarities: each row says who, what and how it is known."""

from __future__ import annotations

import pytest

from netbootd.boot.arch import architecture
from netbootd.boot.quirks import NETBOOT_CLASSES, QUIRKS, Quirk, quirks_of
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD

PI = Mac.parse("dc:a6:32:00:00:01")


def found(mac: Mac = CARD, vendor_class: str = "PXEClient:Arch:00000:UNDI:002001", arch: int | None = 0) -> list[str]:
    return [quirk.name for quirk in quirks_of(mac, vendor_class, arch)]


@pytest.mark.parametrize("quirk", QUIRKS, ids=[quirk.name for quirk in QUIRKS])
def test_a_row_has_evidence_a_condition_and_an_effect(quirk: Quirk) -> None:
    assert quirk.evidence
    assert quirk.vendor_class or quirk.ouis or quirk.architecture is not None
    assert quirk.reply_class or quirk.treat_as is not None
    assert quirk.treat_as is None or architecture(quirk.treat_as)


def test_names_are_unique() -> None:
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS)


def test_most_clients_have_none() -> None:
    assert found() == []


def test_a_raspberry_pi_that_says_bios_is_known_by_its_card() -> None:
    assert found(PI) == ["raspberry-pi-says-bios"]


@pytest.mark.parametrize("arch", [None, 7, 11, 22])
def test_a_raspberry_pi_with_uefi_or_u_boot_on_it_is_nothing_special(arch: int | None) -> None:
    assert found(PI, arch=arch) == []


def test_huawei_has_its_own_class() -> None:
    assert found(vendor_class="HW-Client:Arch:00007") == ["huawei-own-class"]
    assert NETBOOT_CLASSES == ("PXEClient", "HTTPClient", "HW-Client")
