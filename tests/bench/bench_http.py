"""HTTP downloads on loopback, and what they do to the event loop: ``python tests/bench/bench_http.py``.

The boot site, plain and by TLS, against aiohttp's FileResponse, each on asyncio and on uvloop.  "lag" is how late a
timer of 1 ms fires while the downloads run, and so how late a DHCP answer would be.  The clients are a second process;
both share the machine, and so the rate is a comparison and not what a NIC would see.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import uvloop
from aiohttp import web

from netbootd.net.tcp import bind_tcp
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import Secure, start_http
from tests.support.bootsite import Services
from tests.support.tls import own

LARGE = 256 << 20
DOWNLOADS = 8  # of the large file, per line
SMALL = 2048
REQUESTS = 6000  # of the small file, per line


@dataclass(frozen=True)
class Line:
    """Seconds of wall clock, CPU seconds of the server, lags of its loop in seconds, sorted."""

    seconds: float
    cpu: float
    lags: list[float]

    @property
    def p99(self) -> float:
        return self.lags[int(len(self.lags) * 0.99)] * 1000


def connected(port: int, tls: bool) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    if not tls:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock)


def held(sock: socket.socket) -> int:
    """Bytes that have been decrypted, of which the kernel knows nothing."""
    return sock.pending() if isinstance(sock, ssl.SSLSocket) else 0


def clients(port: int, path: str, connections: int, each: int, tls: bool) -> None:
    """Ask ``each`` times on each of so many connections, reading as fast as can be; print the seconds it took."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    size = LARGE if path.endswith("large") else SMALL
    poll = select.epoll()
    socks = {sock.fileno(): sock for sock in (connected(port, tls) for _ in range(connections))}
    left = dict.fromkeys(socks, each)
    owed = dict.fromkeys(socks, 0)  # bytes of the present answer; 0: its headers have not been seen
    print("connected", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for sock in socks.values():
        poll.register(sock, select.EPOLLIN)
        sock.send(request)
    buffer = bytearray(1 << 20)
    while socks:
        for fd in [fd for fd, sock in socks.items() if held(sock)] or [fd for fd, _ in poll.poll()]:
            got = socks[fd].recv_into(buffer)
            if not got:
                sys.exit("the server closed a connection")
            owed[fd] = owed[fd] - got if owed[fd] else size + buffer.index(b"\r\n\r\n", 0, got) + 4 - got
            if owed[fd]:
                continue
            left[fd] -= 1
            if left[fd]:
                socks[fd].send(request)
            else:
                poll.unregister(fd)
                socks.pop(fd).close()
    print(time.perf_counter() - began)


async def measure(port: int, path: str, connections: int, each: int, *, tls: bool = False) -> Line:
    loop = asyncio.get_running_loop()
    lags: list[float] = []

    async def heartbeat() -> None:
        while True:
            due = loop.time() + 0.001
            await asyncio.sleep(0.001)
            lags.append(loop.time() - due)

    arguments = [sys.executable, __file__, str(port), path, str(connections), str(each), "tls" * tls]
    process = await asyncio.create_subprocess_exec(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    beating, cpu = asyncio.ensure_future(heartbeat()), time.process_time()
    process.stdin.write(b"go\n")
    seconds = float(await process.stdout.readline())
    cpu = time.process_time() - cpu
    beating.cancel()
    process.stdin.close()
    await process.wait()
    return Line(seconds, cpu, sorted(lags))


async def ours(root: Path, path: str, connections: int, each: int) -> Line:
    server = await start_http(build_app(Services(root)), [bind_tcp("127.0.0.1", 0)], lambda event: None)
    try:
        return await measure(server.addresses[0][1], path, connections, each)
    finally:
        await server.stop()


async def ours_by_tls(root: Path, path: str, connections: int, each: int) -> Line:
    sock = bind_tcp("127.0.0.1", 0)
    port, secure = sock.getsockname()[1], Secure(sock, lambda: own()[0].context)
    server = await start_http(build_app(Services(root)), [], lambda event: None, secure=secure)
    try:
        return await measure(port, path, connections, each, tls=True)
    finally:
        await server.stop()


async def file_response(root: Path, path: str, connections: int, each: int) -> Line:
    async def handle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(root / request.match_info["path"])

    app = web.Application()
    app.router.add_get("/artifacts/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        return await measure(runner.addresses[0][1], path, connections, each)
    finally:
        await runner.cleanup()


Run = Callable[[Path, str, int, int], object]
SERVERS = (("netbootd", ours), ("netbootd TLS", ours_by_tls), ("FileResponse", file_response))
LOOPS = (("asyncio", asyncio.new_event_loop), ("uvloop", uvloop.new_event_loop))


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as directory:
        root = Path(directory)
        (root / "large").write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
        (root / "small").write_bytes(os.urandom(SMALL))
        print(f"{'':22}{'clients':>8}{'MB/s':>8}{'CPU s/GiB':>11}{'lag p99 ms':>12}{'worst ms':>10}")
        for connections in (1, 8, 64):
            table(root, connections)
        print(f"\n{f'{SMALL} bytes':22}{'clients':>8}{'per s':>8}{'CPU us':>11}{'lag p99 ms':>12}{'worst ms':>10}")
        for connections in (1, 8):
            small_table(root, connections)


def table(root: Path, connections: int) -> None:
    each = max(1, DOWNLOADS // connections)
    size = each * connections * LARGE
    for name, line in lines(root, "/artifacts/large", connections, each):
        rate, cpu = size / line.seconds / 1e6, line.cpu / (size / 2**30)
        print(f"{name:22}{connections:8}{rate:8.0f}{cpu:11.2f}{line.p99:12.1f}{line.lags[-1] * 1000:10.1f}")


def small_table(root: Path, connections: int) -> None:
    for name, line in lines(root, "/artifacts/small", connections, REQUESTS // connections):
        rate, cpu = REQUESTS / line.seconds, line.cpu / REQUESTS * 1e6
        print(f"{name:22}{connections:8}{rate:8.0f}{cpu:11.0f}{line.p99:12.1f}{line.lags[-1] * 1000:10.1f}")


def lines(root: Path, path: str, connections: int, each: int) -> list[tuple[str, Line]]:
    found = []
    for server, serve in SERVERS:
        for loop, factory in LOOPS:
            with asyncio.Runner(loop_factory=factory) as runner:
                found.append((f"{server}, {loop}", runner.run(serve(root, path, connections, each))))
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        clients(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "tls")
    else:
        main()
