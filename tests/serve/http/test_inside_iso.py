"""Files of an installer.iso over HTTP, without unpacking: what xorriso takes out of it, byte for byte."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import subprocess
import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.artifacts.bundles import scan
from netbootd.observe.events import ArtifactServed, HttpProbed
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from tests.support.bootsite import Site, running
from tests.support.eve_bundles import bundle, iso, put
from tests.support.tools import need

LARGE = os.urandom(200_000)
MORE = (("rootfs_installer.img", b"hsqs" + LARGE), ("boot/empty", b""))
IMAGE = iso(Era.B2, more=MORE)


@cache
def extracted() -> dict[str, bytes]:
    """Every file of the image, as xorriso takes it out."""
    need("xorriso")
    with TemporaryDirectory() as name:
        image, out = Path(name) / "installer.iso", Path(name) / "out"
        image.write_bytes(IMAGE)
        command = ["xorriso", "-osirrox", "on", "-indev", str(image), "-extract", "/", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def put_bundle(site: Site, image: bytes = IMAGE) -> None:
    """The bundle ``eve``, as netbootd finds it when it starts."""
    put(site.services.root / "eve", {"installer.iso": image, "EFI/BOOT/BOOTX64.EFI": b"MZ", "EFI/BOOT/grub.cfg": b"#"})
    site.services.bundles = scan(site.services.root).bundles


async def test_every_file_of_it_is_what_xorriso_takes_out(site: Site) -> None:
    put_bundle(site)
    assert set(extracted()) > {"boot/kernel", "boot/empty", "boot/.uuid", "config.img", "rootfs_installer.img"}
    for path, content in extracted().items():
        answer = await site.ask(f"/artifacts/eve/iso/{path}")
        assert (answer.status, answer["Content-Length"]) == (200, str(len(content)))
        assert answer.body == content


async def test_it_has_the_headers_of_any_artifact(site: Site) -> None:
    """Last-Modified is the image's; the ETag is its own."""
    put_bundle(site)
    image = await site.ask("/artifacts/eve/installer.iso", "HEAD")
    head = await site.ask("/artifacts/eve/iso/rootfs_installer.img", "HEAD")

    assert head["Last-Modified"] == image["Last-Modified"]
    assert head["ETag"] != image["ETag"]
    assert (head["Accept-Ranges"], head["Content-Length"], head.body) == ("bytes", str(len(LARGE) + 4), b"")
    again = await site.ask("/artifacts/eve/iso/rootfs_installer.img", If_None_Match=head["ETag"])
    assert again.status == 304
    efi = await site.ask("/artifacts/eve/iso/EFI/BOOT/BOOTX64.EFI", "HEAD")
    assert efi["Content-Type"] == "application/efi"


async def test_it_is_told_by_the_name_it_was_asked_by(site: Site) -> None:
    put_bundle(site)
    await site.ask("/artifacts/eve/iso/boot/kernel", "HEAD")
    await site.ask("/artifacts/eve/iso/boot/kernel")
    probed, served = site.services.told()
    assert isinstance(probed, HttpProbed)
    assert isinstance(served, ArtifactServed)
    assert probed.file == served.file == "artifacts/eve/iso/boot/kernel"
    assert (served.total, served.complete) == (len(extracted()["boot/kernel"]), True)


async def test_a_range_beyond_its_end_is_not_taken_out_of_what_follows(site: Site) -> None:
    put_bundle(site)
    size = len(extracted()["boot/kernel"])
    beyond = await site.ask("/artifacts/eve/iso/boot/kernel", Range=f"bytes={size}-")
    assert (beyond.status, beyond["Content-Range"]) == (416, f"bytes */{size}")
    last = await site.ask("/artifacts/eve/iso/boot/kernel", Range=f"bytes={size - 1}-{size + 9}")
    assert (last.status, last.body) == (206, extracted()["boot/kernel"][-1:])


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Site]]:
    """A site for many examples."""
    with asyncio.Runner() as runner:
        place = running(tmp_path_factory.mktemp("root"))
        site = runner.run(place.__aenter__())
        put_bundle(site)
        yield runner, site
        runner.run(place.__aexit__(None, None, None))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_range_equals_the_slice_of_the_extracted_file(
    living: tuple[asyncio.Runner, Site], data: st.DataObject
) -> None:
    runner, site = living
    path = data.draw(st.sampled_from(sorted(path for path, content in extracted().items() if content)))
    content = extracted()[path]
    first = data.draw(st.integers(0, len(content) - 1))
    last = data.draw(st.integers(first, len(content) + 5000))
    answer = runner.run(site.ask(f"/artifacts/eve/iso/{path}", Range=f"bytes={first}-{last}"))
    assert answer.status == 206
    assert answer.body == content[first : last + 1]


async def test_an_iso_whose_extents_lie_serves_nothing(site: Site) -> None:
    """A directory record puts the kernel behind the end of the image: the whole ISO is refused, as by an import."""
    kernel = bundle(Era.B2).in_iso("boot/kernel")
    assert kernel is not None
    honest = iso(Era.B2)
    put_bundle(site, honest.replace(_extent(kernel.offset // 2048, kernel.size), _extent(1 << 20, kernel.size)))
    assert site.services.bundles == {}
    assert (await site.ask("/artifacts/eve/iso/boot/kernel")).status == 404
    assert (await site.ask("/artifacts/eve/iso/boot/initrd.img")).status == 404


async def test_an_iso_that_was_replaced_after_it_was_read_serves_nothing_wrong(site: Site) -> None:
    put_bundle(site)
    site.file("eve/installer.iso", IMAGE[:60_000])
    answer = await site.ask("/artifacts/eve/iso/boot/kernel")
    assert (answer.status, answer.body) == (
        404,
        b"its installer.iso is not the one that netbootd has read; a reload reads it anew\n",
    )


def _extent(block: int, size: int) -> bytes:
    """ECMA-119 9.1.3, 9.1.4."""
    return struct.pack("<I", block) + struct.pack(">I", block) + struct.pack("<I", size) + struct.pack(">I", size)


def test_a_file_of_a_gigabyte_costs_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    async def peak(size: int) -> int:
        async with running(tmp_path) as site:
            os.truncate(site.file("eve/installer.iso", b""), 2 * size)
            files = (IsoFile("rootfs_installer.img", 2048, size),)
            site.services.bundles = {"eve": Bundle("eve", "", "eve", Era.B3, iso=files, iso_size=2 * size)}
            tracemalloc.start()
            taken = asyncio.create_task(asyncio.to_thread(take, site.port))
            told = await site.services.events.get()
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            await taken
            assert isinstance(told, ArtifactServed)
            assert (told.sent, told.complete) == (size, True)
            return most

    def take(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"GET /artifacts/eve/iso/rootfs_installer.img HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            buffer = bytearray(1 << 20)
            while client.recv_into(buffer):
                pass

    small, large = asyncio.run(peak(6 << 20)), asyncio.run(peak(1 << 30))
    assert large < small + (512 << 10)  # what is on its way, at most
    assert large < 4 << 20
