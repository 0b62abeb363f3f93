"""What comes back on a wire, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.decide import Answer, Decision
from netbootd.boot.memory import Style
from netbootd.boot.silence import Reason, Silence
from netbootd.cli.doctor.judge import Expected, discovered, enough, judge
from netbootd.cli.doctor.kinds import Heard, Kind
from netbootd.cli.doctor.line import Line, Status
from netbootd.wire.dhcp import MessageType

OURS, DHCP = "10.99.0.2", "10.99.0.1"
LEASE = Heard(kind=Kind.PLAIN, server=DHCP, offered="10.99.0.100")


def answer(file: str) -> Answer:
    return Answer(MessageType.OFFER, file, OURS, "PXEClient", Style.BINL, True)


DECISIONS: dict[Kind, Decision] = {
    Kind.BIOS: answer("undionly.kpxe"),
    Kind.UEFI: answer("snponly.efi"),
    Kind.ARM64: Silence(Reason.NO_BINARY),
    Kind.HTTP: answer(f"http://{OURS}:8080/firmware/snponly.efi"),
    Kind.IPXE: answer(f"http://{OURS}:8080/ipxe.cfg"),
}
HERE = Expected(own=frozenset((OURS,)), answered=True, here=True, decisions=DECISIONS)
THERE = Expected(own=frozenset((OURS,)), answered=True, here=False)


def ours(sent: bool = True) -> list[Heard]:
    return [
        Heard(kind=kind, server=OURS, file=said.file, next_server=OURS, vendor_class="PXEClient", sent=sent)
        for kind, said in DECISIONS.items()
        if isinstance(said, Answer)
    ]


HEALTHY = [LEASE, *ours()]


def of(lines: list[Line], probe: str) -> Line:
    return next(each for each in lines if each.probe == probe)


def others(*strangers: Heard, expected: Expected = HERE) -> Line:
    return of(list(judge([*HEALTHY, *strangers], expected)), "dhcp.others")


def test_a_second_netbootd_is_well_where_both_share_a_database() -> None:
    other = [replace(each, server="10.99.0.66", sent=False) for each in ours()]
    assert others(*other, expected=replace(HERE, shared=True)).status is Status.OK
    assert others(*other, expected=HERE).status is Status.FAIL
    assert "PostgreSQL" in others(*other, expected=HERE).todo
    assert others(*other, expected=THERE).status is Status.WARN, "its settings are not known here"


def test_a_dhcp_server_that_names_our_script_is_no_netbootd() -> None:
    said = Heard(kind=Kind.IPXE, server=DHCP, offered="10.99.0.100", file=f"http://{OURS}:8080/ipxe.cfg")
    assert discovered([LEASE, said]) is None
    assert "another netbootd" not in others(said).found


def test_a_healthy_network_has_nothing_wrong() -> None:
    lines = list(judge(HEALTHY, HERE))
    assert not [each for each in lines if each.status in (Status.FAIL, Status.WARN)]
    assert of(lines, "dhcp.offer.bios").found == f"{OURS} offers undionly.kpxe, seen leaving"
    assert of(lines, "dhcp.offer.arm64").status is Status.SKIPPED


def test_from_another_machine_an_offer_arrives() -> None:
    lines = list(judge([LEASE, *ours(sent=False)], THERE))
    assert of(lines, "dhcp.offer.uefi").found == f"{OURS} offers snponly.efi, it arrived"


def test_nobody_gives_addresses() -> None:
    assert of(list(judge(ours(), HERE)), "dhcp.address").status is Status.FAIL


def test_two_that_give_addresses_are_both_named() -> None:
    line = of(list(judge([*HEALTHY, replace(LEASE, server="10.99.0.7")], HERE)), "dhcp.address")
    assert line.status is Status.WARN
    assert DHCP in line.found
    assert "10.99.0.7" in line.found


def test_an_offer_that_does_not_leave_or_arrive_is_a_fault_with_another_cure() -> None:
    near = of(list(judge([LEASE], HERE)), "dhcp.offer")
    far = of(list(judge([LEASE], THERE)), "dhcp.offer")
    assert "BIOS PXE, x86-64 UEFI PXE" in near.tried
    assert near.status is far.status is Status.FAIL
    assert "A firewall of this machine" in near.todo
    assert "snooping" in far.todo


def test_one_kind_that_is_not_answered_beside_others_that_are_is_told_by_itself() -> None:
    lines = list(judge([each for each in HEALTHY if each.kind is not Kind.UEFI], HERE))
    assert [each.probe for each in lines if each.status is Status.FAIL] == ["dhcp.offer.uefi"]


def test_of_a_daemon_whose_settings_are_not_known_it_may_be_meant_that_a_kind_is_not_answered() -> None:
    only_bios = [each for each in ours() if each.kind is Kind.BIOS]
    assert of(list(judge([LEASE, *only_bios], THERE)), "dhcp.offer.arm64").status is Status.SKIPPED


def test_a_daemon_with_other_settings_than_were_read_is_told() -> None:
    stale = [replace(each, file="old.kpxe") if each.kind is Kind.BIOS else each for each in ours()]
    line = of(list(judge([LEASE, *stale], HERE)), "dhcp.offer.bios")
    assert line.status is Status.WARN
    assert "reload" in line.todo


def test_silence_that_settings_ask_for_is_no_fault() -> None:
    silent = replace(HERE, decisions=dict.fromkeys(DECISIONS, Silence(Reason.UNKNOWN_MACHINE)))
    line = of(list(judge([LEASE], silent)), "dhcp.offer.bios")
    assert line.status is Status.SKIPPED
    assert "as the settings say" in line.found


@pytest.mark.parametrize(
    ("stranger", "status", "words"),
    [
        (Heard(kind=Kind.UEFI, server="10.99.0.66", file="o", vendor_class="PXEClient"), Status.FAIL, "second PXE"),
        (Heard(kind=Kind.UEFI, server="10.99.0.66", vendor_class="PXEClient"), Status.FAIL, "second PXE"),
        (
            Heard(kind=Kind.UEFI, server=DHCP, offered="10.99.0.100", vendor_class="PXEClient"),
            Status.FAIL,
            "option 60",
        ),
        (Heard(kind=Kind.IPXE, server=DHCP, offered="10.99.0.100", no_proxy=True), Status.FAIL, "175.176"),
        (Heard(kind=Kind.BIOS, server=DHCP, offered="10.99.0.100", file="theirs.0"), Status.WARN, "theirs.0"),
        (Heard(kind=Kind.BIOS, server=DHCP, offered="10.99.0.100", next_server=DHCP), Status.OK, "none answers"),
    ],
    ids=["proxy", "proxy without a file", "class", "no-pxedhcp", "boot file", "a router that names itself"],
)
def test_others_that_boot_machines_are_named(stranger: Heard, status: Status, words: str) -> None:
    line = others(stranger)
    assert line.status is status
    assert words in line.found


def test_without_proxy_dhcp_somebody_else_must_send_machines_here() -> None:
    off = replace(HERE, proxy=False)
    told = Heard(kind=Kind.BIOS, server=DHCP, offered="10.99.0.100", file="undionly.kpxe", next_server=OURS)
    assert of(list(judge([LEASE], off)), "dhcp.sent-here").status is Status.FAIL
    lines = list(judge([LEASE, told], off))
    assert of(lines, "dhcp.sent-here").status is Status.OK
    assert of(lines, "dhcp.others").status is Status.OK
    by_class = replace(told, kind=Kind.HTTP, file=f"http://{OURS}:8080/firmware/snponly.efi", vendor_class="HTTPClient")
    assert of(list(judge([LEASE, by_class], off)), "dhcp.others").status is Status.OK


def test_a_netbootd_is_known_by_the_script_it_offers_to_ipxe() -> None:
    assert discovered(HEALTHY) == OURS
    assert discovered([LEASE]) is None


def test_all_has_come_once_the_lease_and_every_expected_offer_have() -> None:
    assert enough(HEALTHY, HERE)
    assert not enough(HEALTHY[:-1], HERE)
    assert not enough(ours(), HERE)
    assert enough([LEASE], replace(HERE, answered=False))
