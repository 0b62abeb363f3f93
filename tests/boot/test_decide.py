"""What a client gets: the table of architectures, iPXE's way out of the loop, and every silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.arch import architecture
from netbootd.boot.decide import Answer, Decision, Wish, decide
from netbootd.boot.firmware import Firmware
from netbootd.boot.identify import Arrival, Client, identify
from netbootd.boot.memory import Style
from netbootd.boot.silence import Reason, Silence
from netbootd.boot.site import Site
from netbootd.wire.dhcp import MessageType, Packet
from tests.support.worlds import FIRMWARE, SERVER, SITE, ipxe_question, on_67, on_4011, question

NETBOOT = Wish()

BY_TFTP = {
    0: "undionly.kpxe",
    6: "i386-efi/ipxe.efi",
    7: "snponly.efi",
    9: "snponly.efi",
    10: "arm32-efi/snponly.efi",
    11: "arm64-efi/snponly.efi",
    21: "arm32-efi/snponly.efi",
    22: "arm64-efi/snponly.efi",
    25: "riscv32-efi/ipxe.efi",
    27: "riscv64-efi/ipxe.efi",
    39: "loong64-efi/ipxe.efi",
}
BY_HTTP = {
    15: "i386-efi/ipxe.efi",
    16: "snponly.efi",
    17: "snponly.efi",
    18: "arm32-efi/snponly.efi",
    19: "arm64-efi/snponly.efi",
    20: "undionly.kpxe",
    23: "arm32-efi/snponly.efi",
    24: "arm64-efi/snponly.efi",
    26: "riscv32-efi/ipxe.efi",
    28: "riscv64-efi/ipxe.efi",
    40: "loong64-efi/ipxe.efi",
}


def decided(
    packet: Packet,
    wish: Wish | Silence = NETBOOT,
    arrival: Arrival | None = None,
    site: Site = SITE,
    firmware: Firmware = FIRMWARE,
    style: Style = Style.BINL,
) -> Decision:
    client = identify(packet, arrival or on_67())
    assert isinstance(client, Client)
    return decide(client, wish, site, firmware, style)


def answer(packet: Packet, **how: Any) -> Answer:
    found = decided(packet, **how)
    assert isinstance(found, Answer), found
    return found


def silence(packet: Packet, **how: Any) -> Silence:
    found = decided(packet, **how)
    assert isinstance(found, Silence), found
    return found


@pytest.mark.parametrize("code", [*range(43), 0xFFFF])
def test_every_architecture_gets_a_program_of_its_own_width_or_a_stated_reason(code: int) -> None:
    found = decided(question(arch=code, options={60: b"PXEClient"}))

    if code in BY_TFTP:
        assert isinstance(found, Answer)
        assert found.file == BY_TFTP[code]
    elif code in BY_HTTP:
        assert isinstance(found, Answer)
        assert found.file == f"http://{SERVER}:8080/firmware/{BY_HTTP[code]}"
    else:
        assert isinstance(found, Silence)
        assert found.reason is (Reason.NOT_IPXE_BOOTABLE if code == 41 else Reason.UNKNOWN_ARCHITECTURE)
        assert str(code) in found.detail
        assert f"0x{code:02x}" in found.detail


@pytest.mark.parametrize("code", sorted({**BY_TFTP, **BY_HTTP}))
def test_without_a_program_of_its_width_a_client_gets_none_of_another(code: int) -> None:
    row = architecture(code)
    assert row is not None
    others = Firmware(tuple(b for b in FIRMWARE.binaries if (b.cpu, b.platform) != (row.cpu, row.platform)))

    found = silence(question(arch=code), firmware=others)

    assert found.reason is Reason.NO_BINARY
    assert row.name in found.detail


def test_a_client_that_does_not_say_its_architecture_gets_nothing() -> None:
    assert silence(question(arch=None, options={60: b"PXEClient"})).reason is Reason.NO_ARCHITECTURE


def test_a_forged_option_93_does_not_fill_the_log() -> None:
    found = silence(question(options={93: b"\xff\xfe" * 2000}))

    assert found.reason is Reason.UNKNOWN_ARCHITECTURE
    assert found.detail.endswith("code 65534, 0xfffe and 1996 more")


def test_a_raspberry_pi_gets_no_x86_program() -> None:
    assert silence(question(arch=0, chaddr=bytes.fromhex("b827eb000001"))).reason is Reason.NOT_IPXE_BOOTABLE


def test_a_discover_is_offered_and_a_request_on_4011_acknowledged() -> None:
    assert answer(question()).message is MessageType.OFFER
    assert answer(question(MessageType.REQUEST), arrival=on_4011()).message is MessageType.ACK
    assert answer(question(MessageType.INFORM), arrival=on_4011()).message is MessageType.ACK


def test_the_boot_file_stands_in_the_first_offer_and_again_on_4011() -> None:
    """Some firmware takes it from the offer, shim reads it from the ACK."""
    assert answer(question()).file == "snponly.efi"
    assert answer(question(MessageType.REQUEST), arrival=on_4011()).file == "snponly.efi"


@pytest.mark.parametrize("style", Style)
def test_the_style_is_for_offers_only(style: Style) -> None:
    assert answer(question(), style=style).style is style
    assert answer(question(MessageType.REQUEST), arrival=on_4011(), style=style).style is Style.DIRECT


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (question(), "PXEClient"),
        (question(arch=16), "HTTPClient"),
        (question(arch=7, options={60: b"HTTPClient"}), "HTTPClient"),
        (ipxe_question(), "PXEClient"),
        (ipxe_question(arch=16), "PXEClient"),
        (question(options={60: b"HW-Client:Arch:00007"}), "HW-Client"),
    ],
)
def test_the_class_echoes_the_kind(packet: Packet, kind: str) -> None:
    """iPXE does not take an HTTPClient for a proxy offer, EDK2's HTTP boot takes nothing else."""
    assert answer(packet).vendor_class == kind


def test_firmware_gets_c_strings_and_who_reads_lengths_does_not() -> None:
    assert answer(question(arch=0)).terminated
    assert answer(question()).terminated
    assert not answer(question(arch=16)).terminated
    assert not answer(ipxe_question()).terminated


def test_a_boot_item_is_echoed_on_4011_only() -> None:
    item = {43: bytes.fromhex("470400050001ff")}

    assert answer(question(MessageType.REQUEST, arch=0, options=item), arrival=on_4011()).boot_item == (5, 1)
    assert answer(question(arch=0, options=item)).boot_item is None


def test_a_signed_image_cannot_be_had() -> None:
    bis = {43: bytes.fromhex("470400058001ff")}

    assert silence(question(MessageType.REQUEST, arch=0, options=bis), arrival=on_4011()).reason is Reason.SIGNED_BOOT


def test_an_answer_reads_well_in_a_log() -> None:
    assert str(answer(question())) == "OFFER: snponly.efi (on to port 4011)"
    assert str(answer(question(arch=0), style=Style.BYPASS)) == "OFFER: undionly.kpxe (file at once, 43.6=8)"


def test_ipxe_gets_its_script_by_http() -> None:
    assert answer(ipxe_question()).file == f"http://{SERVER}:8080/ipxe.cfg"


def test_only_ipxe_is_told_to_prefer_us_to_its_lease() -> None:
    assert answer(ipxe_question()).over_lease
    assert not answer(question()).over_lease
    assert not answer(question(arch=16)).over_lease


def test_without_tftp_only_those_are_answered_who_load_by_http() -> None:
    """A name that nobody serves would keep firmware asking for minutes before it goes on to the disk."""
    off = Site(SERVER, tftp_port=None)
    assert silence(question(), site=off).reason is Reason.TFTP_OFF
    assert silence(ipxe_question(encapsulated=bytes.fromhex("150101")), site=off).reason is Reason.TFTP_OFF
    assert answer(question(arch=16), site=off).file == f"http://{SERVER}:8080/firmware/snponly.efi"
    assert answer(ipxe_question(), site=off).file == SITE.entry_url()


def test_ipxe_without_http_gets_it_by_tftp() -> None:
    assert answer(ipxe_question(encapsulated=bytes.fromhex("150101"))).file == f"tftp://{SERVER}/ipxe.cfg"


def test_ipxe_without_either_gets_nothing() -> None:
    assert silence(ipxe_question(encapsulated=bytes.fromhex("110101"))).reason is Reason.IPXE_WITHOUT_PROTOCOL


def test_an_https_script_is_only_for_an_ipxe_that_can() -> None:
    """HTTPS is off in default builds before 2.0."""
    secure = Site(SERVER, public_url="https://boot.example")

    assert answer(ipxe_question(encapsulated=bytes.fromhex("130101140101150101")), site=secure).file.startswith(
        "https:"
    )
    assert answer(ipxe_question(), site=secure).file == f"tftp://{SERVER}/ipxe.cfg"
    assert (
        silence(ipxe_question(encapsulated=bytes.fromhex("130101")), site=secure).reason is Reason.IPXE_WITHOUT_PROTOCOL
    )


@given(
    arch=st.none() | st.integers(0, 0xFFFF),
    features=st.frozensets(st.integers(0x10, 0x2F)),
    vendor_class=st.sampled_from([b"PXEClient", b"HTTPClient", b"HW-Client", b"PXEClient:Arch:00000:UNDI:002001"]),
    user_class=st.sampled_from([b"iPXE", b"\4iPXE"]),
    loader=st.none() | st.sampled_from([b.name for b in FIRMWARE.binaries]),
    root_path=st.sampled_from(["", "iscsi:192.0.2.9::::iqn.x"]),
    style=st.sampled_from(Style),
)
def test_ipxe_never_gets_a_boot_program_again(
    arch: int | None,
    features: frozenset[int],
    vendor_class: bytes,
    user_class: bytes,
    loader: str | None,
    root_path: str,
    style: Style,
) -> None:
    """That is what ends the chain-loading loop."""
    encapsulated = b"".join(bytes((code, 1, 1)) for code in sorted(features))
    packet = ipxe_question(encapsulated=encapsulated, options={60: vendor_class, 77: user_class})
    said = {**packet.options, 93: b"" if arch is None else arch.to_bytes(2, "big")}
    wish = Wish(loader, root_path)

    found = decided(question(options=said), wish=wish, style=style)

    if isinstance(found, Answer):
        assert found.file in (SITE.entry_url(), f"tftp://{SERVER}/ipxe.cfg")
        assert found.root_path == root_path
    else:
        assert found.reason is Reason.IPXE_WITHOUT_PROTOCOL


@pytest.mark.parametrize(
    "packet", [question(), question(arch=0), question(arch=16), ipxe_question(), question(arch=42)]
)
def test_a_machine_that_shall_boot_its_disk_gets_silence_and_its_reason(packet: Packet) -> None:
    told = Silence(Reason.BOOT_LOCAL, "armed by nobody")

    assert decided(packet, wish=told) is told


def test_a_loader_of_its_own_is_given_where_it_fits() -> None:
    wish = Wish(loader="ipxe.efi")

    assert answer(question(), wish=wish).file == "ipxe.efi"
    assert answer(question(arch=0), wish=wish).file == "undionly.kpxe"


def test_a_root_path_is_for_ipxe_alone() -> None:
    wish = Wish(root_path="iscsi:192.0.2.9::::iqn.x")

    assert answer(ipxe_question(), wish=wish).root_path == "iscsi:192.0.2.9::::iqn.x"
    assert answer(question(), wish=wish).root_path == ""


def test_only_ipxe_is_told_to_prefer_us_to_the_lease() -> None:
    """Firmware prefers a proxy by itself; iPXE does so only when its private option says so."""
    assert answer(ipxe_question()).over_lease
    assert not answer(question()).over_lease
