"""A `tests.support.tftp_reader.Reader` on a real socket."""

from __future__ import annotations

import asyncio
import socket

from netbootd.wire.tftp import ReadRequest
from tests.support.tftp_reader import Manners, Reader


class Client:
    """Reads one file from a server, on the running loop; `finished` resolves to its `Reader` without dallying.

    The request leaves at once; with ``deaf`` the answers wait until `listen` is called.
    """

    def __init__(
        self, server: tuple[str, int], request: ReadRequest, *, manners: Manners | None = None, deaf: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = server
        self.reader = Reader(request, self._loop.time(), manners)
        self.finished: asyncio.Future[Reader] = self._loop.create_future()
        self.peers: set[tuple[str, int]] = set()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind(("127.0.0.1", 0))
        self._timer: asyncio.TimerHandle | None = None
        self._pump()
        if not deaf:
            self.listen()

    def listen(self) -> None:
        self._loop.add_reader(self.sock.fileno(), self._readable)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock.fileno())
            self.sock.close()

    def _readable(self) -> None:
        while True:
            try:
                datagram, self._server = self.sock.recvfrom(65535)
            except BlockingIOError:
                break
            self.peers.add(self._server)
            self.reader.receive(datagram, self._loop.time())
        self._pump()

    def _pump(self) -> None:
        for datagram in self.reader.datagrams(self._loop.time()):
            self.sock.sendto(datagram, self._server)
        if (self.reader.complete or self.reader.error) and not self.finished.done():
            self.finished.set_result(self.reader)
        elif not self.finished.done() and self._timer is None:
            self._timer = self._loop.call_later(0.5, self._fired)

    def _fired(self) -> None:
        self._timer = None
        self.reader.expire(self._loop.time())
        self._pump()


async def read(
    server: tuple[str, int], name: str, *, mode: str = "octet", manners: Manners | None = None, **options: str
) -> Reader:
    """Read one file; what came is in the reader, and so is a refusal (``error``)."""
    client = Client(server, ReadRequest(name, mode, tuple(options.items())), manners=manners)
    try:
        return await client.finished
    finally:
        client.close()
