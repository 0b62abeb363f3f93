"""Our side of systemd's protocols, spoken with sockets of our own in its place."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netbootd.systemd import Notifier, journal_stream, listen_fds

if TYPE_CHECKING:
    from collections.abc import Iterator


class Manager:
    """Stands where systemd listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    """systemd gives system services a path, containers and user managers may give an abstract address."""
    with tempfile.TemporaryDirectory() as directory:
        address = f"@netbootd-test-{os.getpid()}" if request.param == "abstract" else str(Path(directory) / "notify")
        listening = Manager(address)
        yield listening
        listening.socket.close()


def test_readiness_reload_status_and_stop_are_told(manager: Manager) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": manager.address})
    notifier.ready("12 machines known")
    assert manager.heard() == ["READY=1", "STATUS=12 machines known"]
    notifier.reloading(1_234_567)
    assert manager.heard() == ["RELOADING=1", "MONOTONIC_USEC=1234567"]
    notifier.status("3 boots under way")
    assert manager.heard() == ["STATUS=3 boots under way"]
    notifier.stopping()
    assert manager.heard() == ["STOPPING=1", "STATUS="]


def test_a_status_cannot_smuggle_in_another_message(manager: Manager) -> None:
    Notifier(manager.address).status("node-1\nMAINPID=1")
    assert manager.heard() == ["STATUS=node-1 MAINPID=1"]


async def test_signs_of_life_come_from_the_event_loop(manager: Manager) -> None:
    """Two arrive, so they keep coming; each needed a turn of the loop."""
    notifier = Notifier.from_environment(
        {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "2000", "WATCHDOG_PID": str(os.getpid())}
    )
    assert notifier.watchdog_interval == 0.001
    task = asyncio.create_task(notifier.watchdog())
    loop = asyncio.get_running_loop()
    assert [await loop.sock_recv(manager.socket, 64) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "/run/nobody"},
        {"NOTIFY_SOCKET": "/run/nobody", "WATCHDOG_USEC": "2000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/run/nobody", "WATCHDOG_USEC": "-5"},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "2000"},
        {"WATCHDOG_USEC": "2000"},
    ],
)
async def test_without_a_watchdog_of_ours_the_task_just_ends(environ: dict[str, str]) -> None:
    await asyncio.wait_for(Notifier.from_environment(environ).watchdog(), 10)


def test_without_systemd_or_with_a_deaf_one_nothing_happens() -> None:
    Notifier.from_environment({}).ready()
    Notifier.from_environment({"NOTIFY_SOCKET": "/nonexistent/notify"}).ready("still boots machines")
    Notifier.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}).ready()


def test_sockets_opened_by_systemd_come_by_name() -> None:
    """As systemd does: descriptors in a row, their names joined with colons."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dhcp, socket.socket() as http, socket.socket() as admin:
        http.listen()
        first = 700  # well above what a test runner has open
        for position, each in enumerate((dhcp, http, admin)):
            os.dup2(each.fileno(), first + position, inheritable=True)
        environ = {"LISTEN_PID": "4242", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "dhcp:http"}
        found = listen_fds(environ, pid=4242, first=first)
        try:
            assert {name: [each.type for each in group] for name, group in found.items()} == {
                "dhcp": [socket.SOCK_DGRAM],
                "http": [socket.SOCK_STREAM],
                "unknown": [socket.SOCK_STREAM],
            }
            assert found["http"][0].getsockname() == http.getsockname()
            assert all(not each.getblocking() and not each.get_inheritable() for (each,) in found.values())
        finally:
            for (each,) in found.values():
                each.close()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "2"},
        {"LISTEN_PID": "1", "LISTEN_FDS": "2"},
        {"LISTEN_PID": "4242"},
        {"LISTEN_PID": "4242", "LISTEN_FDS": "many"},
        {"LISTEN_PID": "4242", "LISTEN_FDS": "0"},
    ],
)
def test_sockets_meant_for_another_process_or_nobody_are_left_alone(environ: dict[str, str]) -> None:
    assert listen_fds(environ, pid=4242) == {}


def test_the_journal_is_recognised_by_device_and_inode(tmp_path: Path) -> None:
    """systemd.exec(5): compare them with those of standard error, which may have been redirected since."""
    with (tmp_path / "journal").open("w") as stream:
        about = os.fstat(stream.fileno())
        assert journal_stream({"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"}, stream)
        assert not journal_stream({"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino + 1}"}, stream)
        assert not journal_stream({}, stream)


def test_a_stream_without_a_descriptor_is_not_the_journal() -> None:
    class Bare:
        def fileno(self) -> int:
            raise ValueError("closed")

    assert not journal_stream({"JOURNAL_STREAM": "1:2"}, Bare())  # type: ignore[arg-type]
