"""Port 4011, asked from here."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from netbootd.cli.doctor import pxe_port
from netbootd.cli.doctor.kinds import Cards, Kind
from netbootd.cli.doctor.pxe_port import ask_port
from netbootd.wire import options
from netbootd.wire.dhcp import MessageType, Op, decode, encode

SERVER = f"127.{os.getpid() >> 16 & 63 | 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""An address of the loopback that nobody else uses, not even another process with these tests."""


@contextmanager
def answering(answer: Callable[[socket.socket, bytes, tuple[str, int]], object]) -> Iterator[None]:
    """A PXE server on that address, until it has answered once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((SERVER, 4011))
        sock.settimeout(60)
        thread = threading.Thread(target=lambda: answer(sock, *sock.recvfrom(2048)))
        thread.start()
        yield
        thread.join()


def acknowledged(data: bytes) -> bytes:
    packet = decode(data)
    said = dict([options.MESSAGE_TYPE.pair(MessageType.ACK), options.BOOTFILE.pair("snponly.efi")])
    return encode(replace(packet, op=Op.REPLY, options=said))


def test_what_comes_back_from_there_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pxe_port, "_EACH", 60.0)
    with answering(lambda sock, data, peer: sock.sendto(acknowledged(data), peer)):
        found = ask_port(SERVER, [Kind.UEFI], Cards.new())
    assert (said := found[Kind.UEFI])
    assert (said.file, said.server) == ("snponly.efi", SERVER)


def test_an_answer_from_another_port_is_none_as_it_is_none_to_firmware() -> None:
    def elsewhere(_sock: socket.socket, data: bytes, peer: tuple[str, int]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((SERVER, 0))
            other.sendto(acknowledged(data), peer)

    with answering(elsewhere):
        assert ask_port(SERVER, [Kind.UEFI], Cards.new()) == {Kind.UEFI: None}


def test_where_nobody_listens_every_kind_has_no_answer() -> None:
    assert ask_port(SERVER, [Kind.BIOS, Kind.UEFI], Cards.new()) == {Kind.BIOS: None, Kind.UEFI: None}
