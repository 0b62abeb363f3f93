"""Changing machines: armed, left to their disks, made, changed, approved, forgotten; files have the last word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import LocalMethod
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.fleet.happening import Happening
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import DropRecord, PutRecord, Reached, Record
from netbootd.fleet.rules import Condition, Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import Change, MachineChanged
from tests.support.fleet import BARE, EDGE, FLEET, RESCUE, SECOND_CARD, STRANGER, Api, by_rule, problem, serving
from tests.support.worlds import SITE


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


class TestArming:
    async def test_an_armed_machine_is_armed_on_disk_before_the_answer(self, api: Api) -> None:
        reply = await api.post(f"/{SECOND_CARD}/install", '{"by": "ada"}')
        assert (reply.status, reply.body["stage"], reply.body["by"]) == (200, "armed", "ada")
        assert api.journal.disk.entries[EDGE].stage is Stage.ARMED
        assert api.events == [MachineChanged(mac=str(EDGE), machine="node-1", change=Change.ARMED, detail="by ada")]

    async def test_arming_twice_is_arming_once(self, api: Api) -> None:
        await api.post(f"/{EDGE}/install")
        reply = await api.post(f"/{EDGE}/install")
        assert (reply.status, reply.body["by"]) == (200, "the admin API")
        assert len(api.events) == 1

    async def test_a_given_machine_can_be_armed_again(self, api: Api) -> None:
        await api.post(f"/{EDGE}/install")
        api.ledger.given(EDGE, "x", 1.0)
        assert (await api.post(f"/{EDGE}/install")).body["stage"] == "armed"

    async def test_a_machine_left_to_its_disk_is_disarmed(self, api: Api) -> None:
        await api.post(f"/{EDGE}/install")
        reply = await api.post(f"/{EDGE}/local", "{}")
        assert (reply.status, reply.body["stage"]) == (200, "disarmed")
        assert api.journal.disk.entries[EDGE].stage is Stage.DISARMED
        assert [event.change for event in api.events if isinstance(event, MachineChanged)] == ["armed", "disarmed"]

    @pytest.mark.parametrize("change", ["install", "local"])
    @pytest.mark.parametrize(
        ("mac", "words"),
        [
            (RESCUE, "node-2 has the profile rescue, which boots always"),
            (BARE, "node-3 has no profile"),
            (STRANGER, f"{STRANGER} has no profile: no machine or rule names it"),
        ],
        ids=["boots always", "no profile", "unknown"],
    )
    async def test_where_arming_means_nothing_the_reason_is_said(
        self, api: Api, change: str, mac: object, words: str
    ) -> None:
        reply = await api.post(f"/{mac}/{change}")
        assert reply.status == 409
        assert words in problem(reply)
        assert api.ledger.entries() == ()

    async def test_one_whose_soft_serial_another_has_is_not_armed_for_what_it_would_not_get(self) -> None:
        class Claimed(Api):
            def world(self) -> World:
                return replace(super().world(), rival=lambda serial, _facts, _machine: f"node-9 of b.yaml:1 ({serial})")

        async with serving(Claimed()) as api:
            reply = await api.post(f"/{EDGE}/install")
            assert reply.status == 409
            assert problem(reply).startswith(
                f"node-1 is not armed: its soft serial {EDGE.hexhyp} already belongs to node-9"
            )
            assert api.ledger.entries() == ()

    async def test_a_machine_whose_rule_is_not_decided_yet_is_said_to_wait_for_that(self, api: Api) -> None:
        api.fleet = by_rule(Rule((Condition("manufacturer", "Acme*"),), "lab-eve"))
        assert "once its iPXE has said more" in problem(await api.post(f"/{STRANGER}/install"))
        api.facts = Facts(manufacturer="Acme Corp")
        assert (await api.post(f"/{STRANGER}/install")).status == 200

    async def test_a_machine_that_is_named_without_a_card_is_armed_by_the_one_it_has_shown(self, api: Api) -> None:
        edge = api.fleet.machine(EDGE)
        assert edge is not None
        api.fleet = Snapshot(api.fleet.profiles.values(), [replace(edge, macs=(), serial="SN-1")])
        assert "once its iPXE has said more" in problem(await api.post(f"/{STRANGER}/install"))
        api.facts = Facts(serial="SN-1")
        reply = await api.post(f"/{STRANGER}/install")
        assert (reply.status, reply.body["name"], reply.body["macs"]) == (200, "node-1", [str(STRANGER)])
        assert api.ledger.stage(STRANGER) is Stage.ARMED
        assert [(m["mac"], m["name"]) for m in (await api.get()).body] == [(str(STRANGER), "node-1")]

    async def test_one_that_only_its_own_url_makes_it_is_armed_as_any_and_its_secret_is_not_told(
        self, api: Api
    ) -> None:
        own = replace(FLEET.machines[0], secret="Zq2uWm7xKp4tVn9rYc3sHd6f", only_by_secret=True)
        api.fleet = Snapshot(FLEET.profiles.values(), [own])
        reply = await api.post(f"/{EDGE}/install")
        assert (reply.status, reply.body["name"], reply.body["netboot"]) == (200, "node-1", True)
        assert "Zq2uWm7xKp4tVn9rYc3sHd6f" not in f"{reply.body}{(await api.get()).body}{api.events}"

    async def test_one_that_was_armed_can_be_disarmed_whatever_the_files_say_now(self, api: Api) -> None:
        await api.ledger.arm(RESCUE, "x", 1.0)
        assert (await api.post(f"/{RESCUE}/local")).status == 200

    @pytest.mark.parametrize(("change", "stage"), [("install", None), ("local", Stage.DISARMED)])
    async def test_what_cannot_be_written_is_not_acknowledged(self, api: Api, change: str, stage: Stage | None) -> None:
        api.journal.broken = True
        reply = await api.post(f"/{EDGE}/{change}")
        assert reply.status == 503
        assert "the state cannot be written" in problem(reply)
        api.journal.durable = True
        assert api.ledger.stage(EDGE) is stage


class TestCreating:
    async def test_a_machine_is_made_before_it_is_seen_and_is_approved_by_that(self, api: Api) -> None:
        reply = await api.change(
            "POST", "/machines", mac=STRANGER.hexhyp, name="edge-9", profile="lab-eve", args={"quiet": True}, by="ada"
        )
        assert (reply.status, reply.headers["Location"]) == (201, "/api/v1/machines/id-1")
        made = reply.body
        assert (made["id"], made["mac"], made["name"], made["profile"]) == ("id-1", str(STRANGER), "edge-9", "lab-eve")
        assert (made["state"], made["approved"], made["waiting"], made["first_seen"]) == ("approved", "ada", True, None)
        assert made["args"] == [{"key": "quiet", "values": [], "origin": "api", "where": "ada"}]
        assert made["origins"]["profile"] == {"origin": "api", "where": "ada"}
        assert api.kept == [PutRecord(api.records.all()[0])]
        assert api.events == [
            MachineChanged(mac=str(STRANGER), machine="edge-9", change=Change.CREATED, detail="by ada")
        ]

    async def test_and_boots_by_what_was_set(self, api: Api) -> None:
        await api.change("POST", "/machines", mac=str(STRANGER), name="edge-9", profile="lab-eve", args={"a": "b"})
        await api.post("/edge-9/install")
        text = script(Facts(mac=STRANGER), api.world(), SITE).assignment
        assert text
        assert text.profile
        assert (text.profile.name, [each.key for each in text.args[-1]]) == ("lab-eve", ["a"])
        assert (await api.get("/edge-9")).body["state"] == "armed"

    async def test_a_board_will_do_where_no_card_is_known(self, api: Api) -> None:
        board = {"uuid": "4c4c4544-0044-4810-8031-b4c04f4d3332", "serial": "7XK2B32"}
        made = (await api.change("POST", "/machines", name="x", **board)).body
        assert (made["mac"], made["uuid"], made["serial"]) == (None, board["uuid"], "7XK2B32")
        reply = await api.post("/x/install")
        assert reply.status == 409
        assert "has shown no card yet" in problem(reply)

    async def test_what_showed_up_with_its_card_becomes_part_of_it(self, api: Api) -> None:
        api.saw(STRANGER, serial="SN-7")
        made = (await api.change("POST", "/machines", mac=str(STRANGER), name="x")).body
        assert (made["serial"], made["addresses"], len(api.records.all())) == ("SN-7", ["192.0.2.50"], 1)

    async def test_one_whose_profile_has_a_range_has_its_number_in_the_answer(self, api: Api) -> None:
        edge = replace(FLEET.profiles["lab-eve"], soft_serial="EDGE-[01-99]")
        api.fleet = Snapshot([edge, FLEET.profiles["rescue"]], FLEET.machines)
        made = await api.change("POST", "/machines", mac=str(STRANGER), profile="lab-eve")
        assert made.body["soft_serial"] == "EDGE-01"
        assert made.body["origins"]["soft_serial"] == {"origin": "file", "where": "profile lab-eve"}
        assert (await api.post("/node-1/install")).body["soft_serial"] == "EDGE-02"
        own = await api.change("PATCH", f"/machines/{STRANGER}", soft_serial="OWN-1", by="ada")
        assert (own.body["soft_serial"], own.body["origins"]["soft_serial"]["origin"]) == ("OWN-1", "api")
        back = await api.change("PATCH", f"/machines/{STRANGER}", soft_serial=None)
        assert back.body["soft_serial"] == "EDGE-03"

    async def test_what_is_not_on_disk_is_not_acknowledged(self, api: Api) -> None:
        api.keeps = False
        reply = await api.change("POST", "/machines", mac=str(STRANGER))
        assert reply.status == 503
        assert "a restart would undo that" in problem(reply)


class TestPatching:
    async def test_what_is_left_out_stays_and_null_takes_away(self, api: Api) -> None:
        await api.change("POST", "/machines", mac=str(STRANGER), name="x", profile="rescue", args={"a": "1", "b": "2"})
        reply = await api.change("PATCH", "/machines/x", profile=None, args={"a": None, "c": ["3", "4"]}, by="bob")
        assert (reply.status, reply.body["name"], reply.body["profile"]) == (200, "x", None)
        assert [(arg["key"], arg["values"], arg["where"]) for arg in reply.body["args"]] == [
            ("b", ["2"], "the admin API"),
            ("c", ["3", "4"], "bob"),
        ]
        assert api.events[-1] == MachineChanged(
            mac=str(STRANGER), machine="x", change=Change.CHANGED, detail="by bob: args, profile"
        )

    async def test_what_a_file_leaves_open_is_set_beside_it(self, api: Api) -> None:
        reply = await api.change("PATCH", "/machines/node-3", profile="lab-eve", soft_serial="E-7", by="ada")
        assert (reply.status, reply.body["name"], reply.body["profile"]) == (200, "node-3", "lab-eve")
        assert reply.body["origins"]["profile"] == {"origin": "api", "where": "ada"}
        assert reply.body["origins"]["name"]["origin"] == "file"
        assert (await api.post("/node-3/install")).body["stage"] == "armed"

    @pytest.mark.parametrize("method", LocalMethod)
    async def test_how_a_machine_is_left_to_its_own_disk_is_set_for_it(self, api: Api, method: LocalMethod) -> None:
        made = await api.change("POST", "/machines", mac=str(STRANGER), profile="lab-eve", local="exit", by="ada")
        assert (made.status, made.body["local"]) == (201, "exit")
        assert made.body["origins"]["local"] == {"origin": "api", "where": "ada"}
        for which in (f"/machines/{STRANGER}", "/machines/node-1"):
            set_ = (await api.change("PATCH", which, local=method.value, by="ada")).body
            assert (set_["local"], set_["origins"]["local"]["origin"]) == (method.value, "api")
        facts = [Facts(mac=mac) for mac in (STRANGER, EDGE)]
        assert {api.world().assignment(each).local for each in facts} == {method}
        back = (await api.change("PATCH", f"/machines/{STRANGER}", local=None)).body
        assert (back["local"], "local" in back["origins"]) == ("silent", False), "as its profile says"

    async def test_no_other_way_to_the_disk_is_made_up(self, api: Api) -> None:
        reply = await api.change("PATCH", "/machines/node-1", local="exit 2")
        assert reply.status == 400
        assert "local: " in problem(reply)

    async def test_a_change_that_changes_nothing_is_none(self, api: Api) -> None:
        assert (await api.change("PATCH", "/machines/node-1")).status == 200
        assert (api.kept, api.events, api.records.all()) == ([], [], ())

    async def test_nobody_is_changed_who_is_not_known(self, api: Api) -> None:
        assert (await api.change("PATCH", f"/machines/{STRANGER}", name="x")).status == 404


class TestApproving:
    async def test_who_showed_up_is_approved(self, api: Api) -> None:
        api.saw(STRANGER)
        assert (await api.get(f"/{STRANGER}")).body["state"] == "discovered"
        reply = await api.post(f"/{STRANGER}/approve", '{"by": "ada"}')
        assert (reply.body["state"], reply.body["approved"]) == ("approved", "ada")
        await api.post(f"/{STRANGER}/approve", '{"by": "bob"}')
        assert (await api.get(f"/{STRANGER}")).body["approved"] == "ada"
        assert len(api.events) == 1

    async def test_a_file_approves_by_listing(self, api: Api) -> None:
        assert (await api.post(f"/{EDGE}/approve")).body["approved"] == "machines.yaml:1"
        assert api.kept == []

    async def test_nobody_is_approved_who_was_not_seen(self, api: Api) -> None:
        assert (await api.post(f"/{STRANGER}/approve")).status == 404


class TestForgetting:
    async def test_it_is_as_if_it_had_never_been_there(self, api: Api) -> None:
        id = api.saw(STRANGER).id
        api.attempts.happened(Happening(Reached.FIRMWARE, 1.0, STRANGER))
        reply = await api.change("DELETE", f"/machines/{id}", by="ada")
        assert (reply.status, reply.body) == (204, "")
        assert (api.records.all(), len(api.attempts), api.kept) == ((), 0, [DropRecord(id)])
        assert (await api.get(f"/{STRANGER}")).status == 404

    async def test_what_it_was_armed_for_ends(self, api: Api) -> None:
        await api.change("POST", "/machines", mac=str(STRANGER), name="x", profile="lab-eve")
        await api.post("/x/install")
        assert (await api.change("DELETE", "/machines/x")).status == 204
        assert api.ledger.stage(STRANGER) is Stage.DISARMED
        assert str(STRANGER) not in str((await api.get()).body)

    async def test_what_a_file_lists_is_taken_away_there(self, api: Api) -> None:
        reply = await api.change("DELETE", "/machines/node-1")
        assert reply.status == 409
        assert "is listed in machines.yaml:1" in problem(reply)

    async def test_its_record_may_be_forgotten_all_the_same(self, api: Api) -> None:
        await api.change("PATCH", "/machines/node-3", profile="lab-eve")
        await api.post("/node-3/install")
        assert (await api.change("DELETE", "/machines/node-3")).status == 204
        assert api.records.all() == ()
        assert (await api.get("/node-3")).body["profile"] is None

    @pytest.mark.parametrize(("done", "left"), [(True, "installed"), (False, "local")])
    async def test_that_it_was_installed_stays_known_and_what_failed_does_not_pass_for_it(
        self, api: Api, done: bool, left: str
    ) -> None:
        api.saw(EDGE)
        await api.post("/node-1/install")
        entry = api.ledger.entry(EDGE)
        assert entry
        api.ledger.given(EDGE, "x", api.now)
        assert api.lives.told(EDGE, entry.generation, done)
        assert (await api.change("DELETE", "/machines/node-1")).status == 204
        assert (await api.get("/node-1")).body["state"] == left


async def test_of_two_records_that_claim_one_machine_none_is_guessed(api: Api) -> None:
    for name, mac in (("x", STRANGER), ("y", BARE)):
        api.records.learn(Record(name, (mac,), name=name, origin="ada"))
    api.records.learn(Record("z", (STRANGER,), name="z", origin="ada"))
    reply = await api.post(f"/{STRANGER}/approve")
    assert reply.status == 409
    assert "x, z claim it; ask for one by its id" in problem(reply)
    assert "is claimed by x and z" in (await api.get("/x")).body["conflict"]
