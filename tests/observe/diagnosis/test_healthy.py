"""A healthy boot is never called sick: not at any second of it, however slow its machine is within reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.observe.events import (
    ArtifactServed,
    Change,
    HttpRefused,
    InstallerSaid,
    MachineChanged,
    ScriptServed,
    TftpRefused,
    TransferMoved,
)
from netbootd.wire.mac import Mac
from tests.support import captures
from tests.support.ailing import CARD, FILES, Ward, healthy

LONG = 7200.0


def slow(longest: float) -> st.SearchStrategy[float]:
    return st.floats(0.0, longest)


def _rest(ward: Ward, via: str = "tftp") -> None:
    """From the boot program to the system."""
    if via == "tftp":
        ward.probes()
    ward.loads()


@pytest.mark.parametrize(
    "name", ["ovmf-pxe4.pcap", "ovmf-pxe4-misled.pcap", "ovmf-http4-boot.pcap", "seabios-undionly.pcap"]
)
async def test_captures_of_healthy_boots_replayed(name: str) -> None:
    """The packets of real firmware and of the DHCP server beside us, at their times; TFTP and HTTP as they came."""
    packets = captures.read(name)
    ward = healthy(Ward(Mac(packets[0].payload[28:34])))
    loaded = False
    for packet in packets:
        ward.wait(packet.time - packets[0].time - ward.now)
        if b"iPXE" in packet.payload and not loaded:
            _rest(ward)
            loaded = True
        ward.hears(packet)
    ward.gets_entry()
    ward.gets_script()
    for file in FILES:
        ward.wait(3.0)
        ward.gets(file)
    ward.given()
    ward.wait(40.0)
    ward.system()
    ward.wait(LONG)
    assert ward.attempts.current(str(ward.mac)) is not None


@settings(max_examples=40)
@given(st.data())
def test_a_slow_machine_is_not_a_sick_one(data: st.DataObject) -> None:
    """Each step takes as long as it may: a server that tests its memory, spanning tree, a busy DHCP server."""

    def within(longest: float) -> None:
        ward.wait(data.draw(slow(longest)))

    ward = healthy(Ward())
    for _ in range(data.draw(st.integers(1, 3))):
        ward.discovers()
        within(8.0)
    ward.chooses()
    within(10.0)
    ward.asks_4011()
    within(20.0)
    ward.probes()
    within(20.0)
    ward.loads()
    within(80.0)
    for _ in range(data.draw(st.integers(1, 4))):
        ward.ipxe_discovers()
        within(7.0)
    ward.ipxe_chooses()
    within(40.0)
    ward.gets_entry()
    within(30.0)
    ward.gets_script()
    for file in FILES:
        within(80.0)
        ward.gets(file)
    ward.given()
    within(280.0)
    ward.system()
    ward.wait(400.0)


def test_a_large_file_takes_its_time() -> None:
    """20 minutes for 2.4 GB are 2 MB a second: 100 Mbit/s that others use as well."""
    ward = healthy(Ward())
    ward.to_script()
    for second in range(1, 1200):
        ward.wait(1.0)
        ward.say(
            TransferMoved(
                mac=str(CARD), file=FILES[0], via="http", sent=2_000_000 * second, size=2_400_000_000, seconds=second
            )
        )
    ward.gets(FILES[0], 2_400_000_000)
    ward.gets(FILES[1])
    ward.given()
    ward.wait(60.0)
    ward.system()
    ward.wait(600.0)


def test_a_machine_that_is_left_to_its_disk_is_not_sick() -> None:
    """Silence is the answer it should get, whatever its firmware still tries on its way there."""
    ward = healthy(Ward())
    for _ in range(4):
        ward.silent("BOOT_LOCAL", message="DISCOVER", client="x86-64 UEFI PXE", detail="nobody armed this machine")
        ward.wait(16.0)
    ward.system()
    ward.wait(LONG)


def test_a_machine_that_waits_to_be_armed_or_is_held_back_is_told_as_information() -> None:
    ward = healthy(Ward())
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.gets_entry()
    ward.gets_script("local", files=(), profile="eve")
    ward.wait(LONG)


def test_a_menu_waits_for_a_person() -> None:
    ward = healthy(Ward())
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.gets_entry()
    ward.gets_script("menu", files=(), profile="")
    ward.wait(LONG)


@pytest.mark.parametrize("payload", ["menu", "script"])
def test_a_script_that_names_no_file_may_be_given_as_often_as_people_like(payload: str) -> None:
    """Somebody resets the machine at its menu; a script of one's own sends it on to another server."""
    ward = healthy(Ward())
    for _ in range(4):
        ward.to_ipxe()
        ward.ipxe_chooses()
        ward.gets_entry()
        ward.gets_script(payload, files=(), profile="")
        ward.wait(60.0)


def test_a_system_on_its_own_disk_may_be_restarted_as_often_as_people_like() -> None:
    """It asks for an address each time, and so is no loop."""
    ward = healthy(Ward())
    for _ in range(5):
        ward.to_ipxe()
        ward.ipxe_chooses()
        ward.gets_entry()
        ward.gets_script("local", files=(), profile="disk")
        ward.wait(40.0)
        ward.system()
        ward.wait(60.0)


def test_the_ipxe_of_a_card_may_load_another() -> None:
    """Its DHCP server names undionly.kpxe to whoever asks, and the second iPXE asks for its script."""
    ward = healthy(Ward())
    ward.discovers("iPXE 1.0.0 on x86 BIOS", "http://10.99.0.2:8080/ipxe.cfg")
    ward.chooses(client="iPXE 1.0.0 on x86 BIOS")
    ward.wait(1.0)
    ward.loads("undionly.kpxe")
    ward.wait(60.0)
    ward.ipxe_discovers()
    ward.ipxe_chooses()
    ward.wait(5.0)
    ward.gets_entry()
    ward.gets_script()
    for file in FILES:
        ward.gets(file)
    ward.given()
    ward.wait(30.0)
    ward.system()
    ward.wait(LONG)


def test_names_that_programs_try_on_their_own_are_no_missing_files() -> None:
    """A signed iPXE asks for autoexec.ipxe, shim and GRUB for more."""
    ward = healthy(Ward())
    ward.to_loader()
    ward.loads("ipxe-shim.efi")
    ward.loads("ipxe.efi")
    for name in ("autoexec.ipxe", "boot/autoexec.ipxe", "grub.cfg-01-52-54-00-12-34-56"):
        ward.say(TftpRefused(mac=str(CARD), file=name, reason="there is no such file"))
    ward.wait(2.0)
    ward.ipxe_discovers()
    ward.ipxe_chooses()
    ward.gets_entry()
    ward.gets_script()
    ward.say(HttpRefused(mac=str(CARD), file="artifacts/EFI/BOOT/grub.cfg.sig", status=404, reason="not found"))
    for file in FILES:
        ward.gets(file)
    ward.given()
    ward.wait(30.0)
    ward.system()
    ward.wait(LONG)


def test_an_installer_that_switches_the_machine_off_is_silent_and_well() -> None:
    ward = Ward()
    ward.seen = lambda: None
    ward.to_payload()
    ward.wait(LONG)
    assert ward.diagnoses(speaks=True, powers_off=True) == ()
    assert ward.diagnoses(speaks=False) == ()


def test_an_installer_that_speaks_is_well() -> None:
    ward = healthy(Ward())
    ward.to_payload()
    ward.wait(200.0)
    ward.say(InstallerSaid(mac=str(CARD), text="partitioning /dev/sda", program="partman"))
    ward.wait(LONG)


def test_one_reboot_after_an_installation_is_no_loop() -> None:
    ward = healthy(Ward())
    ward.to_payload()
    ward.wait(240.0)
    ward.system()
    ward.wait(900.0)
    ward.say(MachineChanged(mac=str(CARD), change=Change.INSTALLED))
    ward.silent("BOOT_LOCAL", message="DISCOVER", client="x86-64 UEFI PXE")
    ward.wait(LONG)


def test_a_diskless_machine_may_be_booted_as_often_as_its_people_like() -> None:
    ward = healthy(Ward())
    for _ in range(6):
        ward.to_payload()
        ward.wait(60.0)
        ward.system()
        ward.wait(600.0)


def test_a_machine_booted_by_url_alone_has_no_dhcp_to_miss() -> None:
    """A cloud's own iPXE: its script is the first that is seen."""
    ward = healthy(Ward())
    ward.gets_script()
    for file in FILES:
        ward.wait(5.0)
        ward.gets(file)
    ward.given()
    ward.wait(20.0)
    ward.system()
    ward.wait(LONG)


def test_a_system_that_boots_always_has_no_event_for_its_payload() -> None:
    """Rescue and diskless systems: the last file is out, its system asks for an address, and runs for days."""
    ward = healthy(Ward())
    for _ in range(3):
        ward.to_script()
        for file in FILES:
            ward.wait(2.0)
            ward.gets(file)
        ward.wait(60.0)
        ward.system()
        ward.wait(3600.0)


def test_behind_nat_nobody_is_sick_for_want_of_what_another_seems_to_have_fetched() -> None:
    """A file that many fetch at one address names none of them; what installs has URLs of its own."""
    ward, nat, cards = Ward(), "203.0.113.9", [Mac.parse(f"52:54:00:00:07:{n:02x}") for n in range(3)]
    for mac in cards:
        script = f"machines/{mac.hexhyp}/ipxe.cfg"
        ward.say(ScriptServed(mac=str(mac), ip=nat, script=script, payload="linux", files=FILES, profile="rescue"))
    for file in (*FILES, *FILES, FILES[0]):
        ward.say(ArtifactServed(mac="", ip=nat, file=file, status=200, size=9, sent=9, seconds=1.0, complete=True))
    ward.wait(LONG)
    for mac in cards:
        (boot,) = ward.attempts.of(str(mac))
        assert ward.diagnose(boot) == ()
        assert boot.shared
    alone = replace(ward.attempts.of(str(cards[0]))[0], shared=False)
    assert ward.diagnose(alone) != ()
