"""This machine as a server."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from netbootd import __version__
from netbootd.cli.doctor import here
from netbootd.cli.doctor.line import Status
from netbootd.config import Problem
from tests.support.doctored import patient, serving, statuses, web
from tests.support.house import furnished

DESCRIBED = "/api/v1/openapi.json"


@pytest.fixture
def held() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        yield sock.getsockname()[1]


def test_settings_with_nothing_wrong_are_one_line(tmp_path: Path) -> None:
    one = patient(furnished(tmp_path), "profiles: {r: {payload: linux, kernel: kernel}}\n")
    (line,) = here.settled(one.config, one.loaded)
    assert line.status is Status.OK
    assert "1 profile, 0 machines, every script renders" in line.found


def test_what_check_finds_is_told(tmp_path: Path) -> None:
    one = patient(furnished(tmp_path), "profiles: {r: {payload: linux, kernel: none}}\n")
    (line,) = here.settled(one.config, one.loaded)
    assert line.status is Status.FAIL
    assert "artifacts/none: no such file" in line.found


def test_of_many_problems_some_are_told_and_where_the_rest_is(tmp_path: Path) -> None:
    many = ", ".join(f"p{number}: {{payload: linux, kernel: none{number}}}" for number in range(12))
    one = patient(furnished(tmp_path), f"profiles: {{{many}}}\n")
    lines = list(here.settled(one.config, one.loaded))
    assert statuses(lines) == [Status.FAIL] * 8 + [Status.SKIPPED]
    assert lines[-1].found == "4 more problems"


def test_settings_that_cannot_be_read_are_told() -> None:
    (line,) = here.refused((Problem("netbootd.yaml", 3, "httq", "no such key"),))
    assert line.status is Status.FAIL
    assert "netbootd.yaml:3" in line.found


def test_a_daemon_tells_its_version_and_another_version_than_this_is_a_warning(tmp_path: Path) -> None:
    furnished(tmp_path)
    for version, status in ((__version__, Status.OK), ("0.0.1", Status.WARN)):
        with web(serving({DESCRIBED: json.dumps({"info": {"version": version}}).encode()})) as port:
            found = here.admin(patient(tmp_path, f"admin: {{listen: 127.0.0.1:{port}}}\n").config)
        assert found.runs
        assert here.daemon(found, may_be_elsewhere=False).status is status


def test_nobody_at_the_admin_address_is_a_fault_unless_the_network_may_have_one(tmp_path: Path, held: int) -> None:
    found = here.Admin("127.0.0.1:8081", refused="nobody answers there")
    assert here.daemon(found, may_be_elsewhere=False).status is Status.FAIL
    assert here.daemon(found, may_be_elsewhere=True).status is Status.SKIPPED


def test_somebody_else_at_the_admin_address_is_no_daemon(tmp_path: Path) -> None:
    with web(serving({DESCRIBED: b"[]"})) as port:
        found = here.admin(patient(furnished(tmp_path), f"admin: {{listen: 127.0.0.1:{port}}}\n").config)
    assert not found.runs
    assert found.refused == "what answers there is not netbootd"


def test_the_admin_socket_is_asked_too(tmp_path: Path) -> None:
    config = patient(furnished(tmp_path), f"admin: {{listen: 'unix:{tmp_path}/a.sock'}}\n").config
    assert here.admin(config).refused == "nobody answers there"


def test_the_ports_are_those_of_the_settings(tmp_path: Path) -> None:
    config = patient(furnished(tmp_path), "dhcp: {mode: 'off'}\nhttp: {port: 80}\n").config
    assert [str(each) for each in here.ports(config)] == ["UDP 69", "TCP 80"]


def test_who_holds_a_port_that_is_wanted_is_named(tmp_path: Path, held: int) -> None:
    more = f"dhcp: {{mode: 'off'}}\ntftp: {{mode: 'off'}}\nhttp: {{port: {held}}}\nlisten: 127.0.0.1\n"
    config = patient(furnished(tmp_path), more).config
    (line,) = here.holders(config, here.Admin("", refused="nobody"))
    assert line.status is Status.FAIL
    assert f"(pid {os.getpid()})" in line.found
    assert "http: {port: N}" in line.todo


def test_the_ports_of_a_running_daemon_are_those_of_the_process_that_answers(tmp_path: Path, held: int) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        admin = other.getsockname()[1]
        off = "dhcp: {mode: 'off'}\ntftp: {mode: 'off'}\n"
        more = f"http: {{port: {held}}}\nadmin: {{listen: 127.0.0.1:{admin}}}\n{off}"
        (line,) = here.holders(patient(furnished(tmp_path), more).config, here.Admin("", runs=True))
    assert line.status is Status.OK
    assert f"TCP {held}" in line.tried
    assert str(os.getpid()) in line.found
