"""What observing costs: ``python tests/bench/bench_observe.py``.

Five hundred machines boot from one daemon over loopback: DHCP through the ProxyDHCP shell, the boot program by TFTP,
the scripts and four files by HTTP, 270 MB each.  The daemon's processor time for all of that is measured, and of it
what is spent in the sinks of its hub (log, metrics, records and boots, installations, what is on its way, diagnoses,
the stream) and on two readers of the stream.  The clients are another process.  ``MACHINES=50`` for a quick look.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from netbootd.artifacts.tree import Tree
from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.net.tcp import bind_tcp
from netbootd.net.udp import Datagram, UdpEndpoint
from netbootd.observe.events import TransferMoved
from netbootd.observe.hub import Hub
from netbootd.observe.log import LogSink, configure
from netbootd.observe.metrics import Metrics
from netbootd.observe.running import Running
from netbootd.serve.admin.stream import Stream
from netbootd.serve.alarms import Alarms
from netbootd.serve.boot import BootSide
from netbootd.serve.diagnosing import Diagnosing
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import start_http
from netbootd.serve.lives import Lives
from netbootd.serve.progress import Progress
from netbootd.serve.proxydhcp import ProxyDhcp
from netbootd.serve.tftp import TftpServer
from netbootd.serve.tokens import Tokens
from netbootd.wire.dhcp import MessageType, encode
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import ALWAYS, FIRMWARE, machine, profile, question, templates

MACHINES = int(os.environ.get("MACHINES", "500"))
LOADER = os.urandom(200_000)
FILES = {"vmlinuz": 12 << 20, "initrd.img": 250 << 20, "a.img": 10 << 20, "b.img": 1 << 20}
MOVED = 10
"""How often the largest file of each machine is told of: five hundred that take 100 s are told of every 10 s."""


def mac_of(number: int) -> Mac:
    return Mac(b"\x52\x54\x05" + number.to_bytes(3, "big"))


def clients(http: int, tftp: int) -> None:
    """All machines, one after the other, each from an address of its own."""
    for number in range(MACHINES):
        ip, mac = f"127.1.{number // 250}.{number % 250 + 1}", mac_of(number)
        fetch_by_tftp(ip, tftp)
        fetch(ip, http, "/ipxe.cfg")
        fetch(ip, http, f"/machines/{mac.hexhyp}/ipxe.cfg?mac={mac}&uuid=4c4c4544-0042-3510-8052-{number:012x}")
        for name in FILES:
            fetch(ip, http, f"/artifacts/rescue/{name}")
    print("done", flush=True)


def fetch(ip: str, port: int, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port), source_address=(ip, 0)) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        buffer = bytearray(1 << 20)
        while sock.recv_into(buffer):
            pass


def fetch_by_tftp(ip: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ip, 0))
        sock.settimeout(10)
        sock.sendto(b"\0\1snponly.efi\0octet\0blksize\x001468\0", ("127.0.0.1", port))
        while True:
            data, peer = sock.recvfrom(2048)
            sock.sendto(b"\0\4" + (data[2:4] if data[1] == 3 else b"\0\0"), peer)
            if data[1] == 3 and len(data) < 1472:
                return


class Quiet(UdpEndpoint):
    """Takes what is sent, and sends it: that costs the same with every sink or with none."""

    def __init__(self, sock: socket.socket) -> None:
        self._out = sock

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        pass

    def close(self) -> None:
        pass

    def send(self, data: bytes, destination: tuple[str, int], *, local: str | None = None, ifindex: int = 0) -> bool:
        self._out.sendto(data, ("127.0.0.1", 9))
        return True


class Sinks:
    """As the daemon has them; ``lines`` counts what the log wrote."""

    def __init__(self, hub: Hub, directory: Directory, world: Callable[[], World]) -> None:
        self.seconds = 0.0
        self.lines, disk, numbers = io.StringIO(), Disk(), count(1)
        ledger = Ledger(SlowJournal(disk, at_once=True), disk.known())
        self.records = Records(new_id=lambda: f"r{next(numbers)}")
        metrics = Metrics()
        self.attempts = Attempts(new_id=lambda: f"b{next(numbers)}", owner=self.records.owner, took=metrics.boots.took)
        self.lives = Lives(ledger, self.records, self.attempts, Behind(), hub, known=directory.known)
        running = Running()
        diagnosing = Diagnosing(
            self.records,
            self.lives,
            running,
            known=directory.known,
            assigned=lambda mac: world().assignment(directory.known(mac)),
            limits=lambda _mac: Limits(),
            firmware=lambda: FIRMWARE,
        )
        self.alarms = Alarms(diagnosing.of, hub, known=self.records.known)
        self.stream = Stream("bench", time.time)
        for sink in (
            LogSink(configure("text", stream=self.lines)),
            metrics.observe,
            self.lives,
            Progress(ledger, hub),
            Tokens(ledger.entry).observe,
            running,
            diagnosing,
            self.alarms,
            self.stream,
        ):
            hub.add(self.timed(sink))
        self.stream._text = self.timed(self.stream._text)  # type: ignore[method-assign, assignment]

    def timed(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """What it takes counts as observing; sinks that emit are counted once."""
        within = False

        def timing(what: Any) -> Any:
            nonlocal within
            if within:
                return call(what)
            within, began = True, time.thread_time()
            try:
                return call(what)
            finally:
                within = False
                self.seconds += time.thread_time() - began

        return timing

    async def read(self) -> None:
        """Somebody watches, and a page is open."""
        with self.stream.reading() as one, self.stream.reading() as other:
            await asyncio.gather(_drained(one), _drained(other))

    async def write(self) -> None:
        """What happened is written behind, and whoever stopped on the way is looked for."""
        while True:
            await asyncio.sleep(1)
            self.timed(self.lives.waiting)(1000)
            self.timed(lambda _: self.alarms.look())(None)


async def _drained(texts: Any) -> None:
    async for text in texts:
        text.encode()


async def measured(root: Path) -> tuple[float, float]:
    """Seconds of processor time of this process for all machines, and of them those spent observing."""
    directory = Directory(lambda _mac: "")
    hub = Hub(directory.who)
    sinks, emit = Sinks(hub, directory, lambda: here), hub
    files = {"kernel": "rescue/vmlinuz", "initrd": [f"rescue/{name}" for name in FILES if name != "vmlinuz"]}
    rescue = profile("rescue", "linux", files, boots=ALWAYS)
    fleet = Snapshot([rescue], [machine(rescue.name, f"node-{n}", mac_of(n)) for n in range(MACHINES)])
    here = World(fleet, FIRMWARE, templates(), lambda _mac: None, directory.known)
    site = Site("127.0.0.1")
    side = BootSide(
        emit=emit,
        directory=directory,
        site=lambda _local: site,
        world=here,
        firmware={"snponly.efi": LOADER},
        tree=Tree(root, {}),
    )
    tftp = TftpServer(side.resolve, emit, address="127.0.0.1", port=0)
    await tftp.start()
    http = await start_http(build_app(side), [bind_tcp("127.0.0.1", 0)], emit)
    command = [sys.executable, __file__, str(http.addresses[0][1]), str(tftp.address[1])]
    watching = [asyncio.ensure_future(each) for each in (sinks.read(), sinks.write())]
    began = time.process_time()
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    questions(here, site, directory, emit)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"done\n"
    for number in range(MACHINES * MOVED):
        emit(
            TransferMoved(ip=_ip(number % MACHINES), file="initrd.img", via="http", sent=number, size=9**9, seconds=1.0)
        )
    await asyncio.sleep(0.2)
    used = time.process_time() - began
    await process.wait()
    for each in watching:
        each.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    await http.stop()
    await tftp.stop()
    assert len(sinks.attempts) == MACHINES
    assert sinks.lines.getvalue().count("\n") > MACHINES * 6
    return used, sinks.seconds


def questions(here: Any, site: Site, directory: Directory, emit: Any) -> None:
    """A DISCOVER of the firmware, its REQUESTs to the DHCP server and to port 4011, and iPXE's two."""
    receivers: dict[int, Any] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        shell = ProxyDhcp(
            world=lambda: here,
            site=lambda _local: site,
            interface=lambda _index: "lo",
            emit=emit,
            clock=time.monotonic,
            met=directory.met,
        )

        def wire(port: int, receive: Any) -> UdpEndpoint:
            receivers[port] = receive
            return Quiet(sock)

        for port in (67, 4011):
            shell.start(partial(wire, port), port)
        for number in range(MACHINES):
            ip = _ip(number)
            for port, kind, more in (
                (67, MessageType.DISCOVER, {}),
                (67, MessageType.REQUEST, {54: b"\x7f\0\0\2", 50: socket.inet_aton(ip)}),
                (4011, MessageType.REQUEST, {}),
                (67, MessageType.DISCOVER, {77: b"iPXE"}),
                (67, MessageType.REQUEST, {77: b"iPXE", 54: b"\x7f\0\0\2", 50: socket.inet_aton(ip)}),
            ):
                packet = encode(question(kind, options=more, chaddr=mac_of(number).octets))
                source = (ip, 68) if port == 4011 else ("0.0.0.0", 68)
                receivers[port](Datagram(packet, source, "127.0.0.1", 1, broadcast=port == 67))


def _ip(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as directory:
        root = Path(directory)
        (root / "rescue").mkdir()
        for name, size in FILES.items():
            (root / "rescue" / name).touch()
            os.truncate(root / "rescue" / name, size)
        used, observing = asyncio.run(measured(root))
        print(f"{MACHINES} machines: {used:.2f} CPU s of the daemon, {observing:.2f} of them for observing")
        print(f"observing takes {observing / used:.1%} of the daemon's processor time")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        clients(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
