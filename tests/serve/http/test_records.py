"""The two moments at which the boot site waits for the disk, and what it does when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from netbootd.observe.events import ArtifactServed, HttpRefused
from netbootd.serve.http.services import ScriptReply, ScriptRequest
from tests.support.bootsite import Site

INSTALL, LOCAL = b"#!ipxe\nboot\n", b"#!ipxe\nexit\n"
MACHINE = "/machines/52:54:00:12:34:56/ipxe.cfg"


def answering(site: Site, *replies: ScriptReply) -> None:
    """One of these after the other."""
    left: Iterator[ScriptReply] = iter(replies)

    def reply(_request: ScriptRequest) -> ScriptReply:
        return next(left)

    site.services.reply = reply


async def turns_out(written: bool) -> bool:
    await asyncio.sleep(0)
    return written


async def test_a_script_that_installs_is_sent_once_that_is_on_disk(site: Site) -> None:
    written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    answering(site, ScriptReply(INSTALL, recorded=written))
    asking = asyncio.ensure_future(site.ask(MACHINE))
    while not site.services.asked:
        await asyncio.sleep(0)
    assert not asking.done()
    written.set_result(True)
    assert (await asking).body == INSTALL


async def test_when_it_cannot_be_written_the_machine_gets_what_it_gets_then(site: Site) -> None:
    answering(site, ScriptReply(INSTALL, recorded=turns_out(False)), ScriptReply(LOCAL))
    assert (await site.ask(MACHINE)).body == LOCAL


async def test_a_disk_that_comes_and_goes_does_not_keep_a_machine_for_ever(site: Site) -> None:
    answering(site, *(ScriptReply(INSTALL, recorded=turns_out(False)) for _ in range(3)))
    answer = await site.ask(MACHINE)
    assert answer.status == 503
    assert INSTALL not in answer.body


@pytest.mark.parametrize("size", [10, 200_000], ids=["small", "large"])
async def test_a_file_that_may_not_go_out_is_refused(site: Site, size: int) -> None:
    site.file("eve/rootfs.img", bytes(size))
    site.services.admitted = False
    answer = await site.ask("/artifacts/eve/rootfs.img")
    assert answer.status == 503
    assert [type(event) for event in site.services.told()] == [HttpRefused]
    assert (await site.ask("/artifacts/eve/rootfs.img", "HEAD")).status == 200


@pytest.mark.parametrize(("wanted", "place"), [("", (0, 100)), ("bytes=0-49", (0, 50)), ("bytes=50-", (50, 50))])
async def test_what_went_out_is_told_with_its_place_in_the_file(
    site: Site, wanted: str, place: tuple[int, int]
) -> None:
    site.file("eve/rootfs.img", bytes(100))
    await site.ask("/artifacts/eve/rootfs.img", "GET", **({"Range": wanted} if wanted else {}))
    (served,) = (event for event in site.services.told() if isinstance(event, ArtifactServed))
    assert (served.offset, served.size) == place
    assert served.total == 100
