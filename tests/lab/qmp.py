"""The little of QEMU's machine protocol (QMP) that the lab needs."""

from __future__ import annotations

import json
import socket


class Monitor:
    """A QMP connection over one end of a socket pair whose other end QEMU has."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(30)
        self._sock = sock
        self._lines = sock.makefile("rb")
        self._greeted = False

    def command(self, name: str, **arguments: object) -> object:
        """Run one command and return what it returns; RuntimeError when QEMU refuses or has gone."""
        if not self._greeted:
            self._greeted = True
            self._receive()
            self.command("qmp_capabilities")
        self._sock.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while "return" not in (answer := self._receive()):
            if "error" in answer:
                raise RuntimeError(f"QEMU: {name}: {answer['error']}")
        return answer["return"]

    def close(self) -> None:
        """Hang up; the machine goes on."""
        self._lines.close()
        self._sock.close()

    def _receive(self) -> dict[str, object]:
        line = self._lines.readline()
        if not line:
            raise RuntimeError("QEMU has gone")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer
