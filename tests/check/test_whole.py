"""All that is looked at: templates, the certificate, and what could not be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netbootd.check import check
from netbootd.config import Problem
from netbootd.config.certificate import Denied, Identity, Tls
from netbootd.load import load_world
from netbootd.payloads.eve.bundle import Era
from tests.support.checked import PROFILES, found
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished
from tests.support.settings import Files
from tests.support.tls import certify


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


def test_nothing_is_found_where_nothing_is_wrong(files: Files) -> None:
    assert found(files, PROFILES + "machines: [{mac: 52:54:00:12:34:56, name: n1, profile: rescue}]\n") == []


def test_a_template_that_is_wrong_is_told_with_its_line(files: Files) -> None:
    (files.directory / "own").mkdir()
    (files.directory / "own" / "mine.ipxe").write_text("#!ipxe\n{% if %}\n")
    (problem,) = found(files, "templates: own\nprofiles:\n  x: {payload: script, template: mine.ipxe}\n")
    assert problem.startswith("error: mine.ipxe:2: templates: ")


def test_what_could_not_be_read_is_a_warning(files: Files) -> None:
    config = files.load(f"firmware: {files.directory}/none\nartifacts: artifacts\n")
    (problem,) = check(config, load_world(config))
    assert (problem.severity, problem.message) == (
        "warning",
        f"firmware: there is no directory {files.directory}/none",
    )


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

        monkeypatch.setattr("netbootd.check.whole.identify", denied)
        (problem,) = found(files, "http: {tls: {certificate: boot.crt}}\n")
        assert (
            problem
            == "warning: x:1: http.tls.key: boot.key cannot be read: Permission denied; netbootd's own user must"
        )
