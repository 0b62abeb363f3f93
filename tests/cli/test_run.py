"""``netbootd run``: how it starts and what keeps it from starting; tests/system has it serve."""

from __future__ import annotations

import asyncio
import builtins
import gc
import json
import logging
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer
import uvloop

from netbootd.announce import Service, Started
from netbootd.cli.run import loop_factory, settled
from netbootd.serve.sockets import Sockets
from tests.support.cli import netbootd
from tests.support.house import furnished, settings
from tests.support.netbootd import running
from tests.support.settings import Files

OFF = "dhcp: {mode: off}\ntftp: {port: 0}\nadmin: {listen: '127.0.0.1:0'}\n"


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """The command sets up logging for the whole process."""
    before = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = before


def test_it_takes_as_many_descriptors_as_it_may_have(tmp_path: Path) -> None:
    """A shell allows 1024; without one left it would answer nobody."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with running(
        tmp_path,
        OFF + "http: {port: 0}\nstate: sqlite:///state.db\nartifacts: .\n",
        before=("prlimit", "--nofile=256:"),
    ) as daemon:
        soft, _ = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
    assert soft == min(hard, 65536) > 256


def test_the_garbage_collector_leaves_alone_what_is_there_from_the_start() -> None:
    told: list[object] = []
    here = Service("127.0.0.1", 80)
    where = Started(
        version="0", pid=1, url="", script="", http=here, https=None, tftp=None, syslog=None, admin=here, dhcp=()
    )
    try:
        settled(told.append)(where)
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
    assert told == [where]


def test_the_loop_is_uvloop_unless_the_settings_say_otherwise() -> None:
    assert loop_factory("auto") is loop_factory("uvloop") is uvloop.new_event_loop
    assert loop_factory("asyncio") is asyncio.new_event_loop


def test_without_uvloop_only_who_insists_on_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "uvloop":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert loop_factory("auto") is asyncio.new_event_loop
    with pytest.raises(typer.Exit) as refused:
        loop_factory("uvloop")
    assert refused.value.exit_code == 1
    assert capsys.readouterr().err == (
        "netbootd: loop: uvloop is not installed; 'pip install uvloop', or set loop: asyncio\n"
    )


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_port_that_is_taken_is_one_line_and_1(tmp_path: Path, loop: str) -> None:
    with Sockets().tcp("http", "0.0.0.0", 0) as taken:
        port = taken.getsockname()[1]
        more = f"{OFF}http: {{port: {port}}}\nloop: {loop}\n"
        path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, more))
        ran = netbootd("run", "-c", path, "-i", "lo")
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"netbootd: TCP port {port} on 0.0.0.0 is already used by ")
    assert ran.complaint.endswith("Set another port with 'http: {port: N}'.")


def test_a_program_is_told_in_one_line_of_json_where_everything_is(tmp_path: Path) -> None:
    more = OFF + "http: {port: 0}\nlisten: 127.0.0.1\nadvertise: 10.0.2.2\n"
    with (tmp_path / "said").open("wb+") as said:
        with running(furnished(tmp_path), settings(tmp_path, more), "--json", stdout=said) as daemon:
            (line,) = (tmp_path / "said").read_text().splitlines()
            where = json.loads(line)
            assert where["pid"] == daemon.process.pid
            with urlopen(f"http://127.0.0.1:{where['http']['port']}/healthz") as answer:
                assert answer.read() == b"ok\n"
        assert (tmp_path / "said").read_text() == line + "\n"
    assert where["url"] == f"http://10.0.2.2:{where['http']['port']}"
    assert where["script"] == f"{where['url']}/ipxe.cfg"
    assert [where[name]["address"] for name in ("http", "tftp", "admin")] == ["127.0.0.1"] * 3
    assert len({where[name]["port"] for name in ("http", "tftp", "admin")} - {0}) == 3
    assert where["dhcp"] == []


def test_nobody_has_to_read_that_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    more = OFF + "http: {port: 0}\n"
    with running(furnished(tmp_path), settings(tmp_path, more), "--json", stdout=writing) as daemon:
        os.close(writing)
    assert daemon.process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-i", "lan9"), "netbootd: no interface 'lan9' here; there are: lo "),
        (("--profile", "rescu"), "error: --profile: "),
    ],
)
def test_what_the_command_line_asks_for_must_be_there(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    more = OFF + "profiles: {rescue: {payload: linux, kernel: kernel}}\n"
    path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, more))
    ran = netbootd("run", "-c", path, *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(said)


def test_sockets_that_nobody_would_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbootd.cli.run.listen_fds", lambda _environ: {"unknown": []})
    path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, OFF))
    ran = netbootd("run", "-c", path, "-i", "lo")
    assert ran.code == 1
    assert ran.complaint.startswith("netbootd: systemd passed a socket named 'unknown'")
