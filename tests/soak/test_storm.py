"""A rack powers on, again and again: two hundred machines at once, each with its whole boot, by one daemon."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.support.house import furnished, settings
from tests.support.netbootd import Running, running
from tests.support.tools import need

pytestmark = pytest.mark.soak

MACHINES = 200
ROUNDS = 10
IMAGE = bytes(range(256)) * 16_384  # 4 MiB

SETTINGS = """
dhcp: {mode: off}
tftp: {port: 0}
http: {port: 0}
admin: {listen: "127.0.0.1:0"}
unknown: rack
profiles:
  rack: {payload: linux, kernel: big/image, args: {node: "{{ machine.mac }}"}}
"""


async def test_two_hundred_machines_boot_at_once_ten_times(tmp_path: Path) -> None:
    """Every script is its machine's own, every image whole; memory does not grow from round to round."""
    curl = need("curl")
    house = furnished(tmp_path)
    (house / "artifacts" / "big" / "image").write_bytes(IMAGE)
    with running(house, settings(house, SETTINGS)) as daemon:
        started = daemon.event("daemon.started")
        http, tftp = _port(started["services"], "HTTP"), _port(started["services"], "TFTP")
        sizes = []
        for _ in range(ROUNDS):
            await asyncio.to_thread(_fetch, curl, f"tftp://127.0.0.1:{tftp}/snponly.efi", tmp_path / "nbp")
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                await asyncio.gather(*(_boot(session, f"http://127.0.0.1:{http}", n) for n in range(MACHINES)))
            sizes.append(_resident(daemon))
        assert "Traceback" not in daemon.text()
        assert sizes[-1] < sizes[1] * 1.25, f"resident KiB after each round: {sizes}"


def _fetch(curl: str, url: str, to: Path) -> None:
    subprocess.run([curl, "-sf", "-o", str(to), url], check=True)


async def _boot(session: aiohttp.ClientSession, base: str, number: int) -> None:
    mac = f"52-54-00-00-{number >> 8:02x}-{number & 255:02x}"
    async with session.get(f"{base}/ipxe.cfg") as entry:
        assert entry.status == 200
    async with session.get(f"{base}/machines/{mac}/ipxe.cfg?serial=S{number}&product=rack") as script:
        assert f"node={mac.replace('-', ':')}" in await script.text()
    async with session.get(f"{base}/artifacts/big/image") as image:
        assert await image.read() == IMAGE


def _port(services: list[str], name: str) -> int:
    return next(int(each.split()[-1]) for each in services if each.startswith(name))


def _resident(daemon: Running) -> int:
    """KiB."""
    lines = Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
