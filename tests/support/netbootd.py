"""The real daemon as a process, heard: its log lines and what it tells the service manager, as they come."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.lab.namespace import Namespace

_PATIENCE = 60.0  # seconds; a test that waits longer has failed
_LOG = "log: {format: json, level: debug}\n"
_ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """A daemon under way."""

    process: subprocess.Popen[bytes]
    notify: socket.socket
    directory: Path
    lines: list[str] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def heard(self, *wanted: str) -> str:
        """The next message to the service manager that holds one of these words, those before it thrown away."""
        while True:
            message = self.notify.recv(4096).decode()
            if not wanted or any(word in message for word in wanted):
                return message

    def event(self, name: str, **fields: object) -> dict[str, Any]:
        """The first event of this name with these fields (a text need only occur), now or as soon as it comes."""
        return self._find(lambda event: event["event"] == name and _fits(event, fields), f"{name} {fields}")

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """What it has logged so far."""
        with self._came:
            return [e for line in self.lines if (e := _parsed(line)) and name in ("", e["event"])]

    def count(self, prefix: str, number: int) -> None:
        """Wait until this many events have a name that begins so."""
        with self._came:
            assert self._came.wait_for(lambda: self._counted(prefix) >= number, _PATIENCE), "\n".join(self.lines[-40:])

    def _counted(self, prefix: str) -> int:
        return sum(1 for line in self.lines if (e := _parsed(line)) and e["event"].startswith(prefix))

    def rewrite(self, settings: str) -> int:
        """Other settings in the file, for a reload; the number of their last line."""
        (self.directory / "netbootd.yaml").write_text(settings + _LOG)
        return settings.count("\n")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def reload(self) -> None:
        """SIGHUP, and until it is done with it."""
        self.signal(signal.SIGHUP)
        self.heard("RELOADING=1")
        self.heard("READY=1")

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE)

    def text(self) -> str:
        with self._came:
            return "\n".join(self.lines)

    def read(self) -> None:
        """Runs in a thread until the process closes its standard error."""
        assert self.process.stderr
        for line in self.process.stderr:
            with self._came:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._came.notify_all()

    def _find(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        position = 0
        with self._came:
            while True:
                while position < len(self.lines):
                    event = _parsed(self.lines[position])
                    position += 1
                    if event and wanted(event):
                        return event
                if not self._came.wait(_PATIENCE):
                    raise AssertionError(f"no {what} in:\n" + "\n".join(self.lines[-40:]))


def command(*arguments: str) -> list[str]:
    """The command line of ``netbootd ARGUMENTS``."""
    return [sys.executable, "-m", "netbootd", *arguments]


@contextmanager
def running(
    directory: Path,
    settings: str,
    *arguments: str,
    place: Namespace | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    before: Sequence[str] = (),
    stdout: IO[bytes] | int | None = None,
) -> Iterator[Running]:
    """``netbootd run`` with these settings, once it has said READY.  ``before`` is put in front of its command line."""
    (directory / "netbootd.yaml").write_text(settings + _LOG)
    address = directory / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(_PATIENCE)
        # However this process ends, the daemon goes with it.
        line = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            *before,
            *command("run", "-c", str(directory / "netbootd.yaml"), *arguments),
        ]
        process = subprocess.Popen(
            place.enter(*line) if place else line,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(address), **(environment or {})},
            pass_fds=tuple(pass_fds),
        )
        daemon = Running(process, notify, directory)
        reader = threading.Thread(target=daemon.read)
        reader.start()
        try:
            _await_ready(daemon)
            yield daemon
            if process.poll() is None:
                assert daemon.stop() == 0, daemon.text()
        finally:
            process.kill()
            process.wait()
            reader.join()
            assert process.stderr
            process.stderr.close()


def _await_ready(daemon: Running) -> None:
    daemon.notify.settimeout(0.2)
    while True:
        try:
            daemon.heard("READY=1")
        except TimeoutError:
            assert daemon.process.poll() is None, f"it ended:\n{daemon.text()}"
        else:
            daemon.notify.settimeout(_PATIENCE)
            return


def _parsed(line: str) -> dict[str, Any] | None:
    return json.loads(line) if line.startswith("{") else None


def _fits(event: Mapping[str, Any], fields: Mapping[str, object]) -> bool:
    return all(
        value in event.get(key, "") if isinstance(value, str) else event.get(key) == value
        for key, value in fields.items()
    )
