"""Looking at machines: who there is, where each stands, filters and pages, boots, and tables to take away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.boot.plan import LocalMethod
from netbootd.fleet.happening import Happening
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Reached, Record
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import TransferMoved
from netbootd.wire.mac import Mac
from tests.support.fleet import BARE, EDGE, FLEET, RESCUE, SECOND_CARD, STRANGER, Api, by_rule, problem, serving
from tests.support.worlds import args, machine


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


class TestLooking:
    async def test_all_machines_are_those_of_the_files_and_those_with_a_record(self, api: Api) -> None:
        await api.ledger.arm(STRANGER, "x", 1.0)
        reply = await api.get()
        assert reply.status == 200
        assert [(m["mac"], m["name"], m["profile"], m["boots"], m["stage"], m["waiting"]) for m in reply.body] == [
            (str(EDGE), "node-1", "lab-eve", "once", None, True),
            (str(RESCUE), "node-2", "rescue", "always", None, False),
            (str(BARE), "node-3", None, None, None, False),
            (str(STRANGER), None, None, None, "armed", False),
        ]

    async def test_a_machine_is_found_by_any_of_its_cards_in_any_spelling(self, api: Api) -> None:
        found = [(await api.get(f"/{text}")).body for text in (EDGE, EDGE.hexhyp, SECOND_CARD.hexraw)]
        assert found[0] == found[1] == found[2]
        assert found[0]["macs"] == [str(EDGE), str(SECOND_CARD)]

    async def test_it_says_since_when_by_whom_and_what_it_would_get_now(self, api: Api) -> None:
        await api.ledger.arm(EDGE, "ada", 1700000000.0)
        await api.ledger.handed(EDGE, "192.0.2.7", "artifacts/x", 1.0)
        reply = (await api.get(f"/{EDGE}")).body
        assert (reply["since"], reply["by"]) == ("2023-11-14T22:13:20+00:00", "ada")
        assert (reply["netboot"], reply["why"], reply["fetching"]) == (True, "armed", True)

    async def test_while_nothing_can_be_recorded_an_armed_machine_waits(self, api: Api) -> None:
        await api.ledger.arm(EDGE, "ada", 1.0)
        api.journal.durable = False
        reply = (await api.get(f"/{EDGE}")).body
        assert (reply["stage"], reply["netboot"], reply["waiting"]) == ("armed", False, True)

    @pytest.mark.parametrize(
        ("path", "words"),
        [(f"/{STRANGER}", "neither listed"), ("/node-9", "is not a hardware address, and no machine's id or name")],
    )
    async def test_a_machine_nobody_knows_is_not_found(self, api: Api, path: str, words: str) -> None:
        reply = await api.get(path)
        assert reply.status == 404
        assert words in problem(reply)

    async def test_the_files_may_change_meanwhile(self, api: Api) -> None:
        api.fleet = by_rule(Rule((), "lab-eve"))
        assert (await api.get(f"/{BARE}")).body["profile"] == "lab-eve"

    async def test_a_machine_on_record_says_what_it_said_and_by_whom_the_rest(self, api: Api) -> None:
        api.saw(STRANGER, serial="SN-7", manufacturer="Acme", product="Box 3", buildarch="x86_64", version="1.21.1")
        shown = (await api.get(f"/{STRANGER}")).body
        assert (shown["id"], shown["state"], shown["name"]) == (f"mac-{STRANGER.hexraw}", "discovered", None)
        assert [shown[key] for key in ("serial", "manufacturer", "product", "arch", "ipxe", "addresses")] == [
            "SN-7",
            "Acme",
            "Box 3",
            "x86_64",
            "1.21.1",
            ["192.0.2.50"],
        ]
        assert shown["first_seen"] == shown["last_seen"] == "2023-11-14T22:13:20+00:00"
        assert shown["origins"] == {"serial": {"origin": "seen", "where": ""}}
        assert (await api.get(f"/{shown['id']}")).body == shown

    async def test_how_its_installation_ended_is_told_as_soon_as_its_state_is(self, api: Api) -> None:
        """Both are made of what was seen, before anybody has looked and written it down; the two never differ."""
        api.saw(EDGE)
        await api.ledger.arm(EDGE, "ada", api.now)
        for stage in (Reached.SCRIPT, Reached.PAYLOAD):
            api.attempts.happened(Happening(stage, api.now, EDGE))
        api.ledger.given(EDGE, "sent", api.now)
        before = (await api.get(f"/{EDGE}")).body
        api.now += 300
        api.attempts.happened(Happening(Reached.SYSTEM, api.now, EDGE))
        after = (await api.get(f"/{EDGE}")).body
        assert (before["state"], before["ended"]) == ("installing", None)
        assert (after["state"], after["confidence"]) == ("installed", "likely")
        ended = {"done": True, "at": "2023-11-14T22:18:20+00:00", "signal": "plain_dhcp", "detail": ""}
        assert after["ended"] == ended

    async def test_a_file_s_machine_and_its_record_are_one(self, api: Api) -> None:
        api.saw(SECOND_CARD, serial="SN-1")
        (edge, *others) = (await api.get()).body
        assert (edge["name"], edge["serial"], edge["macs"]) == ("node-1", "SN-1", [str(EDGE), str(SECOND_CARD)])
        assert [each["name"] for each in others] == ["node-2", "node-3"]

    async def test_no_secret_of_a_machine_is_shown(self, api: Api) -> None:
        secret = "Zq2uWm7xKp4tVn9rYc3sHd6f"
        own = args("machines.yaml:1", root_password=secret, repo=f"http://me:{secret}@example.net/x", console="ttyS0")
        api.fleet = Snapshot(FLEET.profiles.values(), [replace(FLEET.machines[0], args=own, secret=secret)])
        text = f"{(await api.get()).body}{(await api.ask('GET', '/api/v1/profiles')).body}"
        assert secret not in text
        assert "(not shown)" in text
        assert "ttyS0" in text


class TestReloading:
    """A machine that was made by the API comes into a file, and goes out of it again."""

    @staticmethod
    def listed(api: Api, **more: object) -> None:
        own = replace(machine("lab-eve", "file-9", STRANGER, origin="machines.yaml:7"), **more)  # type: ignore[arg-type]
        api.fleet = Snapshot(FLEET.profiles.values(), [*FLEET.machines, own])

    @pytest.fixture
    async def made(self, api: Api) -> Api:
        said = {"name": "edge-9", "profile": "rescue", "local": "exit", "args": {"quiet": True}, "by": "ada"}
        assert (await api.change("POST", "/machines", mac=str(STRANGER), **said)).status == 201
        return api

    async def test_each_value_says_where_it_comes_from_now(self, made: Api) -> None:
        before = (await made.get(f"/{STRANGER}")).body
        self.listed(made, local=LocalMethod.POWEROFF, args=args("machine file-9", console="ttyS0"))
        during = (await made.get(f"/{STRANGER}")).body
        made.fleet = FLEET
        after = (await made.get(f"/{STRANGER}")).body
        keys = ("name", "profile", "local", "approved")
        assert [before[key] for key in keys] == ["edge-9", "rescue", "exit", "ada"]
        assert [during[key] for key in keys] == ["file-9", "lab-eve", "poweroff", "machines.yaml:7"]
        assert {during["origins"][key]["origin"] for key in keys} == {"file"}
        assert [(each["key"], each["origin"]) for each in during["args"]] == [("quiet", "api"), ("console", "file")]
        assert {before["origins"][key]["origin"] for key in keys} == {"api"}
        assert after == before, "what the API set was kept meanwhile"
        assert len((await made.get()).body) == 4

    async def test_what_a_file_leaves_open_stays_as_it_was_set(self, made: Api) -> None:
        self.listed(made, profile=None)
        shown = (await made.get("/file-9")).body
        assert (shown["profile"], shown["local"]) == ("rescue", "exit")
        assert [shown["origins"][key]["origin"] for key in ("name", "profile", "local")] == ["file", "api", "api"]

    async def test_it_stays_armed_and_is_armed_once(self, made: Api) -> None:
        await made.change("PATCH", "/machines/edge-9", profile="lab-eve")
        await made.post("/edge-9/install", '{"by": "ada"}')
        armed = made.ledger.entry(STRANGER)
        other = Mac.parse("52:54:00:00:00:0a")
        for macs in ((STRANGER,), (other, STRANGER)):
            self.listed(made, macs=macs)
            shown = (await made.get("/file-9")).body
            assert (shown["state"], shown["netboot"], shown["by"]) == ("armed", True, "ada")
        made.ledger.given(other, "sent", 2.0)
        made.fleet = FLEET
        assert armed
        entry = made.ledger.entry(STRANGER)
        assert entry
        assert (entry.stage, entry.generation) == (Stage.GIVEN, armed.generation)


class TestFinding:
    @pytest.fixture
    async def fleet(self, api: Api) -> Api:
        api.saw(STRANGER, ip="192.0.2.77", serial="SN-7", manufacturer="Acme")
        await api.ledger.arm(EDGE, "x", 1.0)
        return api

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("state=armed", ["node-1"]),
            ("state=approved", ["node-2", "node-3"]),
            ("state=discovered", [None]),
            ("profile=rescue", ["node-2"]),
            ("profile=", ["node-3", None]),
            ("name=NODE-*", ["node-1", "node-2", "node-3"]),
            ("name=node-1", ["node-1"]),
            ("mac=52-54-00-00-00-02", ["node-1"]),
            ("mac=52:54", ["node-1", "node-2", "node-3", None]),
            ("q=acme", [None]),
            ("q=192.0.2.77", [None]),
            ("q=sn-7&state=armed", []),
            ("q=node&limit=2", ["node-1", "node-2"]),
            ("limit=2&offset=3", [None]),
        ],
    )
    async def test_those_that_all_of_it_is_true_of(self, fleet: Api, query: str, names: list[str | None]) -> None:
        assert [each["name"] for each in (await fleet.get(f"?{query}")).body] == names

    async def test_a_page_says_how_many_there_are_and_where_the_next_is(self, fleet: Api) -> None:
        first = await fleet.get("?limit=3&q=52:54")
        assert first.headers["X-Total-Count"] == "4"
        assert first.headers["Link"] == '</api/v1/machines?q=52%3A54&limit=3&offset=3>; rel="next"'
        last = await fleet.get("?limit=3&q=52:54&offset=3")
        assert (last.headers["X-Total-Count"], "Link" in last.headers, len(last.body)) == ("4", False, 1)

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("limit=0", "limit: "),
            ("limit=many", "limit: "),
            ("state=up", "state: "),
            ("colour=red", "colour is not a parameter of this"),
            ("q=a&q=b", "q is said twice"),
        ],
    )
    async def test_what_cannot_be_asked_is_refused(self, fleet: Api, query: str, words: str) -> None:
        reply = await fleet.get(f"?{query}")
        assert reply.status == 400
        assert words in problem(reply)

    async def test_packets_get_their_turn_while_a_large_fleet_is_looked_at(self, api: Api) -> None:
        for number in range(1000):
            api.records.learn(Record(f"r{number}", (Mac(number.to_bytes(6, "big")),), first_seen=1.0))
        turns = 0

        async def packets() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(packets())
        reply = await api.get("?limit=1")
        others.cancel()
        assert reply.headers["X-Total-Count"] == "1003"
        assert turns > 10


class TestBoots:
    async def test_the_latest_comes_first_with_its_stages_and_bytes(self, api: Api) -> None:
        api.saw(STRANGER)
        for at in (100.0, 1000.0):
            api.attempts.happened(Happening(Reached.FIRMWARE, at, STRANGER, detail="PXE"))
            api.attempts.happened(Happening(Reached.LOADER, at + 1, STRANGER, "192.0.2.50", 1234, "undionly.kpxe"))
        reply = await api.get(f"/{STRANGER}/boots")
        assert [(boot["started"], boot["outcome"], boot["bytes"]) for boot in reply.body] == [
            ("1970-01-01T00:16:40+00:00", "running", 1234),
            ("1970-01-01T00:01:40+00:00", "abandoned", 1234),
        ]
        assert [(step["stage"], step["detail"]) for step in reply.body[0]["steps"]] == [
            ("firmware", "PXE"),
            ("loader", "undionly.kpxe"),
        ]

    async def test_what_is_wrong_is_shown_with_the_machine_and_with_its_boot(self, api: Api) -> None:
        api.saw(STRANGER)
        for at in (100.0, 1000.0):
            api.attempts.happened(Happening(Reached.FIRMWARE, at, STRANGER, detail="PXE"))
        assert (await api.get(f"/{STRANGER}")).body["trouble"] is None
        api.diagnoses = (Diagnosis(Cause.OFFER_IGNORED, "it ignores the offer", "paste this", ("an offer",), 1000.0),)
        assert (await api.get(f"/{STRANGER}")).body["trouble"]["cause"] == "offer_ignored"
        latest, before = (await api.get(f"/{STRANGER}/boots")).body
        assert [each["sentence"] for each in latest["diagnoses"]] == ["it ignores the offer"]
        assert before["diagnoses"] == []

    async def test_how_far_it_is_and_what_it_fetches_now_is_shown_with_the_machine(self, api: Api) -> None:
        api.saw(STRANGER)
        first = (await api.get(f"/{STRANGER}")).body
        assert (first["last_stage"], first["progress"]) == (None, None)
        api.attempts.happened(Happening(Reached.FIRMWARE, 100.0, STRANGER, detail="PXE"))
        api.running(TransferMoved(mac=str(STRANGER), file="a", via="http", sent=50, size=100, seconds=2.0))
        shown = (await api.get(f"/{STRANGER}")).body
        assert (shown["last_stage"]["stage"], shown["last_stage"]["detail"]) == ("firmware", "PXE")
        assert {**shown["progress"], "quiet": 0} == {
            "file": "a",
            "via": "http",
            "sent": 50,
            "size": 100,
            "seconds": 2.0,
            "rate": 25.0,
            "quiet": 0,
        }

    async def test_a_machine_without_any_has_none(self, api: Api) -> None:
        assert (await api.get("/node-1/boots")).body == []
        assert (await api.get(f"/{STRANGER}/boots")).status == 404


class TestExport:
    async def test_as_csv_a_line_for_each_before_it_is_powered_on(self, api: Api) -> None:
        await api.change("POST", "/machines", mac=str(STRANGER), name="=x", soft_serial="E-1", profile="lab-eve")
        reply = await api.ask("GET", "/api/v1/export.csv?q=%3Dx")
        assert (reply.type, reply.headers["Content-Disposition"]) == (
            "text/csv; charset=utf-8",
            'attachment; filename="machines.csv"',
        )
        head, row, rest = reply.body.split("\r\n")
        assert head == "name,soft_serial,serial,uuid,mac,manufacturer,model,profile,release,state"
        assert row == f"'=x,E-1,,,{STRANGER},,,lab-eve,eve-13.3,approved"
        assert rest == ""

    async def test_a_template_of_the_profile_is_written_out_for_each_machine(self, api: Api) -> None:
        rows = (await api.ask("GET", "/api/v1/export.json?profile=lab-eve")).body
        assert [(row["name"], row["soft_serial"]) for row in rows] == [("node-1", EDGE.hexhyp)]
