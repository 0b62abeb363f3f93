"""A socket at a path."""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

import pytest

from netbootd.net.tcp import bind_tcp
from netbootd.net.unix import bind_unix, is_unix


def test_it_is_for_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind_unix(path) as sock:
        assert is_unix(sock)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_one_that_a_killed_daemon_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind_unix(path).close()
    assert path.is_socket()
    bind_unix(path).close()


def test_one_that_answers_is_another_daemon_s(tmp_path: Path) -> None:
    with bind_unix(tmp_path / "s"), pytest.raises(OSError, match="another netbootd answers there") as raised:
        bind_unix(tmp_path / "s")
    assert raised.value.errno == errno.EADDRINUSE


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(OSError, match="is there already, and is no socket"):
        bind_unix(path)
    assert path.read_text() == "mine"


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "no" / "s")):
        bind_unix(tmp_path / "no" / "s")


def test_a_port_is_none() -> None:
    with bind_tcp("127.0.0.1", 0) as sock:
        assert not is_unix(sock)
