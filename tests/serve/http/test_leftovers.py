"""What a machine that lost power leaves behind goes when it boots anew, and nothing else does."""

from __future__ import annotations

import asyncio
import socket

import pytest

from netbootd.observe.events import ArtifactServed, Event, ScriptServed, TftpStarted
from tests.support.bootsite import Site
from tests.support.downloads import begun, ended, rest

GRUB, PORT = "GRUB 2.12", 21557
BOOTS = ScriptServed(ip="127.0.0.1", script="ipxe.cfg", payload="entry")


@pytest.mark.parametrize(
    "sign",
    [
        BOOTS,
        ScriptServed(ip="127.0.0.1", script="ipxe.cfg", payload="entry", via="tftp"),
        ScriptServed(ip="127.0.0.1", script="machines/52-54-00-00-00-01/ipxe.cfg", payload="eve"),
        TftpStarted(ip="127.0.0.1", file="EFI/BOOT/SNPONLY.EFI", size=1),
        TftpStarted(ip="127.0.0.1", file="undionly.kpxe", size=1),
        ScriptServed(ip="127.0.0.1", script="machines/52-54-00-00-00-01/grub.cfg", payload="eve", via="tftp"),
    ],
    ids=["entry script", "entry script by TFTP", "own script", "UEFI program", "BIOS program", "GRUB's own by TFTP"],
)
async def test_a_machine_that_boots_anew_meets_no_connection_of_its_grub(site: Site, sign: Event) -> None:
    """The new GRUB uses the same ports; a server that still holds them answers its SYN with a challenge ACK."""
    with await begun(site, GRUB, PORT) as stale:
        site.server.observe(sign)
        await ended(site)
        with pytest.raises(ConnectionResetError):
            await rest(stale)
    with await begun(site, GRUB, PORT) as anew:
        assert anew.fileno() >= 0


async def test_nor_one_that_its_grub_read_no_further(site: Site) -> None:
    """Seen in the lab: GRUB had closed its half and went on elsewhere, and then the power went."""
    with await begun(site, GRUB, PORT) as stale:
        stale.shutdown(socket.SHUT_WR)
        while site.server.connections:
            await asyncio.sleep(0)
        site.server.observe(BOOTS)
        assert isinstance(await site.services.events.get(), ArtifactServed)
        with pytest.raises(ConnectionResetError):
            await rest(stale)


async def test_at_the_end_such_a_connection_is_waited_for_no_longer_than_others(site: Site) -> None:
    with await begun(site, GRUB, PORT) as stale:
        stale.shutdown(socket.SHUT_WR)
        while site.server.connections:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(site.server.stop())
        assert isinstance(await site.services.events.get(), ArtifactServed)
        with pytest.raises(ConnectionResetError):
            await rest(stale)
        await stopping


@pytest.mark.parametrize(
    "other",
    [
        ScriptServed(ip="127.0.0.2", script="ipxe.cfg", payload="entry"),
        ScriptServed(ip="127.0.0.1", script="machines/52-54-00-00-00-01/grub.cfg", payload="eve"),
        TftpStarted(ip="127.0.0.1", file="kernel", size=1),
        TftpStarted(ip="127.0.0.1", file="EFI/BOOT/grub.cfg-01-52-54-00-00-00-01", size=1),
    ],
    ids=["another machine", "GRUB itself", "no script", "a file of GRUB's"],
)
async def test_nothing_else_is_taken_for_a_new_boot(site: Site, other: Event) -> None:
    with await begun(site, GRUB, PORT) as grub:
        site.server.observe(other)
        await asyncio.sleep(0)
        assert site.server.connections == 1
        assert await asyncio.get_running_loop().sock_recv(grub, 1)


async def test_whoever_is_not_grub_is_left_alone_whatever_its_port(site: Site) -> None:
    """iPXE takes any port, and it is the one that asks for the script at this very moment."""
    with await begun(site, "iPXE/1.21.1", PORT), await begun(site, GRUB, PORT + 1) as grub:
        site.server.observe(BOOTS)
        await ended(site)
        with pytest.raises(ConnectionResetError):
            await rest(grub)
        assert site.server.connections == 1


async def test_a_connection_that_is_gone_is_not_cut_again(site: Site) -> None:
    with await begun(site, GRUB, PORT):
        site.server.observe(BOOTS)
        site.server.observe(BOOTS)
        await ended(site)
    site.server.observe(BOOTS)
