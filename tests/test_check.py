"""What would go wrong at boot, found before anybody boots."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.site import Site
from netbootd.chain.scripts import script
from netbootd.check import Findings, check, waiting, waiting_told
from netbootd.config import Problem
from netbootd.config.certificate import Denied, Identity, Tls
from netbootd.fleet.lifecycle import Stage
from netbootd.load import load_world
from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished, settings
from tests.support.pem import CERTIFICATE, KEY
from tests.support.settings import Files
from tests.support.tls import certify

PROFILES = """\
profiles:
  rescue: {payload: linux, kernel: kernel, args: {console: ttyS0}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


def found(files: Files, more: str) -> list[str]:
    """Every problem as "weight: file:line: key: text", without the directory."""
    config = files.load(settings(files.directory, more))
    problems = check(config, load_world(config))
    return [f"{p.severity}: {p}".replace(f"{files.directory}/", "") for p in problems]


def test_nothing_is_found_where_nothing_is_wrong(files: Files) -> None:
    assert found(files, PROFILES + "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: rescue}]\n") == []


def test_a_machine_that_is_named_without_a_card_is_looked_at_as_any_other(files: Files) -> None:
    profiles = PROFILES.replace("ttyS0", "'{{ machine.serial }},{{ machine.mac }}'")
    machines = "machines: [{serial: SN-1, name: n1, profile: rescue}]\n"
    assert found(files, profiles + machines) == []
    assert "n2" in found(files, profiles + machines.replace("serial: SN-1", "ip: 192.0.2.9").replace("n1", "n2"))[0]


def test_a_file_that_is_missing_is_told_at_the_profile_that_needs_it(files: Files) -> None:
    (problem,) = found(files, "profiles:\n  rescue: {payload: linux, kernel: kernel, initrd: [none.img]}\n")
    assert problem == "error: netbootd.yaml:5: profiles.rescue: artifacts/none.img: no such file"


def test_a_url_is_not_looked_for(files: Files) -> None:
    assert found(files, "profiles:\n  rescue: {payload: linux, kernel: 'http://192.0.2.9/kernel'}\n") == []


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ("tftp: {mode: off}\ndhcp: {mode: off}\n", ["tftp.mode is off"]),
        ("http: {port: 8088}\n", ["set http.port: 80"]),
        ("tftp: {port: 0}\nhttp: {port: 80}\n", []),
    ],
)
def test_scripts_are_tried_with_the_ports_that_machines_will_find(files: Files, ports: str, told: list[str]) -> None:
    """EVE's own GRUB before 16.12 goes by TFTP and by HTTP at port 80, and by nothing else."""
    put(files.directory / "artifacts" / "old-15.2.0", files_of(Era.B2))
    profiles = "profiles:\n  edge: {payload: eve, bundle: old-15.2.0, route: grub}\n"
    machines = "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: edge}]\n"
    errors = [each for each in found(files, ports + profiles + machines) if each.startswith("error")]
    assert [part in error for part, error in zip(told, errors, strict=True)] == [True] * len(told)


@pytest.mark.parametrize(("port", "told"), [(69, 0), (6969, 1), (0, 1)])
def test_grub_knows_no_tftp_port_but_its_own(files: Files, port: int, told: int) -> None:
    put(files.directory / "artifacts" / "eve-17.3.0", files_of(Era.B2))
    profiles = "profiles:\n  edge: {payload: eve, bundle: eve-17.3.0, route: grub}\n"
    machines = "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: edge}]\n"
    warnings = [each for each in found(files, f"tftp: {{port: {port}}}\n{profiles}{machines}") if "GRUB asks" in each]
    assert len(warnings) == told
    assert all("profiles.edge: GRUB asks TFTP at port 69 alone, and tftp.port is" in each for each in warnings)


def test_a_template_that_is_wrong_is_told_with_its_line(files: Files) -> None:
    (files.directory / "own").mkdir()
    (files.directory / "own" / "mine.ipxe").write_text("#!ipxe\n{% if %}\n")
    (problem,) = found(files, "templates: own\nprofiles:\n  x: {payload: script, template: mine.ipxe}\n")
    assert problem.startswith("error: mine.ipxe:2: templates: ")


def test_a_template_that_does_not_exist_is_told_at_the_profile(files: Files) -> None:
    (problem,) = found(files, "profiles:\n  x: {payload: script, template: none.ipxe}\n")
    assert problem == (
        "error: netbootd.yaml:5: profiles.x: template 'none.ipxe' does not exist in "
        "the templates directory (setting: templates)"
    )


def test_a_machine_whose_script_cannot_be_written_is_told_by_name(files: Files) -> None:
    more = PROFILES + (
        "machines:\n  - {mac: 52:54:00:12:34:56, name: n1, profile: rescue, args: {x: '{{ machine.mac | none }}'}}\n"
    )
    (problem,) = found(files, more)
    assert problem.startswith("error: netbootd.yaml:7: machines.n1: ")


def test_what_only_the_machine_can_tell_is_no_error_yet(files: Files) -> None:
    more = PROFILES + (
        "machines:\n  - {mac: 52:54:00:12:34:56, name: n1, profile: rescue, args: {sn: '{{ machine.serial }}'}}\n"
    )
    (problem,) = found(files, more)
    assert problem.startswith("info: netbootd.yaml:7: machines.n1: ")
    assert "argument sn of machine n1" in problem


def test_a_machine_is_judged_by_what_it_will_get_once_armed(files: Files) -> None:
    """Today it boots its own disk; the fault would show on the day somebody installs it."""
    more = (
        "profiles:\n  inst: {payload: linux, kernel: kernel, boots: once, args: {x: '{{ nothing }}'}}\n"
        "machines:\n  - {mac: 52:54:00:12:34:56, name: n1, profile: inst}\n"
    )
    (problem,) = found(files, more)
    assert "machines.n1" in problem


def test_what_could_not_be_read_is_a_warning(files: Files) -> None:
    config = files.load(f"firmware: {files.directory}/none\nartifacts: artifacts\n")
    (problem,) = check(config, load_world(config))
    assert (problem.severity, problem.message) == (
        "warning",
        f"firmware: there is no directory {files.directory}/none",
    )


def test_who_waits_to_be_armed_is_named(files: Files) -> None:
    """Not those that boot always, that arm themselves, that are armed, or were: advice would wipe what is installed."""
    config = files.load(
        """
        profiles:
          once: {payload: linux, kernel: k, boots: once}
          self: {payload: linux, kernel: k, boots: once, auto: true}
          always: {payload: linux, kernel: k}
        machines:
          - {mac: 52:54:00:00:00:01, name: waits, profile: once}
          - {mac: 52:54:00:00:00:02, name: armed, profile: once}
          - {mac: 52:54:00:00:00:03, name: self, profile: self}
          - {mac: 52:54:00:00:00:04, name: always, profile: always}
          - {mac: 52:54:00:00:00:05, name: nothing}
          - {mac: 52:54:00:00:00:06, name: installed, profile: once}
          - {mac: 52:54:00:00:00:07, name: left, profile: once}
        """
    )
    stages = {2: Stage.ARMED, 6: Stage.GIVEN, 7: Stage.DISARMED}
    world = load_world(config, stage=lambda mac: stages.get(mac.octets[-1])).world
    assert [machine.name for machine in waiting(world)] == ["waits"]
    assert waiting_told(world) == "waiting to be armed: waits; arm one: netbootd machines install NAME"


class TestBundles:
    """A profile names a bundle; what is known of that is told before anybody boots it."""

    PROFILE = "profiles:\n  lab: {payload: eve, bundle: eve-1.2.3}\n"
    MACHINE = "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: lab}]\n"

    def test_one_that_is_whole_is_no_problem(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.3", files_of(Era.A))
        assert found(files, self.PROFILE + self.MACHINE) == []

    def test_one_that_is_broken_as_released_boots_and_says_how(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.3", files_of(Era.B1X))
        (problem,) = found(files, self.PROFILE + self.MACHINE)
        assert problem.startswith("info: netbootd.yaml:5: profiles.lab: bundle eve-1.2.3: broken as released")
        assert "netbootd boots it with an init of its own" in problem

    def test_what_it_lacks_is_told_and_is_no_error(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.3", files_of(Era.A, ipxe=False))
        assert found(files, self.PROFILE) == [
            "info: netbootd.yaml:5: profiles.lab: bundle eve-1.2.3: "
            "there is no ipxe.efi in it; netbootd's own iPXE is used"
        ]

    def test_one_that_is_not_there_is_an_error_with_those_that_are(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.4", files_of(Era.A))
        (problem,) = found(files, self.PROFILE)
        assert problem == (
            "error: netbootd.yaml:5: profiles.lab: no bundle 'eve-1.2.3'; did you mean 'eve-1.2.4'? "
            "To get one: netbootd import SOURCE --name eve-1.2.3"
        )

    def test_one_that_was_unpacked_by_half_lacks_its_files_by_name(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.3", {"kernel": b"", "rootfs.img": b""})
        problems = found(files, self.PROFILE)
        assert [problem.rpartition("eve-1.2.3/")[2] for problem in problems] == [
            "initrd.img: no such file",
            "installer.img: no such file",
            "initrd.bits: no such file",
        ]

    def test_one_that_cannot_be_used_is_a_warning_even_where_no_profile_names_it(self, files: Files) -> None:
        put(files.directory / "artifacts" / "eve-1.2.3", {"installer.iso": b"no ISO"})
        (problem,) = found(files, "")
        assert problem.startswith("warning: netbootd: bundle eve-1.2.3 cannot be used: installer.iso: ")


class TestFindings:
    """What an installer would make of the arguments, and is no error."""

    def found(self, files: Files, profile: str, *machines: str) -> list[str]:
        put(files.directory / "artifacts" / "eve-13.3.0", files_of(Era.A))
        profiles = f"profiles:\n  lab:\n    payload: eve\n    bundle: eve-13.3.0\n    args: {{{profile}}}\n"
        profiles += "machines:\n" if machines else ""
        cards = (
            f"  - {{mac: '52:54:00:12:34:0{n}', name: n{n}, profile: lab{each}}}" for n, each in enumerate(machines)
        )
        return found(files, profiles + "\n".join(cards))

    def test_are_told_once_for_a_profile_with_its_line_and_their_key(self, files: Files) -> None:
        told = self.found(files, "eve_reboot_after_install: false, eve_disable_verify: true", "", "")
        assert told == [
            "warning: netbootd.yaml:5: profiles.lab.args.eve_disable_verify: eve_disable_verify of profile lab: "
            "EVE reads it from 13.4 on, and this bundle is 13.3.0",
            "info: netbootd.yaml:5: profiles.lab.args.eve_reboot_after_install: "
            "without eve_reboot_after_install the node powers off when it is installed",
        ]

    def test_are_told_at_the_machine_whose_own_they_are(self, files: Files) -> None:
        (told,) = self.found(files, "", "", ", args: {eve_disable_verify: true}")
        assert told.startswith("warning: netbootd.yaml:11: machines.n1.args.eve_disable_verify: ")

    def test_are_told_of_a_profile_that_no_machine_has_yet(self, files: Files) -> None:
        """A rule may give it to machines; one machine that has it speaks for itself."""
        told = self.found(files, "eve_disable_verify: true, eve_soft_serial: 'a b'")
        assert [each.partition(" of profile lab")[0] for each in told] == [
            "error: netbootd.yaml:5: profiles.lab.args.eve_soft_serial: eve_soft_serial",
            "warning: netbootd.yaml:5: profiles.lab.args.eve_disable_verify: eve_disable_verify",
        ]
        assert self.found(files, "eve_soft_serial: '{{ machine.serial }}'") == []

    def test_of_a_profile_name_the_machines_where_it_is_not_all(self, files: Files) -> None:
        spared = ", args: {eve_install_server: zedcloud.zededa.net}"
        (told,) = self.found(files, "eve_install_server: ctl.example", "", spared, "")
        assert ": profiles.lab.args.eve_install_server: n0 and 1 more: eve_install_server of profile lab: " in told
        (told,) = self.found(files, "eve_install_server: ctl.example", "", spared)
        assert ": profiles.lab.args.eve_install_server: n0: eve_install_server of profile lab: " in told

    def test_of_what_nobody_wrote_stand_at_the_profile(self, files: Files) -> None:
        """Where it is not known which key to change, the profile is the place."""
        config = files.load(PROFILES + "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: rescue}]\n")
        machine, world = config.snapshot.machines[0], load_world(config).world
        rendered = script(Facts(mac=machine.macs[0]), world, Site("192.0.2.1"))
        findings = Findings()
        findings.add(machine, replace(rendered, findings=(Finding(Severity.INFO, "the board says so", "args.x"),)))
        (problem,) = findings.problems()
        assert (problem.key, problem.severity) == ("profiles.rescue", "info")

    def test_of_what_a_machine_s_own_argument_destroys_are_told_there(self, files: Files) -> None:
        (told,) = self.found(files, "", "", ", args: {eve_blackbox: true}")
        assert told == (
            "info: netbootd.yaml:11: machines.n1.args.eve_blackbox: eve_blackbox of machine n1: in spite of its name "
            "it makes a new file system on an existing EVE's persistent partition, and installs nothing, once the "
            "machine is armed"
        )


class TestSoftSerials:
    """A controller takes two nodes that call themselves the same for one."""

    PROFILE = "profiles:\n  edge: {payload: eve, bundle: eve-13.3.0}\nmachines:\n"

    def found(self, files: Files, *machines: str) -> list[str]:
        put(files.directory / "artifacts" / "eve-13.3.0", files_of(Era.A))
        lines = (f"  - {{name: n{n}, profile: edge, {each}}}\n" for n, each in enumerate(machines))
        return [each for each in found(files, self.PROFILE + "".join(lines)) if not each.startswith("warning")]

    def test_that_two_machines_share_are_an_error_that_names_both(self, files: Files) -> None:
        assert self.found(
            files,
            "mac: '52:54:00:00:00:01', args: {eve_soft_serial: NODE-1}",
            "mac: '52:54:00:00:00:02', args: {eve_soft_serial: NODE-2}",
            "mac: '52:54:00:00:00:03', args: {eve_soft_serial: '{{ \"node\" }}-1'}",
        ) == ["error: netbootd.yaml:9: machines.n2: the soft serial node-1 of n2 already belongs to n0"]

    def test_of_a_file_count_where_no_argument_goes_over_it(self, files: Files) -> None:
        files.write("serial", "NODE-1\n")
        (told,) = self.found(
            files,
            "mac: '52:54:00:00:00:01', args: {eve_soft_serial: NODE-1}",
            "mac: '52:54:00:00:00:02', config: {soft_serial: serial}",
            "mac: '52:54:00:00:00:03', config: {soft_serial: serial}, args: {eve_soft_serial: NODE-3}",
        )
        assert told.endswith("machines.n1: the soft serial NODE-1 of n1 already belongs to n0")

    def test_of_a_card_that_is_not_known_yet_are_not_compared(self, files: Files) -> None:
        """One card stands in for all of them here."""
        assert self.found(files, "serial: S1", "serial: S2") == []
        named = "args: {eve_soft_serial: X}"
        assert len(self.found(files, f"serial: S1, {named}", f"serial: S2, {named}")) == 1

    def test_of_a_range_that_nobody_has_yet_are_told_once_for_all_machines(self, files: Files) -> None:
        """A fleet that was never started, of which an argument names the number."""
        profile = (
            "profiles:\n  lab: {payload: linux, kernel: kernel, boots: once, soft_serial: 'N-[1-9]',"
            " args: {n: '{{ machine.soft_serial }}'}}\nmachines:\n"
        )
        machines = (f"  - {{mac: 52:54:00:00:00:0{n}, name: n{n}, profile: lab}}\n" for n in range(3))
        (told,) = found(files, profile + "".join(machines))
        assert told.startswith("info: netbootd.yaml:7: machines.n0 and 2 more: no soft serial yet; ")

    def test_that_come_with_the_machine_are_a_note(self, files: Files) -> None:
        (told,) = self.found(files, "mac: '52:54:00:00:00:01', args: {eve_soft_serial: '{{ machine.ip }}'}")
        assert told.startswith("info: netbootd.yaml:7: machines.n0: argument eve_soft_serial of machine n0: ")


class TestConfigFiles:
    """Files for nodes' own configuration, before anybody boots."""

    MACHINES = """\
machines:
  - {mac: 52:54:00:12:34:56, name: n1, profile: edge}
  - {mac: 52:54:00:12:34:57, name: n2, profile: edge, config: {soft_serial: serial}}
"""

    def found(self, files: Files, config: str, machines: str = MACHINES) -> list[str]:
        put(files.directory / "artifacts" / "eve", files_of(Era.A))
        files.write("serial", "{{ machine.name }}")
        for name, data in (("root-certificate.pem", CERTIFICATE), ("onboard.cert.pem", CERTIFICATE), ("key", KEY)):
            (files.directory / name).write_bytes(data)
        profile = f"profiles:\n  edge:\n    payload: eve\n    bundle: eve\n    config: {config}\n"
        return [each for each in found(files, profile + machines) if not each.startswith("info")]

    def test_that_are_right_are_passed_over(self, files: Files) -> None:
        files.write("server", "{{ machine.name }}.example\n")
        more = "root-certificate.pem: root-certificate.pem, onboard.cert.pem: onboard.cert.pem, onboard.key.pem: key"

        assert self.found(files, f"{{server: server, {more}}}") == []

    def test_that_are_wrong_are_told_once_where_they_are_named(self, files: Files) -> None:
        (problem,) = self.found(files, "{server: root-certificate.pem}")
        assert problem.startswith("error: netbootd.yaml:8: profiles.edge.config: server: it must be one line")

    def test_of_which_the_key_is_another_certificate_s_are_told_once(self, files: Files, tmp_path: Path) -> None:
        files.write("server", "zed.example\n")
        curve = "ec -pkeyopt ec_paramgen_curve:prime256v1"
        one, other = (certify(tmp_path, name, key=curve) for name in ("one", "other"))
        pair = f"server: server, root-certificate.pem: {one.certificate}, onboard.cert.pem: {one.certificate}"
        assert self.found(files, f"{{{pair}, onboard.key.pem: {one.key}}}") == []
        (problem,) = self.found(files, f"{{{pair}, onboard.key.pem: {other.key}}}")
        assert problem == (
            "error: netbootd.yaml:5: profiles.edge.config: onboard.key.pem of config (netbootd.yaml:8) is not the key "
            "of onboard.cert.pem (netbootd.yaml:8)"
        )

    def test_of_which_a_machine_has_another_s_key_are_told_at_the_machine(self, files: Files, tmp_path: Path) -> None:
        files.write("server", "zed.example\n")
        one, other = (certify(tmp_path, name) for name in ("one", "other"))
        machines = "machines:\n  - {mac: 52:54:00:12:34:56, name: n1, profile: edge}\n"
        machines += (
            f"  - {{mac: 52:54:00:12:34:57, name: n2, profile: edge, config: {{onboard.key.pem: {other.key}}}}}\n"
        )
        pair = f"onboard.cert.pem: {one.certificate}, onboard.key.pem: {one.key}"
        (problem,) = self.found(files, f"{{server: server, root-certificate.pem: {one.certificate}, {pair}}}", machines)
        assert problem.startswith(
            "error: netbootd.yaml:11: machines.n2: onboard.key.pem of config (netbootd.yaml:11) is "
        )

    def test_that_are_wrong_once_written_out_are_told_at_the_machine(self, files: Files) -> None:
        files.write("server", "{{ machine.name }}/x\n")
        problems = self.found(files, "{server: server}")
        assert [each.partition("server of config")[0] for each in problems] == [
            "error: netbootd.yaml:10: machines.n1: ",
            "error: netbootd.yaml:11: machines.n2: ",
        ]

    def test_that_are_missing_are_told_once_for_all_machines(self, files: Files) -> None:
        files.write("server", "zed.example\n")
        assert self.found(files, "{server: server, onboard.cert.pem: onboard.cert.pem, onboard.key.pem: key}") == [
            "warning: netbootd.yaml:5: profiles.edge.config: "
            "config has no root-certificate.pem, and the node gets none of EVE's own"
        ]

    def test_of_a_fact_that_only_the_machine_knows_are_no_error_yet(self, files: Files) -> None:
        files.write("server", "{{ machine.serial }}.example\n")
        assert self.found(files, "{server: server}") == []

    def test_that_a_machine_s_payload_does_not_take_are_left_alone(self, files: Files) -> None:
        files.write("server", "{{ machine.name }}/x\n")
        machines = "  rescue: {payload: linux, kernel: kernel}\nmachines:\n"
        machines += "  - {mac: 52:54:00:12:34:56, name: n1, profile: rescue, config: {server: server}}\n"
        assert self.found(files, "{}", machines) == []


class TestTheCertificate:
    def test_a_good_one_is_not_spoken_of(self, files: Files) -> None:
        certify(files.directory)
        assert found(files, "http: {tls: {certificate: boot.crt, key: boot.key}}\n") == []

    def test_one_that_cannot_be_used_is_told_with_file_and_key(self, files: Files) -> None:
        certify(files.directory)
        (problem,) = found(files, "http: {tls: {certificate: boot.crt, key: none.key}}\n")
        assert re.fullmatch(
            r"error: netbootd.yaml:\d+: http.tls.key: none.key cannot be read: No such file or directory", problem
        )

    def test_a_name_that_does_not_fit_is_a_warning(self, files: Files) -> None:
        certify(files.directory)
        tls = "tls: {certificate: boot.crt, key: boot.key}"
        (problem,) = found(files, f"http: {{public_url: 'https://other.test', {tls}}}\n")
        assert problem.startswith("warning: netbootd.yaml:")
        assert problem.endswith("and not for other.test, the name in http.public_url")

    def test_who_may_not_read_the_key_is_told_so_and_no_more(
        self, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A check is anybody's; the daemon is who must read it."""

        def denied(tls: Tls) -> Identity:
            raise Denied((Problem("x", 1, "http.tls.key", "boot.key cannot be read: Permission denied"),))

        monkeypatch.setattr("netbootd.check.identify", denied)
        (problem,) = found(files, "http: {tls: {certificate: boot.crt}}\n")
        assert (
            problem
            == "warning: x:1: http.tls.key: boot.key cannot be read: Permission denied; netbootd's own user must"
        )
