"""Nothing a datagram holds can crash the chain, make it leak or make it act as an address server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.silence import Silence
from netbootd.chain.dhcp import DhcpTrace
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Condition, Rule
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode, encode
from tests.support.captures import CAPTURES, dhcp_payloads
from tests.support.dissect import option_codes
from tests.support.worlds import ask, eve, linux, machine, on_67, on_4011, question, world

REAL = [payload for path in sorted(CAPTURES.glob("*.pcap")) for payload in dhcp_payloads(path.name)]
QUESTIONS = [payload for payload in REAL if payload[0] == 1]
NEVER = {1, 3, 6, 13, 51, 52}

FLEET = world(
    linux(),
    eve(),
    machines=[machine("edge")],
    rules=[Rule((Condition("uuid", "0*"), Condition("ip", "10.0.0.0/8")), "rescue")],
    stage=Stage.ARMED,
)

arrivals = st.builds(
    Arrival,
    st.sampled_from([67, 4011]),
    st.tuples(st.sampled_from(["0.0.0.0", "192.0.2.77", "255.255.255.255"]), st.integers(0, 65535)),
    st.just("192.0.2.1"),
)


def harmless(trace: DhcpTrace) -> None:
    """Silence with a reason, or a reply that decodes, answers this client and gives no addresses."""
    if trace.reply is None:
        assert isinstance(trace.decision, Silence)
        assert str(trace.decision).isprintable()
        return
    reply = decode(trace.reply)
    assert trace.packet is not None
    assert reply.op == Op.REPLY
    assert reply.message_type in (MessageType.OFFER, MessageType.ACK)
    assert (reply.xid, reply.chaddr, reply.giaddr) == (trace.packet.xid, trace.packet.chaddr, trace.packet.giaddr)
    assert reply.yiaddr in (NO_ADDRESS, trace.packet.ciaddr)
    assert not NEVER & set(reply.options)
    assert trace.client is not None
    assert reply.options.get(175) == (b"\1\1\1" if trace.client.ipxe else None)
    codes = option_codes(trace.reply)
    assert 82 not in codes or codes[-1] == 82
    assert trace.destination is not None


@given(st.binary(max_size=700), arrivals)
def test_arbitrary_bytes(data: bytes, arrival: Arrival) -> None:
    harmless(ask(data, FLEET, arrival))


@given(st.sampled_from(REAL), st.data(), arrivals)
def test_real_packets_with_octets_changed(payload: bytes, data: st.DataObject, arrival: Arrival) -> None:
    changed = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    harmless(ask(bytes(changed), FLEET, arrival))


@given(st.sampled_from(QUESTIONS), st.integers(0, 700), st.binary(max_size=40), arrivals)
def test_real_questions_cut_and_continued_with_something_else(
    payload: bytes, length: int, tail: bytes, arrival: Arrival
) -> None:
    harmless(ask(payload[:length] + tail, FLEET, arrival))


@given(
    st.sampled_from(QUESTIONS),
    st.dictionaries(st.sampled_from([12, 43, 54, 55, 57, 60, 61, 77, 82, 93, 94, 97, 175]), st.binary(max_size=300)),
    arrivals,
)
def test_real_questions_with_options_forged(payload: bytes, forged: dict[int, bytes], arrival: Arrival) -> None:
    packet = decode(payload)

    harmless(ask(replace(packet, options={**packet.options, **forged}), FLEET, arrival))


@given(st.sampled_from(QUESTIONS), st.lists(st.tuples(st.floats(0, 10), st.sampled_from([67, 4011])), max_size=12))
def test_one_client_asking_in_any_rhythm(payload: bytes, steps: list[tuple[float, int]]) -> None:
    memory, now = Memory(limit=2), 0.0
    for pause, port in steps:
        now += pause
        harmless(ask(payload, FLEET, Arrival(port, ("192.0.2.77", 68), "192.0.2.1"), memory, now))


HOSTILE = [
    b"a\nb",
    b"\0\0\0",
    b"\x1b[2J",
    b"${net0/mac}",
    b"a || shell",
    b"%00%0a",
    b"../../etc/passwd",
    b"\xff" * 255,
    "ä".encode(),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("code", [12, 60, 66, 67, 77])
@pytest.mark.parametrize("arrival", [on_67(), on_4011()])
def test_hostile_strings_in_options_go_nowhere(code: int, text: bytes, arrival: Arrival) -> None:
    """A host name is not read at all; a class is compared, and a reply holds our own words only."""
    value = b"PXEClient:" + text if code == 60 else text
    kind = MessageType.REQUEST if arrival.port == 4011 else MessageType.DISCOVER
    trace = ask(question(kind, options={code: value}), FLEET, arrival)

    harmless(trace)
    assert trace.reply is not None
    assert text not in trace.reply.replace(b"\0", b"") or not text.strip(b"\0")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_in_the_header_go_nowhere(text: bytes) -> None:
    packet: Packet = question(sname=text.replace(b"\0", b"")[:63], file=text.replace(b"\0", b"")[:127])
    trace = ask(encode(packet), FLEET)

    assert trace.reply == ask(question(), FLEET).reply
