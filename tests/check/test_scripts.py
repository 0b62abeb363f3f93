"""Each machine's own script, tried before anybody boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.support.checked import PROFILES, found
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished
from tests.support.settings import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


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


@pytest.mark.parametrize(("port", "told"), [(69, 0), (6969, 1), (0, 1)])
def test_grub_knows_no_tftp_port_but_its_own(files: Files, port: int, told: int) -> None:
    put(files.directory / "artifacts" / "eve-17.3.0", files_of(Era.B2))
    profiles = "profiles:\n  edge: {payload: eve, bundle: eve-17.3.0, route: grub}\n"
    machines = "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: edge}]\n"
    warnings = [each for each in found(files, f"tftp: {{port: {port}}}\n{profiles}{machines}") if "GRUB asks" in each]
    assert len(warnings) == told
    assert all("profiles.edge: GRUB asks TFTP at port 69 alone, and tftp.port is" in each for each in warnings)
