"""TFTP packets as bytes, as firmware sends them, and as nobody should."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.errors import WireError
from netbootd.wire.tftp import (
    Ack,
    Data,
    Error,
    OptionAck,
    Packet,
    ReadRequest,
    WriteRequest,
    decode,
    encode,
    netascii,
    normalise,
)


def nul(*strings: str) -> bytes:
    """Strings as TFTP writes them, each ended by NUL."""
    return b"".join(string.encode() + bytes(1) for string in strings)


EXAMPLES = [
    (ReadRequest("undionly.kpxe"), b"\0\1" + nul("undionly.kpxe", "octet")),
    (
        ReadRequest("a", "octet", (("tsize", "0"), ("blksize", "1468"), ("windowsize", "4"))),
        b"\0\1" + nul("a", "octet", "tsize", "0", "blksize", "1468", "windowsize", "4"),
    ),
    (WriteRequest("x", "octet", (("tsize", "9"),)), b"\0\2" + nul("x", "octet", "tsize", "9")),
    (Data(1, b"abc"), b"\0\3\0\1abc"),
    (Data(0xFFFF, b""), b"\0\3\xff\xff"),
    (Ack(258), b"\0\4\1\2"),
    (Error(1, "File not found"), b"\0\5\0\1" + nul("File not found")),
    (OptionAck((("blksize", "1428"), ("tsize", "7"))), b"\0\6" + nul("blksize", "1428", "tsize", "7")),
]

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
options = st.dictionaries(st.text("abcxyz", min_size=1), text).map(lambda found: tuple(found.items()))
numbers = st.integers(0, 0xFFFF)
packets = st.one_of(
    st.builds(ReadRequest, text, st.sampled_from(["octet", "netascii"]), options),
    st.builds(WriteRequest, text, st.just("octet"), options),
    st.builds(Data, numbers, st.binary()),
    st.builds(Ack, numbers),
    st.builds(Error, numbers, text),
    st.builds(OptionAck, options.filter(bool)),
)


@pytest.mark.parametrize(("packet", "wire"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_each_packet_has_its_bytes(packet: Packet, wire: bytes) -> None:
    assert encode(packet) == wire
    assert decode(wire) == packet


@given(packets)
def test_what_is_written_is_read_back(packet: Packet) -> None:
    assert decode(encode(packet)) == packet


@given(
    st.one_of(st.binary(), st.binary().map(lambda tail: b"\0\1" + tail), st.binary().map(lambda tail: b"\0\6" + tail))
)
def test_any_bytes_are_a_packet_or_a_wire_error(datagram: bytes) -> None:
    with suppress(WireError):
        decode(datagram)


class TestTolerance:
    @pytest.mark.parametrize("mode", [b"OCTET", b"Octet", b"octet"])
    def test_the_mode_may_be_in_any_case(self, mode: bytes) -> None:
        assert decode(b"\0\1f\0" + mode + b"\0") == ReadRequest("f", "octet")

    def test_an_option_is_found_in_any_case_and_its_spelling_kept(self) -> None:
        """RFC 2347: option names are case-insensitive, and the OACK is "copied from the original request"."""
        request = decode(b"\0\1" + nul("f", "octet", "BlkSize", "1432"))
        assert isinstance(request, ReadRequest)
        assert request.option("blksize") == "1432"
        assert request.options == (("BlkSize", "1432"),)

    def test_an_option_twice_counts_once(self) -> None:
        request = decode(b"\0\1" + nul("f", "octet", "tsize", "0", "TSIZE", "5"))
        assert isinstance(request, ReadRequest)
        assert request.options == (("tsize", "0"),)

    def test_padding_after_the_options_is_nothing(self) -> None:
        assert decode(b"\0\1" + nul("f", "octet", "tsize", "0") + bytes(100)) == ReadRequest(
            "f", "octet", (("tsize", "0"),)
        )

    def test_the_last_nul_may_be_missing(self) -> None:
        assert decode(b"\0\1" + nul("f", "octet", "tsize", "0")[:-1]) == ReadRequest("f", "octet", (("tsize", "0"),))
        assert decode(b"\0\5\0\2no") == Error(2, "no")

    def test_an_error_without_a_message_is_an_error(self) -> None:
        assert decode(b"\0\5\0\0") == Error(0, "")

    def test_an_ack_may_be_followed_by_garbage(self) -> None:
        assert decode(b"\0\4\0\7xxxx") == Ack(7)

    def test_a_name_may_end_in_0xff(self) -> None:
        """Some PXE ROMs take the DHCP end mark for a part of the name."""
        assert decode(b"\0\1pxelinux.0\xff\0octet\0") == ReadRequest("pxelinux.0")

    def test_a_name_that_is_not_utf_8_is_read_as_latin_1(self) -> None:
        assert decode(b"\0\1caf\xe9\0octet\0") == ReadRequest("café")
        assert decode("\0\1café\0octet\0".encode()) == ReadRequest("café")


class TestNonsense:
    @pytest.mark.parametrize("datagram", [b"", b"\0", b"\0\1", b"\0\4\0"])
    def test_what_is_too_short_deserves_silence(self, datagram: bytes) -> None:
        with pytest.raises(WireError) as caught:
            decode(datagram)
        assert caught.value.tftp_code == 0

    @pytest.mark.parametrize("datagram", [b"\0\1file", b"\0\1file\0octet", b"\0\2x\0"], ids=repr)
    def test_a_request_without_its_two_strings_is_illegal(self, datagram: bytes) -> None:
        with pytest.raises(WireError, match="malformed request") as caught:
            decode(datagram)
        assert caught.value.tftp_code == 4

    @pytest.mark.parametrize("opcode", [0, 7, 0x0100, 0xFFFF])
    def test_an_unknown_opcode_is_illegal(self, opcode: int) -> None:
        with pytest.raises(WireError, match="unknown opcode") as caught:
            decode(opcode.to_bytes(2, "big") + b"xx")
        assert caught.value.tftp_code == 4

    def test_we_never_write_a_nul_inside_a_string(self) -> None:
        with pytest.raises(AssertionError):
            encode(Error(0, "a\0b"))


class TestNormalise:
    @pytest.mark.parametrize(
        ("asked", "meant"),
        [
            ("undionly.kpxe", "undionly.kpxe"),
            ("/undionly.kpxe", "undionly.kpxe"),
            ("//a//b", "a/b"),
            ("\\EFI\\BOOT\\grubx64.efi", "EFI/BOOT/grubx64.efi"),
            ("./a/./b/", "a/b"),
            ("...", "..."),
            ("a..b", "a..b"),
            ("Ünï", "Ünï"),
            ("<?>onboard", "<?>onboard"),
        ],
    )
    def test_slashes_of_both_kinds_lead_to_one_relative_path(self, asked: str, meant: str) -> None:
        assert normalise(asked) == meant

    @pytest.mark.parametrize("asked", ["..", "../etc/shadow", "a/../../b", "\\..\\x", "a/..", "/..", "./..\\x"])
    def test_nothing_climbs_out(self, asked: str) -> None:
        with pytest.raises(WireError, match="climbs out") as caught:
            normalise(asked)
        assert caught.value.tftp_code == 2

    @pytest.mark.parametrize("asked", ["a\nb", "a\0b", "\x1b[2J", "a\x7f", "\u202egpj.exe", "\x85"], ids=ascii)
    def test_nothing_unprintable_passes(self, asked: str) -> None:
        with pytest.raises(WireError, match="unprintable") as caught:
            normalise(asked)
        assert caught.value.tftp_code == 2

    @pytest.mark.parametrize("asked", ["", "/", "\\", "./."])
    def test_no_name_is_no_file(self, asked: str) -> None:
        with pytest.raises(WireError, match="empty") as caught:
            normalise(asked)
        assert caught.value.tftp_code == 1

    @given(st.text())
    def test_any_name_becomes_a_clean_relative_path_or_a_wire_error(self, asked: str) -> None:
        try:
            path = normalise(asked)
        except WireError:
            return
        assert not path.startswith("/")
        assert "\\" not in path
        assert not {"..", ".", ""} & set(path.split("/"))
        assert normalise(path) == path


class TestNetascii:
    @pytest.mark.parametrize(
        ("plain", "carried"), [(b"a\nb\n", b"a\r\nb\r\n"), (b"a\rb", b"a\r\0b"), (b"a\r\nb", b"a\r\0\r\nb"), (b"", b"")]
    )
    def test_line_ends_become_cr_lf_and_a_lone_cr_cr_nul(self, plain: bytes, carried: bytes) -> None:
        assert netascii(plain) == carried
