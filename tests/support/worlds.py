"""Small worlds to decide in: boot programs of every width, the shipped templates, a fleet, and questions to ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.firmware import Binary, Firmware
from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.model import Boots, Machine, Profile
from netbootd.boot.render import Templates
from netbootd.boot.site import Site
from netbootd.chain.dhcp import DhcpTrace, dhcp
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.load import payload_files
from netbootd.payloads import PAYLOADS
from netbootd.resources import templates_dir
from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, encode
from netbootd.wire.mac import Mac

SERVER = "192.0.2.1"
SITE = Site(SERVER)
CARD = Mac.parse("52:54:00:12:34:56")
OTHER_CARD = Mac.parse("52:54:00:12:34:57")
CLIENT_ADDRESS = bytes((192, 0, 2, 77))
UUID_OPTION = b"\0" + bytes(range(16))

FIRMWARE = Firmware(
    (
        Binary("undionly.kpxe", Cpu.I386, Platform.BIOS, 1),
        Binary("ipxe.pxe", Cpu.I386, Platform.BIOS, 1),
        Binary("snponly.efi", Cpu.X86_64, Platform.EFI, 1),
        Binary("ipxe.efi", Cpu.X86_64, Platform.EFI, 1),
        Binary("i386-efi/ipxe.efi", Cpu.I386, Platform.EFI, 1),
        Binary("arm32-efi/snponly.efi", Cpu.ARM32, Platform.EFI, 1),
        Binary("arm64-efi/snponly.efi", Cpu.ARM64, Platform.EFI, 1),
        Binary("riscv32-efi/ipxe.efi", Cpu.RISCV32, Platform.EFI, 1),
        Binary("riscv64-efi/ipxe.efi", Cpu.RISCV64, Platform.EFI, 1),
        Binary("loong64-efi/ipxe.efi", Cpu.LOONG64, Platform.EFI, 1),
    )
)
"""One of each width, two where one is preferred."""

IPXE_OPTION = bytes.fromhex("eb03010000 130101 150101 170101 240101 270101".replace(" ", ""))
"""Option 175 of an iPXE 1.0.0 with HTTP, TFTP, DNS, EFI and menus."""
IPXE_OPTION_TFTP = bytes.fromhex("eb03010000 150101".replace(" ", ""))


@cache
def templates() -> Templates:
    """The templates netbootd ships."""
    return Templates({path.name: path.read_text() for path in templates_dir().glob("*.j2")})


_LAYERS = {"profile": Layer.PROFILE, "rule": Layer.RULE}


def args(origin: str = "profile", /, **values: str | bool | Iterable[str]) -> tuple[ArgSetting, ...]:
    """Argument settings as the settings files write them: True is a bare flag, False takes an argument away.

    The layer is what the first word of ``origin`` names, else the machine's: then it is a file's place or a person.
    """
    layer = _LAYERS.get(origin.split()[0], Layer.MACHINE)
    return tuple(ArgSetting(key, _texts(value), origin, layer) for key, value in values.items())


def _texts(value: str | bool | Iterable[str]) -> tuple[str, ...] | None:
    match value:
        case True:
            return ()
        case False:
            return None
        case str():
            return (value,)
        case _:
            return tuple(value)


def profile(name: str, payload: str, settings: Mapping[str, object] = {}, **common: Any) -> Profile:
    """A profile; ``settings`` are its payload's own keys."""
    kind = PAYLOADS[payload]
    made = Profile(name, payload, kind.settings(**settings), kind.boots)
    return replace(made, **common)


def linux(name: str = "rescue", **common: Any) -> Profile:
    return profile(name, "linux", {"kernel": "rescue/vmlinuz", "initrd": ("rescue/a.img", "rescue/b.img")}, **common)


def eve(name: str = "edge", **common: Any) -> Profile:
    return profile(name, "eve", {"bundle": "eve-13.3"}, **common)


def machine(profile_name: str | None, name: str = "node-1", mac: Mac = CARD, **more: Any) -> Machine:
    return replace(Machine((mac,), name, profile_name, origin="machines.yaml:1"), **more)


def world(
    *profiles: Profile,
    machines: Iterable[Machine] = (),
    rules: Iterable[Rule] = (),
    unknown: str = "menu",
    stage: Stage | None = None,
    firmware: Firmware = FIRMWARE,
) -> World:
    """A world in which every machine stands at ``stage``."""
    fleet = Snapshot(profiles, machines, rules, unknown)
    return World(fleet, firmware, templates(), lambda _mac: stage, files=payload_files())


def settled(*profiles: Profile, stage: Stage | None = None, **more: Any) -> World:
    """A world whose one machine, `CARD`, has the first profile."""
    return world(*profiles, machines=[machine(profiles[0].name, **more)], stage=stage)


def question(kind: MessageType = MessageType.DISCOVER, arch: int | None = 7, **fields: Any) -> Packet:
    """What a firmware's PXE client sends; ``options`` add to or, with None, take away from the usual ones."""
    http = arch is not None and arch in (15, 16, 17, 18, 19, 20)
    said: dict[int, bytes] = {
        options.MESSAGE_TYPE.code: bytes([kind]),
        options.VENDOR_CLASS.code: f"{'HTTP' if http else 'PXE'}Client:Arch:{arch or 0:05}:UNDI:003000".encode(),
        options.CLIENT_UUID.code: UUID_OPTION,
    }
    if arch is not None:
        said[options.CLIENT_ARCH.code] = arch.to_bytes(2, "big")
    more: Mapping[int, bytes | None] = fields.pop("options", {})
    merged = {code: value for code, value in {**said, **more}.items() if value is not None}
    packet = Packet(
        Op.REQUEST,
        1,
        0,
        0x11223344,
        0,
        0,
        NO_ADDRESS,
        NO_ADDRESS,
        NO_ADDRESS,
        NO_ADDRESS,
        CARD.octets,
        b"",
        b"",
        merged,
    )
    return replace(packet, **fields)


def ipxe_question(arch: int = 7, encapsulated: bytes | None = IPXE_OPTION, **fields: Any) -> Packet:
    """What iPXE sends."""
    more: Mapping[int, bytes] = fields.pop("options", {})
    own = {options.USER_CLASS.code: b"iPXE", options.CLIENT_ID.code: b"\1" + CARD.octets}
    if encapsulated is not None:
        own[options.IPXE_ENCAP.code] = encapsulated
    return question(arch=arch, options={**own, **more}, **fields)


def on_67(source: tuple[str, int] = ("0.0.0.0", 68)) -> Arrival:
    return Arrival(67, source, SERVER)


def on_4011(source: tuple[str, int] = ("192.0.2.77", 4011)) -> Arrival:
    return Arrival(4011, source, SERVER)


def ask(
    packet: Packet | bytes,
    world: World,
    arrival: Arrival | None = None,
    memory: Memory | None = None,
    now: float = 0.0,
    site: Site = SITE,
) -> DhcpTrace:
    """Send one question through the whole chain."""
    data = packet if isinstance(packet, bytes) else encode(packet)
    return dhcp(data, arrival or on_67(), world, site, memory or Memory(), now)


ALWAYS, ONCE = Boots.ALWAYS, Boots.ONCE
