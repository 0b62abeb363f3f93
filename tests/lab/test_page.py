"""The page, in a real browser, while real machines boot: nothing is loaded again, and a fleet is around them."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.lab import installer
from tests.lab.firmware import Firmware
from tests.lab.installer import Brings
from tests.lab.lab import Lab
from tests.lab.machine import Hardware, Machine
from tests.lab.namespace import Namespace
from tests.support.browser import CHROMIUM, browser, remember, remembered, window
from tests.support.places import tcp
from tests.support.tools import elsewhere

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(elsewhere(not CHROMIUM), reason="no chromium: .ci/setup lab installs it"),
]

WATCHED, STUCK = "52:54:00:99:00:01", "52:54:00:99:00:02"
CROWD = tuple(f"52:54:00:aa:00:{number:02x}" for number in range(200))
ADMIN = "http://127.0.0.1:8081"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
STAGES = ("firmware asks", "boot program", "iPXE asks", "script", "file", "all files are out", "the end")
PICTURES = os.environ.get("NETBOOTD_PICTURES", "")
"""A directory that outlives the test."""
type_of_lab = Callable[..., Lab]


@pytest.fixture
def settings(artifacts: Path) -> str:
    """An installer that calls, a profile without its kernel, and one for the crowd."""
    if not (artifacts / "installs-page").exists():
        installer.write(artifacts / "installs-page", Brings.UEFI)
    kernel, *initrds = (f"installs-page/{file}" for file in installer.FILES)
    words = "{console: ttyS0, quiet: true, lab: install, key: '1', done: '{{ boot.done_url }}'}"
    return "\n".join(
        [
            "profiles:",
            f"  disk: {{payload: linux, boots: once, kernel: {kernel}, initrd: [{', '.join(initrds)}], args: {words}}}",
            "  holey: {payload: linux, boots: always, kernel: lab/gone}",
            "  rescue: {payload: linux, boots: always, kernel: lab/vmlinuz, initrd: lab/initrd.gz}",
            "machines:",
            f"  - {{mac: '{WATCHED}', name: watched, profile: disk}}",
            f"  - {{mac: '{STUCK}', name: stuck, profile: holey}}",
            "",
        ]
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[Page, str], None]:
    """``pictures(page, name)``: what is seen now, for people."""
    directory = Path(PICTURES) if PICTURES else tmp_path / "pictures"
    directory.mkdir(parents=True, exist_ok=True)

    def taken(page: Page, name: str) -> None:
        page.screenshot(path=directory / f"{name}.png", full_page="fleet" not in name)

    return taken


def test_a_boot_is_seen_live_from_its_first_packet_to_its_end_and_another_one_stuck(
    lab: type_of_lab, settings: str, pictures: Callable[[Page, str], None], tmp_path: Path
) -> None:
    opened = lab(settings)
    crowd(opened)
    opened.command("machines", "install", WATCHED)
    disk = installer.blank_disk(tmp_path / "disk.img")
    with browser(opened.network.boot, tmp_path) as running:
        fleet = window(running, f"{ADMIN}/", **DESK)
        phone = window(running, f"{ADMIN}/machines/{WATCHED}", **PHONE)
        stuck = window(running, f"{ADMIN}/machines/{STUCK}", **PHONE | {"color_scheme": "light"})
        expect.set_options(timeout=120_000)
        for page in (fleet, phone, stuck):
            expect(page.locator("#link")).to_have_text("live")
        remember(fleet, ".row .c-stage", "watched")
        remember(phone, ".head .now")
        with (
            opened.power_on(Hardware(firmware=Firmware.UEFI_PXE, mac=WATCHED, disk=disk)) as machine,
            opened.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=STUCK)),
        ):
            expect(row(fleet, "watched").locator(".c-stage")).to_contain_text("firmware asks")
            pictures(fleet, "1-fleet-firmware")
            expect(row(fleet, "stuck")).to_contain_text("which is not here")
            expect(stuck.locator(".alarm")).to_contain_text("lab/gone")
            expect(stuck.locator(".alarm")).to_contain_text("What to do")
            pictures(stuck, "2-stuck-phone")
            machine.expect("netbootd: watched, disk")
            machine.slow_down()
            expect(phone.locator(".now")).to_contain_text(re.compile(r"files, \d+%"))
            pictures(fleet, "3-fleet-files")
            pictures(phone, "3-machine-files")
            machine.speed_up()
            machine.expect(installer.BEGINS)
            expect(row(fleet, "watched").locator(".c-stage")).to_contain_text("all files are out")
            pictures(phone, "4-machine-payload-out")
            installs(machine)
            expect(phone.locator(".standing .state")).to_have_text("installed")
            expect(fleet.locator("#filters")).to_contain_text(
                re.compile(r"installed\s*1")
            )  # its row is among all others
            pictures(phone, "5-machine-installed")
            phone.set_viewport_size({"width": 1280, "height": 900})
            phone.emulate_media(color_scheme="light")
            pictures(phone, "5-machine-installed-desk")
            pictures(fleet, "5-fleet-installed")
        assert lanes(phone) == list(STAGES)
        seen = in_order(remembered(fleet))
        assert seen == [stage for stage in STAGES if stage in seen]
        shares = [int(share) for words in remembered(phone) for share in re.findall(r"files, (\d+)%", words)]
        assert shares == sorted(shares)
        assert len(shares) > 2, remembered(phone)
        assert phone.locator(".kind-trouble").count() == 0


def crowd(lab: Lab) -> None:
    """Machines of every kind: made by the API, armed, left to their disks, strangers at their script and at files."""
    with asking(lab.network.boot, "127.0.0.1", 8081) as ask:
        for number, mac in enumerate(CROWD):
            if number % 5:
                profile = "rescue" if number % 5 == 1 else "disk"
                ask("POST", "/api/v1/machines", {"mac": mac, "name": f"rack-{number:03}", "profile": profile})
            if number % 5 >= 3:
                ask("POST", f"/api/v1/machines/{mac}/install", {})
    with asking(lab.network.dhcp, "10.99.0.2", 8080) as ask:
        for mac in CROWD[::5]:
            ask("GET", f"/machines/{mac.replace(':', '-')}/ipxe.cfg", None)
        for mac in CROWD[1::10]:
            ask("GET", f"/machines/{mac.replace(':', '-')}/ipxe.cfg", None)
            ask("GET", "/artifacts/lab/vmlinuz", None)


def row(page: Page, name: str) -> Any:
    return page.locator(".fleet .row", has_text=name)


def installs(machine: Machine) -> None:
    """It writes its disk, calls, and restarts."""
    machine.press(b"\n")
    machine.expect(installer.WRITTEN)
    machine.press(b"\n")
    machine.expect(installer.CALLED)
    machine.expect_off()


def in_order(words: list[str]) -> list[str]:
    """The stages among what a row has shown; on a busy computer it is looked at less often, and misses some."""
    found = [stage for each in words for stage in STAGES if each.startswith(stage)]
    return list(dict.fromkeys(found))


def lanes(page: Page) -> list[str]:
    """The stages in the picture of a machine's latest boot."""
    return in_order(page.locator(".boot").first.locator(".lane b").all_text_contents())


@contextmanager
def asking(place: Namespace, server: str, port: int) -> Iterator[Callable[[str, str, object], None]]:
    """One connection, on which requests are made that succeed."""
    with closing(http.client.HTTPConnection(server, port)) as connection:
        connection.sock = tcp(place, server, port)

        def ask(method: str, path: str, body: object) -> None:
            said = None if body is None else json.dumps(body)
            connection.request(method, path, said, {"Content-Type": "application/json"} if said else {})
            with connection.getresponse() as answer:
                told = answer.read()
            assert answer.status < 300, told

        yield ask
