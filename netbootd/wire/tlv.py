"""Code-length-value lists: the options field of DHCP (RFC 2132 section 2) and what is nested in options 43 and 175."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netbootd.wire.errors import WireError

PAD = 0
END = 255

TRUNCATED_OPTION = "truncated option"


def decode_options(*areas: bytes) -> dict[int, bytes]:
    """Read the areas in turn as one aggregate buffer and join what is repeated (RFC 3396).

    An area ends at END or at its last octet: a missing END is accepted when the last option is whole.
    Raises `WireError` when an option says it is longer than what is left of its area.
    """
    options: dict[int, bytes] = {}
    repeated: dict[int, list[bytes]] = {}
    for area in areas:
        _walk(area, options, repeated)
    # joined once at the end: adding piece by piece would let one 64 KiB datagram cost quadratic time
    for code, more in repeated.items():
        options[code] += b"".join(more)
    return options


def _walk(area: bytes, options: dict[int, bytes], repeated: dict[int, list[bytes]]) -> None:
    position, size = 0, len(area)
    while position < size and (code := area[position]) != END:
        if code == PAD:
            position += 1
            continue
        start = position + 2
        if start > size or (position := start + area[start - 1]) > size:
            raise WireError(TRUNCATED_OPTION, f"option {code}")
        if code in options:
            repeated.setdefault(code, []).append(area[start:position])
        else:
            options[code] = area[start:position]


def encode_options(options: Mapping[int, bytes] | Iterable[tuple[int, bytes]]) -> bytes:
    """Write options in the given order, without END; a value over 255 octets becomes pieces in a row (RFC 3396).

    No PAD stands between options: the Raspberry Pi EEPROM before 2020-01 stops reading there (rpi-eeprom#82).
    """
    pieces = []
    for code, value in options.items() if isinstance(options, Mapping) else options:
        assert PAD < code < END, f"option {code} cannot be written"
        if len(value) <= 255:
            pieces.append(bytes((code, len(value))) + value)
        else:
            pieces.extend(_split(code, value))
    return b"".join(pieces)


def _split(code: int, value: bytes) -> Iterable[bytes]:
    for start in range(0, len(value), 255):
        piece = value[start : start + 255]
        yield bytes((code, len(piece))) + piece
