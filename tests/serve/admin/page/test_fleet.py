"""The fleet on a page: trouble first, filters with counts, search, pages; profiles, bundles, and where to begin."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from netbootd.artifacts.firmware import MissingFirmware
from netbootd.boot.arch import Cpu
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.banner import Banner, ServedInterface
from tests.support.crowd import BOOTING, FIVE, HOSTILE, NASTY, STUCK, TWINS, armed, crowd
from tests.support.fleet import Api, serving
from tests.support.pages import Element, Page, opened
from tests.support.worlds import ALWAYS, linux, machine

NOW = 1700000000.0


@pytest.fixture
async def site() -> AsyncIterator[Api]:
    async with serving(await armed(crowd(NOW, 40))) as running:
        yield running


def rows(page: Page) -> list[Element]:
    return page.root.all("tr", class_="row")


def names(page: Page) -> list[str]:
    return [row.one("th").one("a").text for row in rows(page)]


class TestTheList:
    async def test_it_is_in_the_order_in_which_a_person_is_needed(self, site: Api) -> None:
        page = await opened(site, "/")
        groups = [group.text for group in page.root.all("tr", class_="group")]
        assert groups == [
            "Trouble",
            "Booting now",
            "Nobody approved these yet",
            "Armed, waiting for their boot",
            "All others",
        ]

    async def test_a_row_says_the_state_in_a_word_and_a_shape(self, site: Api) -> None:
        page = await opened(site, "/")
        (row,) = [row for row in rows(page) if row.one("th").one("a").text == "rack-1-node-3"]
        state = row.one("span", class_="state")
        assert (state.text, state.one("use").attrs["href"]) == ("installing", "#g-installing")
        assert row.one("td", class_="c-profile").text == "lab-eve"
        assert "42% of eve-17.3.0/rootfs.img" in row.one("td", class_="c-stage").text
        assert row.one("svg", class_="bar").attrs["aria-label"] == "5 of 6: files, 81%"

    async def test_every_shape_it_refers_to_is_there(self, site: Api) -> None:
        page = await opened(site, "/")
        there = {f"#{each.attrs['id']}" for each in page.root.all("symbol")}
        assert {each.attrs["href"] for each in page.root.all("use")} <= there

    async def test_what_is_wrong_with_a_boot_is_said_in_its_row(self, site: Api) -> None:
        page = await opened(site, "/?q=rack-1-node-2")
        (row,) = page.root.one("tbody", class_="rank-trouble").all("tr", class_="row")
        (found,) = site.services().diagnosed(STUCK)
        assert row.one("td", class_="c-why").text == found.sentence

    async def test_who_claims_the_identity_of_another_is_in_trouble(self, site: Api) -> None:
        page = await opened(site, "/?state=trouble")
        said = [row.one("td", class_="c-why").text for row in rows(page)]
        assert len([each for each in said if f"the card {TWINS} is claimed by" in each]) == 2

    async def test_how_long_ago_has_the_very_time_behind_it(self, site: Api) -> None:
        page = await opened(site, "/?q=rack-1-node-1")
        time = rows(page)[0].one("td", class_="c-seen").one("time")
        assert (time.text, time.attrs["datetime"]) == ("18 min ago", "2023-11-14T21:55:32Z")
        assert time.attrs["title"] == time.attrs["datetime"]

    async def test_what_machines_say_of_themselves_stays_text(self, site: Api) -> None:
        page = await opened(site, f"/?q={HOSTILE}")
        (row,) = rows(page)
        assert NASTY in row.one("th").text
        assert page.root.all("img") == []
        assert [each.attrs.get("src") for each in page.root.all("script")] == ["/static/page.js"]


class TestFilters:
    async def test_they_count_and_are_links(self, site: Api) -> None:
        page = await opened(site, "/")
        filters = {each.text: each.attrs["href"] for each in page.root.one("nav", class_="filters").all("a")}
        assert filters["all 46"] == "/"
        assert filters["installing 2"] == "/?state=installing"
        assert filters["installed 1"] == "/?state=installed"

    async def test_one_that_is_chosen_says_so_and_keeps_what_is_searched_for(self, site: Api) -> None:
        page = await opened(site, "/?state=installing&q=rack")
        nav = page.root.one("nav", class_="filters")
        assert nav.one("a", aria_current="true").text == "installing 2"
        assert {each.attrs["href"] for each in nav.all("a")} >= {"/?q=rack", "/?state=trouble&q=rack"}
        assert page.root.one("input", name="state").attrs["value"] == "installing"
        assert sorted(names(page)) == ["rack-1-node-2", "rack-1-node-3"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=rack-1-node-1", ["rack-1-node-1"]),
            (f"q={FIVE}", ["rack-1-node-1"]),
            ("q=SN000002", ["rack-1-node-3"]),
            ("state=booting&q=rack-1", ["rack-1-node-2", "rack-1-node-3"]),
            ("q=nobody-has-that", []),
        ],
    )
    async def test_what_is_looked_for_is_found(self, site: Api, query: str, found: list[str]) -> None:
        assert names(await opened(site, f"/?{query}")) == found

    @pytest.mark.parametrize(
        "query", ["state=nonsense", "page=-1", "page=x", "page=99999999999", "unknown=1", "q=%00%ff"]
    )
    async def test_an_address_that_makes_no_sense_is_no_error(self, site: Api, query: str) -> None:
        assert (await opened(site, f"/?{query}")).status == 200

    async def test_what_was_searched_for_stays_text_as_well(self, site: Api) -> None:
        page = await opened(site, "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        assert page.root.one("input", id="q").attrs["value"] == '"><script>alert(1)</script>'
        assert len(page.root.all("script")) == 1

    async def test_by_profile(self, site: Api) -> None:
        page = await opened(site, "/?profile=lab-eve&q=rack-1")
        assert len(rows(page)) == 3
        assert {row.one("td", class_="c-profile").text for row in rows(page)} == {"lab-eve"}


async def test_many_machines_come_page_by_page() -> None:
    async with serving(crowd(NOW, 200)) as site:
        first = await opened(site, "/")
        assert len(rows(first)) == 100
        pager = first.root.one("nav", class_="pager")
        assert "1 to 100 of 206" in pager.text
        second = await opened(site, pager.one("a", rel="next").attrs["href"])
        assert len(rows(second)) == 100
        third = await opened(site, second.root.one("a", rel="next").attrs["href"])
        assert len(rows(third)) == 6
        assert third.root.all("a", rel="next") == []
        seen = [row.attrs["id"] for page in (first, second, third) for row in rows(page)]
        assert len(set(seen)) == 206


class TestTheBeginning:
    ABOUT = Banner(
        version="1",
        interfaces=(ServedInterface(name="lan0", addresses=("192.0.2.1/24",)),),
        services=("ProxyDHCP on 67 and 4011", "TFTP on 69", "HTTP on 8080"),
        script_urls=("http://192.0.2.1:8080/ipxe.cfg",),
        firmware=("undionly.kpxe",),
        missing=(
            MissingFirmware(
                file="arm64-efi/snponly.efi", needed_by="ARM64 UEFI machines", fix="make it", rare=Cpu.ARM64
            ),
        ),
        warnings=("artifacts: /srv/artifacts does not exist yet",),
        unknown="register",
    )

    async def test_where_nothing_was_seen_the_page_says_what_to_do_next(self) -> None:
        async with serving(Api(fleet=Snapshot([], []), banner=self.ABOUT)) as site:
            page = await opened(site, "/")
        assert page.title == "Nothing has booted yet · netbootd"
        for words in ("lan0", "192.0.2.1/24", "http://192.0.2.1:8080/ipxe.cfg", "/srv/artifacts", "register"):
            assert words in page.text
        for command in ("netbootd import SOURCE", "netbootd check", "netbootd doctor -i lan0"):
            assert command in page.text
        done = [each.one("h2").text for each in page.root.all("li", class_="is-done")]
        assert done == ["netbootd answers on this network (done)", "There is iPXE to hand out (done)"]

    async def test_a_machine_that_a_file_lists_has_not_booted_for_that(self) -> None:
        listed = Snapshot([linux("rescue", boots=ALWAYS)], [machine("rescue", "node-1")])
        async with serving(Api(fleet=listed, banner=self.ABOUT)) as site:
            page = await opened(site, "/start")
        assert "waits for the first machine" in page.text
        assert "A machine that boots from the network (done)" not in page.text

    async def test_without_dhcp_it_tells_what_the_other_server_must_say(self) -> None:
        gone = MissingFirmware(file="undionly.kpxe", needed_by="BIOS machines", fix="install it")
        about = Banner(version="1", services=("HTTP on 8080",), missing=(gone,))
        async with serving(Api(fleet=Snapshot([], []), banner=about)) as site:
            page = await opened(site, "/")
        assert "options 66 and 67" in page.text
        assert "missing undionly.kpxe (BIOS machines get no answer); to fix: install it" in page.text
        assert "apt install ipxe" in page.text

    async def test_it_can_be_read_again_later(self, site: Api) -> None:
        page = await opened(site, "/start")
        assert page.status == 200
        assert "Machines have been seen" in page.text


class TestTheOthers:
    @pytest.mark.parametrize("target", ["/", "/bundles", f"/machines/{BOOTING}"])
    async def test_what_is_wrong_with_the_daemon_is_on_every_page(self, site: Api, target: str) -> None:
        assert (await opened(site, target)).root.all("p", role="alert") == []
        site.trouble = "state /s.db cannot be written: <disk full>"
        page = await opened(site, target)
        assert page.root.one("p", role="alert").text == "State /s.db cannot be written: <disk full>"

    @pytest.mark.parametrize("target", ["/", "/login"])
    async def test_but_not_for_who_is_not_let_in(self, site: Api, target: str) -> None:
        site.trouble = "state /s.db cannot be written"
        assert "s.db" not in (await opened(site, target, X_Forwarded_For="192.0.2.9")).text

    async def test_profiles_with_what_they_boot_and_how_many_have_them(self, site: Api) -> None:
        page = await opened(site, "/profiles")
        assert [each.text for each in page.root.all("h2")] == ["lab-eve", "rescue"]
        assert page.root.all("a", href="/?profile=lab-eve")[0].text == "23"

    async def test_bundles_or_how_to_get_one(self, site: Api) -> None:
        page = await opened(site, "/bundles")
        assert "netbootd import SOURCE" in page.text
        assert "/srv/artifacts" in page.text

    @pytest.mark.parametrize("target", ["/", "/start", "/profiles", "/bundles", f"/machines/{BOOTING}"])
    async def test_every_page_has_its_landmarks_and_a_way_past_them(self, site: Api, target: str) -> None:
        page = await opened(site, target)
        assert page.root.one("html").attrs["lang"] == "en"
        assert page.root.one("a", class_="skip").attrs["href"] == f"#{page.root.one('main').attrs['id']}"
        assert len(page.root.all("h1")) == 1
        assert page.root.one("p", role="status").attrs["aria-live"] == "polite"
        assert not [each for each in page.root.all() if "style" in each.attrs or "onclick" in each.attrs]
