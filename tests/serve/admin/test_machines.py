"""The API of the fleet: who waits, and arming, which only somebody on the machine itself can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Condition, Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import MachineChanged
from tests.support.fleet import BARE, EDGE, FLEET, RESCUE, SECOND_CARD, STRANGER, Api, Reply, by_rule, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


def problem(reply: Reply) -> str:
    """Its detail; the form is the one of RFC 9457."""
    assert reply.type == "application/problem+json"
    assert set(reply.body) == {"type", "title", "status", "detail"}
    assert reply.body["status"] == reply.status
    return str(reply.body["detail"])


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
        replies = [await api.get(f"/{text}") for text in (EDGE, EDGE.hexhyp, SECOND_CARD.hexraw)]
        assert replies[0] == replies[1] == replies[2]
        assert replies[0].body["macs"] == [str(EDGE), str(SECOND_CARD)]

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

    @pytest.mark.parametrize(("path", "words"), [(f"/{STRANGER}", "neither listed"), ("/node-1", "not a hardware")])
    async def test_a_machine_nobody_knows_is_not_found(self, api: Api, path: str, words: str) -> None:
        reply = await api.get(path)
        assert reply.status == 404
        assert words in problem(reply)

    async def test_the_files_may_change_meanwhile(self, api: Api) -> None:
        api.fleet = by_rule(Rule((), "lab-eve"))
        assert (await api.get(f"/{BARE}")).body["profile"] == "lab-eve"


class TestArming:
    async def test_an_armed_machine_is_armed_on_disk_before_the_answer(self, api: Api) -> None:
        reply = await api.post(f"/{SECOND_CARD}/install", '{"by": "ada"}')
        assert (reply.status, reply.body["stage"], reply.body["by"]) == (200, "armed", "ada")
        assert api.journal.disk.entries[EDGE].stage is Stage.ARMED
        assert api.events == [MachineChanged(mac=str(SECOND_CARD), machine="node-1", change="armed", detail="by ada")]

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


class TestStrangers:
    """Web pages elsewhere, and machines elsewhere."""

    @pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    async def test_what_a_form_can_send_changes_nothing(self, api: Api, type_: str) -> None:
        reply = await api.post(f"/{EDGE}/install", "{}", Content_Type=type_)
        assert reply.status == 415
        assert "application/json" in problem(reply)
        assert api.ledger.entries() == ()

    async def test_a_script_elsewhere_gets_no_leave_to_send_more(self, api: Api) -> None:
        """The question a browser asks first is refused, so it never sends the request."""
        reply = await api.ask("OPTIONS", f"/api/v1/machines/{EDGE}/install", Origin="http://evil.example")
        assert reply.status == 405
        assert "POST" in problem(reply)

    async def test_a_name_that_is_not_ours_is_refused(self, api: Api) -> None:
        reader, writer = await asyncio.open_connection(*api.address)
        writer.write(b"POST /api/v1/machines/52:54:00:00:00:01/install HTTP/1.1\r\nHost: evil.example\r\n")
        writer.write(b"Content-Type: application/json\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 421")
        writer.close()
        assert api.ledger.entries() == ()

    async def test_another_machine_changes_nothing(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("aiohttp.web.Request.remote", "192.0.2.9")
        reply = await api.post(f"/{EDGE}/install")
        assert reply.status == 403
        assert "192.0.2.9" in problem(reply)
        assert (await api.get()).status == 200

    @pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1", None])
    async def test_this_one_does(self, api: Api, monkeypatch: pytest.MonkeyPatch, remote: str | None) -> None:
        monkeypatch.setattr("aiohttp.web.Request.remote", remote)
        assert (await api.post(f"/{EDGE}/install")).status == 200

    @pytest.mark.parametrize(
        "body", ["{", "[]", "1", '{"by": 1}', '{"by": ""}', '{"stage": "armed"}', '{"by": "x", "y": 1}']
    )
    async def test_a_body_that_says_something_else_is_refused(self, api: Api, body: str) -> None:
        reply = await api.post(f"/{EDGE}/install", body)
        assert reply.status == 400
        assert "body" in problem(reply)
        assert api.ledger.entries() == ()

    async def test_who_asks_is_shown_as_it_can_be_shown(self, api: Api) -> None:
        reply = await api.post(f"/{EDGE}/install", '{"by": "a\\nb"}')
        assert reply.body["by"] == "a?b"


async def test_what_is_not_there_is_a_problem_too(api: Api) -> None:
    reply = await api.ask("GET", "/api/v1/nothing")
    assert reply.status == 404
    assert "/api/v1/nothing" in problem(reply)


async def test_the_rest_of_the_site_answers_as_before(api: Api) -> None:
    reader, writer = await asyncio.open_connection(*api.address)
    writer.write(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"problem+json" not in await reader.read()
    writer.close()
