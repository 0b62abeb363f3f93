"""What the scripts of many machines have to say, told once where it concerns all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.site import Site
from netbootd.chain.scripts import script
from netbootd.check.gathered import Findings
from netbootd.load import load_world
from netbootd.payloads.eve.bundle import Era
from tests.support.checked import PROFILES, found
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished
from tests.support.settings import Files
from tests.support.worlds import ONCE, SITE, args, linux, machine, settled


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


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

    def test_that_would_need_what_nobody_knows_yet_are_not_spoken_of(self) -> None:
        """Of a machine that is left to its disk: it will tell that itself, once it is armed."""
        profile = linux(boots=ONCE, args=args("profile rescue", x="{{ machine.serial }}"))
        listed = machine("rescue")
        rendered = script(Facts(mac=listed.macs[0]), settled(profile), SITE)
        findings = Findings()
        findings.add(listed, rendered)
        assert (bool(rendered.findings), list(findings.problems()), findings.profiles) == (True, [], {"rescue"})

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
