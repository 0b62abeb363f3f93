"""A house for a daemon of the tests: boot programs, artifacts, settings; and what a client reads from it."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.lab.namespace import Namespace
from tests.support.netbootd import Running
from tests.support.places import udp

SERVER, OTHER_SERVER = "10.99.0.2", "10.99.2.2"
"""The daemon's addresses in `tests.support.places`."""
KERNEL = bytes(range(256)) * 400


def settings(directory: Path, more: str = "") -> str:
    return (
        f"state: sqlite:///{directory}/state.db\nartifacts: {directory}/artifacts\nfirmware: {directory}/ipxe\n{more}"
    )


def furnished(directory: Path) -> Path:
    """Boot programs (small ones: only their headers matter here) and artifacts."""
    (directory / "artifacts" / "big").mkdir(parents=True)
    (directory / "artifacts" / "kernel").write_bytes(KERNEL)
    programs = directory / "ipxe"
    programs.mkdir()
    (programs / "undionly.kpxe").write_bytes(b"PXE->EB: !PXE at" + bytes(3000))
    (programs / "snponly.efi").write_bytes(efi_program(0x8664))
    return directory


def efi_program(machine: int) -> bytes:
    """The least that a PE loader takes for an EFI application."""
    header = bytearray(512)
    header[0:2], header[0x3C] = b"MZ", 0x80
    header[0x80:0x84] = b"PE\0\0"
    header[0x84:0x86] = machine.to_bytes(2, "little")
    header[0x98:0x9A] = b"\x0b\x02"
    header[0x98 + 68 : 0x98 + 70] = (10).to_bytes(2, "little")
    return bytes(header) + b"iPXE"


def assert_unharmed(daemon: Running) -> None:
    assert daemon.process.poll() is None
    assert "Traceback" not in daemon.text()
    assert [e for e in daemon.events() if e["level"] == "error" or e["event"] == "python.log"] == []


def tftp_read(place: Namespace, server: str, name: str) -> tuple[bytes, str]:
    """A file and the address it came from."""
    with udp(place, "0.0.0.0", 0) as sock:
        sock.sendto(b"\0\1" + name.encode() + b"\0octet\0", (server, 69))
        return tftp_rest(sock)


def tftp_rest(sock: socket.socket, data: bytes = b"") -> tuple[bytes, str]:
    """The blocks that are still to come, 512 octets each as without options; one that was sent again counts once."""
    last = b""
    while True:
        block, peer = sock.recvfrom(2048)
        assert block[:2] == b"\0\3", block
        sock.sendto(b"\0\4" + block[2:4], peer)
        if block[2:4] == last:
            continue
        last = block[2:4]
        data += block[4:]
        if len(block) < 516:
            return data, peer[0]
