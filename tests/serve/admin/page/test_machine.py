"""A machine's page: its boots, its script, its identity, and the buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import ScriptServed, TransferMoved
from netbootd.serve.admin.page.words import sentence
from netbootd.wire.mac import Mac
from tests.support.crowd import BOOTING, FIVE, HOSTILE, NASTY, STUCK, TWINS, armed, crowd, rivals
from tests.support.fleet import EDGE, STRANGER, Api, serving
from tests.support.pages import filled, opened, posted, sent
from tests.support.worlds import ALWAYS, args, linux, machine

NOW = 1700000000.0


@pytest.fixture
async def site() -> AsyncIterator[Api]:
    async with serving(await armed(crowd(NOW, 4))) as running:
        yield running


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


class TestWhatItShows:
    async def test_who_it_is_and_who_says_so(self, site: Api) -> None:
        page = await opened(site, f"/machines/{FIVE}")
        assert page.root.one("h1").text == "rack-1-node-1"
        facts = {
            each.one("dt").text: each.one("dd").text for each in page.root.one("section", class_="facts").all("div")
        }
        assert facts["Soft serial"] == "NODE-0001"
        assert facts["Serial"] == "SN000000 it says so"
        assert facts["Cards"] == str(FIVE)
        assert facts["Addresses"] == "192.0.2.20"

    async def test_every_boot_is_a_picture_and_a_table_the_latest_open(self, site: Api) -> None:
        page = await opened(site, f"/machines/{FIVE}")
        boots = page.root.all("details", class_="boot")
        assert ["open" in each.attrs for each in boots] == [True, False, False, False, False]
        chart = boots[0].one("div", class_="chart")
        assert chart.one("span", id="d1").text == "10 stages in 7 min 12 s: installed"
        assert "silence 6 min 40 s" in [each.text for each in chart.all("text")]
        rows = [[cell.text for cell in row.all("td")] for row in boots[0].one("tbody").all("tr")]
        assert rows[1] == [
            "21:48:22",
            "+2.3 s",
            "it fetched a boot program",
            "snponly.efi",
            "262 kB, 328 kB/s, 3 sent again",
        ]
        assert ["21:48:51", "+31.6 s", "silence", "", "6 min 40 s"] in rows

    async def test_a_boot_that_goes_on_says_how_far_it_is(self, site: Api) -> None:
        page = await opened(site, f"/machines/{BOOTING}")
        assert "5 of 6: files, 81% · eve-17.3.0/rootfs.img" in page.root.one("div", id="head").text

    async def test_a_file_on_its_way_is_among_the_steps(self, site: Api) -> None:
        site.emit(
            TransferMoved(mac=str(BOOTING), file="eve-17.3.0/config.img", via="http", sent=25, size=100, seconds=5.0)
        )
        page = await opened(site, f"/machines/{BOOTING}")
        lanes = [each.text for each in page.root.all("p", class_="lane")]
        assert lanes[-1] == "file eve-17.3.0/config.img 25 bytes of 100 bytes , 5 bytes/s"
        (row,) = (await opened(site, f"/?q={BOOTING}")).root.all("tr", class_="row")
        assert row.one("td", class_="c-stage").text == "file 25% of eve-17.3.0/config.img"

    async def test_the_cause_comes_first_with_what_to_do_and_what_tells_so(self, site: Api) -> None:
        page = await opened(site, f"/machines/{STUCK}")
        (found,) = site.services().diagnosed(STUCK)
        panel = page.root.one("div", id="trouble").one("section", class_="alarm")
        assert panel.one("h2").text.lower() == found.sentence.lower()
        assert panel.one("p", class_="advice").text.startswith(sentence(found.advice)[:40])
        assert [each.text for each in panel.all("code")] == found.advice.split("`")[1::2]
        assert [each.text for each in panel.all("li")] == [" ".join(each.split()) for each in found.evidence]

    async def test_a_boot_that_went_well_has_no_cause(self, site: Api) -> None:
        page = await opened(site, f"/machines/{FIVE}")
        assert page.root.one("div", id="trouble").text == ""

    async def test_trouble_in_a_step_is_said_in_words_too(self, site: Api) -> None:
        page = await opened(site, f"/machines/{STUCK}")
        (row,) = page.root.all("tr", class_="bad")
        assert "trouble: it fetched a file" in row.text
        assert "the client stalled" in row.text

    async def test_nothing_a_machine_says_becomes_markup(self, site: Api) -> None:
        page = await opened(site, f"/machines/{HOSTILE}")
        assert NASTY in page.root.one("div", class_="chart").text or NASTY[-20:] in page.text
        assert NASTY in page.root.one("dl").text
        assert page.root.all("img") == []
        assert len(page.root.all("script")) == 1

    async def test_a_card_that_two_records_claim_has_a_page_that_leads_to_each(self, site: Api) -> None:
        page = await opened(site, f"/machines/{TWINS}")
        assert page.status == 200
        links = [each.attrs["href"] for each in page.root.one("div", id="trouble").all("a")]
        assert links == ["/machines/id-1", f"/machines/mac-{TWINS.hexraw}"]
        for link in links:
            assert (await opened(site, link)).status == 200

    async def test_and_the_page_of_each_leads_to_the_other(self, site: Api) -> None:
        page = await opened(site, "/machines/id-1")
        links = [each.attrs["href"] for each in page.root.one("div", id="trouble").all("a")]
        assert links == [f"/machines/mac-{TWINS.hexraw}"]

    async def test_that_two_claim_one_identity_is_said_once_with_all_that_tells_so(self, api: Api) -> None:
        rivals(api)
        api.lives(ScriptServed(mac=str(TWINS), ip="192.0.2.9", script="ipxe.cfg"))
        shared = Diagnosis(Cause.SHARED_IDENTITY, "one identity", "forget one", ("seen from two places",), NOW)
        api.diagnoses = (shared, replace(shared, cause=Cause.NO_ADDRESS, sentence="gets no address"))
        page = await opened(api, f"/machines/{TWINS}")
        one, other = page.root.one("div", id="trouble").all("section", class_="alarm")
        assert "seen from two places" in one.text
        assert other.one("h2").text == "Gets no address"
        assert "more" not in other.text

    async def test_a_machine_nobody_knows_is_not_found_on_a_page(self, site: Api) -> None:
        page = await opened(site, f"/machines/{Mac.parse('52:54:00:ff:ff:ff')}")
        assert page.status == 404
        assert "neither listed nor has it been seen" in page.root.one("main").text

    async def test_one_that_was_never_seen_says_how_to_boot_it(self, api: Api) -> None:
        page = await opened(api, "/machines/node-1")
        assert "It has not been seen booting" in page.text


class TestItsScript:
    async def test_it_is_what_the_daemon_would_send_with_the_origin_of_each_argument(self, site: Api) -> None:
        page = await opened(site, f"/machines/{FIVE}")
        now, later = page.root.one("section", class_="scripts").all("details")
        assert "Now: local" in now.text
        assert "#!ipxe" in later.one("pre").text
        rows = [[row.one("th").text, *(cell.text for cell in row.all("td"))] for row in later.one("tbody").all("tr")]
        assert ["eve_soft_serial", "NODE-0001", "machine machines.yaml:1"] in rows

    async def test_no_secret_is_on_the_page_and_the_token_is_a_word(self, api: Api) -> None:
        settings = args("machine m.yaml:1", root_password="hunter2-hunter2", url="http://me:hunter3@x.example/y")
        own = replace(machine("rescue", "node-1", EDGE), args=settings)
        api.fleet = Snapshot([linux("rescue", boots=ALWAYS)], [own])
        page = await opened(api, f"/machines/{EDGE}")
        assert "root_password=(not shown)" in page.root.one("pre").text
        assert "hunter" not in page.text
        assert "url=http://(not shown)@x.example/y" in page.root.one("pre").text

    async def test_nor_where_it_cannot_be_used(self, api: Api) -> None:
        own = replace(machine("rescue", "node-1", EDGE), args=args("machine m.yaml:1", root_password="hunter2 ${x}"))
        api.fleet = Snapshot([linux("rescue", boots=ALWAYS)], [own])
        page = await opened(api, f"/machines/{EDGE}")
        assert page.root.one("section", class_="scripts").all("p", class_="bad")
        assert "hunter" not in page.text


class TestButtons:
    async def test_install_asks_first_and_then_arms(self, api: Api) -> None:
        page = await opened(api, f"/machines/{EDGE}")
        target = page.root.one("a", class_="wipes").attrs["href"]
        asked = await opened(api, target)
        assert "This wipes its disk" in asked.text
        assert api.ledger.entries() == ()
        done = await sent(api, asked, target)
        assert (done.status, done.headers["Location"]) == (303, f"/machines/{EDGE}?done=armed")
        entry = api.ledger.entry(EDGE)
        assert entry is not None
        assert (entry.stage, entry.by) == (Stage.ARMED, "the admin page")
        assert "It is armed" in (await opened(api, done.headers["Location"])).text
        await api.ledger.disarm(EDGE, "ada", 2.0)
        assert "It is armed" not in (await opened(api, done.headers["Location"])).text

    async def test_its_own_disk(self, api: Api) -> None:
        await api.ledger.arm(EDGE, "ada", 1.0)
        page = await opened(api, f"/machines/{EDGE}")
        assert (await sent(api, page, f"/machines/{EDGE}/local")).status == 303
        assert api.ledger.stage(EDGE) is Stage.DISARMED

    async def test_approve_is_for_who_was_only_seen(self, api: Api) -> None:
        record = api.saw(STRANGER)
        page = await opened(api, f"/machines/{STRANGER}")
        assert "Nobody has said that this machine is yours" in page.text
        done = await sent(api, page, f"/machines/{record.id}/approve")
        assert done.headers["Location"] == f"/machines/{record.id}?done=approved"
        assert "Approve" not in [each.text for each in (await opened(api, f"/machines/{record.id}")).root.all("button")]

    async def test_forget_asks_first(self, api: Api) -> None:
        record = api.saw(STRANGER)
        asked = await opened(api, f"/machines/{record.id}/forget")
        assert api.records.get(record.id)
        done = await sent(api, asked, f"/machines/{record.id}/forget")
        assert (done.status, done.headers["Location"]) == (303, "/")
        assert api.records.get(record.id) is None

    async def test_what_boots_always_has_nothing_to_install(self, api: Api) -> None:
        page = await opened(api, "/machines/node-2")
        assert page.root.all("a", class_="wipes") == []
        assert page.root.all("form", method="post") == []

    async def test_what_cannot_be_done_is_said_on_a_page(self, api: Api) -> None:
        asked = await opened(api, f"/machines/{EDGE}/install")
        api.fleet = Snapshot([], [])
        done = await posted(api, f"/machines/{EDGE}/install", filled(asked, f"/machines/{EDGE}/install"))
        assert done.status == 409
        assert "has no profile" in done.root.one("main").text

    async def test_who_did_it_from_elsewhere_is_told_by_the_address(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api.token = "cJ7mWu2qZf6dHs3cYr9nVt4pKx"
        monkeypatch.setattr("aiohttp.web.Request.remote", "192.0.2.9")
        said = f"Bearer {api.token}"
        asked = await opened(api, f"/machines/{EDGE}/install", Authorization=said)
        await sent(api, asked, f"/machines/{EDGE}/install", Authorization=said)
        entry = api.ledger.entry(EDGE)
        assert entry is not None
        assert entry.by == "the admin page from 192.0.2.9"


@pytest.mark.parametrize("word", ["approve", "install", "local", "forget"])
class TestForgery:
    """A page elsewhere sends a form here, by the browser of somebody who may do it."""

    async def refused(self, api: Api, word: str, said: dict[str, str], status: int = 403, **headers: str) -> None:
        api.saw(STRANGER)
        before = api.records.all()
        page = await posted(api, f"/machines/{EDGE}/{word}", said, **headers)
        assert page.status == status
        assert (api.records.all(), api.ledger.entries()) == (before, ())

    async def test_without_the_token_of_our_page(self, api: Api, word: str) -> None:
        await self.refused(api, word, {})
        await self.refused(api, word, {"csrf": "0" * 64})

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "http://localhost:1", "http://[", "https://x@localhost"]
    )
    async def test_from_another_site_even_with_it(self, api: Api, word: str, origin: str) -> None:
        asked = await opened(api, f"/machines/{EDGE}/install")
        await self.refused(api, word, filled(asked, f"/machines/{EDGE}/install"), Origin=origin)

    @pytest.mark.parametrize("place", ["cross-site", "same-site", "none"])
    async def test_where_the_browser_says_that_it_is_not_our_page(self, api: Api, word: str, place: str) -> None:
        asked = await opened(api, f"/machines/{EDGE}/install")
        await self.refused(api, word, filled(asked, f"/machines/{EDGE}/install"), Sec_Fetch_Site=place)

    async def test_with_the_token_of_the_form_to_log_in(self, api: Api, word: str) -> None:
        """Anybody can read that form, and must not get more by it."""
        login = await opened(api, "/login", X_Forwarded_For="192.0.2.9")
        await self.refused(api, word, filled(login, "/login"))

    @pytest.mark.parametrize("type_", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""])
    async def test_as_something_else_than_a_form(self, api: Api, word: str, type_: str) -> None:
        asked = await opened(api, f"/machines/{EDGE}/install")
        await self.refused(api, word, filled(asked, f"/machines/{EDGE}/install"), status=415, Content_Type=type_)

    async def test_in_letters_nobody_has_heard_of(self, api: Api, word: str) -> None:
        await self.refused(
            api, word, {"csrf": "x"}, status=400, Content_Type="application/x-www-form-urlencoded; charset=nonsense"
        )

    async def test_by_a_name_that_is_not_ours(self, api: Api, word: str) -> None:
        asked = await opened(api, f"/machines/{EDGE}/install")
        said = filled(asked, f"/machines/{EDGE}/install")
        await self.refused(api, word, said, status=421, Host="evil.example", Origin="http://evil.example")
