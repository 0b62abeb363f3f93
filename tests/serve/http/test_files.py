"""Artifacts and iPXE binaries over HTTP, byte for byte."""

from __future__ import annotations

import os
from email.utils import formatdate

import pytest

from netbootd.observe.events import ArtifactServed, HttpProbed, HttpRefused, TransferMoved
from netbootd.serve import pace
from tests.support.bootsite import BOTH_WAYS, Site, Socket

pytestmark = BOTH_WAYS

SMALL = b"kernel"
LARGE = b"".join(number.to_bytes(4, "big") for number in range(1 << 16))  # 256 KiB: sent past aiohttp

BODIES = pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])


@BODIES
async def test_a_file_is_sent_whole_with_its_exact_length(site: Site, body: bytes) -> None:
    path = site.file("eve/kernel", body)
    answer = await site.ask("/artifacts/eve/kernel")
    assert answer.status_line == "HTTP/1.1 200 OK"
    assert answer["Content-Length"] == str(len(body))
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["ETag"].startswith('"')
    assert answer["Last-Modified"] == formatdate(int(path.stat().st_mtime), usegmt=True)
    assert answer.body == body
    assert not {"Transfer-Encoding", "Content-Encoding", "Content-Range"} & {name for name, _ in answer.headers}


async def test_a_download_of_more_than_a_second_says_how_far_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.0)  # as if each piece took a second
    monkeypatch.setattr(pace, "A_SECOND", 1e9)
    body = LARGE * 4
    site.file("eve/rootfs.img", body)
    await site.ask("/artifacts/eve/rootfs.img", Range="bytes=100-")
    *moved, ended = site.services.told()
    assert isinstance(ended, ArtifactServed)
    assert len(moved) >= 4
    sent = 0
    for event in moved:
        assert isinstance(event, TransferMoved)
        assert (event.file, event.size) == ("artifacts/eve/rootfs.img", len(body) - 100)
        assert event.via == ended.via == ("https" if site.tls else "http")
        assert sent < event.sent <= event.size
        sent = event.sent
    assert sent == ended.sent == len(body) - 100


async def test_a_download_that_takes_less_says_nothing_before_its_end(site: Site) -> None:
    site.file("eve/kernel", LARGE)
    await site.ask("/artifacts/eve/kernel")
    assert [type(event) for event in site.services.told()] == [ArtifactServed]


@BODIES
async def test_head_tells_the_same_without_the_bytes(site: Site, body: bytes) -> None:
    """EDK2 HTTP Boot learns the size by HEAD."""
    site.file("eve/kernel", body)
    got, told = await site.ask("/artifacts/eve/kernel"), await site.ask("/artifacts/eve/kernel", "HEAD")
    assert told.status_line == got.status_line
    assert [name for name, _ in told.headers] == [name for name, _ in got.headers]
    assert told["Content-Length"] == str(len(body))
    assert told.body == b""


@BODIES
async def test_a_range_is_a_part_of_it(site: Site, body: bytes) -> None:
    site.file("eve/kernel", body)
    answer = await site.ask("/artifacts/eve/kernel", Range="bytes=2-")
    assert answer.status_line == "HTTP/1.1 206 Partial Content"
    assert answer["Content-Range"] == f"bytes 2-{len(body) - 1}/{len(body)}"
    assert answer["Content-Length"] == str(len(body) - 2)
    assert answer.body == body[2:]


async def test_grub_reads_and_seeks(site: Site) -> None:
    """GRUB 2.12 wants ``HTTP/1.1 200`` or ``206`` and a header spelled ``Content-Length: ``."""
    site.file("eve/installer.iso", LARGE)
    whole = await site.grub("/artifacts/eve/installer.iso")
    part = await site.grub("/artifacts/eve/installer.iso", "Range: bytes=200000-")
    assert (whole.status_line, whole["Content-Length"]) == ("HTTP/1.1 200 OK", "262144")
    assert (part.status_line, part["Content-Length"]) == ("HTTP/1.1 206 Partial Content", "62144")
    assert whole.body == LARGE
    assert part.body == LARGE[200000:]


async def test_a_range_beyond_the_end_is_told_the_size(site: Site) -> None:
    site.file("eve/kernel", SMALL)
    answer = await site.ask("/artifacts/eve/kernel", Range="bytes=6-")
    assert answer.status == 416
    assert answer["Content-Range"] == "bytes */6"


async def test_an_empty_file_is_an_empty_answer(site: Site) -> None:
    site.file("eve/empty", b"")
    answer = await site.grub("/artifacts/eve/empty", "Range: bytes=0-")
    assert (answer.status_line, answer["Content-Length"], answer.body) == ("HTTP/1.1 200 OK", "0", b"")


async def test_what_the_client_has_already_is_not_sent_again(site: Site) -> None:
    site.file("eve/kernel", SMALL)
    etag = (await site.ask("/artifacts/eve/kernel"))["ETag"]
    answer = await site.ask("/artifacts/eve/kernel", If_None_Match=etag)
    assert answer.status_line == "HTTP/1.1 304 Not Modified"
    assert answer["ETag"] == etag
    assert answer.body == b""


async def test_a_resumed_download_starts_over_when_the_file_was_replaced(site: Site) -> None:
    site.file("eve/kernel", b"old kernel")
    etag = (await site.ask("/artifacts/eve/kernel"))["ETag"]
    again = await site.ask("/artifacts/eve/kernel", Range="bytes=4-", If_Range=etag)
    assert (again.status, again.body) == (206, b"kernel")
    site.file("eve/kernel", b"new")
    fresh = await site.ask("/artifacts/eve/kernel", Range="bytes=4-", If_Range=etag)
    assert (fresh.status, fresh.body) == (200, b"new")


async def test_a_precondition_that_fails_is_told(site: Site) -> None:
    site.file("eve/kernel", SMALL)
    assert (await site.ask("/artifacts/eve/kernel", If_Match='"other"')).status == 412


async def test_a_compressed_sibling_is_never_sent_instead(site: Site) -> None:
    site.file("eve/kernel", SMALL)
    site.file("eve/kernel.gz", b"gz")
    site.file("eve/kernel.br", b"br")
    answer = await site.ask("/artifacts/eve/kernel", Accept_Encoding="gzip, br, deflate")
    assert answer.body == SMALL
    assert "Content-Encoding" not in answer


async def test_a_file_from_the_future_has_no_last_modified(site: Site) -> None:
    """RFC 9110 s.8.8.2.1; a machine whose clock was wrong when it imported a bundle."""
    path = site.file("eve/kernel", SMALL)
    os.utime(path, (4e9, 4e9))
    assert "Last-Modified" not in await site.ask("/artifacts/eve/kernel")


async def test_an_efi_program_is_named_as_one_since_edk2_looks_at_it(site: Site) -> None:
    site.file("eve/EFI/BOOT/BOOTX64.EFI", SMALL)
    assert (await site.ask("/artifacts/eve/EFI/BOOT/BOOTX64.EFI"))["Content-Type"] == "application/efi"


@pytest.mark.parametrize(
    "target",
    [
        "/artifacts/eve/../../secret",
        "/artifacts/../secret",
        "/artifacts/eve/..%2f..%2fsecret",
        "/artifacts/%2e%2e/secret",
        "/artifacts/eve/%2e%2e/%2e%2e/secret",
        "/artifacts/%252e%252e/secret",
        "/artifacts//etc/passwd",
        "/artifacts/%2fetc%2fpasswd",
        "/artifacts/eve%2fkernel",
        "/artifacts/eve/kernel%00.txt",
        "/artifacts/eve/..%5c..%5csecret",
        "/artifacts/eve\\..\\..\\secret",
        "/artifacts/out/secret",
        "/artifacts/passwd",
        "/artifacts/eve",
        "/artifacts/eve/",
        "/artifacts/",
        "/artifacts",
        "/artifacts/.partial/kernel",
        "/artifacts/pipe",
    ],
)
async def test_nothing_outside_the_tree_is_served(site: Site, target: str) -> None:
    root = site.services.root / "tree"
    (root.parent / "secret").write_text("secret")
    site.services.root = root
    site.file("eve/kernel", SMALL)
    site.file(".partial/kernel", SMALL)
    (root / "out").symlink_to(root.parent)
    (root / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    answer = await site.ask(target)
    assert answer.status == 404
    assert len(answer.body) < 60
    assert [type(event) for event in site.services.told()] == [HttpRefused]


async def test_a_name_that_is_not_utf8_is_served(site: Site) -> None:
    (site.services.root / os.fsdecode(b"caf\xe9")).write_bytes(SMALL)
    assert (await site.ask("/artifacts/caf%E9")).body == SMALL


async def test_a_swapped_tree_is_served_from_the_next_request_on(site: Site) -> None:
    site.file("eve/kernel", b"old")
    assert (await site.ask("/artifacts/eve/kernel")).body == b"old"
    site.services.root = site.services.root / "new"
    site.file("eve/kernel", b"new")
    assert (await site.ask("/artifacts/eve/kernel")).body == b"new"


class TestFirmware:
    @BODIES
    async def test_a_boot_program_comes_from_memory(self, site: Site, body: bytes) -> None:
        site.services.firmware_files["snponly.efi"] = body
        answer = await site.ask("/firmware/snponly.efi")
        assert (answer.status, answer["Content-Type"], answer.body) == (200, "application/efi", body)

    async def test_its_size_can_be_asked(self, site: Site) -> None:
        site.services.firmware_files["ipxe.efi"] = LARGE
        answer = await site.ask("/firmware/ipxe.efi", "HEAD")
        assert (answer["Content-Length"], answer.body) == ("262144", b"")

    @BODIES
    async def test_a_part_of_it_can_be_asked(self, site: Site, body: bytes) -> None:
        site.services.firmware_files["ipxe.efi"] = body
        answer = await site.ask("/firmware/ipxe.efi", Range="bytes=1-3")
        assert (answer.status, answer.body) == (206, body[1:4])

    @pytest.mark.parametrize("target", ["/firmware/none.efi", "/firmware", "/firmware/..%2fsecret"])
    async def test_another_name_is_missing(self, site: Site, target: str) -> None:
        assert (await site.ask(target)).status == 404


class TestWhatIsTold:
    @BODIES
    async def test_a_download(self, site: Site, body: bytes) -> None:
        site.file("eve/kernel", body)
        await site.ask("/artifacts/eve/kernel")
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert (told.ip, told.file, told.status) == ("127.0.0.1", "artifacts/eve/kernel", 200)
        assert (told.size, told.sent, told.complete, told.detail) == (len(body), len(body), True, "")

    async def test_a_refusal(self, site: Site) -> None:
        await site.ask("/artifacts/eve/none%0a")
        told = await site.services.events.get()
        assert told == HttpRefused(ip="127.0.0.1", file="/artifacts/eve/none%0a", status=404, reason="no such file")

    async def test_head_is_not_a_download(self, site: Site) -> None:
        site.file("eve/kernel", SMALL)
        await site.ask("/artifacts/eve/kernel", "HEAD")
        assert site.services.told() == [HttpProbed(ip="127.0.0.1", file="artifacts/eve/kernel", size=len(SMALL))]


class TestAClientThatStopsReading:
    """A machine switched off in mid-download, or one that hangs."""

    async def begin(self, site: Site, target: str, agent: str = "iPXE/1.21") -> Socket:
        """Ask, and take nothing."""
        return await site.begun(f"GET {target} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n".encode())

    async def test_is_dropped_and_told(self, site: Site) -> None:
        site.services.stall_seconds = 0.1
        site.file("eve/rootfs.img", bytes(16 << 20))
        with await self.begin(site, "/artifacts/eve/rootfs.img") as client:
            told = await site.services.events.get()
            assert isinstance(told, ArtifactServed)
            assert (told.complete, told.detail) == (False, "the client stopped reading")
            assert 0 < told.sent < told.size == 16 << 20
            with pytest.raises(ConnectionResetError):
                await client.rest()

    async def test_is_dropped_from_a_boot_program_in_memory_too(self, site: Site) -> None:
        site.services.stall_seconds = 0.1
        site.services.firmware_files["ipxe.efi"] = bytes(16 << 20)
        with await self.begin(site, "/firmware/ipxe.efi"):
            told = await site.services.events.get()
            assert isinstance(told, ArtifactServed)
            assert told.detail == "the client stopped reading"

    async def test_is_kept_when_it_is_grub_holding_an_iso_open(self, site: Site) -> None:
        """GRUB asks first; when a client that asked later has been dropped, GRUB can still read on."""
        site.services.stall_seconds = 0.1
        site.file("eve/installer.iso", bytes(16 << 20))
        with await self.begin(site, "/artifacts/eve/installer.iso", "GRUB 2.12") as grub:
            with await self.begin(site, "/artifacts/eve/installer.iso"):
                assert isinstance(told := await site.services.events.get(), ArtifactServed)
                assert told.detail == "the client stopped reading"
            assert site.services.events.empty()
            taken = 0
            while taken < 16 << 20:
                taken += len(await grub.recv(1 << 20))
            assert isinstance(told := await site.services.events.get(), ArtifactServed)
            assert told.complete

    async def test_going_away_is_told_apart(self, site: Site) -> None:
        site.file("eve/rootfs.img", bytes(16 << 20))
        with await self.begin(site, "/artifacts/eve/rootfs.img") as client:
            await client.recv(1000)
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert (told.complete, told.detail) == (False, "the client went away")
