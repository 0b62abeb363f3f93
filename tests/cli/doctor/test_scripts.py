"""The entry script, and the files that scripts name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.boot.site import Site
from netbootd.cli.doctor.line import Line, Status
from netbootd.cli.doctor.scripts import artifacts, entry_script, files, on_disk
from tests.support.doctored import patient, serving, web
from tests.support.house import KERNEL, furnished

FLEET = (
    "profiles: {rescue: {payload: linux, kernel: kernel}, spare: {payload: linux, kernel: other}}\n"
    "machines: [{mac: '52:54:00:00:00:01', name: one, profile: rescue}]\n"
)
SITE = Site("127.0.0.1")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    furnished(tmp_path)
    (tmp_path / "artifacts" / "other").write_bytes(b"kernel")
    return tmp_path


def asked(house: Path, served: dict[str, bytes], more: str = FLEET) -> list[Line]:
    with web(serving(served)) as port:
        one = patient(house, more, running=True)
        return list(artifacts(one, Site("127.0.0.1", port)))


def test_every_machines_files_and_those_of_profiles_that_nobody_has_are_wanted(house: Path) -> None:
    found = files(patient(house, FLEET), SITE)
    assert [(each.url.rsplit("/", 1)[1], each.whose) for each in found] == [
        ("kernel", "one"),
        ("other", "profile spare"),
    ]


def test_files_that_are_served_with_their_size_are_well(house: Path) -> None:
    (line,) = asked(house, {"/artifacts/kernel": KERNEL, "/artifacts/other": b"kernel"})
    assert line.status is Status.OK
    assert line.found.startswith("2 files, 100.0 KiB, each answered by HTTP")


def test_a_file_of_another_size_or_not_answered_is_a_fault(house: Path) -> None:
    absent, short = sorted(asked(house, {"/artifacts/other": b"kern"}), key=lambda line: line.tried)
    assert "HTTP says 4 bytes, on disk it has 6" in short.found
    assert "HTTP answers 404" in absent.found


def test_a_file_that_is_not_on_disk_or_empty_is_a_fault_without_a_daemon_too(house: Path) -> None:
    (house / "artifacts" / "other").write_bytes(b"")
    (house / "artifacts" / "kernel").unlink()
    empty, absent = artifacts(patient(house, FLEET), SITE)
    assert (empty.status, empty.found) == (Status.FAIL, "is empty")
    assert (absent.status, absent.tried) == (Status.FAIL, "artifact kernel (one)")
    assert f"Put it at {house}/artifacts/kernel" in absent.todo


def test_a_file_elsewhere_that_cannot_be_had_from_here_is_a_warning(house: Path) -> None:
    with web(serving({})) as port:
        more = f"profiles: {{far: {{payload: linux, kernel: 'http://127.0.0.1:{port}/vmlinuz'}}}}\n"
        one = patient(house, more)
        lines = list(artifacts(one, SITE))
    assert [each.status for each in lines] == [Status.SKIPPED, Status.WARN]
    assert "answers 404" in lines[1].found


def entry(house: Path, served: dict[str, bytes], more: str = "") -> list[Line]:
    with web(serving(served)) as port:
        one = patient(house, more.replace("PORT", str(port)), running=True)
        site = Site("127.0.0.1", port, public_url=one.config.public_url)
        return list(entry_script(one, site))


def test_the_entry_script_must_be_a_script_of_ipxe(house: Path) -> None:
    (well,) = entry(house, {"/ipxe.cfg": b"#!ipxe\n"})
    (strange,) = entry(house, {"/ipxe.cfg": b"<html>"})
    (absent,) = entry(house, {})
    assert well.status is Status.OK
    assert "no iPXE script" in strange.found
    assert absent.status is Status.FAIL


def test_a_public_url_is_fetched_besides(house: Path) -> None:
    lines = entry(
        house,
        {"/ipxe.cfg": b"#!ipxe\n", "/boot/ipxe.cfg": b"#!ipxe\n"},
        "http: {public_url: 'http://127.0.0.1:PORT/boot'}\n",
    )
    assert [each.status for each in lines] == [Status.OK, Status.OK]
    gone = entry(house, {"/ipxe.cfg": b"#!ipxe\n"}, "http: {public_url: 'http://127.0.0.1:9'}\n")
    assert gone[1].status is Status.FAIL
    assert "public_url" in gone[1].tried


def test_what_another_machines_netbootd_sends_machines_to_is_fetched(house: Path) -> None:
    """Its settings are not known here; that its public_url leads nowhere shows in what it offers."""
    with web(serving({"/ipxe.cfg": b"#!ipxe\n"})) as port:
        one = replace(patient(house), server="127.0.0.1")
        well, gone = (
            each
            for each in entry_script(one, Site("127.0.0.1", port), "http://127.0.0.1:9/ipxe.cfg")
            if each.probe == "script.entry"
        )
    assert (well.status, gone.status) == (Status.OK, Status.FAIL)
    assert "http.public_url: 127.0.0.1 must lead to netbootd" in gone.todo


def test_without_a_daemon_the_script_is_still_made(house: Path) -> None:
    (line,) = on_disk(patient(house), SITE)
    assert line.status is Status.OK
    assert "nobody serves it yet" in line.found
