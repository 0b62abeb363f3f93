"""The settings files that come with netbootd: each loads without a word, and the default one is the default."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from netbootd.boot.args import expand
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Severity
from netbootd.boot.model import Boots
from netbootd.config import Config, load
from netbootd.fleet.snapshot import Policy
from netbootd.payloads import PAYLOADS
from netbootd.wire.mac import Mac

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLES = sorted(CONFIGS.glob("*.yaml"))


def example(name: str) -> Config:
    return load(CONFIGS / name)


def profile_of(config: Config, **facts: object) -> str | None:
    profile = config.snapshot.lookup(Facts(**facts)).profile  # type: ignore[arg-type]
    return profile.name if profile else None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_loads_without_error_or_warning(path: Path) -> None:
    assert load(path).warnings == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_arguments_of_each_example_are_ones_its_payload_accepts(path: Path) -> None:
    for profile in load(path).snapshot.profiles.values():
        args = expand((s for s in profile.args if s.values is not None), lambda _text, _where: "52-54-00-12-34-56")
        found = PAYLOADS[profile.payload].judge(profile.settings, args, None, ())
        assert [each.text for each in found if each.severity is Severity.ERROR] == []


def test_the_default_file_says_what_holds_without_it() -> None:
    ours, theirs = example("netbootd.yaml"), load(None)
    differing = {f.name for f in fields(Config) if getattr(ours, f.name) != getattr(theirs, f.name)}
    assert differing == {"path", "snapshot"}
    assert (dict(ours.snapshot.profiles), ours.snapshot.machines, ours.snapshot.rules) == ({}, (), ())


def test_home_has_three_machines_and_nobody_else_notices() -> None:
    home = example("home.yaml")
    assert [(m.name, m.profile) for m in home.snapshot.machines] == [
        ("nuc-den", "debian"),
        ("nuc-attic", "debian"),
        ("nuc-workshop", "rescue"),
    ]
    assert home.snapshot.profiles["debian"].boots is Boots.ONCE, "an installer does not run unasked"
    assert home.unknown == "silent"


def test_the_lab_has_two_hundred_machines_and_rules_for_the_rest() -> None:
    lab = example("lab.yaml")
    assert len(lab.snapshot.machines) == 200
    assert Counter(machine.profile for machine in lab.snapshot.machines) == {
        "eve-gateway": 80,
        "eve-server": 45,
        "debian": 40,
        "burn-in": 15,
        "rescue-arm64": 12,
        None: 8,
    }
    mac = Mac.parse("0c:c4:7a:00:00:01")
    assert profile_of(lab, mac=mac, manufacturer="Supermicro", product="SYS-5019") == "eve-server"
    assert profile_of(lab, mac=Mac.parse("dc:a6:32:00:00:01")) == "disk"
    assert profile_of(lab, mac=mac, manufacturer="x", product="y", buildarch="arm64", ip="10.4.7.7") == "rescue-arm64"
    assert lab.snapshot.lookup(Facts(mac=mac, manufacturer="", buildarch="i386")).policy is Policy.REGISTER


def test_a_server_of_the_lab_is_known_by_either_port() -> None:
    lab = example("lab.yaml").snapshot
    first, second = Mac.parse("ac:1f:6b:0c:02:06"), Mac.parse("ac:1f:6b:0c:02:07")
    assert lab.machine(first) is lab.machine(second) is not None


def test_eve_nodes_install_once_and_only_the_factory_line_by_itself() -> None:
    profiles = example("eve.yaml").snapshot.profiles
    assert {p.name: (p.boots, p.auto) for p in profiles.values()} == {
        "eve": (Boots.ONCE, False),
        "eve-factory": (Boots.ONCE, True),
        "eve-own-menu": (Boots.ONCE, False),
    }


def test_the_rescue_bench_gives_everybody_the_rescue_system_but_for_one() -> None:
    rescue = example("rescue.yaml")
    assert profile_of(rescue, mac=Mac.parse("52:54:00:00:00:09"), buildarch="x86_64") == "rescue"
    assert profile_of(rescue, mac=Mac.parse("52:54:00:00:00:09"), buildarch="arm64") == "rescue-arm64"
    assert profile_of(rescue, mac=Mac.parse("f8:bc:12:00:10:01")) == "disk"


def test_eden_and_evetest_need_no_privilege_and_have_a_line_for_each_node() -> None:
    config = example("evetest.yaml")
    assert (config.listen, config.dhcp_mode, config.single_port) == ("127.0.0.1", "off", True)
    assert (config.tftp_port, config.http_port, config.admin_listen) == (0, 0, ("127.0.0.1", 0))
    assert [(m.name, m.profile, [f.path for f in m.config]) for m in config.snapshot.machines] == [
        ("node-1", "eve-17.3", []),
        ("node-2", "eve-14.5", ["server"]),
    ]


def test_without_dhcp_nothing_needs_a_privileged_port() -> None:
    config = example("dhcp-off.yaml")
    assert config.dhcp_mode == "off"
    assert isinstance(config.admin_listen, tuple)
    assert min(config.tftp_port, config.http_port, config.admin_listen[1]) > 1023
    assert config.state == f"sqlite:///{CONFIGS}/state.db"


def test_a_cloud_has_one_open_port_and_machines_with_urls_of_their_own() -> None:
    config = example("cloud.yaml")
    assert (config.dhcp_mode, config.tftp_mode, config.public_url) == ("off", "off", "http://boot.example.net")
    assert [str(each) for each in config.trusted_proxies] == ["192.0.2.80/32"]
    machines = {each.name: each for each in config.snapshot.machines}
    assert [name for name, each in machines.items() if each.only_by_secret] == ["metal-1", "metal-2", "metal-4"]
    assert {each.provider for each in config.snapshot.profiles.values()} == {"equinix", "i3d"}
    assert profile_of(config, mac=Mac.parse("0c:42:a1:0b:00:02")) is None
    assert profile_of(config, mac=Mac.parse("0c:42:a1:0b:00:09"), serial="CZ21340ABC") == "rescue"
    assert machines["metal-4"].network is not None
