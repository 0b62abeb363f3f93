"""The TFTP server on loopback: what it answers, from where, what it tells, and that nothing stops it."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import resource
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import tftpy
import uvloop

from netbootd.net.udp import bind_udp
from netbootd.observe.events import (
    Event,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TftpStarted,
    TransferMoved,
)
from netbootd.serve import pace, tftp_session
from netbootd.serve import tftp as tftp_module
from netbootd.serve.tftp import TftpServer
from netbootd.serve.tftp_source import Content, OpenFile, Refused
from netbootd.wire.tftp import Ack, Data, Error, OptionAck, Packet, ReadRequest, WriteRequest, decode, encode
from netbootd.wire.tftp_options import Limits
from tests.support.tftp_client import Client, read
from tests.support.tftp_reader import Manners

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

SMALL = random.Random(1).randbytes(5_000)
BOOT = random.Random(2).randbytes(300_000)
TEXT = b"#!ipxe\nboot\n"
FILES = {"small": SMALL, "boot": BOOT, "ipxe.cfg": TEXT, "empty": b"", "exact": SMALL[:1024]}
QUICK = Limits(timeout=0.05, retries=3)
PATIENT = 60.0  # seconds; who waits longer for a packet has failed

SomeEvent = TypeVar("SomeEvent", bound=Event)


@dataclass
class Told:
    """The events a server emits; each can be awaited."""

    events: list[Event] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def all(self, kind: type[SomeEvent]) -> list[SomeEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def first(self, kind: type[SomeEvent]) -> SomeEvent:
        await self.until(kind, 1)
        return self.all(kind)[0]

    async def until(self, kind: type[Event], number: int) -> None:
        """Wait for so many events of a kind."""
        while len(self.all(kind)) < number:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), PATIENT)


def resolve(name: str, client: str, local: str = "") -> Content:
    assert client.startswith("127.")
    if name not in FILES:
        raise Refused(1, "File not found")
    return Content(name, FILES[name])


@asynccontextmanager
async def serving(resolver: Any = resolve, **options: Any) -> AsyncIterator[tuple[TftpServer, Told]]:
    told = Told()
    server = TftpServer(resolver, told, **{"address": "0.0.0.0", "port": 0, **options})
    await server.start()
    try:
        yield server, told
    finally:
        await server.stop()


def at(server: TftpServer) -> tuple[str, int]:
    return "127.0.0.1", server.address[1]


class Raw:
    """A client that sends exactly what a test says."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.bind(("127.0.0.1", 0))

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, packet: Packet | bytes, to: tuple[str, int] | None = None) -> None:
        self.sock.sendto(packet if isinstance(packet, bytes) else encode(packet), to or self.server)

    async def hear(self) -> tuple[Packet, tuple[str, int]]:
        loop = asyncio.get_running_loop()
        data, source = await asyncio.wait_for(loop.sock_recvfrom(self.sock, 65535), PATIENT)
        return decode(data), source

    async def ask(self, packet: Packet | bytes) -> Packet:
        self.send(packet)
        return (await self.hear())[0]


@pytest.fixture(autouse=True)
def _no_word_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a transfer takes here, what is told of it is its beginning and its end."""
    monkeypatch.setattr(tftp_session, "EVERY", 3600.0)


@pytest.fixture(params=[False, True], ids=["own sockets", "single port"])
def single_port(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestReading:
    @pytest.mark.parametrize(
        "options",
        [{}, {"blksize": "1468", "tsize": "0"}, {"blksize": "1024", "windowsize": "4"}, {"windowsize": "64"}],
        ids=["plain", "EDK2 and iPXE", "windows", "wide windows"],
    )
    @pytest.mark.parametrize("name", FILES)
    async def test_a_file_arrives_whole(self, name: str, options: dict[str, str], single_port: bool) -> None:
        async with serving(single_port=single_port, limits=Limits(timeout=PATIENT)) as (server, told):
            reader = await read(at(server), name, manners=Manners(timeout=PATIENT), **options)
            assert bytes(reader.received) == FILES[name]
            finished = await told.first(TftpFinished)
        assert (finished.file, finished.size, finished.ip) == (name, len(FILES[name]), "127.0.0.1")
        assert finished.blksize == int(options.get("blksize", 512))
        assert finished.windowsize == int(options.get("windowsize", 1))
        assert finished.retransmits == 0
        assert [type(event) for event in told.events] == [TftpStarted, TftpFinished]

    async def test_a_transfer_of_more_than_a_second_says_how_far_it_is(
        self, single_port: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (pace, tftp_session):
            monkeypatch.setattr(module, "EVERY", 0.0)  # as if each block took a second
        monkeypatch.setattr(pace, "A_SECOND", 1e9)
        async with serving(single_port=single_port) as (server, told):
            await read(at(server), "boot", blksize="1024", windowsize="4")
            await told.first(TftpFinished)
        moved = told.all(TransferMoved)
        assert {(event.file, event.via, event.size, event.ip) for event in moved} == {
            ("boot", "tftp", len(BOOT), "127.0.0.1")
        }
        sent = [event.sent for event in moved]
        assert sent == sorted(set(sent))
        assert 0 < sent[0] < sent[-1] < len(BOOT)

    async def test_one_that_was_given_up_says_how_it_went(self) -> None:
        request = ReadRequest("boot", "octet", (("blksize", "1024"), ("windowsize", "4")))
        async with serving(limits=QUICK) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(request)
                _, tid = await raw.hear()
                raw.send(Ack(0), tid)
                aborted = await told.first(TftpAborted)
        assert (aborted.reason, aborted.size, aborted.sent) == ("TIMED_OUT", len(BOOT), 0)
        assert (aborted.blksize, aborted.windowsize) == (1024, 4)
        assert aborted.retransmits >= 4
        assert aborted.seconds > 0

    async def test_the_name_is_normalised_before_it_is_looked_up(self) -> None:
        async with serving() as (server, _):
            assert (await read(at(server), "\\.\\small")).received == SMALL

    async def test_a_script_asked_in_netascii_is_carried_as_text(self) -> None:
        async with serving() as (server, _):
            assert (await read(at(server), "ipxe.cfg", mode="NetASCII")).received == b"#!ipxe\r\nboot\r\n"

    async def test_the_answer_comes_from_the_address_asked_and_a_port_of_its_own(self) -> None:
        async with serving() as (server, _):
            client = Client(("127.0.0.7", server.address[1]), ReadRequest("boot", "octet", (("windowsize", "8"),)))
            await client.finished
            client.close()
            ((address, port),) = client.peers
            assert address == "127.0.0.7"
            assert port != server.address[1]

    async def test_what_is_served_may_depend_on_the_address_asked(self) -> None:
        async with serving(lambda name, client, local: Content(name, local.encode())) as (server, _):
            assert (await read(("127.0.0.7", server.address[1]), "ipxe.cfg")).received == b"127.0.0.7"

    async def test_with_single_port_it_comes_from_the_port_asked(self) -> None:
        async with serving(single_port=True) as (server, _):
            asked = "127.0.0.7", server.address[1]
            client = Client(asked, ReadRequest("boot"))
            await client.finished
            client.close()
            assert client.peers == {asked}

    async def test_blksize_is_held_to_the_mtu_of_the_interface_asked_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tftp_module, "mtu_of", lambda ifindex: 1400 if ifindex else None)
        async with serving(limits=Limits(max_blksize=65464)) as (server, _):
            assert (await read(at(server), "small", blksize="1468")).blksize == 1368
            assert (await read(at(server), "small", blksize="1000")).blksize == 1000

    async def test_new_limits_count_for_new_transfers(self) -> None:
        async with serving() as (server, _):
            server.limits = Limits(max_blksize=700)
            assert (await read(at(server), "small", blksize="1468")).blksize == 700


class TestRefusing:
    @pytest.mark.parametrize(
        ("request_", "code", "reason"),
        [
            (ReadRequest("nothing"), 1, "File not found"),
            (ReadRequest("../small"), 2, "file name climbs out"),
            (ReadRequest("a\nb"), 2, "unprintable file name"),
            (ReadRequest(""), 1, "empty file name"),
            (ReadRequest("small", "mail"), 0, "ask for mode octet (binary), not mail"),
            (ReadRequest("boot", "netascii"), 0, "ask for mode octet (binary), not netascii"),
            (WriteRequest("small"), 2, "this server is read-only"),
        ],
        ids=lambda value: value.filename + " " + value.mode if isinstance(value, ReadRequest) else None,
    )
    async def test_a_request_that_cannot_be_served_gets_its_error_at_once(
        self, request_: Packet, code: int, reason: str
    ) -> None:
        async with serving() as (server, told):
            with Raw(at(server)) as raw:
                assert await raw.ask(request_) == Error(code, reason)
            assert [type(event) for event in told.events] == [TftpRefused]
            assert told.all(TftpRefused)[0].reason == reason
            assert server.active == 0

    async def test_a_refusal_names_no_secret(self) -> None:
        """EVE's iPXE puts the whole URL of its boot file into a TFTP name."""
        secret = "Zq2uWm7xKp4tVn9rYc3sHd6f"
        async with serving() as (server, told):
            with Raw(at(server)) as raw:
                assert await raw.ask(ReadRequest(f"http://boot.test/boot/{secret}/ipxe.cf")) == Error(
                    1, "File not found"
                )
            assert secret not in repr(told.events)

    @pytest.mark.parametrize("garbage", [b"\0\1small", b"\0\7\0\0", b"GET / HTTP/1.1\r\n\r\n"], ids=repr)
    async def test_garbage_is_an_illegal_operation(self, garbage: bytes) -> None:
        async with serving() as (server, _):
            with Raw(at(server)) as raw:
                answer = await raw.ask(garbage)
                assert isinstance(answer, Error)
                assert answer.code == 4

    @pytest.mark.parametrize("ignored", [b"", b"\0\1", encode(Error(1, "no"))], ids=["empty", "cut", "ERROR"])
    async def test_what_deserves_silence_gets_it(self, ignored: bytes) -> None:
        """The one answer that comes is the one to the request that follows."""
        async with serving() as (server, _):
            with Raw(at(server)) as raw:
                raw.send(ignored)
                assert await raw.ask(ReadRequest("nothing")) == Error(1, "File not found")

    async def test_what_is_sent_to_a_broadcast_address_is_ignored(self) -> None:
        async with serving() as (server, _):
            with Raw(at(server)) as raw:
                raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                for packet in (ReadRequest("small"), WriteRequest("small"), Ack(1)):
                    raw.send(packet, ("127.255.255.255", server.address[1]))
                assert await raw.ask(ReadRequest("nothing")) == Error(1, "File not found")

    async def test_a_packet_of_no_transfer_gets_error_5_and_disturbs_none(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw, Raw(at(server)) as stranger:
                raw.send(ReadRequest("exact"))
                first, tid = await raw.hear()
                assert first == Data(1, SMALL[:512])
                assert await stranger.ask(Ack(1)) == Error(5, "no transfer with this port")
                stranger.send(Error(0, "stop"), tid)
                raw.send(Ack(1), tid)
                assert await raw.hear() == (Data(2, SMALL[512:1024]), tid)
                raw.send(Ack(2), tid)
                assert await raw.hear() == (Data(3, b""), tid)
                raw.send(Ack(3), tid)
                await told.first(TftpFinished)

    async def test_too_many_transfers_are_told_to_come_again(self) -> None:
        async with serving(max_transfers=1) as (server, _):
            with Raw(at(server)) as one, Raw(at(server)) as other:
                await one.ask(ReadRequest("small"))
                assert await other.ask(ReadRequest("small")) == Error(0, "too many transfers, try again")

    @pytest.mark.parametrize("limit", ["max_transfers", "max_per_client"])
    async def test_who_never_answered_gives_way_to_another(self, limit: str) -> None:
        """A few thousand requests with forged addresses kept every machine out for as long as they were reminded."""
        reminding = Limits(timeout=0.02, retries=100)
        async with serving(limits=reminding, **{limit: 1}) as (server, told):
            with Raw(at(server)) as forged, Raw(at(server)) as machine:
                first = await forged.ask(ReadRequest("small"))
                assert (await forged.hear())[0] == first
                assert isinstance(await machine.ask(ReadRequest("small")), Data)
                assert (await told.first(TftpAborted)).detail == "others wait"

    async def test_one_client_cannot_take_all_transfers(self) -> None:
        async with serving(max_per_client=1) as (server, told):
            with Raw(at(server)) as one, Raw(at(server)) as other:
                _, tid = await asyncio.wait_for(self.asked(one), PATIENT)
                answer = await other.ask(ReadRequest("small"))
                assert answer == Error(0, "too many transfers of this client, try again")
                one.send(Error(0, "enough"), tid)
                await told.first(TftpAborted)
                assert isinstance(await other.ask(ReadRequest("small")), Data)

    async def asked(self, raw: Raw) -> tuple[Packet, tuple[str, int]]:
        raw.send(ReadRequest("small"))
        return await raw.hear()


class TestResolving:
    async def test_it_may_take_its_time_and_a_retry_meanwhile_starts_nothing(self, single_port: bool) -> None:
        ready = asyncio.Event()
        asked: list[str] = []

        async def slow(name: str, client: str, local: str = "") -> Content:
            asked.append(name)
            await ready.wait()
            return resolve(name, client, local)

        async with serving(slow, single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("small"))
                raw.send(ReadRequest("small"))
                with Raw(at(server)) as other:  # its answer shows that both requests above have been taken
                    assert await other.ask(Ack(1)) == Error(5, "no transfer with this port")
                ready.set()
                assert (await raw.hear())[0] == Data(1, SMALL[:512])
                assert asked == ["small"]
                assert len(told.all(TftpStarted)) == 1

    async def test_it_may_refuse_later(self) -> None:
        async def later(name: str, client: str, local: str = "") -> Content:
            raise Refused(1, "File not found")

        async with serving(later) as (server, _):
            with Raw(at(server)) as raw:
                assert await raw.ask(ReadRequest("small")) == Error(1, "File not found")

    async def test_its_own_fault_is_reported_and_the_client_is_not_left_waiting(self) -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

        def broken(name: str, client: str, local: str = "") -> Content:
            raise AssertionError("a bug")

        async with serving(broken) as (server, _):
            with Raw(at(server)) as raw:
                assert await raw.ask(ReadRequest("small")) == Error(0, "internal error")
                server.resolve = resolve
                assert isinstance(await raw.ask(ReadRequest("small")), Data)
        assert str(reported[0]["exception"]) == "a bug"

    async def test_a_failing_system_is_told_to_the_client_and_is_no_fault_of_ours(self) -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

        async def exhausted(name: str, client: str, local: str = "") -> Content:
            raise OSError(errno.EMFILE, "Too many open files")

        async with serving(exhausted) as (server, told):
            with Raw(at(server)) as raw:
                assert await raw.ask(ReadRequest("small")) == Error(0, "Too many open files")
                assert (await told.first(TftpRefused)).reason == "Too many open files"
        assert reported == []

    async def test_a_new_resolver_leaves_running_transfers_alone(self) -> None:
        async with serving() as (server, _):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("exact"))
                _, tid = await raw.hear()
                server.resolve = lambda name, client, local: Content(name, b"new")
                raw.send(Ack(1), tid)
                assert await raw.hear() == (Data(2, SMALL[512:1024]), tid)
                assert (await read(at(server), "exact")).received == b"new"


class TestFilesOnDisk:
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Callable[[bytes], OpenFile]:
        def open_(data: bytes) -> OpenFile:
            path = tmp_path / "kernel"
            path.write_bytes(data)
            return OpenFile("kernel", os.open(path, os.O_RDONLY), len(data))

        return open_

    def is_open(self, file: OpenFile) -> bool:
        try:
            os.fstat(file.fd)
        except OSError:
            return False
        return True

    async def test_a_part_of_a_file_ends_where_it_ends(
        self, opened: Callable[[bytes], OpenFile], single_port: bool
    ) -> None:
        """A file inside an installer.iso: what follows it there is another's."""
        part = replace(opened(BOOT * 3), size=len(BOOT), offset=1000)
        async with serving(lambda *_: part, single_port=single_port) as (server, _):
            reader = await read(at(server), "eve/iso/boot/kernel", blksize="1468", windowsize="4")
            assert bytes(reader.received) == (BOOT * 2)[1000 : 1000 + len(BOOT)]

    @pytest.mark.parametrize("windowsize", ["1", "16"])
    async def test_a_large_file_is_read_as_it_is_sent(
        self, windowsize: str, opened: Callable[[bytes], OpenFile], single_port: bool
    ) -> None:
        file = opened(BOOT * 4)
        async with serving(lambda *_: file, single_port=single_port) as (server, told):
            reader = await read(at(server), "kernel", blksize="1468", windowsize=windowsize)
            assert bytes(reader.received) == BOOT * 4
            await told.first(TftpFinished)
            assert not self.is_open(file)

    async def test_a_file_that_shrank_ends_in_words(self, opened: Callable[[bytes], OpenFile]) -> None:
        file = opened(BOOT)
        os.truncate(f"/proc/self/fd/{file.fd}", 70_000)
        async with serving(lambda *_: file) as (server, told):
            reader = await read(at(server), "kernel")
            assert reader.error == Error(0, "the file could not be read")
            aborted = await told.first(TftpAborted)
            assert (aborted.reason, aborted.detail) == ("READ_FAILED", "the file ends at byte 70000 of 300000")

    async def test_a_read_error_ends_in_words(self, tmp_path: Path) -> None:
        file = OpenFile("folder", os.open(tmp_path, os.O_RDONLY), 1000)
        async with serving(lambda *_: file) as (server, told):
            assert (await read(at(server), "folder")).error == Error(0, "the file could not be read")
            assert "directory" in (await told.first(TftpAborted)).detail
            assert not self.is_open(file)

    async def test_the_file_is_closed_when_the_request_is_refused(self, opened: Callable[[bytes], OpenFile]) -> None:
        file = opened(SMALL)
        async with serving(lambda *_: file) as (server, _):
            with Raw(at(server)) as raw:
                assert isinstance(await raw.ask(ReadRequest("kernel", "netascii")), Error)
            assert not self.is_open(file)


class TestClients:
    async def test_edk2s_probe_is_told_as_a_probe(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot", "octet", (("tsize", "0"), ("blksize", "1468"))))
                answer, tid = await raw.hear()
                assert answer == OptionAck((("tsize", "300000"), ("blksize", "1468")))
                raw.send(Error(8, "User aborted the transfer"), tid)
                assert (await told.first(TftpProbed)).size == 300_000
                assert server.active == 0

    async def test_a_repeated_request_resends_and_starts_no_second_transfer(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot"))
                first = await raw.hear()
                raw.send(ReadRequest("boot"))
                assert await raw.hear() == first
            assert len(told.all(TftpStarted)) == 1

    async def test_another_request_from_the_same_port_replaces_the_first(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                assert await raw.ask(ReadRequest("boot")) == Data(1, BOOT[:512])
                assert await raw.ask(ReadRequest("small")) == Data(1, SMALL[:512])
                aborted = await told.first(TftpAborted)
                assert (aborted.file, aborted.reason) == ("boot", "ABORTED_BY_CLIENT")
                assert server.active == 1

    async def test_a_probe_and_the_read_from_one_port_are_told_apart(self) -> None:
        """The ERROR that ends the probe and the next request reach two sockets, and either may be looked at first."""
        async with serving() as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot", "octet", (("tsize", "0"),)))
                _, tid = await raw.hear()
                raw.send(Error(0, "probed"), tid)
                assert await raw.ask(ReadRequest("boot")) == Data(1, BOOT[:512])
                await told.first(TftpProbed)
                assert told.all(TftpAborted) == []

    async def test_a_client_that_was_switched_off_is_noticed_at_once(self) -> None:
        """The kernel's ICMP port unreachable; no retry is waited for."""
        async with serving() as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot"))
                _, tid = await raw.hear()
                raw.send(Ack(1), tid)
            assert (await told.first(TftpAborted)).reason == "CLIENT_GONE"
            assert server.active == 0

    async def test_a_client_that_falls_silent_is_reminded_and_given_up(self, single_port: bool) -> None:
        async with serving(limits=QUICK, single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot"))
                heard = [(await raw.hear())[0] for _ in range(3)]
                assert heard == [Data(1, BOOT[:512])] * 3
                aborted = await told.first(TftpAborted)
                assert (aborted.reason, aborted.sent) == ("NEVER_ANSWERED", 0)

    async def test_a_client_that_aborts_is_told_with_its_words_made_printable(self) -> None:
        async with serving() as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("boot"))
                _, tid = await raw.hear()
                raw.send(b"\0\5\0\3full\x1b[2J\n\0", tid)
                assert (await told.first(TftpAborted)).detail == "full?[2J? (error 3)"


class TestStopping:
    async def test_running_transfers_end_within_the_grace(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                raw.send(ReadRequest("ipxe.cfg"))
                _, tid = await raw.hear()
                stopping = asyncio.create_task(server.stop(drain=30))
                await asyncio.sleep(0)
                raw.send(Ack(1), tid)
                await asyncio.wait_for(stopping, PATIENT)
            assert isinstance(told.events[-1], TftpFinished)

    async def test_those_that_do_not_are_ended_with_words(self, single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, told):
            with Raw(at(server)) as raw:
                await raw.ask(ReadRequest("boot"))
                await server.stop(drain=0.01)
                assert (await raw.hear())[0] == Error(0, "the server stopped")
            assert (await told.first(TftpAborted)).reason == "SERVER_CLOSED"

    async def test_a_request_being_resolved_is_dropped_so_that_the_client_asks_again(self) -> None:
        async def never(name: str, client: str, local: str = "") -> Content:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        async with serving(never) as (server, told):
            with Raw(at(server)) as raw, Raw(at(server)) as other:
                raw.send(ReadRequest("boot"))
                await other.ask(Ack(1))
                await server.stop(drain=30)
            assert told.all(TftpStarted) == []

    async def test_the_port_is_free_again_and_a_bound_socket_may_be_handed_in(self) -> None:
        async with serving() as (server, _):
            address = server.address
        again = TftpServer(resolve, lambda _: None)
        await again.start(bind_udp(*address))
        assert again.address == address
        await again.stop()


@pytest.fixture
def many_files() -> Iterator[None]:
    """2000 clients and 2000 transfers have a socket each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 5000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("single_port", [False, True], ids=["own sockets", "single port"])
def test_two_thousand_transfers_at_once(factory: Any, single_port: bool) -> None:
    """All are open at the same time: no client listens before each has asked."""
    many = 2000

    async def main() -> None:
        async with serving(single_port=single_port, max_per_client=many) as (server, told):
            request = ReadRequest("small", "octet", (("blksize", "1024"), ("tsize", "0")))
            clients = []
            for number in range(many):
                clients.append(Client(at(server), request, deaf=True))
                if number % 50 == 0:
                    await told.until(TftpStarted, number)  # not faster than the listener's buffer
            await told.until(TftpStarted, many)
            assert server.active == many
            for client in clients:
                client.listen()
            readers = await asyncio.gather(*(client.finished for client in clients))
            for client in clients:
                client.close()
            assert {bytes(reader.received) for reader in readers} == {SMALL}
            await told.until(TftpFinished, many)
            assert server.active == 0
            assert len(told.events) == 2 * many

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


class TestInterop:
    """Independent clients, as they come."""

    async def run(self, *command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), 2 * PATIENT)
        assert process.returncode == 0, command
        return output

    @pytest.mark.parametrize("options", [[], ["--tftp-blksize", "1428"], ["--tftp-no-options"]], ids=repr)
    async def test_curl(self, options: list[str], single_port: bool) -> None:
        async with serving(single_port=single_port) as (server, _):
            url = "tftp://{}:{}/boot".format(*at(server))
            assert await self.run("curl", "--silent", "--show-error", *options, url) == BOOT

    @pytest.mark.parametrize(
        "options",
        [[], ["blksize 1428"], ["blksize 1428", "tsize 0", "timeout 3"], ["blksize 1024", "windowsize 8"]],
        ids=repr,
    )
    async def test_atftp(self, options: list[str], single_port: bool, tmp_path: Path) -> None:
        asked = [word for option in options for word in ("--option", option)]
        got = tmp_path / "got"
        async with serving(single_port=single_port) as (server, told):
            address, port = at(server)
            await self.run(
                "atftp", *asked, "--get", "--remote-file", "boot", "--local-file", str(got), address, str(port)
            )
            finished = await told.first(TftpFinished)
        assert got.read_bytes() == BOOT
        assert finished.windowsize == (8 if "windowsize 8" in options else 1)

    @pytest.mark.parametrize("options", [{}, {"blksize": 1428}, {"blksize": 1428, "tsize": 0}], ids=repr)
    async def test_tftpy(self, options: dict[str, int], single_port: bool, tmp_path: Path) -> None:
        got = tmp_path / "got"
        async with serving(single_port=single_port) as (server, _):
            client = tftpy.TftpClient(*at(server), options=options)
            await asyncio.to_thread(client.download, "boot", str(got), timeout=PATIENT)
        assert got.read_bytes() == BOOT

    async def test_tftpy_is_told_that_a_file_is_missing(self, tmp_path: Path) -> None:
        async with serving() as (server, _):
            client = tftpy.TftpClient(*at(server))
            with pytest.raises(tftpy.TftpException, match="File not found"):
                await asyncio.to_thread(client.download, "nothing", str(tmp_path / "got"), timeout=PATIENT)
