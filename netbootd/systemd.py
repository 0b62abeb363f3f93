"""What systemd offers a daemon: readiness, reload and watchdog notices, sockets it opened, its journal.

Everything here does nothing when systemd did not start us.  sd_notify(3), sd_listen_fds(3), systemd.exec(5).
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

SD_LISTEN_FDS_START = 3
_PATIENCE = 0.2  # seconds to wait for a service manager whose queue is full


class Notifier:
    """Tells the service manager how we are.  A message that cannot be delivered is dropped: machines still boot.

    ``address`` is $NOTIFY_SOCKET, "" when nobody asked; ``watchdog_usec`` how often a sign of life is expected, 0 for
    never.
    """

    def __init__(self, address: str = "", watchdog_usec: int = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_usec = watchdog_usec

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], pid: int | None = None) -> Notifier:
        """From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; a watchdog set for another process is not ours."""
        address = environ.get("NOTIFY_SOCKET", "")
        mine = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        return cls(address if address[:1] in ("/", "@") else "", _number(environ, "WATCHDOG_USEC") if mine else 0)

    @property
    def watchdog_interval(self) -> float:
        """Seconds between two signs of life, half of what systemd allows as sd_watchdog_enabled(3) recommends; 0: no
        watchdog."""
        return self._watchdog_usec / 2_000_000 if self._address else 0.0

    def ready(self, status: str = "") -> None:
        """Start-up is finished, or a reload is."""
        self._send("READY=1", f"STATUS={_one_line(status)}")

    def reloading(self, now_usec: int) -> None:
        """A reload began; `ready` ends it.  ``now_usec`` is CLOCK_MONOTONIC, by which systemd tells it from older
        messages (Type=notify-reload)."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_usec}")

    def stopping(self, status: str = "") -> None:
        self._send("STOPPING=1", f"STATUS={_one_line(status)}")

    def status(self, text: str) -> None:
        """What ``systemctl status`` shows."""
        self._send(f"STATUS={_one_line(text)}")

    async def watchdog(self) -> None:
        """Sends signs of life until cancelled; returns at once without a watchdog.  Runs on the event loop that answers
        the machines, so that a loop that is stuck is restarted."""
        while self.watchdog_interval:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_interval)

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(_PATIENCE)
            try:
                out.sendto("\n".join(assignments).encode(), self._address)
            except OSError:
                return


def listen_fds(
    environ: Mapping[str, str], pid: int | None = None, first: int = SD_LISTEN_FDS_START
) -> dict[str, list[socket.socket]]:
    """The sockets systemd opened for us, by the FileDescriptorName= of their unit ("unknown" where it gave none).

    Empty unless LISTEN_PID is ``pid`` (ours by default): a child that inherited the environment has no claim.  The
    sockets are non-blocking, not inherited further, and the caller's to close.
    """
    if environ.get("LISTEN_PID", "") != str(os.getpid() if pid is None else pid):
        return {}
    count = _number(environ, "LISTEN_FDS")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for position in range(count):
        name = names[position] if position < len(names) else ""
        found.setdefault(name or "unknown", []).append(_adopt(first + position))
    return found


def journal_stream(environ: Mapping[str, str], stream: TextIO) -> bool:
    """Whether ``stream`` is connected to the journal: JOURNAL_STREAM names its device and inode, which also tells our
    own standard error from one that was redirected since."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _adopt(fd: int) -> socket.socket:
    adopted = socket.socket(fileno=fd)
    adopted.set_inheritable(False)
    adopted.setblocking(False)
    return adopted


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _one_line(text: str) -> str:
    """A line break would start another assignment."""
    return " ".join(text.split())
