"""The page in a real browser: seen live, by keyboard, on a phone, in the dark, and by who cannot see it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import ArtifactServed, Change, DhcpAnswered, Event, MachineChanged, ScriptServed
from netbootd.wire.mac import Mac
from tests.support.crowd import FIVE, HOSTILE, NASTY, STUCK, TWINS, armed, crowd
from tests.support.fleet import Api, serving
from tests.support.tools import elsewhere

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
AXE = Path(__file__).parents[2] / ".lab" / "page" / "node_modules" / "axe-core" / "axe.min.js"
NEW = Mac.parse("52:54:00:00:09:01")
TOKEN = "cJ7mWu2qZf6dHs3cYr9nVt4pKx"
PAGES = (
    "/",
    "/?state=trouble",
    "/?q=nobody-is-called-that",
    "/start",
    "/profiles",
    "/bundles",
    f"/machines/{FIVE}",
    f"/machines/{STUCK}",
    f"/machines/{TWINS}",
    f"/machines/{HOSTILE}",
    f"/machines/{STUCK}/install",
    f"/machines/{STUCK}/forget",
    "/login",
    "/nothing",
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(elsewhere(not CHROMIUM), reason="no chromium: .ci/setup lab installs it"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=120_000)
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=120_000)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Api]:
    async with serving(await armed(crowd(1700000000.0, 30))) as running:
        yield running


async def shown(browser: Browser, site: Api, target: str, **context: Any) -> Page:
    """A page, in a window of its own, that may not complain."""
    window = await browser.new_context(base_url=f"http://localhost:{site.address[1]}", **context)
    page = await window.new_page()
    page.set_default_timeout(120_000)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.on("pageerror", lambda error: pytest.fail(f"{error}"))
    await page.goto(target)
    return page


def happened(site: Api, *events: Event) -> None:
    """As the hub does."""
    for event in events:
        site.lives(event)
        site.emit(event)


class TestEverybody:
    @pytest.mark.skipif(elsewhere(not AXE.exists()), reason="no axe-core: .ci/setup lab fetches it")
    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
    async def test_axe_finds_no_fault_with_any_page(self, browser: Browser, site: Api, scheme: Any, width: int) -> None:
        faults: list[str] = []
        for target in PAGES:
            page = await shown(browser, site, target, color_scheme=scheme, viewport={"width": width, "height": 800})
            for details in await page.locator("summary").all():
                if await details.is_visible() and not await details.evaluate("each => each.parentNode.open"):
                    await details.click()
            await page.evaluate(AXE.read_text())
            found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            faults += [
                f"{target}: {each['id']}: {each['help']}: {node['html'][:200]}"
                for each in found["violations"]
                for node in each["nodes"][:3]
            ]
            await page.context.close()
        assert faults == []

    @pytest.mark.parametrize("width", [320, 390, 1280])
    async def test_nothing_hangs_over_the_edge_of_a_phone(self, browser: Browser, site: Api, width: int) -> None:
        page = await shown(browser, site, "/", viewport={"width": width, "height": 700})
        wide: dict[str, int] = {}
        for target in PAGES:
            await page.goto(target)
            over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wide |= {target: over} if over else {}
        assert wide == {}

    async def test_on_a_phone_no_words_stand_letter_below_letter(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, f"/machines/{FIVE}", viewport={"width": 320, "height": 700})
        for details in await page.locator("details.boot").first.locator("details > summary").all():
            await details.click()
        for details in await page.locator("#scripts summary").all():
            await details.click()
        lines = "[...document.querySelectorAll('tbody td, tbody th, dd')].map(each => each.offsetHeight)"
        assert max(await page.evaluate(lines)) < 100
        cards = page.locator(".facts .line").first
        assert (await cards.evaluate("each => each.offsetHeight")) < 25, "an address is not broken"

    @pytest.mark.parametrize("word", ["install", "forget"])
    async def test_buttons_beside_one_another_stand_on_one_line(self, browser: Browser, site: Api, word: str) -> None:
        page = await shown(browser, site, f"/machines/{STUCK}/{word}")
        tops = await page.evaluate("[...document.querySelectorAll('.button')].map(each => each.offsetTop)")
        assert len(tops) == 2
        assert tops[0] == tops[1]

    async def test_nothing_moves_for_who_wants_it_still(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/", reduced_motion="reduce")
        assert await page.evaluate("document.getAnimations().length") == 0

    async def test_nothing_is_asked_of_anybody_else_and_nothing_is_refused(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/login")
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        for target in (each for each in PAGES if each != "/nothing"):
            await page.goto(target)
        assert {url.split("/")[2] for url in asked} == {f"localhost:{site.address[1]}"}
        assert said == []

    @pytest.mark.parametrize("target", ["/", f"/machines/{HOSTILE}"])
    async def test_without_a_script_everything_is_there(self, browser: Browser, site: Api, target: str) -> None:
        page = await shown(browser, site, target, java_script_enabled=False)
        await expect(page.locator("main")).to_contain_text(str(HOSTILE))


class TestByKeyboard:
    async def tab_to(self, page: Page, selector: str) -> None:
        """As often as it takes; what has the focus can be seen."""
        for _ in range(60):
            await page.keyboard.press("Tab")
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", await page.evaluate("document.activeElement.outerHTML")
            if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"no way to {selector}")

    async def test_the_first_stop_leads_past_the_navigation(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/")
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()

    async def test_a_machine_is_found_and_installed(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/")
        await self.tab_to(page, "input[type=search]")
        await page.keyboard.type("rack-1-node-1")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/?q=rack-1-node-1")
        await self.tab_to(page, ".c-name a")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/machines/*")
        await self.tab_to(page, "a.wipes")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/install")
        await expect(page.locator("main")).to_contain_text("This wipes its disk")
        assert site.ledger.stage(FIVE) is Stage.GIVEN
        await self.tab_to(page, "button.wipes")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**?done=armed")
        await expect(page.locator(".standing .state")).to_have_text("armed")
        assert site.ledger.stage(FIVE) is Stage.ARMED


class TestLive:
    """The page follows what happens, and was never loaded again."""

    async def test_a_boot_is_seen_from_its_first_packet_on(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/")
        await expect(page.locator("#link")).to_have_text("live")
        await page.evaluate("window.same = true")
        offered = DhcpAnswered(
            mac=str(NEW),
            message="DISCOVER",
            answer="OFFER",
            client="x86-64 UEFI PXE",
            file="snponly.efi",
            style="",
            port=67,
        )
        happened(site, offered)
        row = page.locator(f"#m-mac-{NEW.hexraw}")
        await expect(row.locator(".c-stage")).to_contain_text("firmware asks")
        site.now += 4
        happened(site, ScriptServed(mac=str(NEW), ip="192.0.2.99", script="ipxe.cfg", files=("kernel", "initrd.img")))
        await expect(row.locator(".c-stage")).to_contain_text("script")
        site.now += 4
        kernel = ArtifactServed(
            mac=str(NEW), file="kernel", status=200, size=100, sent=100, seconds=1.0, complete=True, total=100
        )
        happened(site, kernel)
        await expect(row.locator(".bar")).to_have_attribute("aria-label", "5 of 6: files, 50%")
        assert await page.evaluate("window.same")

    async def test_where_nothing_had_booted_the_fleet_comes_with_the_first_machine(self, browser: Browser) -> None:
        async with serving(Api(fleet=Snapshot([], []))) as empty:
            page = await shown(browser, empty, "/")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing has booted yet")
            await expect(page.locator("#link")).to_have_text("live")
            empty.saw(NEW, manufacturer="Acme")
            happened(empty, _changed(NEW, ""))
            await expect(page.locator(".fleet .row")).to_contain_text("Acme")
            await page.context.close()

    async def test_who_cannot_see_it_is_told(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/")
        await expect(page.locator("#link")).to_have_text("live")
        await site.ledger.disarm(STUCK, "ada", site.now)
        happened(site, _changed(STUCK, "rack-1-node-2"))
        await expect(page.locator("#said")).to_contain_text("rack-1-node-2")
        await expect(page.locator(f"#m-mac-{STUCK.hexraw} .state")).to_have_text("local")

    async def test_what_has_the_focus_keeps_it_wherever_its_row_goes(self, browser: Browser, site: Api) -> None:
        """From those that are armed to all others, and within its group."""
        page = await shown(browser, site, "/")
        await expect(page.locator("#link")).to_have_text("live")
        row = await page.locator("#rank-3 .row").last.get_attribute("id")
        link = page.locator(f"#{row} .c-name a")
        await link.focus()
        mac = Mac.parse(await page.locator(f"#{row} .mono").inner_text())
        await site.ledger.disarm(mac, "ada", site.now)
        happened(site, _changed(mac, "it"))
        await expect(page.locator(f"#rank-4 #{row} .state")).to_have_text("local")
        await expect(link).to_be_focused()

    async def test_what_was_opened_stays_open(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, f"/machines/{FIVE}")
        await expect(page.locator("#link")).to_have_text("live")
        older = page.locator("details.boot").nth(2)
        await older.locator("> summary").click()
        await site.ledger.arm(FIVE, "ada", site.now)
        happened(site, _changed(FIVE, "rack-1-node-1"))
        await expect(page.locator(".standing .state")).to_have_text("armed")
        await expect(older).to_have_attribute("open", "")

    async def test_what_a_machine_says_stays_text_in_what_comes_later(self, browser: Browser, site: Api) -> None:
        page = await shown(browser, site, "/")
        await expect(page.locator("#link")).to_have_text("live")
        record = site.saw(NEW, manufacturer=NASTY, product="</td><script>alert(3)</script>")
        happened(site, _changed(NEW, NASTY))
        row = page.locator(f"#m-{record.id}")
        await expect(row).to_contain_text(NASTY)
        await expect(page.locator("#said")).to_contain_text("<script>alert(1)</script>")
        assert await page.locator("img, main script, #said *").count() == 0

    async def test_it_says_when_the_daemon_is_gone(self, browser: Browser) -> None:
        async with serving(crowd(1700000000.0, 3)) as site:
            page = await shown(browser, site, "/")
            await expect(page.locator("#link")).to_have_text("live")
            site.stream.close()
        await expect(page.locator("#link")).to_contain_text("not live")

    async def test_it_says_when_its_machine_is_gone(self, browser: Browser, site: Api) -> None:
        record = site.saw(NEW)
        page = await shown(browser, site, f"/machines/{record.id}")
        await expect(page.locator("#link")).to_have_text("live")
        site.records.forget(record.id)
        happened(site, _changed(NEW, ""))
        await expect(page.locator("#link")).to_have_text("not live: netbootd does not know it any more")
        await expect(page.get_by_role("heading", level=1)).to_have_text(str(NEW))

    async def test_events_that_were_refused_are_asked_for_again(self, browser: Browser, site: Api) -> None:
        """Where too many read already; a browser by itself would never ask again."""
        page = await shown(browser, site, "/login")
        await page.clock.install()
        await page.route("**/api/v1/events*", lambda route: route.fulfill(status=503))
        await page.goto("/")
        await expect(page.locator("#link")).to_have_text("not live: netbootd refuses it for now")
        await page.unroute("**/api/v1/events*")
        await page.clock.run_for(11_000)
        await expect(page.locator("#link")).to_have_text("live")


async def test_from_elsewhere_one_logs_in_and_follows_what_happens(browser: Browser, site: Api) -> None:
    site.token = TOKEN
    page = await shown(browser, site, "/?state=armed", extra_http_headers={"X-Forwarded-For": "192.0.2.9"})
    await page.get_by_label("Token").fill("not-the-token")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("This is not the token.")
    await page.get_by_label("Token").fill(TOKEN)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/?state=armed")
    await expect(page.locator("#link")).to_have_text("live")
    assert "netbootd" not in await page.evaluate("document.cookie"), "no script gets at it"
    await page.get_by_role("button", name="log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def _changed(mac: Mac, name: str) -> Event:
    return MachineChanged(mac=str(mac), machine=name, change=Change.DISARMED, detail="by ada")
