"""One running TFTP transfer: what it sends when, when it reads its file, and that it ends once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from netbootd.net.udp import bind_udp, connect_udp
from netbootd.serve.pace import EVERY
from netbootd.serve.tftp_session import OwnSocket, Session
from netbootd.serve.tftp_source import Content, OpenFile, Source
from netbootd.wire.tftp import Ack, Data, Packet, ReadRequest, decode, encode
from netbootd.wire.tftp_options import Limits
from netbootd.wire.transfer import Outcome, Transfer

DATA = bytes(range(256)) * 1000
LIMITS = Limits(timeout=1.0, retries=2)


@dataclass
class Timer:
    at: float
    call: Callable[[], None]
    cancelled: bool = False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """A loop of which the time goes on when it is told to; and a disk that answers when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []
        self.reads: list[tuple[Future[bytes], Callable[[], bytes]]] = []
        self.due: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, call))
        return self.timers[-1]

    def call_soon_threadsafe(self, call: Callable[..., None], *arguments: Any) -> None:
        self.due.append(lambda: call(*arguments))

    def submit(self, call: Callable[..., bytes], *arguments: Any) -> Future[bytes]:
        future: Future[bytes] = Future()
        self.reads.append((future, lambda: call(*arguments)))
        return future

    def armed(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def until(self, now: float) -> None:
        """Let the time go by."""
        self.now = now
        for timer in [each for each in self.armed() if each.at <= now]:
            timer.cancelled = True
            timer.call()

    def read(self) -> None:
        """The disk answers what it was asked."""
        waiting, self.reads = self.reads, []
        for future, call in waiting:
            try:
                future.set_result(call())
            except OSError as error:
                future.set_exception(error)
        due, self.due = self.due, []
        for each in due:
            each()


class Line:
    """The client's end."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.gone = False

    def __call__(self, datagram: bytes) -> None:
        if self.gone:
            raise ConnectionRefusedError
        self.got.append(datagram)

    def packets(self) -> list[Packet]:
        """Those since this was last asked."""
        got, self.got = self.got, []
        return [decode(each) for each in got]


class House:
    """A transfer under way."""

    def __init__(self, source: Source, *, window: int = 1) -> None:
        self.clock, self.line = Clock(), Line()
        self.ended: list[Outcome | None] = []
        self.moved: list[tuple[int, float]] = []
        options = (("blksize", "1024"), *((("windowsize", str(window)),) if window > 1 else ()))
        self.transfer = Transfer(ReadRequest("kernel", "octet", options), source.size, LIMITS, self.clock.now)
        self.session = Session(
            self.transfer,
            source,
            cast(asyncio.AbstractEventLoop, self.clock),
            cast(Executor, self.clock),
            self.line,
            lambda session: self.ended.append(session.transfer.outcome),
            lambda session, seconds: self.moved.append((session.transfer.delivered, seconds)),
        )
        self.session.pump()

    def acks(self, number: int) -> None:
        self.session.receive(encode(Ack(number)))
        self.session.pump()


@pytest.fixture
def file(tmp_path: Path) -> OpenFile:
    path = tmp_path / "kernel"
    path.write_bytes(DATA)
    return OpenFile("kernel", os.open(path, os.O_RDONLY), len(DATA))


def is_open(file: OpenFile) -> bool:
    try:
        os.fstat(file.fd)
    except OSError:
        return False
    return True


def blocks(packets: list[Packet]) -> list[int]:
    return [packet.block for packet in packets if isinstance(packet, Data)]


def test_what_is_in_memory_goes_out_and_its_end_is_told_once() -> None:
    house = House(Content("ipxe.cfg", DATA[:1500]))
    for number in range(3):
        house.acks(number)
    assert blocks(house.line.packets()) == [1, 2]
    assert (house.ended, house.clock.armed()) == ([Outcome.DELIVERED], [])
    house.acks(2)
    house.session.end(Outcome.SERVER_CLOSED)
    assert house.ended == [Outcome.DELIVERED]


def test_a_file_is_read_beside_the_loop_one_piece_at_a_time_and_nothing_is_sent_before(file: OpenFile) -> None:
    house = House(file, window=4)
    house.acks(0)
    house.acks(0)
    assert len(house.clock.reads) == 1
    assert blocks(house.line.packets()) == []
    house.clock.read()
    assert blocks(house.line.packets()) == [1, 2, 3, 4]
    for number in (*range(4, 252, 4), 251):
        house.acks(number)
        house.clock.read()
    assert (house.ended, is_open(file)) == ([Outcome.DELIVERED], False)


def test_one_timer_stands_for_all_acknowledgments_and_looks_again_when_it_fires() -> None:
    """Thousands of transfers acknowledge thousands of times a second: none of that may cost a timer."""
    house = House(Content("boot", DATA))
    for number in range(100):
        house.clock.now += 0.009
        house.acks(number)
    assert len(house.clock.timers) == 1
    house.line.packets()
    house.clock.until(101.1)
    assert house.line.packets() == [], "it was heard of a moment ago"
    (timer,) = house.clock.armed()
    house.clock.until(timer.at)
    assert blocks(house.line.packets()) == [100]


def test_a_client_that_falls_silent_is_reminded_and_given_up() -> None:
    house = House(Content("boot", DATA))
    house.acks(0)
    while house.clock.armed():
        house.clock.until(house.clock.armed()[0].at)
    assert blocks(house.line.packets()) == [1, 1, 1]
    assert house.ended == [Outcome.TIMED_OUT]


def test_where_nobody_listens_any_more_it_ends_at_once() -> None:
    house = House(Content("boot", DATA))
    house.line.gone = True
    house.acks(0)
    assert (house.ended, house.clock.armed()) == ([Outcome.CLIENT_GONE], [])


def test_a_file_stays_open_until_the_read_that_is_under_way_has_come_back(file: OpenFile) -> None:
    """Its number may be another file's by then."""
    house = House(file)
    house.acks(0)
    house.session.end(Outcome.SERVER_CLOSED)
    assert (house.ended, is_open(file)) == ([Outcome.SERVER_CLOSED], True)
    house.line.packets()
    house.clock.read()
    assert (house.line.packets(), house.ended, is_open(file)) == ([], [Outcome.SERVER_CLOSED], False)


def test_a_disk_that_fails_ends_it_with_its_words(tmp_path: Path) -> None:
    folder = OpenFile("folder", os.open(tmp_path, os.O_RDONLY), 1000)
    house = House(folder)
    house.acks(0)
    house.clock.read()
    assert house.ended == [Outcome.READ_FAILED]
    assert "directory" in house.transfer.detail
    assert not is_open(folder)


def test_how_far_it_is_is_told_no_sooner_than_it_may_and_only_when_it_got_further() -> None:
    house = House(Content("boot", DATA))
    house.acks(0)
    house.acks(1)
    assert house.moved == []
    house.clock.now += EVERY
    house.acks(2)
    house.acks(3)
    assert house.moved == [(2048, EVERY)]
    house.clock.now += EVERY
    house.acks(4)
    house.clock.now += EVERY
    house.acks(4)
    assert house.moved[1:] == [(4096, 2 * EVERY)]


class TestItsOwnSocket:
    """Connected, so that the kernel tells another's port apart and says when the client's is gone."""

    @pytest.fixture
    async def pair(self) -> Any:
        client = bind_udp("127.0.0.1", 0)
        own = OwnSocket(connect_udp("127.0.0.1", client.getsockname()), asyncio.get_running_loop())
        yield client, own
        own.close()
        client.close()

    def session(self, own: OwnSocket, ended: Callable[[Session], None]) -> Session:
        loop = asyncio.get_running_loop()
        transfer = Transfer(ReadRequest("boot", "octet"), len(DATA), LIMITS, loop.time())
        return Session(transfer, Content("boot", DATA), loop, cast(Executor, None), own.send, ended)

    async def test_of_all_that_waits_only_the_last_word_is_answered(
        self, pair: tuple[socket.socket, OwnSocket]
    ) -> None:
        client, own = pair
        session = self.session(own, lambda _session: None)
        own.start(session)
        session.pump()
        first, server = await asyncio.get_running_loop().sock_recvfrom(client, 2048)
        for number in (0, 1, 1, 1):
            client.sendto(encode(Ack(number)), server)
        own.drain()
        second = await asyncio.get_running_loop().sock_recv(client, 2048)
        assert blocks([decode(first), decode(second)]) == [1, 2]
        with pytest.raises(BlockingIOError):
            client.recv(2048)
        session.end(Outcome.SERVER_CLOSED)

    async def test_a_client_that_is_gone_is_noticed_with_its_next_datagram(
        self, pair: tuple[socket.socket, OwnSocket]
    ) -> None:
        client, own = pair
        ended: asyncio.Queue[Outcome | None] = asyncio.Queue()
        session = self.session(own, lambda each: ended.put_nowait(each.transfer.outcome))
        own.start(session)
        client.close()
        session.pump()
        assert await ended.get() is Outcome.CLIENT_GONE

    async def test_it_belongs_to_one_session(self, pair: tuple[socket.socket, OwnSocket]) -> None:
        with pytest.raises(AssertionError, match="before start"):
            pair[1].drain()
