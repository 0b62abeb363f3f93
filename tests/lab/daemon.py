"""netbootd itself in the lab: the real daemon, in the boot server's namespace."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab import namespace
from tests.lab.namespace import LabError
from tests.lab.network import Network

_PATIENCE = 120.0  # seconds until the daemon must have said that it is ready


@dataclass(slots=True)
class Daemon:
    """A netbootd; made by `netbootd`."""

    process: subprocess.Popen[bytes]
    settings: Path
    log: Path
    _start: Callable[[], subprocess.Popen[bytes]]

    def kill(self) -> None:
        """SIGKILL: it can do nothing any more."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Once more, after `kill`, with the same settings and state."""
        self.process = self._start()

    def events(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


@contextmanager
def netbootd(network: Network, settings: str) -> Iterator[Daemon]:
    """Run the daemon with these settings (YAML) until the end; it must then stop cleanly."""
    path, log = network.directory / "netbootd.yaml", network.directory / "netbootd.log"
    path.write_text(_HOUSE.format(directory=network.directory) + settings)
    with _notify_socket(network.directory / "notify") as notify, log.open("wb") as out:
        environment = os.environ | {"NOTIFY_SOCKET": str(network.directory / "notify")}
        command = (sys.executable, "-m", "netbootd", "run", "-c", str(path))

        def start() -> subprocess.Popen[bytes]:
            process = network.boot.start(*command, stdout=out, environment=environment)
            try:
                _await_ready(process, notify, log)
            except BaseException:
                namespace.stop(process)
                raise
            return process

        daemon = Daemon(start(), path, log, start)
        try:
            yield daemon
        except BaseException:
            namespace.stop(daemon.process)
            raise
        with suppress(LabError):  # machines are off by now; netbootd would wait for what they left open
            network.boot.run("ss", "--kill", "--no-header", "--tcp", "state", "connected")
        status = namespace.stop(daemon.process, seconds=60)
    assert status == 0, f"netbootd ended with {status}:\n{log.read_text()[-2000:]}"


_HOUSE = """\
interfaces: [eth0]
state: sqlite:///{directory}/state.db
log: {{format: json, level: debug}}
"""


@contextmanager
def _notify_socket(path: Path) -> Iterator[socket.socket]:
    """Where a service manager would listen for READY=1, sd_notify(3)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        yield sock


def _await_ready(process: subprocess.Popen[bytes], notify: socket.socket, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        readable, _, _ = select.select([notify], [], [], 0.2)
        if readable and b"READY=1" in notify.recv(4096):
            return
    raise LabError(f"netbootd did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
