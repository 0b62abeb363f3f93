"""What PXE and iPXE nest inside options 43, 77 and 175."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire import pxe
from netbootd.wire.dhcp import decode
from netbootd.wire.errors import WireError
from netbootd.wire.options import IPXE_ENCAP, USER_CLASS, VENDOR_SPECIFIC
from netbootd.wire.pxe import Discovery, IpxeFeature
from tests.support.captures import dhcp_payloads

BIOS_ROM = decode(dhcp_payloads("seabios-ipxe-rom.pcap")[0])
UEFI_IPXE = decode(dhcp_payloads("ovmf-pxe4.pcap")[7])


class TestVendorOptions:
    """Option 43."""

    def test_the_bypass_of_discovery_is_four_octets(self) -> None:
        """``06 01 08 ff``: what BIOS ROMs want beside a boot file."""
        subs = {pxe.DISCOVERY_CONTROL: bytes((Discovery.BOOT_FILE,))}

        assert pxe.encode_vendor(subs) == b"\x06\x01\x08\xff"

    def test_what_dnsmasq_answers_is_read(self) -> None:
        offer = decode(dhcp_payloads("seabios-ipxe-rom.pcap")[1])

        assert pxe.decode_vendor(offer.options[VENDOR_SPECIFIC.code]) == {
            pxe.DISCOVERY_CONTROL: b"\x08",
            10: b"\0PXE",
        }

    def test_a_missing_end_is_accepted(self) -> None:
        assert pxe.decode_vendor(b"\x06\x01\x08") == {6: b"\x08"}

    def test_a_truncated_one_is_an_error(self) -> None:
        with pytest.raises(WireError, match="truncated option"):
            pxe.decode_vendor(b"\x06\x02\x08")

    @given(st.dictionaries(st.integers(1, 254), st.binary(max_size=255), max_size=8))
    @settings(deadline=None)
    def test_they_round_trip(self, subs: dict[int, bytes]) -> None:
        assert pxe.decode_vendor(pxe.encode_vendor(subs)) == subs


class TestBootItem:
    """Sub-option 71, by which a client names the boot server it chose."""

    def test_it_is_a_type_and_a_layer(self) -> None:
        raw = pxe.encode_vendor({pxe.BOOT_ITEM: pxe.encode_boot_item(0x8000, 1)})

        assert raw == b"\x47\x04\x80\x00\x00\x01\xff"
        assert pxe.boot_item(raw) == (0x8000, 1)

    def test_a_request_without_one_names_no_server(self) -> None:
        assert pxe.boot_item(b"\x06\x01\x08\xff") is None

    @pytest.mark.parametrize("raw", [b"\x47\x02\x80\x00", b"\x47\x05\0\0\0\0\0\xff", b"\x47\x04\0"])
    def test_one_of_the_wrong_shape_is_an_error(self, raw: bytes) -> None:
        with pytest.raises(WireError):
            pxe.boot_item(raw)


class TestIpxe:
    """Option 175."""

    def test_a_bios_rom_tells_its_features(self) -> None:
        """QEMU's virtio ROM of 2019: HTTP and bzImage, no HTTPS, no EFI."""
        said = pxe.decode_ipxe(BIOS_ROM.options[IPXE_ENCAP.code])

        assert said.version == (1, 0, 0)
        assert said.features >= {IpxeFeature.HTTP, IpxeFeature.TFTP, IpxeFeature.BZIMAGE, IpxeFeature.PXE}
        assert not said.features & {IpxeFeature.HTTPS, IpxeFeature.EFI}

    def test_a_uefi_build_tells_its_features(self) -> None:
        said = pxe.decode_ipxe(UEFI_IPXE.options[IPXE_ENCAP.code])

        assert {IpxeFeature(code).name for code in said.features} == {
            *("DNS", "EFI", "HTTP", "ISCSI", "MENU", "NFS", "TFTP", "SRP", "AOE"),
        }

    def test_the_bus_and_the_version_are_not_features(self) -> None:
        said = pxe.decode_ipxe(UEFI_IPXE.options[IPXE_ENCAP.code])

        assert said.subs[pxe.IPXE_BUS_ID] == b"\x01\x1a\xf4\x10\x00", "PCI, virtio-net"
        assert not said.features & {pxe.IPXE_BUS_ID, pxe.IPXE_VERSION}

    def test_one_that_says_nothing_has_no_version(self) -> None:
        assert pxe.decode_ipxe(b"") == pxe.IpxeOptions(frozenset(), None, {})

    def test_the_main_servers_wish_to_skip_the_proxy_can_be_seen(self) -> None:
        """``175.176``, which `doctor` looks for."""
        assert pxe.decode_ipxe(b"\xb0\x01\x01").subs[pxe.IPXE_NO_PXEDHCP] == b"\x01"

    def test_a_truncated_one_is_an_error(self) -> None:
        with pytest.raises(WireError):
            pxe.decode_ipxe(b"\x13\x01")


class TestUserClass:
    """Option 77."""

    def test_ipxe_sends_four_bare_letters(self) -> None:
        assert pxe.parse_user_class(UEFI_IPXE.options[USER_CLASS.code]) == ("iPXE",)

    @pytest.mark.parametrize(
        ("raw", "classes"),
        [
            (b"", ()),
            (b"iPXE", ("iPXE",)),
            (b"iPXE\0", ("iPXE",)),
            (b"\x04iPXE", ("iPXE",)),
            (b"\x04iPXE\x03lab", ("iPXE", "lab")),
            (b"\x04iPXE\x03la", ("\x04iPXE\x03la",)),
            (b"\x04iPXE\0", ("\x04iPXE",)),
            (b"\xff\xff", ("��",)),
        ],
    )
    def test_both_spellings_are_read(self, raw: bytes, classes: tuple[str, ...]) -> None:
        assert pxe.parse_user_class(raw) == classes

    @given(st.lists(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1), max_size=5))
    @settings(deadline=None)
    def test_a_list_as_rfc_3004_writes_it_is_read(self, classes: list[str]) -> None:
        raw = b"".join(bytes((len(text),)) + text.encode() for text in classes)

        assert pxe.parse_user_class(raw) == tuple(classes)

    @given(st.binary(max_size=64))
    @settings(deadline=None)
    def test_no_octets_raise(self, raw: bytes) -> None:
        assert all(isinstance(text, str) for text in pxe.parse_user_class(raw))
