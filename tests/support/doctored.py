"""A house that the doctor is shown: its settings as a `Patient`, and a web server to fetch from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from netbootd.cli.doctor.line import Line, Status
from netbootd.cli.doctor.patient import Patient
from netbootd.load import load_world
from netbootd.net.interfaces import Address, Interface
from tests.support.house import settings
from tests.support.settings import Files

ETH0 = Interface("eth0", 2, (Address("10.99.0.2", 24),))


def patient(directory: Path, more: str = "", *interfaces: Interface, running: bool = False) -> Patient:
    """Of the house in ``directory``."""
    config = Files(directory).load(settings(directory, more))
    return Patient(
        config=config, loaded=load_world(config), interfaces=interfaces or (ETH0,), root=True, running=running
    )


def statuses(lines: list[Line]) -> list[Status]:
    return [each.status for each in lines]


@contextmanager
def web(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A web server of this handler on the loopback; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Answering(BaseHTTPRequestHandler):
    """Answers GET, HEAD and one range from ``files``, by path."""

    files: dict[str, bytes]
    ranges = True

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        data = self.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range", "") if self.ranges else ""
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1] if asked else data
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if body:
            self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def serving(files: dict[str, bytes], *, ranges: bool = True) -> type[BaseHTTPRequestHandler]:
    """A handler for these files."""
    return type("Served", (Answering,), {"files": files, "ranges": ranges})
