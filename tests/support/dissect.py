"""A DHCP packet as text, a line per field: octets in hex, then what they are.  Shares nothing with netbootd.wire."""

from __future__ import annotations

from collections.abc import Iterator

_HEADER = (
    ("op", 1), ("htype", 1), ("hlen", 1), ("hops", 1), ("xid", 4), ("secs", 2), ("flags", 2), ("ciaddr", 4),
    ("yiaddr", 4), ("siaddr", 4), ("giaddr", 4), ("chaddr", 16), ("sname", 64), ("file", 128), ("cookie", 4),
)  # fmt: skip
_OPTIONS = {
    17: "root path", 43: "vendor specific", 53: "message type", 54: "server identifier", 60: "vendor class",
    61: "client identifier", 66: "TFTP server name", 67: "boot file", 82: "relay agent", 97: "machine identifier",
    175: "iPXE",
}  # fmt: skip


def dissect(packet: bytes) -> str:
    """Every octet of the packet, in order; a trailing run of one octet is shortened to its count."""
    return "\n".join(f"{_hex(octets):<60} # {what}" for what, octets in _fields(packet)) + "\n"


def option_codes(packet: bytes) -> list[int]:
    """The codes of the options field, in the order they stand."""
    return [int(what.split()[1]) for what, _ in _options(packet) if what.startswith("option")]


def _fields(packet: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    for name, size in _HEADER:
        yield _told(name, packet[position : position + size]), packet[position : position + size]
        position += size
    yield from _options(packet)


def _options(packet: bytes) -> Iterator[tuple[str, bytes]]:
    position = 240
    while packet[position] != 255:
        code, size = packet[position], packet[position + 1]
        octets = packet[position : position + 2 + size]
        assert len(octets) == 2 + size, "truncated option"
        yield _told(f"option {code} {_OPTIONS.get(code, '')}".rstrip(), octets, skip=2), octets
        position += len(octets)
    yield "end", packet[position : position + 1]
    yield "padding", packet[position + 1 :]


def _told(name: str, octets: bytes, skip: int = 0) -> str:
    value = octets[skip:].rstrip(b"\0")
    readable = len(value) > 3 and all(32 <= octet < 127 for octet in value) and name != "cookie"
    return f"{name}: {value.decode()}" if readable else name


def _hex(octets: bytes) -> str:
    short = octets.rstrip(b"\0")
    zeros = len(octets) - len(short)
    return octets.hex(" ") if zeros < 5 else f"{short.hex(' ')} {zeros} x 00".strip()
