"""Who has been given a whole payload, from the scripts and files that went out."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import Profile
from netbootd.boot.plan import Image, KernelPlan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Rendered, script
from netbootd.chain.world import World
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import ArtifactServed, Change, Event, MachineChanged
from netbootd.serve.planned import last_file
from netbootd.serve.progress import Progress
from netbootd.serve.tokens import label
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import (
    ALWAYS,
    CARD,
    FIRMWARE,
    ONCE,
    OTHER_CARD,
    SITE,
    eve,
    linux,
    machine,
    profile,
    templates,
)

IP = "192.0.2.77"
FILES = ("kernel", "initrd.img", "installer.img", "initrd.bits", "rootfs.img")
LAST = "artifacts/eve-13.3/rootfs.img"
SIZE = 1000


@dataclass
class House:
    """A ledger on a disk, what is made of events, and what was said; `restart` leaves only the disk."""

    profile: Profile
    site: Site = SITE
    disk: Disk = field(default_factory=Disk)
    now: float = 0.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.journal = SlowJournal(self.disk, at_once=True)
        self.ledger = Ledger(self.journal, self.disk.known(), wall=lambda: self.now)
        self.progress = Progress(self.ledger, self.events.append, wall=lambda: self.now, clock=lambda: self.now)

    async def arm(self, *macs: Mac) -> None:
        for mac in macs:
            assert await self.ledger.arm(mac, "a person", self.now)

    def rendered(self, mac: Mac = CARD) -> Rendered:
        machines = [machine(self.profile.name, f"node-{n}", each) for n, each in enumerate([CARD, OTHER_CARD])]
        world = World(Snapshot([self.profile], machines), FIRMWARE, templates(), self.ledger.stage)
        return script(Facts(mac=mac), world, self.site)

    async def ask(self, mac: Mac = CARD, ip: str = IP) -> Rendered:
        """As the HTTP site does: the script that was sent."""
        while True:
            rendered = self.rendered(mac)
            recorded = self.progress.handed(mac, ip, rendered, self.site.base_url)
            if recorded is None or await recorded:
                return rendered

    async def boots(self, mac: Mac = CARD, ip: str = IP) -> str:
        """The payload that this machine gets when it asks."""
        return (await self.ask(mac, ip)).payload

    async def fetch(self, file: str, ip: str = IP, **more: object) -> None:
        """Likewise, for a file."""
        assert await self.progress.admit(ip, file)
        served = ArtifactServed(ip=ip, file=file, status=200, size=SIZE, sent=SIZE, seconds=1.0, complete=True)
        self.progress(replace(served, total=SIZE, **more))  # type: ignore[arg-type]

    async def fetch_all(self, ip: str = IP) -> None:
        for name in FILES:
            await self.fetch(f"artifacts/eve-13.3/{name}", ip)

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(event.mac, event.change) for event in self.events if isinstance(event, MachineChanged)]


@pytest.fixture
def house() -> House:
    return House(eve())


async def test_a_machine_that_fetched_everything_boots_its_own_disk_from_then_on(house: House) -> None:
    await house.arm(CARD)
    assert await house.boots() == "eve"
    await house.fetch_all()
    assert await house.boots() == "local"
    assert house.events == [
        MachineChanged(
            mac=str(CARD),
            change=Change.GIVEN,
            detail=f"boots its own disk from now on; arm again: netbootd machines install {CARD}",
        )
    ]
    house.restart()
    assert await house.boots() == "local"
    await house.arm(CARD)
    assert await house.boots() == "eve"


async def test_a_machine_nobody_armed_gets_nothing_and_leaves_no_trace(house: House) -> None:
    assert await house.boots() == "local"
    await house.fetch_all()
    assert house.events == []
    assert house.disk.known() == Disk().known()


async def test_one_that_failed_half_way_gets_it_again(house: House) -> None:
    await house.arm(CARD)
    assert await house.boots() == "eve"
    for name in FILES[:-1]:
        await house.fetch(f"artifacts/eve-13.3/{name}")
    await house.fetch(LAST, sent=600, complete=False)
    assert await house.boots() == "eve"
    house.restart()
    assert await house.boots() == "eve"
    await house.fetch_all()
    assert await house.boots() == "local"


async def test_a_profile_that_arms_by_itself_does_so_once(house: House) -> None:
    house.profile = eve(auto=True)
    assert await house.boots() == "eve"
    house.restart()
    assert await house.boots() == "eve"
    await house.fetch_all()
    house.restart()
    assert await house.boots() == "local"


async def test_a_profile_that_boots_always_is_none_of_its_business(house: House) -> None:
    house.profile = linux(boots=ALWAYS)
    assert house.progress.handed(CARD, IP, house.rendered(), SITE.base_url) is None


class TestFiles:
    """When the last byte of the last file went out."""

    @pytest.fixture(autouse=True)
    async def begun(self, house: House) -> None:
        await house.arm(CARD)
        assert await house.boots() == "eve"

    async def test_the_other_files_do_not_count(self, house: House) -> None:
        for name in FILES[:-1]:
            await house.fetch(f"artifacts/eve-13.3/{name}")
        assert house.changes == []

    async def test_the_same_file_at_another_address_does_not(self, house: House) -> None:
        await house.fetch(LAST, ip="192.0.2.78")
        assert house.changes == []

    async def test_a_range_counts_when_it_reaches_the_end(self, house: House) -> None:
        await house.fetch(LAST, status=206, offset=0, size=500, sent=500)
        assert house.changes == []
        await house.fetch(LAST, status=206, offset=500, size=500, sent=500)
        assert house.changes == [(str(CARD), "given its payload")]

    async def test_one_that_broke_off_does_not(self, house: House) -> None:
        await house.fetch(LAST, status=206, offset=500, size=500, sent=499, complete=False)
        assert house.changes == []

    async def test_a_look_at_it_does_not(self, house: House) -> None:
        """HEAD; the site emits nothing for it today."""
        await house.fetch(LAST, sent=0)
        assert house.changes == []

    @pytest.mark.parametrize("spelled", ["artifacts//eve-13.3/./rootfs.img", LAST])
    async def test_the_path_may_be_spelled_otherwise(self, house: House, spelled: str) -> None:
        await house.fetch(spelled, ip=f"::ffff:{IP}")
        assert house.changes == [(str(CARD), "given its payload")]


class TestLastFile:
    """The last file of ours in a plan, as the events name it."""

    def last(self, *initrds: str, kernel: str = "k", site: Site = SITE) -> str:
        settings = {"kernel": kernel, "initrd": initrds}
        house = House(profile("p", "linux", settings, boots=ALWAYS), site)
        return last_file(house.rendered().plan, site.base_url)

    def test_is_the_last_initrd_or_the_kernel(self) -> None:
        assert self.last("a", "b/c.img") == "artifacts/b/c.img"
        assert self.last() == "artifacts/k"

    def test_is_written_as_the_request_is_read(self) -> None:
        assert self.last("/a//b c+%25ä.img") == "artifacts/a/b c+%25ä.img"

    def test_of_files_elsewhere_is_the_last_that_is_ours(self) -> None:
        """Named like ours, but not at our address."""
        there = "http://192.0.2.9:8080/artifacts/x"
        assert self.last("a", there) == "artifacts/a"
        assert self.last(there, kernel=there) == ""

    def test_is_found_below_a_public_url(self) -> None:
        assert self.last("a", site=replace(SITE, public_url="https://boot.example/net/")) == "artifacts/a"

    def test_of_a_plan_that_is_no_kernel_is_none(self) -> None:
        assert last_file(None, SITE.base_url) == ""


class TestUnseen:
    """Payloads whose files do not come from here are given with their script."""

    @pytest.fixture
    def house(self) -> House:
        return House(profile("p", "script", {"url": "http://192.0.2.9/install.ipxe"}, boots=ONCE))

    async def test_the_script_is_the_payload(self, house: House) -> None:
        await house.arm(CARD)
        assert await house.boots() == "script"
        assert house.changes == [(str(CARD), "given its payload")]
        house.restart()
        assert await house.boots() == "local"

    async def test_it_is_not_sent_unless_that_is_on_disk(self, house: House) -> None:
        await house.arm(CARD)
        house.journal.broken = True
        assert await house.boots() == "local"
        assert house.changes == []
        house.journal.broken = False
        house.journal.commit()
        assert await house.boots() == "script"


class TestRecords:
    """What is written before what is sent."""

    async def test_the_script_waits_for_its_record(self, house: House) -> None:
        await house.arm(CARD)
        house.journal = SlowJournal(house.disk)
        house.ledger = Ledger(house.journal, house.disk.known())
        house.progress = Progress(house.ledger, house.events.append)
        asking = asyncio.ensure_future(house.boots())
        await asyncio.sleep(0)
        assert not asking.done()
        assert house.disk.handings == {}
        house.journal.commit()
        assert await asking == "eve"
        assert house.disk.handings != {}

    async def test_a_script_that_cannot_be_recorded_is_not_sent(self, house: House) -> None:
        await house.arm(CARD)
        house.journal.broken = True
        assert await house.boots() == "local"
        house.journal.broken = False
        house.journal.commit()
        assert await house.boots() == "eve"

    async def test_a_last_file_that_cannot_be_recorded_is_refused(self, house: House) -> None:
        await house.arm(CARD)
        await house.boots()
        house.journal.broken = True
        assert await house.progress.admit(IP, "artifacts/eve-13.3/kernel")
        assert not await house.progress.admit(IP, LAST)
        assert await house.progress.admit("192.0.2.78", LAST)

    async def test_a_stop_while_the_last_file_goes_out_leaves_doubt_and_doubt_is_told(self, house: House) -> None:
        await house.arm(CARD)
        await house.boots()
        assert await house.progress.admit(IP, LAST)
        house.restart()
        house.progress.tell_doubts()
        assert house.changes == [(str(CARD), "may have been given its payload")]
        assert await house.boots() == "local"

    async def test_a_stop_before_that_leaves_none(self, house: House) -> None:
        """The machine tries its files again, with the script it has."""
        await house.arm(CARD)
        await house.boots()
        house.restart()
        house.progress.tell_doubts()
        assert house.changes == []
        await house.fetch_all()
        assert house.changes == [(str(CARD), "given its payload")]


class TestSharedAddress:
    """Behind NAT one file may have gone to any machine at the address: it counts for all."""

    async def test_it_counts_for_all_that_were_handed_their_script(self, house: House) -> None:
        await house.arm(CARD, OTHER_CARD)
        await house.boots(CARD)
        await house.boots(OTHER_CARD)
        await house.fetch(LAST)
        assert [mac for mac, _ in house.changes] == [str(CARD), str(OTHER_CARD)]

    async def test_a_machine_that_asks_later_is_not_among_them(self, house: House) -> None:
        await house.arm(CARD, OTHER_CARD)
        await house.boots(CARD)
        await house.fetch(LAST)
        assert await house.boots(OTHER_CARD) == "eve"

    async def test_somebody_who_looks_at_the_script_from_elsewhere_does_not_hide_the_machine(
        self, house: House
    ) -> None:
        await house.arm(CARD)
        await house.boots()
        await house.boots(ip="192.0.2.99")
        await house.fetch_all()
        assert await house.boots() == "local"


class MadeHouse(House):
    """Its machines fetch last what was made for each of them alone, with a new token in each script."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokens: list[str] = []

    def rendered(self, mac: Mac = CARD) -> Rendered:
        made = super().rendered(mac)
        if not isinstance(made.plan, KernelPlan):
            return made
        self.tokens.append(secrets.token_urlsafe(24))
        url = f"{self.site.base_url}/node/{self.tokens[-1]}/initrd"
        return replace(made, plan=replace(made.plan, initrds=(*made.plan.initrds, Image(url, "initrd"))))

    async def fetch_own(self, token: str, mac: Mac = CARD, ip: str = IP, name: str = "initrd") -> None:
        file = f"node/{label(token)}/{name}"
        assert await self.progress.admit(ip, file, mac)
        self.progress(
            ArtifactServed(ip=ip, mac=str(mac), file=file, status=200, size=SIZE, sent=SIZE, seconds=1.0, complete=True)
        )


class TestMadeForOne:
    """What a machine fetches with a token of its own."""

    @pytest.fixture
    async def house(self) -> MadeHouse:
        house = MadeHouse(eve())
        await house.arm(CARD, OTHER_CARD)
        return house

    async def test_completes_its_payload_when_it_is_the_last(self, house: MadeHouse) -> None:
        await house.boots()
        await house.fetch_all()
        assert house.changes == []
        await house.fetch_own(house.tokens[-1])
        assert house.changes == [(str(CARD), "given its payload")]
        assert await house.boots() == "local"

    async def test_is_written_down_without_the_token(self, house: MadeHouse) -> None:
        await house.boots()
        ((file, ip),) = [(each.file, each.ip) for each in house.disk.known().handings]
        assert (file, ip) == (f"node/{label(house.tokens[-1])}/initrd", IP)
        await house.fetch_own(house.tokens[-1])
        assert not any(token in repr(house.disk.known()) + repr(house.events) for token in house.tokens)

    async def test_another_document_of_it_does_not_count(self, house: MadeHouse) -> None:
        await house.boots()
        await house.fetch_own(house.tokens[-1], name="kernel")
        assert house.changes == []

    async def test_counts_by_an_earlier_script_too(self, house: MadeHouse) -> None:
        """GRUB fetches its grub.cfg twice, and two people may look at a script while the machine boots."""
        await house.boots()
        await house.boots()
        await house.fetch_own(house.tokens[0])
        assert await house.boots() == "local"

    async def test_counts_wherever_the_machine_fetches_it_from(self, house: MadeHouse) -> None:
        """A lease of its own for each of firmware, iPXE and GRUB."""
        await house.boots()
        await house.fetch_own(house.tokens[-1], ip="192.0.2.99")
        assert await house.boots() == "local"

    async def test_does_not_count_for_others_at_its_address(self, house: MadeHouse) -> None:
        await house.boots(CARD)
        await house.boots(OTHER_CARD)
        await house.fetch_own(house.tokens[0], CARD)
        assert [mac for mac, _ in house.changes] == [str(CARD)]

    async def test_is_refused_while_its_record_cannot_be_written(self, house: MadeHouse) -> None:
        await house.boots()
        house.journal.broken = True
        assert not await house.progress.admit(IP, f"node/{label(house.tokens[-1])}/initrd", CARD)

    async def test_artifacts_that_are_named_alike_do_not_count(self, house: MadeHouse) -> None:
        await house.boots()
        await house.fetch("artifacts/node/x/initrd")
        assert house.changes == []


class TestBounds:
    """Tables have ends, and whoever falls off them is not installed twice."""

    async def test_a_machine_not_heard_of_for_a_day_is_no_longer_followed(self, house: House) -> None:
        await house.arm(CARD, OTHER_CARD)
        await house.boots(CARD)
        house.now += 25 * 3600
        await house.boots(OTHER_CARD, ip="192.0.2.78")
        assert [handing.mac for handing in house.ledger.handings()] == [OTHER_CARD]
        assert house.ledger.stage(CARD) is Stage.ARMED

    async def test_one_that_still_fetches_is(self, house: House) -> None:
        await house.arm(CARD, OTHER_CARD)
        await house.boots(CARD)
        house.now += 20 * 3600
        await house.fetch(LAST, complete=False, sent=1)
        house.now += 20 * 3600
        await house.boots(OTHER_CARD, ip="192.0.2.78")
        assert len(house.ledger.handings()) == 2

    async def test_one_asked_for_from_everywhere_counts_as_given(self, house: House) -> None:
        await house.arm(CARD)
        payloads = [await house.boots(ip=f"192.0.2.{n}") for n in range(17)]
        assert payloads == ["eve"] * 16 + ["local"]
        assert house.changes == [(str(CARD), "given its payload")]

    async def test_of_too_many_at_once_the_one_longest_idle_counts_as_given(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("netbootd.serve.progress._AT_ONCE", 1)
        await house.arm(CARD, OTHER_CARD)
        await house.boots(CARD)
        assert await house.boots(OTHER_CARD, ip="192.0.2.78") == "eve"
        assert house.changes == [(str(CARD), "given its payload")]
