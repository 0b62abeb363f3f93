"""What a machine writes on its serial port, as text to wait for."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import IO

# Cursor movement, colours and the like: CSI and two-character escapes.  Firmware draws its screen with them.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][0-9A-Za-z]|[=>78cDEHMNOZ])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def plain(raw: bytes) -> str:
    """Serial output without escape sequences and control characters."""
    return _CONTROL.sub("", _ESCAPE.sub("", raw.decode("utf-8", "replace").replace("\r\n", "\n")))


class Console:
    """Reads ``stream`` until it ends, keeps it in ``path`` (raw), and lets others wait for what it says."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._raw = bytearray()
        self._from = 0
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, name=f"console {path.name}", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """Everything so far, as plain text."""
        with self._changed:
            return plain(bytes(self._raw))

    def begin_anew(self) -> None:
        """What has been said up to now is not waited for any more."""
        with self._changed:
            self._from = len(self._raw)

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str] | None:
        """The first match of ``pattern`` since it began anew; None when ``seconds`` pass or the machine ends first."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                ended = self._ended
                if found := wanted.search(plain(bytes(self._raw[self._from :]))):
                    return found
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    return None
                self._changed.wait(left)

    def tail(self, lines: int = 25) -> str:
        """The last ``lines`` lines that say something."""
        return "\n".join([line for line in self.text.splitlines() if line.strip()][-lines:])

    def join(self) -> None:
        """Wait until the output has ended, which it does when the machine is off."""
        self._thread.join(timeout=10)

    def _read(self) -> None:
        with self._stream, self._path.open("wb") as copy:
            while chunk := self._stream.read1(4096):  # type: ignore[attr-defined]
                copy.write(chunk)
                with self._changed:
                    self._raw += chunk
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
