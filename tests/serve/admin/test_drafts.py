"""What a request makes of a record: files and other machines have the last word on what is theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.plan import LocalMethod
from netbootd.chain.world import World
from netbootd.fleet.snapshot import Snapshot
from tests.support.fleet import EDGE, FLEET, STRANGER, Api, problem, serving
from tests.support.worlds import args

TAKEN = "the soft serial node-01 of node-3 (machines.yaml:1) already belongs to node-1 (machines.yaml:1)"

OWNER = "node-1 of machines.yaml:1"


class Claimed(Api):
    """SN-1 is what comes out for node-1."""

    def world(self) -> World:
        def rival(serial: str, facts: Facts, _machine: Machine | None) -> str:
            return OWNER if serial == "SN-1" and facts.mac != EDGE else ""

        return replace(super().world(), rival=rival)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mac": str(EDGE)}, f"{EDGE} belongs to node-1 of machines.yaml:1; change it there"),
        ({"mac": str(STRANGER), "name": "Node-2"}, "the name Node-2 belongs to the machine of machines.yaml"),
        ({"mac": str(STRANGER), "profile": "nothing"}, "no profile 'nothing'; there is lab-eve, rescue"),
        ({"mac": str(STRANGER), "name": "x"}, f"the name x of x ({STRANGER}) already belongs to X (52:54:00:00:00:0a)"),
        ({"mac": "52:54:00:00:00:0a"}, "the card 52:54:00:00:00:0a of 52:54:00:00:00:0a already belongs to X"),
        (
            {"mac": str(STRANGER), "soft_serial": "e-1"},
            f"the soft serial e-1 of {STRANGER} already belongs to X (52:54:00:00:00:0a)",
        ),
        ({"mac": str(STRANGER), "soft_serial": "E-[1-1]"}, "all 1 soft serials of E-[1-1] are in use"),
    ],
)
async def test_what_belongs_to_another_is_refused_with_its_owner(api: Api, said: object, words: str) -> None:
    await api.change("POST", "/machines", mac="52:54:00:00:00:0a", name="X", soft_serial="E-1")
    before = api.records.all()
    reply = await api.change("POST", "/machines", **dict(said))  # type: ignore[call-overload]
    assert reply.status == 409
    assert words in problem(reply)
    assert api.records.all() == before


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "needs a mac, or a uuid and a serial"),
        ({"mac": "52:54:00:00:00:0x"}, "is not a hardware address"),
        ({"mac": "ff:ff:ff:ff:ff:ff"}, "is not the address of a card"),
        ({"mac": str(STRANGER), "colour": "red"}, "colour is not a key of this"),
        ({"mac": str(STRANGER), "name": "a\nb"}, "name: cannot be used: it holds a control character"),
        ({"mac": str(STRANGER), "name": "${net0/mac}"}, "which iPXE would expand"),
        ({"mac": str(STRANGER), "args": {"a b": "c"}}, "is not a name a kernel argument can have"),
        ({"mac": str(STRANGER), "args": {"a": "b && shell"}}, "args.a: it holds a command separator"),
        ({"mac": str(STRANGER), "args": {"a": 1}}, "args.a"),
        ({"mac": str(STRANGER), "soft_serial": "a/b"}, "is no soft serial"),
        ({"mac": str(STRANGER), "soft_serial": "{{ machine.mac }}"}, "belongs into the settings"),
    ],
)
async def test_what_cannot_be_used_is_refused(api: Api, said: object, words: str) -> None:
    reply = await api.change("POST", "/machines", **dict(said))  # type: ignore[call-overload]
    assert reply.status == 400
    assert words in problem(reply)
    assert api.records.all() == ()


async def test_the_next_soft_serial_of_a_range_is_given_out(api: Api) -> None:
    cards = ("52:54:00:00:00:0a", "52:54:00:00:00:0b")
    made = [await api.change("POST", "/machines", mac=mac, soft_serial="NODE-[01-99]") for mac in cards]
    assert [each.body["soft_serial"] for each in made] == ["NODE-01", "NODE-02"]


async def test_a_soft_serial_and_an_argument_that_says_otherwise_are_refused(api: Api) -> None:
    said = {"mac": str(STRANGER), "soft_serial": "E-1", "args": {"eve_soft_serial": "E-2"}}
    reply = await api.change("POST", "/machines", **said)
    assert reply.status == 409
    assert "its soft serial is E-1, and its argument eve_soft_serial says E-2" in problem(reply)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"profile": "rescue"}, "its profile is 'lab-eve' in machines.yaml:1; change it there"),
        ({"name": "other"}, "its name is 'node-1' in machines.yaml:1; change it there"),
        ({"local": "poweroff"}, "its local is 'exit 1' in machines.yaml:1; change it there"),
        ({"args": {"console": "ttyS1"}}, "its argument console is set in machines.yaml:1; change it there"),
    ],
)
async def test_what_a_file_says_is_changed_there(api: Api, said: object, words: str) -> None:
    edge = replace(FLEET.machines[0], args=args("machines.yaml:1", console="ttyS0"), local=LocalMethod.EXIT_1)
    api.fleet = Snapshot(FLEET.profiles.values(), [edge, *FLEET.machines[1:]])
    reply = await api.change("PATCH", "/machines/node-1", **dict(said))  # type: ignore[call-overload]
    assert reply.status == 409
    assert words in problem(reply)
    assert api.records.all() == ()


async def test_a_soft_serial_of_a_file_is_its_own_and_nobody_else_gets_it(api: Api) -> None:
    edge = replace(FLEET.machines[0], args=args("machine node-1", eve_soft_serial="NODE-01"))
    api.fleet = Snapshot(FLEET.profiles.values(), [edge, *FLEET.machines[1:]])
    reply = await api.change("PATCH", "/machines/node-1", soft_serial="E-1")
    assert "its argument eve_soft_serial is set in machine node-1; change it there" in problem(reply)
    reply = await api.change("PATCH", "/machines/node-3", soft_serial="node-01")
    assert problem(reply) == TAKEN
    reply = await api.change("PATCH", "/machines/node-3", soft_serial="NODE-[01-09]")
    assert reply.body["soft_serial"] == "NODE-02"


@pytest.mark.parametrize("said", [{"soft_serial": "SN-1"}, {"args": {"eve_soft_serial": "SN-1"}}])
async def test_what_comes_out_for_another_is_nobody_else_s(said: dict[str, object]) -> None:
    """Of its arguments, or a template."""
    async with serving(Claimed()) as api:
        reply = await api.change("POST", "/machines", mac=str(STRANGER), **said)
        assert (reply.status, problem(reply)) == (409, f"the soft serial SN-1 of {STRANGER} already belongs to {OWNER}")
        reply = await api.change("PATCH", "/machines/node-3", **said)
        assert (reply.status, problem(reply)) == (
            409,
            f"the soft serial SN-1 of node-3 (machines.yaml:1) already belongs to {OWNER}",
        )
        assert (await api.change("PATCH", "/machines/node-1", **said)).status == 200


async def test_the_soft_serial_of_a_file_s_machine_is_changed_in_the_file(api: Api) -> None:
    edge = replace(FLEET.machines[0], soft_serial="NODE-01")
    api.fleet = Snapshot(FLEET.profiles.values(), [edge, *FLEET.machines[1:]])
    reply = await api.change("PATCH", "/machines/node-1", soft_serial="E-1")
    assert "its soft serial is 'NODE-01' in machines.yaml:1; change it there" in problem(reply)
    reply = await api.change("PATCH", "/machines/node-3", soft_serial="node-01")
    assert problem(reply) == TAKEN
