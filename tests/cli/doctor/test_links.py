"""An interface, and the firewall on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.cli.doctor.line import Status
from netbootd.cli.doctor.links import Rules, links, probes, read_rules, walls
from netbootd.cli.doctor.patient import Patient
from netbootd.net.interfaces import Interface
from tests.support.doctored import ETH0, patient, statuses
from tests.support.house import furnished


@pytest.fixture
def one(tmp_path: Path) -> Patient:
    return patient(furnished(tmp_path))


def test_an_interface_with_address_and_cable_is_well(one: Patient) -> None:
    (line,) = links(ETH0, one)
    assert (line.status, line.found) == (Status.OK, "10.99.0.2/24, up, MTU 1500")


@pytest.mark.parametrize(
    ("sick", "probe", "status"),
    [
        (replace(ETH0, up=False), "link", Status.FAIL),
        (replace(ETH0, carrier=False), "link", Status.FAIL),
        (replace(ETH0, addresses=()), "link.address", Status.FAIL),
        (replace(ETH0, mtu=1400), "link.mtu", Status.WARN),
    ],
    ids=["down", "no cable", "no address", "small MTU"],
)
def test_what_is_wrong_with_one_is_told(one: Patient, sick: Interface, probe: str, status: Status) -> None:
    (line,) = [each for each in links(sick, one) if each.status is not Status.OK]
    assert (line.probe, line.status) == (probe, status)
    assert line.todo


def test_the_firewall_is_asked_about_every_port_that_is_served(tmp_path: Path) -> None:
    config = patient(furnished(tmp_path), "http: {port: 80}\n").config
    told = [(each.hook, each.protocol, each.dport or each.sport) for each in probes("eth0", config)]
    assert told == [
        ("input", "udp", 67),
        ("input", "udp", 4011),
        ("input", "udp", 69),
        ("input", "tcp", 80),
        ("output", "udp", 68),
    ]


def test_a_rule_that_drops_is_named_with_one_that_would_let_it_in(one: Patient) -> None:
    chain = {"family": "inet", "table": "t", "name": "input", "hook": "input", "policy": "drop"}
    (line,) = walls(ETH0, one, Rules({"nftables": [{"chain": chain}]}))
    assert line.status is Status.FAIL
    assert "chain inet t input drops UDP 67, UDP 4011, UDP 69, TCP 8080" in line.found
    assert line.todo.startswith("nft insert rule inet t input iifname eth0 udp dport 67 accept")


def test_rules_that_leave_it_open_are_a_warning(one: Patient) -> None:
    chain = {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "accept"}
    rule = {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [{"xt": None}, {"drop": None}]}
    (line,) = walls(ETH0, one, Rules({"nftables": [{"chain": chain}, {"rule": rule}]}))
    assert line.status is Status.WARN


def test_without_rules_and_without_the_right_to_read_them(one: Patient) -> None:
    assert statuses(list(walls(ETH0, one, Rules({})))) == [Status.OK]
    assert statuses(list(walls(ETH0, one, read_rules(root=False)))) == [Status.SKIPPED]


def test_of_another_machine_the_firewall_is_not_seen(one: Patient) -> None:
    assert list(walls(ETH0, replace(one, server="10.99.0.7"), Rules({}))) == []
