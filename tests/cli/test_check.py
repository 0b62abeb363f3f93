"""``netbootd check``: what it finds is in `tests.check`; here is how it says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.fleet.record import PutRecord, Record
from netbootd.fleet.sqlite import Sqlite
from netbootd.payloads.eve.bundle import Era
from netbootd.wire.mac import Mac
from tests.support.cli import Ran, netbootd
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished, settings
from tests.support.settings import Files

GOOD = """\
profiles:
  rescue: {payload: linux, kernel: kernel}
  inst: {payload: linux, kernel: kernel, boots: once}
machines:
  - {mac: 52:54:00:00:00:01, name: n1, profile: inst}
  - {mac: 52:54:00:00:00:02, name: n2, profile: rescue}
unknown: silent
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return furnished(tmp_path)


def check(house: Path, more: str, *arguments: str) -> Ran:
    return netbootd("check", "-c", Files(house).write("netbootd.yaml", settings(house, more)), *arguments)


def test_good_settings_are_summed_up_and_end_with_0(house: Path) -> None:
    ran = check(house, GOOD)
    assert ran.code == 0
    assert ran.out == (
        f"settings   {house}/netbootd.yaml\n"
        "firmware   snponly.efi, undionly.kpxe\n"
        "profiles   rescue, inst\n"
        "machines   2 named; others: silent\n"
        "waiting    n1\n"
        f"           until armed by: netbootd machines install -c {house}/netbootd.yaml NAME\n"
        "ok\n"
    )


def test_who_would_get_no_boot_program_is_a_warning_with_the_remedy_where_somebody_speaks_of_him(house: Path) -> None:
    assert "warning" not in check(house, GOOD).err
    ran = check(house, f"{GOOD}rules:\n  - {{match: {{arch: arm64}}, profile: rescue}}\n")
    assert ran.out.endswith("ok, 1 warning\n")
    assert "warning: firmware: arm64-efi/snponly.efi is missing, ARM64 UEFI machines get no answer; to fix: " in ran.err


def test_an_error_is_told_with_its_place_and_ends_with_1(house: Path) -> None:
    ran = check(house, "profiles:\n  rescue: {payload: linux, kernel: none}\n")
    assert ran.code == 1
    assert f"error: {house}/netbootd.yaml:5: profiles.rescue: {house}/artifacts/none: no such file\n" in ran.err
    assert ran.out.endswith("\n1 error\n")


def test_for_programs_each_problem_is_an_object(house: Path) -> None:
    ran = check(house, "profiles:\n  rescue: {payload: linux, kernel: none}\n", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert ran.json[0] == {
        "file": f"{house}/netbootd.yaml",
        "line": 5,
        "key": "profiles.rescue",
        "message": f"{house}/artifacts/none: no such file",
        "severity": "error",
    }
    assert {each["severity"] for each in ran.json[1:]} == {"info"}


def test_for_programs_settings_that_are_refused_look_the_same(house: Path) -> None:
    ran = check(house, "unknwon: x\n", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert [(each["key"], each["line"]) for each in ran.json] == [("unknwon", 4)]


def test_settings_that_are_refused_are_counted(house: Path) -> None:
    ran = check(house, "unknwon: x\nlop: y\n")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "2 errors\n", 2)


def test_without_any_settings_the_defaults_are_checked(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house)
    monkeypatch.setattr("netbootd.config.loader.SYSTEM", house / "none.yaml")
    assert netbootd("check").out.startswith("settings   none found, the defaults are used\n")


def test_limits_of_a_profile_s_own_are_summed_up(house: Path) -> None:
    more = "profiles: {i: {payload: linux, kernel: kernel, boots: once, limits: {installing: 4h}}}"
    assert "limits     i: fetching 30m, installing 4h, quiet 1m; silence" in check(house, more).out


class TestMadeByTheApi:
    """Machines that only the state knows are checked as the daemon would take them."""

    def state(self, house: Path, *records: Record) -> None:
        database = Sqlite(house / "state.db")
        database.open(1.0)
        database.commit([[PutRecord(record) for record in records]])
        database.close()

    def test_those_that_wait_to_be_armed_are_named(self, house: Path) -> None:
        made = Record("1", (Mac.parse("52:54:00:00:00:09"),), name="n9", profile="inst", origin="ada")
        stranger = Record("2", (Mac.parse("52:54:00:00:00:08"),))
        self.state(house, made, stranger)
        assert "waiting    n1, n9\n" in check(house, GOOD).out

    def test_what_is_wrong_with_one_is_told_with_who_made_it(self, house: Path) -> None:
        more = "profiles: {r: {payload: linux, kernel: kernel, args: {a: '{{ machine.nothing }}'}}}"
        self.state(house, Record("1", (Mac.parse("52:54:00:00:00:09"),), name="n9", profile="r", origin="ada"))
        ran = check(house, more)
        assert ran.code == 1
        assert "the API (ada): machines.n9: " in ran.err

    def test_a_soft_serial_of_a_file_and_of_the_api_is_told_with_both_owners(self, house: Path) -> None:
        put(house / "artifacts" / "eve", files_of(Era.A))
        more = (
            "profiles: {e: {payload: eve, bundle: eve}}\n"
            "machines: [{mac: 52:54:00:00:00:01, name: n1, profile: e, soft_serial: N-1}]"
        )
        record = Record("1", (Mac.parse("52:54:00:00:00:09"),), name="n9", profile="e", soft_serial="n-1", origin="ada")
        self.state(house, record)
        ran = check(house, more)
        assert "the API (ada): machines.n9: its soft serial n-1 already belongs to n1 of " in ran.err
