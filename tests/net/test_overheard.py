"""What a packet socket lets through, and how its frames are read.

The kernel runs the filter on a Unix socket as on a packet socket, without a capability.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.net.overheard import Ear, Overheard, open_overheard, read_frame, sift

REPLY, REQUEST = b"\2" + bytes(239), b"\1" + bytes(239)


def frame(payload: bytes = REPLY, *, port: int = 67, protocol: int = 17, fragment: int = 0, options: int = 0) -> bytes:
    """An IPv4 packet from 192.0.2.1 to everybody."""
    header = struct.pack("!BBHHHBBH", 0x45 + options // 4, 0, 0, 0, fragment, 64, protocol, 0)
    addresses = socket.inet_aton("192.0.2.1") + b"\xff" * 4
    udp = struct.pack("!4H", port, 68, 8 + len(payload), 0)
    return header + addresses + bytes(options) + udp + payload


@pytest.mark.parametrize(
    ("packet", "passes"),
    [
        (frame(), True),
        (frame(port=4011), True),
        (frame(options=8), True),
        (frame(REQUEST), False),
        (frame(REQUEST, port=4011), False),
        (frame(port=69), False),
        (frame(port=68), False),
        (frame(protocol=6), False),
        (frame(fragment=100), False),
        (frame(fragment=0x4000), True),
        (b"", False),
        (b"E" * 19, False),
    ],
    ids=[
        "DHCP",
        "PXE",
        "IP options",
        "relay",
        "EDK2",
        "TFTP",
        "client",
        "TCP",
        "later fragment",
        "DF",
        "none",
        "short",
    ],
)
def test_the_kernel_lets_answers_of_servers_through_and_nothing_else(packet: bytes, passes: bool) -> None:
    """A relay asks from port 67 and EDK2 from 4011: those are questions (op 1), however many machines there are."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        sift(there)
        here.send(packet)
        here.send(frame(b"\2the last"))
        assert there.recv(2048) == (packet if passes else frame(b"\2the last"))


def test_a_frame_is_read_with_its_sender_and_without_its_padding() -> None:
    """Ethernet fills up to 60 octets."""
    found = read_frame(frame(b"\2abc", port=4011) + bytes(20), 7)
    assert found == Overheard(b"\2abc", ("192.0.2.1", 4011), "255.255.255.255", 7)


@given(st.binary(max_size=80))
def test_whatever_the_octets_nothing_is_raised(octets: bytes) -> None:
    found = read_frame(octets, 1)
    assert found is None or len(found.data) <= len(octets)


@pytest.mark.parametrize("cut", [0, 10, 19, 24, 27, 30])
def test_a_frame_that_is_cut_is_none(cut: int) -> None:
    assert read_frame(frame(b"\2abcdef")[:cut], 1) is None


def test_a_socket_that_hears_every_interface_is_had_or_refused_for_the_right() -> None:
    try:
        open_overheard().close()
    except PermissionError:
        assert os.geteuid() != 0


class Wire:
    """A packet socket in memory: frames, then nothing left."""

    def __init__(self, *frames: bytes) -> None:
        self._frames = list(frames)
        self.sock, self._other = socket.socketpair()
        self.closed = False

    def fileno(self) -> int:
        return self.sock.fileno()

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[Any, ...]]:
        if not self._frames:
            self.sock.recv(100)
            raise BlockingIOError
        return self._frames.pop(0), ("lo", 0x800, 0, 1, b"")

    def wake(self) -> None:
        self._other.send(b".")

    def close(self) -> None:
        self.sock.close()
        self._other.close()


async def test_an_ear_hears_on_the_event_loop_until_it_is_closed() -> None:
    heard: asyncio.Queue[Overheard] = asyncio.Queue()
    wire = Wire(frame(b"\2one"), b"rubbish", frame(b"\2two"))
    ear = Ear(wire, heard.put_nowait)  # type: ignore[arg-type]
    ear.start(asyncio.get_running_loop())
    wire.wake()
    assert [(await heard.get()).data for _ in range(2)] == [b"\2one", b"\2two"]
    ear.close()
    ear.close()
    assert wire.sock.fileno() == -1
