"""Typed keys: what each option's octets mean."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire import options
from netbootd.wire.errors import WireError
from netbootd.wire.options import Option

ALL = [value for value in vars(options).values() if isinstance(value, Option)]

ADDRESSES = st.ip_addresses(v=4).map(str)
TEXTS = st.text(st.characters(codec="ascii", min_codepoint=1), max_size=300)

QEMU_UUID = UUID("11223344-5566-7788-99aa-bbccddeeff00")


@pytest.mark.parametrize(
    ("option", "raw", "value"),
    [
        (options.SUBNET_MASK, b"\xff\xff\xff\0", "255.255.255.0"),
        (options.HOSTNAME, b"node-1", "node-1"),
        (options.BOOT_FILE_SIZE, b"\x01\x00", 256),
        (options.ROOT_PATH, b"/srv", "/srv"),
        (options.VENDOR_SPECIFIC, b"\x06\x01\x08\xff", b"\x06\x01\x08\xff"),
        (options.REQUESTED_ADDRESS, b"\x0a\x63\0\xa8", "10.99.0.168"),
        (options.LEASE_TIME, b"\0\0\x0e\x10", 3600),
        (options.OVERLOAD, b"\x03", 3),
        (options.MESSAGE_TYPE, b"\x01", 1),
        (options.SERVER_ID, b"\x0a\x63\0\x01", "10.99.0.1"),
        (options.PARAMETER_LIST, b"\x01\x03\x2b", (1, 3, 43)),
        (options.MAX_SIZE, b"\x05\xc0", 1472),
        (options.VENDOR_CLASS, b"PXEClient", "PXEClient"),
        (options.CLIENT_ID, b"\x01RT\0\x12\x34\x56", b"\x01RT\0\x12\x34\x56"),
        (options.TFTP_SERVER_NAME, b"10.99.0.2", "10.99.0.2"),
        (options.BOOTFILE, b"ipxe.efi", "ipxe.efi"),
        (options.USER_CLASS, b"iPXE", b"iPXE"),
        (options.RELAY_AGENT, b"\x01\x04\0\0\0\x05", b"\x01\x04\0\0\0\x05"),
        (options.CLIENT_ARCH, b"\0\x07\0\x09", (7, 9)),
        (options.UNDI, b"\x01\x03\x10", (3, 16)),
        (options.CLIENT_UUID, b"\0" + QEMU_UUID.bytes_le, QEMU_UUID),
        (options.IPXE_ENCAP, b"\x13\x01\x01", b"\x13\x01\x01"),
    ],
    ids=str,
)
def test_each_option_reads_and_writes_its_value(option: Option[Any], raw: bytes, value: object) -> None:
    assert option.decode(raw) == value
    assert option.pair(value) == (option.code, raw)


def test_no_two_keys_share_a_code() -> None:
    assert len({option.code for option in ALL}) == len(ALL) == 22


@pytest.mark.parametrize(
    ("option", "raw"),
    [
        (options.SERVER_ID, b"\x0a\x63\0"),
        (options.SUBNET_MASK, b""),
        (options.MESSAGE_TYPE, b"\x01\x01"),
        (options.MAX_SIZE, b"\x05"),
        (options.LEASE_TIME, b"\0\0\x0e"),
        (options.CLIENT_ARCH, b"\0\x07\0"),
        (options.UNDI, b"\x01\x03"),
        (options.CLIENT_UUID, b"\0\x01\x02"),
        (options.CLIENT_UUID, b"\x01" + QEMU_UUID.bytes_le),
        (options.CLIENT_UUID, QEMU_UUID.bytes_le),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_shape_is_an_error(option: Option[Any], raw: bytes) -> None:
    with pytest.raises(WireError) as caught:
        option.decode(raw)

    assert caught.value.reason == options.BAD_OPTION


@pytest.mark.parametrize("option", ALL, ids=str)
@given(raw=st.binary(max_size=40))
@settings(deadline=None, max_examples=50)
def test_no_octets_do_anything_but_decode_or_raise_wire_error(option: Option[Any], raw: bytes) -> None:
    with suppress(WireError):
        option.decode(raw)


@given(ADDRESSES)
@settings(deadline=None)
def test_addresses_round_trip(address: str) -> None:
    assert options.ip_text(options.ip_bytes(address)) == address


@pytest.mark.parametrize("text", ["10.99.0", "10.99.0.1.2"])
def test_an_address_of_our_own_must_be_one(text: str) -> None:
    with pytest.raises(AssertionError):
        options.ip_bytes(text)


class TestTexts:
    def test_trailing_nuls_go(self) -> None:
        """RFC 2132 section 2: "MUST be prepared to delete trailing nulls if they exist"."""
        assert options.BOOTFILE.decode(b"ipxe.efi\0") == "ipxe.efi"

    def test_what_is_not_ascii_is_replaced(self) -> None:
        """pixiecore met file names that end in 0xff."""
        assert options.BOOTFILE.decode(b"undionly.kpxe\xff") == "undionly.kpxe�"

    def test_the_rest_is_left_as_it_came(self) -> None:
        """Whoever shows or renders it must pass it through a grammar first."""
        assert options.HOSTNAME.decode(b"a\n${b}") == "a\n${b}"

    def test_our_own_are_ascii(self) -> None:
        with pytest.raises(AssertionError):
            options.text_bytes("démarrage")

    @given(TEXTS.filter(lambda text: not text.endswith("\0")))
    @settings(deadline=None)
    def test_they_round_trip_terminated_or_not(self, text: str) -> None:
        """Some ROMs want a NUL at the end, and some send one."""
        assert (
            options.text_from(options.text_bytes(text)) == options.text_from(options.text_bytes(text) + b"\0") == text
        )


class TestMachineIdentifier:
    """Option 97 carries SMBIOS's order, in which the first three fields are little-endian."""

    def test_it_reads_as_the_text_qemu_was_given(self) -> None:
        """``qemu -uuid 11223344-5566-...`` stores 44 33 22 11 66 55 ... in SMBIOS, and EDK2 sends those octets."""
        raw = bytes.fromhex("00 44332211 6655 8877 99aa bbccddeeff00")

        assert str(options.CLIENT_UUID.decode(raw)) == "11223344-5566-7788-99aa-bbccddeeff00"

    @pytest.mark.parametrize("raw", [b"", bytes(17)], ids=["empty", "zeros"])
    def test_a_rom_without_one_has_none(self, raw: bytes) -> None:
        assert options.CLIENT_UUID.decode(raw) is None

    def test_none_is_written_as_empty(self) -> None:
        assert options.CLIENT_UUID.encode(None) == b""

    @given(st.uuids(allow_nil=False))
    @settings(deadline=None)
    def test_it_round_trips(self, uuid: UUID) -> None:
        assert options.CLIENT_UUID.decode(options.CLIENT_UUID.encode(uuid)) == uuid


def test_an_integer_of_our_own_must_fit() -> None:
    with pytest.raises(AssertionError):
        options.MAX_SIZE.encode(65536)


def test_a_key_names_itself() -> None:
    assert str(options.CLIENT_ARCH) == "client architecture (93)"
