"""What does this client get?  One function: a `Client` and what the fleet wants for it make a `Decision`."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.firmware import Firmware
from netbootd.boot.identify import PXE_PORT, Client
from netbootd.boot.memory import Style
from netbootd.boot.silence import Reason, Silence
from netbootd.boot.site import Site
from netbootd.wire import pxe
from netbootd.wire.dhcp import MessageType

SCRIPT = "ipxe.cfg"


@dataclass(frozen=True, slots=True)
class Wish:
    """How the fleet wants a machine to boot from the network; `Silence` stands for one that is left to its disk."""

    loader: str | None = None
    """A boot program by name in place of the usual one, where its width fits."""
    root_path: str = ""
    """Option 17 for iPXE: a SAN disk to hook, RFC 4173."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to send, before it has a form."""

    message: MessageType
    file: str
    """Boot file name or URL.  Also in an offer that sends the client on to port 4011: some take it from there."""
    server: str
    vendor_class: str
    style: Style
    terminated: bool
    """Options 66 and 67 end in NUL.  RFC 2132 section 2 wants none, but some BIOS PXE ROMs read them as C strings, as
    dnsmasq notes; a Raspberry Pi 3 may mind the NUL in 66 (raspberrypi/firmware#871)."""
    boot_item: tuple[int, int] | None = None
    root_path: str = ""
    over_lease: bool = False
    """iPXE is told to take this boot file even where the DHCP server that gave its address names another."""

    def __str__(self) -> str:
        return f"{self.message.name}: {self.file} ({self.style.value})"


Decision = Answer | Silence


def decide(client: Client, wish: Wish | Silence, site: Site, firmware: Firmware, style: Style) -> Decision:
    """Choose.  ``style`` is `Memory.style` of this client; on port 4011 it no longer matters."""
    if isinstance(wish, Silence):
        return wish
    if client.boot_item and client.boot_item[1] & pxe.BIS:
        return Silence(Reason.SIGNED_BOOT)
    chosen = _script(client, site) if client.ipxe else _loader(client, wish, site, firmware)
    if isinstance(chosen, Silence):
        return chosen
    on_4011 = client.port == PXE_PORT
    return Answer(
        message=MessageType.ACK if on_4011 else MessageType.OFFER,
        file=chosen,
        server=site.address,
        vendor_class=_vendor_class(client),
        style=Style.DIRECT if on_4011 else style,
        terminated=not client.ipxe and not client.http,
        boot_item=client.boot_item if on_4011 else None,
        root_path=wish.root_path if client.ipxe else "",
        over_lease=client.ipxe is not None,
    )


def _script(client: Client, site: Site) -> str | Silence:
    """iPXE gets a script and never a boot program again: that is what ends the chain-loading loop."""
    assert client.ipxe
    secure = site.base_url.startswith("https:")
    if client.ipxe.https if secure else client.ipxe.http:
        return site.entry_url()
    if client.ipxe.tftp:
        return f"{site.tftp_url}/{SCRIPT}" if site.tftp_url else Silence(Reason.TFTP_OFF)
    return Silence(Reason.IPXE_WITHOUT_PROTOCOL)


def _loader(client: Client, wish: Wish, site: Site, firmware: Firmware) -> str | Silence:
    arch = client.architecture
    if arch is None:
        if not client.codes:
            return Silence(Reason.NO_ARCHITECTURE)
        return Silence(Reason.UNKNOWN_ARCHITECTURE, _told(client.codes))
    if arch.cpu is None or arch.platform is None:
        reason = Reason.NOT_IPXE_BOOTABLE if arch.own_files else Reason.UNKNOWN_ARCHITECTURE
        return Silence(reason, f"{arch}: {arch.why}")
    binary = firmware.choose(arch.cpu, arch.platform, wish.loader)
    if binary is None:
        return Silence(Reason.NO_BINARY, str(arch))
    if client.http:
        return site.firmware_url(binary.name)
    return binary.name if site.tftp_url else Silence(Reason.TFTP_OFF)


def _told(codes: tuple[int, ...]) -> str:
    """A few codes, decimal and hexadecimal: 27 and 0x27 are easily mixed.  A forged option can hold 30 000."""
    few = ", ".join(f"code {code}, 0x{code:02x}" for code in codes[:4])
    return few if len(codes) <= 4 else f"{few} and {len(codes) - 4} more"


def _vendor_class(client: Client) -> str:
    """Echo "the kind, not the whole string": EDK2 and iPXE compare the first nine or ten octets."""
    if client.http and not client.ipxe:
        return "HTTPClient"
    return next((q.reply_class for q in client.quirks if q.reply_class), "PXEClient")
