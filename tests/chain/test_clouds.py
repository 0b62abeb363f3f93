"""What a machine gets for where it stands, between its payload's own and what settings say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, ConfigFile
from netbootd.boot.network import NetworkKeys
from netbootd.boot.site import Site
from netbootd.chain import clouds
from netbootd.chain.scripts import Loader, entry, script
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Assignment, Policy
from netbootd.payloads import PAYLOADS
from tests.support import ipxe
from tests.support.worlds import CARD, OTHER_CARD, SITE, args, eve, linux, machine, settled, world

SECRET = "Zq2uWm7xKp4tVn9rYc3sHd6f"
KNOWN = Facts(mac=CARD)
STATIC = NetworkKeys("192.0.2.10/24", "192.0.2.1", origin="machine node-1")
OWN = machine("rescue", secret=SECRET, only_by_secret=True)
ONCE = linux(boots=Boots.ONCE)


def origins(of: Facts, **more: Any) -> dict[str, tuple[str | None, str]]:
    """Of a Linux's arguments, the last of each key."""
    made = settled(linux(**more))
    return {arg.key: (arg.value, arg.origin) for arg in script(of, made, SITE).args}


class TestProvider:
    def test_its_console_goes_by_what_ipxe_reports(self) -> None:
        assert origins(KNOWN, provider="equinix")["console"] == ("ttyS1,115200n8", "provider equinix")
        arm = Facts(mac=CARD, buildarch="arm64")
        assert origins(arm, provider="equinix")["console"] == ("ttyAMA0,115200", "provider equinix")

    def test_what_the_settings_say_goes_over_it(self) -> None:
        own = args("profile rescue", console="ttyS0")
        assert origins(KNOWN, provider="equinix", args=own)["console"] == ("ttyS0", "profile rescue")
        none = args("profile rescue", console=False)
        assert "console" not in origins(KNOWN, provider="equinix", args=none)

    def test_a_machine_s_goes_over_its_profile_s(self) -> None:
        made = settled(linux(provider="i3d"), provider="equinix")
        rendered = script(KNOWN, made, SITE)
        assert [arg.origin for arg in rendered.args] == ["provider equinix"]

    def test_it_goes_over_eve_s_own_console(self) -> None:
        rendered = script(Facts(mac=CARD, manufacturer="Supermicro"), settled(eve(provider="equinix")), SITE)
        assert [str(arg) for arg in rendered.args if arg.key == "console"] == ["console=ttyS1,115200n8"]

    def test_arguments_that_only_its_ipxe_knows_give_way_to_the_same_in_settings(self) -> None:
        text = script(KNOWN, settled(linux(provider="i3d", network=STATIC)), SITE).text
        assert "${IPXE_BOOT_LINUX_IP_CONFIG}" not in text
        assert "hostname=${IPXE_BOOT_HOSTNAME}" in ipxe.kernel_args(text)

    def test_grub_and_eve_do_without_them(self) -> None:
        made = settled(linux(provider="i3d"))
        assert "IPXE_BOOT" not in script(KNOWN, made, SITE, loader=Loader.GRUB).text
        assert "IPXE_BOOT" not in script(KNOWN, settled(eve(provider="i3d"), stage=Stage.ARMED), SITE).text


class TestNetwork:
    def test_a_linux_gets_it_as_an_argument(self) -> None:
        assert origins(KNOWN, network=STATIC)["ip"] == (
            "192.0.2.10::192.0.2.1:255.255.255.0:node-1::none",
            "network of machine node-1",
        )

    def test_an_argument_of_the_settings_goes_over_it(self) -> None:
        assert origins(KNOWN, network=STATIC, args=args("profile rescue", ip="dhcp"))["ip"][0] == "dhcp"

    def test_eve_gets_it_as_a_file(self) -> None:
        assignment = settled(eve(network=STATIC)).fleet.lookup(KNOWN)
        (file,) = clouds.files(assignment, PAYLOADS["eve"], KNOWN)
        assert file.path == "DevicePortConfig/override.json"
        assert clouds.args(assignment, PAYLOADS["eve"], KNOWN) == ()

    def test_a_file_of_the_settings_goes_over_it(self) -> None:
        own = ConfigFile("DevicePortConfig/override.json", b"not JSON", "edge.yaml:3")
        rendered = script(KNOWN, settled(eve(network=STATIC, config=(own,)), stage=Stage.ARMED), SITE)
        assert rendered.failure.startswith("DevicePortConfig/override.json of config (edge.yaml:3): it is not JSON")

    def test_what_is_not_known_is_told_on_the_machine_s_screen(self) -> None:
        rendered = script(KNOWN, settled(linux(network=NetworkKeys("ipxe", origin="profile rescue"))), SITE)
        assert rendered.failure.startswith("network of profile rescue: its iPXE's ip and netmask is not known")
        assert "cannot be booted" in rendered.text


class TestAnOwnUrl:
    def test_the_first_script_leads_back_to_it_and_not_to_a_card_s(self) -> None:
        text = entry(world(machines=[OWN]), SITE, OWN).text
        (chain,) = [line for line in text.splitlines() if line.startswith("chain")]
        assert f"{SITE.base_url}/boot/{SECRET}/ipxe.cfg?${{who}}&${{what}}" in chain
        assert "/machines/" not in text

    def test_whatever_card_it_shows_it_is_that_machine(self) -> None:
        made = world(linux(args=args(mac="{{ machine.mac }}")), machines=[OWN])
        rendered = script(Facts(mac=OTHER_CARD), made, SITE, machine=OWN)
        assert (rendered.profile, str(rendered.args[0])) == ("rescue", f"mac={OTHER_CARD}")

    def test_its_installation_is_remembered_by_its_first_card(self) -> None:
        stages = {CARD: Stage.ARMED, OTHER_CARD: Stage.GIVEN}
        made = replace(world(ONCE, machines=[OWN]), stage=stages.get)
        rendered = script(Facts(mac=OTHER_CARD), made, SITE, machine=OWN)
        assert rendered.verdict
        assert rendered.verdict.netboot

    def test_neither_card_nor_serial_number_are_enough_where_the_machine_says_so(self) -> None:
        made = world(linux(), machines=[replace(OWN, serial="SN-1")])
        for facts in (KNOWN, Facts(mac=OTHER_CARD, serial="SN-1")):
            rendered = script(facts, made, SITE)
            assert rendered.payload == "local"
            assert rendered.assignment == Assignment(
                None, None, Policy.SILENT, why="machines.yaml:1 names it for its own URL alone", withheld=True
            )

    def test_who_asks_without_it_is_not_even_told_that_there_is_such_a_machine(self) -> None:
        """On a port that is open to everybody this would say which cards are worth a try."""
        asked, stranger = (world(linux(), machines=machines, unknown="silent") for machines in ([OWN], []))
        assert script(KNOWN, asked, SITE).text == script(KNOWN, stranger, SITE).text

    @pytest.mark.parametrize("stage", [Stage.ARMED, Stage.GIVEN, None])
    def test_files_of_an_installation_are_fetched_under_its_token(self, stage: Stage | None) -> None:
        """Behind NAT the last byte of a file would count for each machine that installs from it."""
        text = script(KNOWN, world(ONCE, machines=[OWN], stage=stage), SITE, machine=OWN, token="t0ken").text
        assert (f"{SITE.base_url}/node/t0ken/artifacts/rescue/vmlinuz" in text) is (stage is Stage.ARMED)
        assert "/artifacts/rescue" not in text.replace("/node/t0ken/artifacts/rescue", "")

    def test_files_of_what_boots_always_are_everybody_s(self) -> None:
        text = script(KNOWN, world(linux(), machines=[OWN]), SITE, machine=OWN, token="t0ken").text
        assert "t0ken" not in text


def test_an_artifact_of_another_server_stays_there() -> None:
    here = clouds.site(SITE, Assignment(OWN, ONCE), OWN, "t0ken")
    assert here == replace(SITE, artifacts="node/t0ken/artifacts")
    assert here.artifact_url("http://mirror.example/k") == "http://mirror.example/k"
    assert isinstance(here, Site)
