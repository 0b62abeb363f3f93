"""GRUB 2.12's own HTTP client against the boot site: each of its traps, and what the server does about it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from netbootd.boot.plan import Document
from netbootd.observe.events import ArtifactServed, TftpStarted
from netbootd.wire.segments import Extent, Segments
from tests.support.bootsite import Site
from tests.support.grub_http import FIRST_PORT, File, Grub, Parser, Stalled
from tests.support.worlds import CARD

TOKEN = "a-token-that-nobody-can-guess-32"
IMAGE = bytes(range(256)) * 16384  # 4 MiB
ISO = "/artifacts/eve/installer.iso"


@pytest.fixture
def iso(site: Site) -> Site:
    site.file("eve/installer.iso", IMAGE)
    document = Document("installer.iso", Segments.of(IMAGE[:100], Extent("eve/installer.iso", 100, len(IMAGE) - 100)))
    site.services.tokens.grant(TOKEN, CARD, (document, Document("grub.cfg", Segments.of(b"set timeout=1\n"))))
    return site


@pytest.fixture
def grub(site: Site) -> Iterator[Grub]:
    with Grub(site.port) as grub:
        yield grub


async def told(site: Site) -> ArtifactServed:
    while not isinstance(event := await site.services.events.get(), ArtifactServed):
        pass
    return event


def parsed(reply: bytes) -> Parser:
    parser = Parser()
    parser.feed(reply)
    return parser


def test_what_the_parser_makes_of_a_404_that_tells_its_length_first() -> None:
    """The reference: the first header is lost, and the size with it.  GRUB then waits and asks again, for ever."""
    parser = parsed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
    assert (parser.headers_recv, parser.size) == (True, None)


def test_what_the_parser_makes_of_another_spelling() -> None:
    assert parsed(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").size is None
    assert parsed(b"HTTP/1.1 200 OK\r\nContent-Length:9\r\n\r\n").size is None


def test_what_the_parser_makes_of_an_older_protocol() -> None:
    assert parsed(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n").errors == ["unsupported HTTP response"]


@pytest.mark.parametrize(
    "path",
    [
        "/boot/.uuid",
        "/artifacts/eve/boot/.uuid",
        "/node/TOKEN-that-has-ended-or-never-was/installer.iso",
        f"/node/{TOKEN}/config.img",
        "/EFI/BOOT/grub.cfg-44332211-6655-8877-99aa-bbccddeeff00",
        "/EFI/BOOT/grub.cfg-C000024D",
        "/EFI/BOOT/grub.cfg",
        "/EFI/BOOT/x86_64-efi/command.lst",
        "/artifacts/%zz",
        "/node/%2f/%2e%2e",
    ],
)
async def test_what_is_not_there_is_an_empty_file_at_once(iso: Site, grub: Grub, path: str) -> None:
    """Never a wait, never a text that GRUB would run as its configuration or hand to the kernel."""
    assert await grub.contents(path) == b""


@pytest.mark.parametrize("path", [ISO, f"/node/{TOKEN}/installer.iso"], ids=["artifact", "document"])
async def test_a_file_has_its_size_and_all_its_bytes(iso: Site, grub: Grub, path: str) -> None:
    file = await grub.open(path)
    assert (file.parser.size, file.parser.chunked, file.parser.errors) == (len(IMAGE), False, [])
    assert await file.read() == IMAGE


async def test_the_nodes_own_part_of_the_menu_comes_whole(iso: Site, grub: Grub) -> None:
    assert await grub.contents(f"/node/{TOKEN}/grub.cfg") == b"set timeout=1\n"


@pytest.mark.parametrize("path", [ISO, f"/node/{TOKEN}/installer.iso"], ids=["artifact", "document"])
async def test_a_seek_resets_the_connection_and_goes_on_elsewhere(iso: Site, grub: Grub, path: str) -> None:
    """As the ISO 9660 driver reads a loop-mounted image: a little here, a little there, back again."""
    file = await grub.open(path)
    assert await file.read(262_144) == IMAGE[:262_144]
    for offset in (3_000_000, 32_768, len(IMAGE) - 2048, 99, 0):
        file = await grub.seek(file, path, offset)
        assert await file.read(2048) == IMAGE[offset : offset + 2048]
    assert file.parser.size == len(IMAGE)


async def test_a_seek_to_the_very_end_does_not_hang(iso: Site, grub: Grub) -> None:
    file = await grub.seek(await grub.open(ISO), ISO, len(IMAGE))
    assert await file.read() == b""


async def test_a_shut_window_is_waited_for_however_long_others_are_dropped_after(iso: Site) -> None:
    """GRUB keeps the image's connection open and takes nothing while it reads elsewhere or shows its menu."""
    iso.services.stall_seconds = 0.05
    iso.file("eve/installer.iso", IMAGE * 8)
    with Grub(iso.port, window=64 << 10) as grub:
        held = await grub.open(ISO)
        await _dropped_meanwhile(iso)
        assert await held.read() == IMAGE * 8


async def _dropped_meanwhile(site: Site) -> None:
    """Somebody else did the same, and was dropped for it."""
    with Grub(site.port, agent="curl/8", window=64 << 10) as other:
        await other.open(ISO)
        event = await told(site)
    assert (event.complete, event.detail) == (False, "the client stopped reading")


async def test_a_file_counts_as_sent_when_grub_has_taken_it_and_not_before(iso: Site) -> None:
    """The end of it fits into the server's socket: it is not there yet, and the connection is not idle."""
    with Grub(iso.port, window=16 << 10) as grub:
        held = await grub.open(f"/node/{TOKEN}/installer.iso")
        held = await grub.seek(held, f"/node/{TOKEN}/installer.iso", len(IMAGE) - 400_000)
        assert (await told(iso)).complete is False  # the first connection
        await asyncio.sleep(0.3)  # long enough for a server that would tell too early
        assert iso.services.events.empty()
        assert await held.read() == IMAGE[-400_000:]
        held.abort()
        event = await told(iso)
    assert (event.complete, event.offset + event.sent) == (True, len(IMAGE))


async def test_a_reset_before_the_last_byte_is_no_whole_file(iso: Site) -> None:
    with Grub(iso.port, window=16 << 10) as grub:
        file = await grub.open(f"/node/{TOKEN}/installer.iso")
        file = await grub.seek(file, f"/node/{TOKEN}/installer.iso", len(IMAGE) - 400_000)
        await told(iso)
        await file.read(1000)
        file.abort()
        assert (await told(iso)).complete is False


async def test_a_reset_right_after_the_last_byte_is_a_whole_file(iso: Site, grub: Grub) -> None:
    """GRUB closes nothing in good order."""
    for _ in range(20):
        assert await grub.contents(f"/node/{TOKEN}/installer.iso") == IMAGE
        event = await told(iso)
        assert (event.complete, event.sent, event.total) == (True, len(IMAGE), len(IMAGE))


async def test_the_parser_gets_the_same_however_the_reply_is_cut_up(iso: Site) -> None:
    reply = await iso.raw(
        b"GET /node/%s/grub.cfg HTTP/1.1\r\nHost: x\r\nUser-Agent: GRUB 2.12\r\nConnection: close\r\n\r\n"
        % TOKEN.encode()
    )
    for step in (1, 2, 7, len(reply)):
        parser = Parser()
        for start in range(0, len(reply), step):
            parser.feed(reply[start : start + step])
        assert (parser.size, bytes(parser.body), parser.errors) == (14, b"set timeout=1\n", [])


async def test_a_machine_by_its_card_in_any_directory_and_spelling(iso: Site, grub: Grub) -> None:
    for path in (
        "/EFI/BOOT/grub.cfg-01-52-54-00-12-34-56",
        "/grub.cfg-01-52-54-00-12-34-56",
        "/EFI/debian/grub.cfg-01-52-54-00-AA-BB-CC",
        "/artifacts/eve/EFI/BOOT/grub.cfg-01-52-54-00-12-34-56",
    ):
        assert await grub.contents(path) == b"#!ipxe\n"
    assert {asked.loader.value for asked in iso.services.asked} == {"grub"}
    assert [str(asked.mac) for asked in iso.services.asked[:3]] == [str(CARD), str(CARD), "52:54:00:aa:bb:cc"]


async def test_the_ports_of_the_last_start_are_free_again_after_a_power_cut(iso: Site) -> None:
    """The machine knows nothing of its old connection; for the server it stands until the next boot cuts it."""
    iso.file("eve/installer.iso", IMAGE * 8)
    with Grub(iso.port, fixed_ports=True, window=64 << 10) as before:
        stale = await before.open(ISO)
        assert stale.sock.getsockname()[1] == FIRST_PORT
        assert iso.server.connections == 1
        iso.server.observe(TftpStarted(ip="127.0.0.1", file="EFI/BOOT/snponly.efi", size=1))
        assert (await told(iso)).complete is False
        assert await rest(stale) < len(IMAGE) * 8
    with Grub(iso.port, fixed_ports=True) as anew:
        file = await anew.open(ISO)
        assert file.sock.getsockname() == ("127.0.0.1", FIRST_PORT)
        assert await file.read(1000) == IMAGE[:1000]


async def rest(file: File) -> int:
    """How many bytes still came before the end, whichever it was."""
    total = 0
    with suppress(ConnectionResetError):
        while data := await asyncio.get_running_loop().sock_recv(file.sock, 1 << 20):
            total += len(data)
    return total


def test_the_model_waits_where_grub_would() -> None:
    with socket.socket() as sock, asyncio.Runner() as runner, pytest.raises(Stalled):
        runner.run(File(sock, Parser()).read())
