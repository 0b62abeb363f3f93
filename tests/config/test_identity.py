"""Machines named by uuid, serial number or address, besides their cards or instead of them."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.settings import Files

RESCUE = "profiles: {rescue: {payload: linux, kernel: k}}\n"
UUID_TEXT = "11111111-2222-3333-4444-5555555555aa"


def named(files: Files, *machines: str) -> list[str]:
    """The settings have to be refused."""
    return files.wrong(RESCUE + "machines:\n" + "".join(f"- {each}\n" for each in machines))


def test_each_may_stand_alone_or_beside_a_card(files: Files) -> None:
    text = f"machines:\n- {{serial: SN 1}}\n- {{uuid: {UUID_TEXT.upper()}}}\n- {{ip: 192.0.2.9}}\n"
    serial, uuid, ip, all_ = files.load(
        text + "- {mac: 52:54:00:12:34:56, serial: SN-2, ip: 192.0.2.10, name: n4}\n"
    ).snapshot.machines
    assert (serial.name, serial.serial, serial.macs) == ("SN 1", "SN 1", ())
    assert (uuid.name, uuid.uuid) == (UUID_TEXT, UUID(UUID_TEXT))
    assert (ip.name, ip.ip) == ("192.0.2.9", "192.0.2.9")
    assert (all_.name, str(all_.macs[0]), all_.serial, all_.ip) == ("n4", "52:54:00:12:34:56", "SN-2", "192.0.2.10")


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        ("{serial: Default string}", "serial: 'Default string' names no machine: many boards say so"),
        ("{serial: '0123456789'}", "serial: '0123456789' names no machine: many boards say so"),
        (
            "{uuid: 00000000-0000-0000-0000-000000000000}",
            "uuid: '00000000-0000-0000-0000-000000000000' names no machine: many boards say so",
        ),
        (
            "{uuid: 03000200-0400-0500-0006-000700080009}",
            "uuid: '03000200-0400-0500-0006-000700080009' names no machine: many boards say so",
        ),
        ("{uuid: 1234}", "uuid: '1234' will not do: it is not a UUID"),
        ("{ip: 300.0.2.1}", "ip: '300.0.2.1' will not do: it is not an IPv4 address"),
        ("{serial: 'a ${b}'}", "serial: 'a ${b}' will not do: it holds '${', which iPXE would expand"),
    ],
)
def test_what_is_no_identity_is_refused(files: Files, machine: str, told: str) -> None:
    assert named(files, machine) == [f"netbootd.yaml:3: machines[0].{told}"]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("serial: SN-1", "serial: sn-1", "serial: sn-1"),
        (f"uuid: {UUID_TEXT}", f"uuid: {UUID_TEXT.upper()}", f"uuid: {UUID_TEXT}"),
        ("ip: 192.0.2.9", "ip: 192.0.2.9", "ip: 192.0.2.9"),
    ],
)
def test_two_machines_cannot_be_the_same_one(files: Files, one: str, other: str, told: str) -> None:
    assert named(files, f"{{{one}, name: a}}", f"{{{other}, name: b}}") == [
        f"netbootd.yaml:4: machines.b.{told} already belongs to a of netbootd.yaml:3"
    ]


@pytest.mark.parametrize("identity", ["serial: SN-1", "mac: 52:54:00:12:34:56, serial: SN-1"])
def test_what_arms_itself_is_for_machines_named_by_their_cards(files: Files, identity: str) -> None:
    """Else it would be installed over from its second card, which nothing is remembered of."""
    text = (
        "profiles: {site: {payload: linux, kernel: k, boots: once, auto: AUTO}}\n"
        f"machines: [{{{identity}, name: n1, profile: site}}]\n"
    )
    assert files.wrong(text.replace("AUTO", "true")) == [
        "netbootd.yaml:2: machines.n1.profile: profile site has auto, which is for machines named by 'mac' alone: an "
        "installation is remembered by the card, and from another card this one would be installed again; name it by "
        "mac alone, by secret alone, or take a profile without auto"
    ]
    assert files.load(text.replace("AUTO", "false")).snapshot.machines[0].serial == "SN-1"
