"""A BIOS machine whose PXE ROM does not say that it is iPXE.

Every PXE option ROM that Debian (and QEMU) ship is iPXE, and iPXE says so: user class "iPXE" (option 77) and its own
encapsulated options (175).  A netboot server rightly gives such a client a script instead of ``undionly.kpxe``, so with
these ROMs alone the way through ``undionly.kpxe``, which most BIOS machines in the field take, would never be walked.

Here the ROM stays as it is, bit for bit, and its frames pass through this process (QEMU's filter-redirector).  In each
DHCP packet the two options become pads, until the ROM reads its boot file by TFTP.  From then on nothing is touched:
what follows is ``undionly.kpxe``, running on the ROM's own PXE stack through the UNDI interface, and it must be seen as
iPXE.
"""

from __future__ import annotations

import socket
import struct
import threading

_USER_CLASS = 77
_IPXE_ENCAPSULATED = 175
_ETHERNET, _BOOTP, _COOKIE = 14, 236, b"\x63\x82\x53\x63"


class Disguise:
    """Carries the frames a machine sends from one QEMU socket to another; ``arguments`` connect it."""

    def __init__(self) -> None:
        self._from_machine, self._qemu_out = socket.socketpair()
        self._to_network, self._qemu_in = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="disguise", daemon=True)
        self._thread.start()

    @property
    def fds(self) -> tuple[int, int]:
        """The descriptors QEMU must inherit."""
        return self._qemu_out.fileno(), self._qemu_in.fileno()

    @property
    def arguments(self) -> list[str]:
        """QEMU's arguments.

        Filters see what the machine sends in reverse order, so those that must see the disguise come before these.
        """
        out, back = self.fds
        return [
            *("-chardev", f"socket,id=sent,fd={out}", "-chardev", f"socket,id=passed,fd={back}"),
            # "rx" is what the network side receives, which is what the machine sends.
            *("-object", "filter-redirector,id=disguise,netdev=net0,queue=rx,outdev=sent,indev=passed"),
        ]

    def started(self) -> None:
        """QEMU has its ends now; with ours of them closed, the thread ends when QEMU does."""
        self._qemu_out.close()
        self._qemu_in.close()

    def close(self) -> None:
        """Hang up and wait for the thread; harmless when QEMU has gone."""
        self.started()
        self._from_machine.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)
        self._from_machine.close()
        self._to_network.close()

    def _carry(self) -> None:
        stream = self._from_machine.makefile("rb")
        disguised = True
        while len(header := stream.read(4)) == 4:
            frame = stream.read(int.from_bytes(header, "big"))
            disguised = disguised and _udp_port(frame) != 69
            frame = anonymous(frame) if disguised and _udp_port(frame) in (67, 4011) else frame
            try:
                self._to_network.sendall(len(frame).to_bytes(4, "big") + frame)
            except OSError:  # QEMU has gone
                break
        stream.close()


def anonymous(frame: bytes) -> bytes:
    """The DHCP packet in ``frame`` with options 77 and 175 turned into pads, lengths unchanged."""
    start = _ETHERNET + (frame[_ETHERNET] & 0x0F) * 4
    packet = bytearray(frame)
    at = start + 8 + _BOOTP
    assert packet[at : at + 4] == _COOKIE
    at += 4
    while at < len(packet) and packet[at] != 255:
        size = 1 if packet[at] == 0 else 2 + packet[at + 1]
        if packet[at] in (_USER_CLASS, _IPXE_ENCAPSULATED):
            packet[at : at + size] = bytes(size)
        at += size
    # RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
    packet[start + 6 : start + 8] = bytes(2)
    return bytes(packet)


def _udp_port(frame: bytes) -> int | None:
    """The destination port when ``frame`` is IPv4 and UDP."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 42 or frame[23] != socket.IPPROTO_UDP:
        return None
    start = _ETHERNET + (frame[_ETHERNET] & 0x0F) * 4
    port: int = struct.unpack_from(">H", frame, start + 2)[0]
    return port
