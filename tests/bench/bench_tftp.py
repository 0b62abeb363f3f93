"""TFTP blocks a second on loopback, per event loop: ``python tests/bench/bench_tftp.py``.

The clients are a second process that does as little as it can, so the columns show the server: its wall-clock rate
with both processes sharing the machine, and its own CPU time per block.
"""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import uvloop

from netbootd.observe.events import Event, TftpFinished, TftpStarted
from netbootd.serve.tftp import TftpServer
from netbootd.serve.tftp_source import Content
from netbootd.wire.tftp import ReadRequest, encode

BLKSIZE = 1428
BLOCKS = 200_000  # in all, per line
ACK_0 = b"\0\4\0\0"


def clients(port: int, transfers: int, windowsize: int) -> None:
    """Read the file ``transfers`` times at once."""
    options = (("blksize", str(BLKSIZE)), ("windowsize", str(windowsize)))
    request = encode(ReadRequest("file", "octet", options[: 1 if windowsize == 1 else 2]))
    poll = select.epoll()
    socks: dict[int, socket.socket] = {}
    for _ in range(transfers):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        socks[sock.fileno()] = sock
        sock.sendto(request, ("127.0.0.1", port))
        sock.connect(sock.recvfrom(100)[1])  # the OACK
        poll.register(sock, select.EPOLLIN)
    for sock in socks.values():
        sock.send(ACK_0)
    counted = dict.fromkeys(socks, 0)
    while socks:
        for fd, _ in poll.poll():
            data = socks[fd].recv(2048)
            counted[fd] += 1
            last = len(data) < BLKSIZE + 4
            if last or counted[fd] % windowsize == 0:
                socks[fd].send(b"\0\4" + data[2:4])
            if last:
                poll.unregister(fd)
                socks.pop(fd).close()


async def serve(transfers: int, windowsize: int, *, single_port: bool) -> tuple[float, float]:
    """(seconds, CPU seconds of the server) from the last OACK to the last ACK."""
    stamps: list[tuple[type[Event], float, float]] = []

    def emit(event: Event) -> None:
        stamps.append((type(event), time.perf_counter(), time.process_time()))

    content = bytes(BLKSIZE * (BLOCKS // transfers) - 1)
    server = TftpServer(
        lambda *_: Content("file", content),
        emit,
        address="127.0.0.1",
        port=0,
        single_port=single_port,
        max_per_client=transfers,
    )
    await server.start()
    arguments = [sys.executable, __file__, str(server.address[1]), str(transfers), str(windowsize)]
    process = await asyncio.create_subprocess_exec(*arguments)
    if await process.wait():
        raise subprocess.SubprocessError("the clients failed")
    await server.stop()
    began, finished = (next(s for s in reversed(stamps) if s[0] is kind) for kind in (TftpStarted, TftpFinished))
    return finished[1] - began[1], finished[2] - began[2]


def main() -> None:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.new_event_loop,
        "uvloop": uvloop.new_event_loop,
    }
    print(f"{'loop':<9}{'transfers':>10}{'window':>8}{'ports':>8}{'blocks/s':>11}{'MB/s':>7}{'CPU us/block':>14}")
    for transfers, windowsize, single_port in ((100, 1, False), (1000, 1, False), (100, 1, True), (100, 8, False)):
        for name, factory in loops.items():
            with asyncio.Runner(loop_factory=factory) as runner:
                seconds, cpu = runner.run(serve(transfers, windowsize, single_port=single_port))
            rate = BLOCKS / seconds
            ports = "one" if single_port else "own"
            print(
                f"{name:<9}{transfers:>10}{windowsize:>8}{ports:>8}{rate:>11,.0f}"
                f"{rate * BLKSIZE / 1e6:>7.0f}{cpu / BLOCKS * 1e6:>14.1f}"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        clients(*(int(argument) for argument in sys.argv[1:]))
    else:
        main()
