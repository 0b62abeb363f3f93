"""``netbootd machines``, against a real admin site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.net.tcp import bind_tcp
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.wire.mac import Mac
from tests.support.cli import Ran, netbootd
from tests.support.fleet import BARE, EDGE, RESCUE, SECOND_CARD, STRANGER, Api, serving


def settings(directory: Path, address: tuple[str, int]) -> Path:
    path = directory / "netbootd.yaml"
    host = f'"[{address[0]}]:{address[1]}"' if ":" in address[0] else f"{address[0]}:{address[1]}"
    path.write_text(f"admin: {{listen: {host}}}\n")
    return path


@dataclass
class Fleet:
    """The site, and the command beside it."""

    api: Api
    config: Path

    async def run(self, *arguments: object) -> Ran:
        return await asyncio.to_thread(netbootd, "machines", *arguments, "-c", self.config)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with serving(Api()) as api:
        yield Fleet(api, settings(tmp_path, api.address))


async def test_the_list_fits_80_columns_and_says_what_each_machine_does_next(fleet: Fleet) -> None:
    await fleet.api.ledger.arm(STRANGER, "x", 1.0)
    ran = await fleet.run("list")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "NAME    MAC                PROFILE  STATE     NEXT BOOT          ",
        "node-1  52:54:00:00:00:01  lab-eve  approved  own disk, not armed",
        "node-2  52:54:00:00:00:03  rescue   approved  the profile, always",
        "node-3  52:54:00:00:00:04  -        approved  as unknown machines",
        "-       52:54:00:00:00:05  -        armed     as unknown machines",
        "",
        f"1 waits to be armed: netbootd machines install -c {fleet.config} MACHINE",
    ]
    assert await fleet.run() == ran


@pytest.mark.parametrize(
    ("life", "words"),
    [("armed", "installs"), ("fetching", "installs, is fetching now"), ("given", "own disk, was given its payload")],
)
async def test_the_list_follows_a_machine_through_its_life(fleet: Fleet, life: str, words: str) -> None:
    ledger = fleet.api.ledger
    await ledger.arm(EDGE, "x", 1.0)
    if life != "armed":
        await ledger.handed(EDGE, "192.0.2.7", "artifacts/x", 1.0)
    if life == "given":
        ledger.given(EDGE, "x", 1.0)
    assert (
        next(line for line in (await fleet.run()).out.splitlines() if "node-1" in line).rstrip().endswith(f"  {words}")
    )


async def test_a_machine_that_is_held_back_says_where_to_look(fleet: Fleet) -> None:
    await fleet.api.ledger.arm(EDGE, "x", 1.0)
    fleet.api.journal.durable = False
    assert "held back, see the log" in (await fleet.run()).out


async def test_long_names_wrap_and_addresses_do_not(fleet: Fleet) -> None:
    machines = fleet.api.fleet.machines
    long = type(machines[0])(machines[0].macs, "a-very-long-name-" * 4, "lab-eve", origin="x")
    fleet.api.fleet = Snapshot(fleet.api.fleet.profiles.values(), [long])
    lines = (await fleet.run()).out.splitlines()
    assert max(len(line) for line in lines if "netbootd" not in line) <= 80
    assert sum(str(EDGE) in line for line in lines) == 1


async def test_who_was_installed_waits_for_nothing_and_who_failed_is_to_be_looked_at(fleet: Fleet) -> None:
    """Advice to arm them would wipe what has just been installed."""
    api = fleet.api
    api.saw(EDGE)
    await api.ledger.arm(EDGE, "x", 1.0)
    entry = api.ledger.entry(EDGE)
    assert entry
    api.ledger.given(EDGE, "x", 1.0)
    assert "wait" not in (await fleet.run()).out
    assert api.lives.told(EDGE, entry.generation, False, "no disk")
    assert (await fleet.run()).out.endswith(f"\n\n1 failed: netbootd machines show -c {fleet.config} MACHINE\n")


async def test_what_is_wrong_with_a_machine_is_shown_with_what_to_do(fleet: Fleet) -> None:
    do = "netbootd machines local"
    fleet.api.diagnoses = (Diagnosis(Cause.INSTALLER_FAILED, "says that it failed", do, (), 1.0),)
    out = (await fleet.run("show", "node-1")).out
    assert f"  trouble      says that it failed\n  what to do   {do} -c {fleet.config}\n" in out
    out = (await fleet.run()).out
    assert f"\nin trouble: node-1, node-2, node-3; what to do: netbootd explain -c {fleet.config} MACHINE\n" in out


async def test_strangers_in_trouble_are_named_behind_machines_that_somebody_knows(fleet: Fleet) -> None:
    """A flood of made-up cards must not hide them."""
    fleet.api.diagnoses = (Diagnosis(Cause.NO_ADDRESS, "gets no address", "look", (), 1.0),)
    for card in (STRANGER, Mac.parse("02:00:00:00:00:09")):
        fleet.api.saw(card)
    assert "in trouble: node-1, node-2, node-3 and 2 more" in (await fleet.run()).out


async def test_of_two_records_that_claim_one_card_each_is_told_by_its_id(fleet: Fleet) -> None:
    """Or nobody could settle it from here."""
    old, new = (Record(id, (EDGE,), serial=id.upper(), origin="ada", name=id) for id in ("old-1", "new-1"))
    fleet.api.records.learn(old)
    fleet.api.records.learn(new)
    assert "in conflict" in (await fleet.run()).out
    assert "OLD-1" not in (await fleet.run("show", "node-1")).out
    assert "OLD-1  (seen)\n  approved     machines.yaml:1\n" in (shown := (await fleet.run("show", old.id)).out)
    assert f"  id           {old.id}\n" in shown
    assert (await fleet.run("forget", "node-1")).complaint.endswith("ask for one by its id")
    assert (await fleet.run("forget", old.id)).code == 0
    assert fleet.api.records.all() == (new,)
    assert "conflict" not in (await fleet.run("show", "node-1")).out


async def test_one_of_two_that_claim_one_card_is_found_by_its_name(fleet: Fleet) -> None:
    for id, name in (("r1", "edge-8"), ("r2", "edge-9")):
        fleet.api.records.learn(Record(id, (STRANGER,), serial=id.upper(), origin="ada", name=name))
    shown = (await fleet.run("show", "edge-9")).out
    assert shown.startswith(f"edge-9 ({STRANGER})\n")
    assert "  serial       R2  (seen)\n" in shown
    assert "r1, r2 claim it" in (await fleet.run("show", STRANGER)).out
    assert (await fleet.run("forget", "edge-9")).out == f"edge-9 ({STRANGER}) is forgotten\n"
    assert "R1" in (await fleet.run("show", STRANGER)).out


async def test_an_empty_fleet_says_so(fleet: Fleet) -> None:
    fleet.api.fleet = Snapshot()
    assert (await fleet.run()).out == "no machine is listed in the settings, and none has a record\n"
    assert (await fleet.run("list", "--json")).json == []


@pytest.mark.parametrize("which", ["node-1", EDGE, SECOND_CARD.hexraw])
async def test_a_machine_is_armed_by_its_name_or_any_address(fleet: Fleet, which: object) -> None:
    ran = await fleet.run("install", which)
    assert (ran.code, ran.out) == (0, f"node-1 ({EDGE}) is armed: installs at its next boot\n")
    assert fleet.api.ledger.stage(EDGE) is Stage.ARMED
    entry = fleet.api.ledger.entry(EDGE)
    assert entry
    assert entry.by.endswith(", by netbootd machines")


async def test_and_left_to_its_own_disk(fleet: Fleet) -> None:
    await fleet.run("install", "node-1")
    ran = await fleet.run("local", "node-1")
    assert (ran.code, ran.out) == (0, f"node-1 ({EDGE}) boots its own disk\n")
    assert fleet.api.ledger.stage(EDGE) is Stage.DISARMED


async def test_of_several_each_is_done_or_refused_with_its_reason(fleet: Fleet) -> None:
    ran = await fleet.run("install", "node-2", "node-1", BARE, "node-1")
    assert ran.code == 1
    assert ran.out == f"node-1 ({EDGE}) is armed: installs at its next boot\n"
    first, second = ran.err.splitlines()
    assert first == "netbootd: node-2 has the profile rescue, which boots always: there is nothing to arm"
    assert second.startswith("netbootd: node-3 has no profile: ")


async def test_what_cannot_be_recorded_is_an_error(fleet: Fleet) -> None:
    fleet.api.journal.broken = True
    ran = await fleet.run("install", "node-1")
    assert ran.code == 1
    assert "the state cannot be written, see the daemon's log" in ran.complaint


async def test_showing_a_machine_tells_where_it_stands_and_why(fleet: Fleet) -> None:
    await fleet.api.ledger.arm(EDGE, "ada", 1700000000.0)
    ran = await fleet.run("show", "node-1", RESCUE)
    assert ran.code == 0
    for words in (
        f"node-1 ({EDGE})\n",
        "lab-eve: machines.yaml:1 names it",
        "installs: armed",
        "armed since 2023-11-14T22:13:20+00:00, ada",
        f"{EDGE}, {SECOND_CARD}",
        "the profile, always: the profile boots always",
    ):
        assert words in ran.out


async def test_a_machine_without_a_record_is_not_shown(fleet: Fleet) -> None:
    ran = await fleet.run("show", STRANGER)
    assert ran.code == 1
    assert ran.complaint == f"netbootd: {STRANGER} is neither listed nor has it a record"


async def test_programs_read_json(fleet: Fleet) -> None:
    assert [machine["mac"] for machine in (await fleet.run("list", "--json")).json] == [
        str(EDGE),
        str(RESCUE),
        str(BARE),
    ]
    ran = await fleet.run("install", "node-1", "node-2", "--json")
    assert ran.code == 1
    assert [said.get("stage", said.get("status")) for said in ran.json] == ["armed", 409]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["install", "node-9"], "'node-9' is neither a machine's name nor a hardware address"),
        (["install"], "Missing argument"),
        (["frobnicate"], "No such command"),
    ],
)
async def test_a_command_used_wrongly_ends_with_2(fleet: Fleet, arguments: list[str], words: str) -> None:
    ran = await fleet.run(*arguments)
    assert ran.code == 2
    assert words in ran.err


def test_options_before_the_command_are_not_passed_over() -> None:
    ran = netbootd("machines", "--json", "list")
    assert ran.code == 2
    assert "behind 'list'" in ran.complaint


class TestOnRecord:
    async def test_the_list_can_be_narrowed(self, fleet: Fleet) -> None:
        fleet.api.saw(STRANGER, serial="SN-7")
        for option in (["--state", "discovered"], ["-q", "sn-7"]):
            lines = (await fleet.run("list", *option)).out.splitlines()
            assert [str(STRANGER) in line for line in lines[1:]] == [True]
        assert (await fleet.run("list", "--profile", "rescue", "--json")).json[0]["name"] == "node-2"
        assert (await fleet.run("list", "--state", "failed")).out == "no machine is like that\n"
        assert (await fleet.run("list", "--state", "up")).code == 2

    async def test_a_fleet_of_several_pages_is_listed_whole(self, fleet: Fleet) -> None:
        for number in range(1, 1200):
            fleet.api.records.learn(Record(f"r{number}", (Mac(number.to_bytes(6, "big")),)))
        assert len((await fleet.run("list", "--json")).json) == 1202

    async def test_a_machine_is_added_before_it_is_seen(self, fleet: Fleet) -> None:
        ran = await fleet.run(
            "add", STRANGER, "--name", "edge-9", "--profile", "lab-eve", "--soft-serial", "E-[1-9]",
            "--local", "exit 1", "--arg", "quiet", "--arg", "console=tty0", "--arg", "console=ttyS0",
        )  # fmt: skip
        assert (ran.code, ran.out) == (0, f"edge-9 ({STRANGER}) is added, with the soft serial E-1\n")
        (record,) = fleet.api.records.all()
        assert {each.key: each.values for each in record.args} == {"quiet": (), "console": ("tty0", "ttyS0")}
        assert record.origin.endswith(", by netbootd machines")
        shown = (await fleet.run("show", "edge-9")).out
        for words in ("approved: by", "soft serial", "E-1", "console=tty0 console=ttyS0"):
            assert words in shown
        assert "own disk by  exit 1" in shown

    async def test_one_that_belongs_to_a_file_is_not(self, fleet: Fleet) -> None:
        ran = await fleet.run("add", EDGE)
        assert ran.code == 1
        assert "belongs to node-1 of machines.yaml:1; change it there" in ran.complaint

    @pytest.mark.parametrize("arg", ["=x", "a"])
    async def test_an_argument_that_is_none_is_used_wrongly(self, fleet: Fleet, arg: str) -> None:
        assert (await fleet.run("add", STRANGER, "--arg", "a", "--arg", arg)).code == 2

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["52:54:00:00:0x:01"], "'52:54:00:00:0x:01' is not a hardware address such as 52:54:00:12:34:56"),
            ([], "a machine needs a MAC, or --uuid and --serial"),
            (["--serial", "7XK2B32"], "a machine needs a MAC, or --uuid and --serial"),
        ],
    )
    async def test_a_machine_that_could_never_be_found_is_used_wrongly(
        self, fleet: Fleet, arguments: list[str], complaint: str
    ) -> None:
        ran = await fleet.run("add", *arguments)
        assert (ran.code, ran.complaint) == (2, f"netbootd: {complaint}")

    async def test_what_the_daemon_refuses_is_said_in_the_words_of_the_command(self, fleet: Fleet) -> None:
        ran = await fleet.run("add", STRANGER, "--soft-serial", "a/b")
        assert ran.code == 1
        assert ran.complaint.startswith("netbootd: soft_serial: ")

    async def test_what_its_ipxe_and_firmware_are_is_shown(self, fleet: Fleet) -> None:
        fleet.api.saw(STRANGER, platform="efi", version="1.21.1")
        ran = await fleet.run("show", STRANGER)
        assert "firmware     efi, iPXE 1.21.1\n" in ran.out
        assert "; first 20" in ran.out or "; first 19" in ran.out

    async def test_who_showed_up_is_approved_and_forgotten(self, fleet: Fleet) -> None:
        fleet.api.saw(STRANGER)
        assert (await fleet.run("approve", STRANGER)).out == f"{STRANGER} is approved\n"
        assert (await fleet.run("forget", STRANGER)).out == f"{STRANGER} is forgotten\n"
        assert fleet.api.records.all() == ()
        assert (await fleet.run("forget", STRANGER)).code == 1

    async def test_the_fleet_is_exported(self, fleet: Fleet) -> None:
        ran = await fleet.run("export", "--profile", "lab-eve")
        assert ran.out.splitlines()[1].startswith(f"node-1,{EDGE.hexhyp},")
        assert [row["name"] for row in (await fleet.run("export", "--json")).json] == ["node-1", "node-2", "node-3"]

    async def test_what_a_machine_said_is_shown_as_it_is(self, fleet: Fleet) -> None:
        fleet.api.records.learn(Record("r1", (STRANGER,), name="[red]x[/red]"))
        assert "[red]x[/red]" in (await fleet.run("list")).out


class TestNobodyThere:
    async def test_a_port_of_the_system_s_choice(self, tmp_path: Path) -> None:
        path = settings(tmp_path, ("127.0.0.1", 0))
        ran = netbootd("machines", "list", "-c", path)
        assert ran.code == 1
        assert ran.complaint.endswith("name one, or ask the API at the one `run --json` told")

    async def test_no_daemon(self, tmp_path: Path) -> None:
        with bind_tcp("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
        ran = netbootd("machines", "list", "-c", settings(tmp_path, ("127.0.0.1", port)))
        assert ran.code == 1
        assert ran.complaint == f"netbootd: no daemon answers on 127.0.0.1:{port}; is `netbootd run` running?"

    @pytest.mark.parametrize(
        "body", [b"<html>hello</html>", b'{"a": 1}', b'[{"name"', b""], ids=["a page", "other JSON", "half", "nothing"]
    )
    async def test_something_else(self, tmp_path: Path, body: bytes) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body if body else b"")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            address = server.sockets[0].getsockname()
            ran = await asyncio.to_thread(netbootd, "machines", "list", "-c", settings(tmp_path, address))
        assert ran.code == 1
        assert "is not the admin API" in ran.complaint or "no daemon answers" in ran.complaint
