"""What profiles name: templates, files, bundles, and configuration files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.support.checked import found
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished
from tests.support.pem import CERTIFICATE, KEY
from tests.support.settings import Files
from tests.support.tls import certify


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


def test_a_file_that_is_missing_is_told_at_the_profile_that_needs_it(files: Files) -> None:
    (problem,) = found(files, "profiles:\n  rescue: {payload: linux, kernel: kernel, initrd: [none.img]}\n")
    assert problem == "error: netbootd.yaml:5: profiles.rescue: artifacts/none.img: no such file"


def test_a_url_is_not_looked_for(files: Files) -> None:
    assert found(files, "profiles:\n  rescue: {payload: linux, kernel: 'http://192.0.2.9/kernel'}\n") == []


def test_a_template_that_does_not_exist_is_told_at_the_profile(files: Files) -> None:
    (problem,) = found(files, "profiles:\n  x: {payload: script, template: none.ipxe}\n")
    assert problem == (
        "error: netbootd.yaml:5: profiles.x: template 'none.ipxe' does not exist in "
        "the templates directory (setting: templates)"
    )


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
