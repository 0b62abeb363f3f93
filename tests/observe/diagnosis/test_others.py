"""When another server is to blame, and when it is not: who is told to change one must be told the right one.

That each cause is found is in `test_table`.
"""

from __future__ import annotations

from typing import Any

import pytest

from netbootd.boot.silence import Reason
from netbootd.observe.diagnosis.model import Cause
from netbootd.observe.events import ServerHeard
from tests.support.ailing import CARD, DHCP, SERVER, Ward

OTHER = "10.99.0.9"


def heard(ward: Ward, server: str = DHCP, kind: str = "dhcp", **said: Any) -> None:
    ward.say(ServerHeard(mac=str(CARD), server=server, kind=kind, **said))


def ignores_us(ward: Ward) -> None:
    """It takes an address, and nothing more is heard of it."""
    ward.chooses()
    ward.wait(31.0)


@pytest.mark.parametrize(
    "said",
    [
        {"file": "snponly.efi", "next_server": SERVER},
        {"server": SERVER, "file": "other.efi"},
        {"server": SERVER, "kind": "proxy", "file": "other.efi", "pxe": True},
        {"kind": "dhcp"},
    ],
    ids=["it names us", "it is us", "the proxy is us", "it only gives addresses"],
)
def test_a_server_that_leads_nobody_astray_is_not_blamed(said: dict[str, Any]) -> None:
    ward = Ward()
    ward.discovers()
    heard(ward, **said)
    ignores_us(ward)
    assert ward.causes() == [Cause.OFFER_IGNORED]


@pytest.mark.parametrize(
    "said",
    [
        {"pxe": True},
        {"server": OTHER, "kind": "proxy", "file": "other.efi", "pxe": True},
        {"file": "pxelinux.0", "next_server": SERVER},
    ],
    ids=["calls itself a boot server", "another proxy", "a boot file of its own"],
)
def test_who_asked_us_after_all_was_not_taken_by_it(said: dict[str, Any]) -> None:
    """The machine came to port 4011; what keeps it from TFTP is something else."""
    ward = Ward()
    ward.discovers()
    heard(ward, **said)
    ward.chooses()
    ward.asks_4011()
    ward.wait(31.0)
    assert ward.causes() == [Cause.TFTP_NEVER_ASKED]


def test_nobody_is_blamed_before_the_machine_has_let_its_time_go_by() -> None:
    ward = Ward()
    ward.discovers()
    heard(ward, pxe=True)
    heard(ward, OTHER, "proxy", file="other.efi", pxe=True)
    ward.chooses()
    ward.wait(29.0)
    assert ward.causes() == []


def test_one_that_asked_another_and_then_us_is_ours() -> None:
    ward = Ward()
    ward.discovers()
    ward.chooses()
    ward.silent(Reason.OTHER_SERVER.name, message="REQUEST", port=4011, client="x86-64 UEFI PXE", server=OTHER)
    ward.asks_4011()
    ward.wait(31.0)
    assert Cause.ASKS_ANOTHER not in ward.causes()


def test_a_server_that_names_itself_and_has_something_to_boot_is_believed_before_us() -> None:
    """Beside one that only calls itself the next server, as many do."""
    ward = Ward()
    ward.to_loader()
    heard(ward, next_server=DHCP)
    heard(ward, OTHER, file="pxelinux.0", next_server=OTHER)
    ward.wait(31.0)
    assert ward.causes() == [Cause.OTHER_TFTP]
    assert f"{OTHER} names {OTHER} as TFTP server" in ward.one().sentence


def test_what_to_do_names_the_server_and_has_lines_to_paste_there() -> None:
    ward = Ward()
    ward.discovers()
    heard(ward, OTHER, file="pxelinux.0")
    ignores_us(ward)
    told = ward.one()
    assert f"boot pxelinux.0 from {OTHER}" in told.sentence
    assert f"the DHCP server {OTHER}" in told.advice
    assert f"dhcp-boot=tag:!ipxe,snponly.efi,,{SERVER}" in told.advice
    assert any(OTHER in line and "boot file pxelinux.0" in line for line in told.evidence)
