"""TFTP packets: RFC 1350 with the option extension of RFC 2347.

`decode` and `encode` are each other's inverse for every packet `encode` can make.  What firmware sends is read
tolerantly: trailing bytes after an ACK or an ERROR, padding after the options, a missing last NUL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from netbootd.wire.errors import WireError


class Opcode(IntEnum):
    RRQ = 1
    WRQ = 2
    DATA = 3
    ACK = 4
    ERROR = 5
    OACK = 6


class ErrorCode(IntEnum):
    """RFC 1350 appendix and RFC 2347."""

    NOT_DEFINED = 0
    FILE_NOT_FOUND = 1
    ACCESS_VIOLATION = 2
    DISK_FULL = 3
    ILLEGAL_OPERATION = 4
    UNKNOWN_TID = 5
    FILE_EXISTS = 6
    NO_SUCH_USER = 7
    OPTIONS_REFUSED = 8


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """RRQ.  ``mode`` is in lower case; option names are spelled as the client spells them, each at most once."""

    filename: str
    mode: str = "octet"
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str) -> str | None:
        """The value of an option; ``name`` in lower case."""
        return next((value for known, value in self.options if known.lower() == name), None)


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """WRQ: never served, decoded so that it can be refused in words."""

    filename: str
    mode: str = "octet"
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """DATA; ``block`` is the number on the wire, 0..65535."""

    block: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """ACK; ``block`` is the number on the wire, 0..65535."""

    block: int


@dataclass(frozen=True, slots=True)
class Error:
    """ERROR; ``code`` may be one that no RFC knows."""

    code: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class OptionAck:
    """OACK."""

    options: tuple[tuple[str, str], ...]


Packet = ReadRequest | WriteRequest | Data | Ack | Error | OptionAck

_HEADER = Struct(">HH")  # opcode and block or error code
_REQUEST_HELP = "a request is a file name and a mode, each ended by NUL"


def decode(datagram: bytes) -> Packet:
    """Read one packet.

    Raises WireError; its ``tftp_code`` is 0 where silence is the better answer (too short to be TFTP at all).
    """
    if len(datagram) < 4:
        raise WireError("truncated packet", f"{len(datagram)} bytes")
    opcode, number = _HEADER.unpack_from(datagram)
    match opcode:
        case Opcode.ACK:
            return Ack(number)
        case Opcode.DATA:
            return Data(number, datagram[4:])
        case Opcode.ERROR:
            return Error(number, _text(datagram[4:].partition(b"\0")[0]))
        case Opcode.RRQ:
            return ReadRequest(*_request(datagram[2:]))
        case Opcode.WRQ:
            return WriteRequest(*_request(datagram[2:]))
        case Opcode.OACK:
            return OptionAck(_options(datagram[2:].split(b"\0")))
    raise WireError("unknown opcode", str(opcode), tftp_code=ErrorCode.ILLEGAL_OPERATION)


def encode(packet: Packet) -> bytes:
    """The bytes of one packet; text is written as UTF-8 and must hold no NUL."""
    match packet:
        case Data(block, payload):
            return _HEADER.pack(Opcode.DATA, block) + payload
        case Ack(block):
            return _HEADER.pack(Opcode.ACK, block)
        case Error(code, message):
            return _HEADER.pack(Opcode.ERROR, code) + _strings(message)
        case OptionAck(options):
            return _opcode(Opcode.OACK) + _pairs(options)
        case ReadRequest(filename, mode, options):
            return _opcode(Opcode.RRQ) + _strings(filename, mode) + _pairs(options)
        case WriteRequest(filename, mode, options):
            return _opcode(Opcode.WRQ) + _strings(filename, mode) + _pairs(options)


def normalise(filename: str) -> str:
    """The relative path a requested name means: ``\\EFI\\boot.efi`` and ``//EFI/./boot.efi`` are ``EFI/boot.efi``.

    Raises WireError for a name that climbs out (``..``) or holds control characters.  Case is kept: whether it
    matters is for who looks the name up.
    """
    if not filename.isprintable():
        raise WireError("unprintable file name", ascii(filename[:80]), tftp_code=ErrorCode.ACCESS_VIOLATION)
    parts = [part for part in filename.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise WireError("file name climbs out", filename[:80], tftp_code=ErrorCode.ACCESS_VIOLATION)
    if not parts:
        raise WireError("empty file name", tftp_code=ErrorCode.FILE_NOT_FOUND)
    return "/".join(parts)


def netascii(content: bytes) -> bytes:
    """Content as the mode netascii carries it: a line ends in CR LF, a lone CR is CR NUL (RFC 764, by RFC 1350)."""
    return content.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")


def _request(fields: bytes) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    filename, *rest = fields.split(b"\0")
    if len(rest) < 2:
        raise WireError("malformed request", _REQUEST_HELP, tftp_code=ErrorCode.ILLEGAL_OPERATION)
    # Some PXE ROMs send one 0xff after the name, a DHCP end mark they took for a part of option 67.
    return _text(filename.removesuffix(b"\xff")), _text(rest[0]).lower(), _options(rest[1:])


def _options(fields: list[bytes]) -> tuple[tuple[str, str], ...]:
    """RFC 2347: "An option may only be specified once"; the first one counts.  Empty names are a ROM's padding."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in zip(fields[::2], fields[1::2], strict=False):
        if name:
            found.setdefault(_text(name).lower(), (_text(name), _text(value)))
    return tuple(found.values())


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _opcode(opcode: Opcode) -> bytes:
    return opcode.to_bytes(2, "big")


def _strings(*values: str) -> bytes:
    if any("\0" in value for value in values):
        raise AssertionError(f"a NUL inside a TFTP string: {values!r}")
    return b"".join(value.encode() + b"\0" for value in values)


def _pairs(options: tuple[tuple[str, str], ...]) -> bytes:
    return b"".join(_strings(name, value) for name, value in options)
