"""A question on port 67 or 4011, from bytes to bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.firmware import Firmware
from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Memory, Style
from netbootd.boot.plan import LocalMethod
from netbootd.boot.reply import Destination
from netbootd.boot.silence import Reason, Silence
from netbootd.chain.dhcp import DhcpTrace
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Condition, Rule
from netbootd.wire import options
from netbootd.wire.dhcp import MessageType, Packet, decode, encode
from netbootd.wire.mac import Mac
from tests.support.dissect import dissect
from tests.support.worlds import (
    CARD,
    CLIENT_ADDRESS,
    IPXE_OPTION_TFTP,
    SERVER,
    ask,
    eve,
    ipxe_question,
    linux,
    machine,
    on_67,
    on_4011,
    profile,
    question,
    settled,
    templates,
    world,
)

REQUEST, INFORM = MessageType.REQUEST, MessageType.INFORM
RELAY = bytes((198, 51, 100, 1))
OURS = bytes((192, 0, 2, 1))
RESCUE = settled(linux())


def reason(trace: DhcpTrace) -> Reason:
    assert isinstance(trace.decision, Silence), trace.decision
    assert (trace.reply, trace.destination) == (None, None)
    return trace.decision.reason


def reply(trace: DhcpTrace) -> Packet:
    assert trace.reply is not None, trace.decision
    return decode(trace.reply)


GOLDEN = {
    "bios-offer": (question(arch=0), on_67()),
    "uefi-offer": (question(), on_67()),
    "uefi-ack-on-4011": (question(REQUEST, ciaddr=CLIENT_ADDRESS), on_4011()),
    "uefi-inform-on-4011": (question(INFORM, ciaddr=CLIENT_ADDRESS), on_4011()),
    "uefi-http-offer": (question(arch=16), on_67()),
    "ipxe-offer-http": (ipxe_question(), on_67()),
    "ipxe-offer-tftp": (ipxe_question(arch=0, encapsulated=IPXE_OPTION_TFTP), on_67()),
    "ipxe-ack-on-4011": (
        ipxe_question(options={53: b"\3", 54: OURS}, ciaddr=CLIENT_ADDRESS),
        on_4011(("192.0.2.77", 68)),
    ),
    "bios-boot-item-on-4011": (
        question(REQUEST, arch=0, ciaddr=CLIENT_ADDRESS, options={43: bytes.fromhex("470400000000ff")}),
        on_4011(("192.0.2.77", 68)),
    ),
    "relayed-offer": (
        question(giaddr=RELAY, flags=0x8000, options={61: b"\1\x52\x54\0\x12\x34\x56", 82: b"\1\4port"}),
        on_67(("198.51.100.1", 67)),
    ),
    "ciaddr-offer": (question(ciaddr=CLIENT_ADDRESS), on_67(("192.0.2.77", 68))),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_reply(name: str, golden: Callable[[str, str], None]) -> None:
    packet, arrival = GOLDEN[name]
    trace = ask(packet, RESCUE, arrival)
    assert trace.reply is not None
    assert trace.destination is not None

    to = f"# to {trace.destination.address} port {trace.destination.port}\n"
    golden(f"dhcp/{name}.txt", to + dissect(trace.reply))


def test_golden_reply_to_uefi_that_asks_again(golden: Callable[[str, str], None]) -> None:
    memory = Memory()
    ask(question(), RESCUE, memory=memory)
    trace = ask(question(secs=4), RESCUE, memory=memory, now=4.0)
    assert trace.reply is not None

    golden("dhcp/uefi-offer-after-a-retry.txt", dissect(trace.reply))


def test_a_boot_from_rom_to_script() -> None:
    """BIOS ROM, its iPXE, a reboot: each question gets the next step, and never the last one again."""
    memory = Memory()
    rom, ipxe = question(arch=0), ipxe_question(arch=0)

    first = reply(ask(rom, RESCUE, memory=memory, now=0))
    second = reply(ask(ipxe, RESCUE, memory=memory, now=8))
    third = reply(ask(rom, RESCUE, memory=memory, now=40))

    assert (first.file, first.options[43]) == (b"undionly.kpxe", bytes.fromhex("060108ff"))
    assert second.file == b"http://192.0.2.1:8080/ipxe.cfg"
    assert 43 not in second.options
    assert (third.file, third.options[43]) == (first.file, first.options[43])


def test_a_uefi_boot_by_way_of_4011() -> None:
    memory = Memory()
    first = reply(ask(question(), RESCUE, memory=memory, now=0))
    second = reply(ask(question(REQUEST, ciaddr=CLIENT_ADDRESS, xid=9), RESCUE, on_4011(), memory=memory, now=4))
    again = reply(ask(question(), RESCUE, memory=memory, now=30))

    assert 43 not in first.options
    assert (second.file, second.xid, second.message_type) == (b"snponly.efi", 9, MessageType.ACK)
    assert 43 not in again.options, "what worked once is said again"


def test_uefi_that_does_not_come_to_4011_gets_the_other_style_and_its_make_with_it() -> None:
    memory = Memory()
    neighbour = question(chaddr=bytes.fromhex("5254000000aa"))
    ask(question(), RESCUE, memory=memory, now=0)
    retry = reply(ask(question(), RESCUE, memory=memory, now=4))
    ask(ipxe_question(), RESCUE, memory=memory, now=9)

    assert retry.options[43] == bytes.fromhex("060108ff")
    assert reply(ask(neighbour, world(unknown="menu"), memory=memory, now=10)).options[43] == retry.options[43]


def test_silence_is_not_remembered_as_an_offer() -> None:
    memory = Memory()
    ask(question(), world(unknown="silent"), memory=memory, now=0)

    trace = ask(question(), RESCUE, memory=memory, now=4)

    assert trace.client is not None
    assert 43 not in reply(trace).options


@pytest.mark.parametrize(
    ("packet", "arrival", "why"),
    [
        (question(REQUEST, options={54: OURS}), on_67(), Reason.LEASE_REQUEST),
        (question(REQUEST, options={54: bytes(4)}), on_4011(), Reason.OTHER_SERVER),
        (question(options={60: b"MSFT 5.0"}), on_67(), Reason.NOT_NETBOOT),
        (question(MessageType.RELEASE), on_67(), Reason.NOT_A_QUESTION),
        (question(options={53: None}), on_67(), Reason.NOT_A_QUESTION),
        (question(op=2), on_67(), Reason.NOT_A_REQUEST),
        (question(arch=2), on_67(), Reason.UNKNOWN_ARCHITECTURE),
    ],
)
def test_silence_sends_nothing_and_says_why(packet: Packet, arrival: Arrival, why: Reason) -> None:
    assert reason(ask(packet, RESCUE, arrival)) is why


@pytest.mark.parametrize("data", [b"", b"\1", b"\1" * 239, encode(question())[:250], b"\3" + encode(question())[1:]])
def test_what_is_no_dhcp_is_malformed(data: bytes) -> None:
    assert reason(ask(data, RESCUE)) is Reason.MALFORMED


def test_our_own_reply_is_not_answered() -> None:
    trace = ask(question(), RESCUE)
    assert trace.reply is not None

    assert reason(ask(trace.reply, RESCUE)) is Reason.NOT_A_REQUEST
    assert reason(ask(trace.reply, RESCUE, on_4011())) is Reason.NOT_A_REQUEST


def test_a_trace_tells_every_step() -> None:
    trace = ask(question(), RESCUE)

    assert trace.packet == question()
    assert trace.client is not None
    assert trace.assignment is not None
    assert trace.verdict is not None
    assert (trace.client.mac, trace.assignment.name, trace.verdict.netboot) == (CARD, "node-1", True)
    assert trace.destination == Destination("255.255.255.255", 68)


def test_without_programs_the_reason_is_said() -> None:
    assert (
        reason(ask(question(), settled(linux()).__class__(RESCUE.fleet, Firmware(), templates()))) is Reason.NO_BINARY
    )


@pytest.mark.parametrize("stage", [None, Stage.GIVEN, Stage.DISARMED])
@pytest.mark.parametrize("packet", [question(), question(arch=0), question(arch=16), ipxe_question()])
def test_a_machine_that_is_not_armed_boots_its_disk_by_silence(stage: Stage | None, packet: Packet) -> None:
    assert reason(ask(packet, settled(eve(), stage=stage))) is Reason.BOOT_LOCAL


def test_a_machine_that_is_armed_netboots() -> None:
    assert reply(ask(question(), settled(eve(), stage=Stage.ARMED))).file == b"snponly.efi"


@pytest.mark.parametrize("method", [m for m in LocalMethod if m is not LocalMethod.SILENT])
def test_where_silence_does_not_lead_to_the_disk_ipxe_is_given_to_do_it(method: LocalMethod) -> None:
    assert reply(ask(question(), settled(eve(local=method)))).file == b"snponly.efi"


@pytest.mark.parametrize(("method", "netboot"), [("silent", False), ("exit", True), ("sanboot", True)])
def test_a_profile_that_is_the_disk(method: str, netboot: bool) -> None:
    disk = profile("disk", "local", {"method": LocalMethod(method)})
    trace = ask(question(), settled(disk))

    assert (trace.reply is not None) is netboot


@pytest.mark.parametrize(
    ("unknown", "why"),
    [("menu", None), ("rescue", None), ("register", Reason.BOOT_LOCAL), ("silent", Reason.UNKNOWN_MACHINE)],
)
def test_a_machine_nobody_named(unknown: str, why: Reason | None) -> None:
    trace = ask(question(), world(linux(), unknown=unknown))

    assert (trace.reply is not None) if why is None else (reason(trace) is why)


def test_while_a_rule_is_undecided_the_machine_gets_ipxe_and_its_script_decides() -> None:
    """SMBIOS is only known once iPXE has spoken."""
    rule = Rule((Condition("manufacturer", "Dell*"),), "rescue")

    assert reply(ask(question(), world(linux(), rules=[rule], unknown="silent"))).file == b"snponly.efi"


def test_a_machine_named_by_its_serial_number_gets_ipxe_which_tells_it() -> None:
    by_serial = machine("rescue", macs=(), serial="SN-1")

    assert reply(ask(question(), world(linux(), machines=[by_serial], unknown="silent"))).file == b"snponly.efi"


def test_a_machine_for_its_own_url_alone_is_not_answered_by_its_card() -> None:
    own = machine("rescue", secret="Zq2uWm7xKp4tVn9rYc3sHd6f", only_by_secret=True)
    trace = ask(question(), world(linux(), machines=[own]))
    assert isinstance(trace.decision, Silence)
    assert trace.decision == Silence(Reason.BOOT_LOCAL, "machines.yaml:1 names it for its own URL alone")


def test_what_ipxe_said_at_an_earlier_boot_decides_rules_at_once() -> None:
    rule = Rule((Condition("manufacturer", "Dell*"),), "rescue")
    before = world(linux(), rules=[rule], unknown="silent")
    acme = World(before.fleet, before.firmware, before.templates, known=lambda m: Facts(mac=m, manufacturer="Acme"))
    dell = World(
        before.fleet, before.firmware, before.templates, known=lambda m: Facts(mac=m, manufacturer="Dell Inc.")
    )

    assert reason(ask(question(), acme)) is Reason.UNKNOWN_MACHINE
    assert ask(question(), dell).reply is not None


def test_a_placeholder_uuid_is_no_identity_in_a_packet_either() -> None:
    rule = Rule((Condition("uuid", "03000200-*"),), "rescue")
    shared = b"\0" + bytes.fromhex("00020003000400050006000700080009")
    trace = ask(question(options={97: shared}), world(linux(), rules=[rule], unknown="silent"))

    assert trace.assignment is not None
    assert (trace.assignment.profile, trace.assignment.undecided) == (None, True)
    assert reply(trace).options[97] == shared, "echoed all the same"


def test_a_machine_is_known_by_any_of_its_cards_and_a_loader_of_its_own_is_given() -> None:
    two = machine("rescue", macs=(Mac.parse("52:54:00:00:00:01"), CARD), loader="ipxe.efi")

    assert reply(ask(question(), world(linux(), machines=[two]))).file == b"ipxe.efi"


def test_a_root_path_reaches_ipxe() -> None:
    diskless = settled(linux(root_path="iscsi:192.0.2.9::::iqn.2026-01.example:disk"))

    assert reply(ask(ipxe_question(), diskless)).get(options.ROOT_PATH) == "iscsi:192.0.2.9::::iqn.2026-01.example:disk"


def test_styles_have_words_for_explain() -> None:
    trace = ask(question(arch=0), RESCUE)

    assert str(trace.decision) == f"OFFER: undionly.kpxe ({Style.BYPASS.value})"
    assert reply(trace).get(options.SERVER_ID) == SERVER


def test_a_datagram_larger_than_any_client_sends_is_not_even_read() -> None:
    """Read option by option, a few hundred of 64 KiB in a second held every other answer up for half a second."""
    real = encode(question())
    huge = real[:-1] + b"\x2b\1\1" * 20_000 + b"\xff"
    trace = ask(huge, RESCUE)
    assert reason(trace) is Reason.MALFORMED
    assert trace.packet is None
