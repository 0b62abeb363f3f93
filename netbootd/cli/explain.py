"""``netbootd explain``: why a machine gets what it gets, or nothing, step by step.

The packets, of a capture or made here, go through the very chain the daemon uses; this module only prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from netbootd.boot.arch import architecture
from netbootd.boot.decide import Answer
from netbootd.boot.facts import Facts
from netbootd.boot.identify import DHCP_PORT, PXE_PORT, Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.silence import Silence
from netbootd.boot.site import Site
from netbootd.chain.dhcp import DhcpTrace, dhcp
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.cli.common import USED_WRONGLY, ConfigOption, fail, settings, site
from netbootd.load import load_world
from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode, encode
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_BOOT_PORTS = (DHCP_PORT, PXE_PORT)


def explain(
    what: Annotated[str, typer.Argument(metavar="MAC|CAPTURE.pcap", help="A hardware address, or a packet capture.")],
    config: ConfigOption = None,
    address: Annotated[
        str | None, typer.Option(metavar="IP", help="The address netbootd has in the capture's network.")
    ] = None,
) -> None:
    """Say step by step why a machine gets what it gets, or why it gets nothing."""
    loaded_config = settings(config)
    world, here = load_world(loaded_config).world, site(loaded_config)
    if Path(what).is_file():
        _capture(Path(what), world, here, address)
        return
    try:
        mac = Mac.parse(what)
    except WireError:
        fail(f"{what!r} is neither a file nor a hardware address", USED_WRONGLY)
    _machine(mac, world, replace(here, address=address) if address else here)


# a capture


@dataclass(frozen=True, slots=True)
class Seen:
    """One UDP datagram of a capture; ``time`` in seconds since the first."""

    time: float
    source: tuple[str, int]
    target: tuple[str, int]
    data: bytes


def _capture(path: Path, world: World, here: Site, address: str | None) -> None:
    seen = tuple(read_capture(path))
    if not seen:
        fail(f"{path}: no DHCP packet in this capture (UDP ports 67, 68, 4011)")
    here = replace(here, address=address or _own_address(seen) or here.address)
    typer.echo(f"as netbootd at {here.address} would answer, packet by packet\n")
    memory = Memory()
    for each in seen:
        _judge(each, world, here, memory)


def read_capture(path: Path) -> Iterator[Seen]:
    """The DHCP datagrams of a pcap or pcapng file, read by scapy."""
    from scapy.error import Scapy_Exception
    from scapy.layers.inet import IP, UDP
    from scapy.utils import PcapReader

    started: float | None = None
    try:
        with PcapReader(str(path)) as packets:
            for packet in packets:
                if UDP not in packet or IP not in packet or not {packet[UDP].sport, packet[UDP].dport} & {67, 68, 4011}:
                    continue
                started = float(packet.time) if started is None else started
                source, target = (packet[IP].src, packet[UDP].sport), (packet[IP].dst, packet[UDP].dport)
                yield Seen(float(packet.time) - started, source, target, bytes(packet[UDP].payload))
    except (Scapy_Exception, EOFError, OSError) as error:
        fail(f"{path}: not a capture that can be read: {error}")


def _own_address(seen: tuple[Seen, ...]) -> str | None:
    """Whom the clients of this capture asked on port 4011: that was the boot server."""
    return next((s.target[0] for s in seen if s.target[1] == PXE_PORT and s.target[0] != "255.255.255.255"), None)


def _judge(seen: Seen, world: World, here: Site, memory: Memory) -> None:
    head = f"{seen.time:8.3f} s  {seen.source[0]}:{seen.source[1]} > {seen.target[0]}:{seen.target[1]}"
    if seen.target[1] not in _BOOT_PORTS or _is_reply(seen.data):
        typer.secho(f"{head}  {_reply_line(seen.data)}", dim=True)
        return
    typer.echo(head)
    arrival = Arrival(seen.target[1], seen.source, here.address, here.address)
    _steps(dhcp(seen.data, arrival, world, here, memory, seen.time))


def _is_reply(data: bytes) -> bool:
    return data[:1] == bytes([Op.REPLY])


def _reply_line(data: bytes) -> str:
    try:
        packet = decode(data)
    except WireError as error:
        return f"not DHCP: {error}"
    kind = packet.message_type.name if packet.message_type else "BOOTP reply"
    server = packet.get(options.SERVER_ID) or "?"
    file = packet.file.decode("latin-1") or packet.get(options.BOOTFILE) or ""
    return f"{kind} of server {server}" + (f", boot file {file}" if file else "")


def _steps(trace: DhcpTrace) -> None:
    if trace.packet:
        typer.echo(f"    packet    {trace.packet}")
    if trace.client:
        typer.echo(f"    client    {trace.client} ({trace.client.mac})")
        for quirk in trace.client.quirks:
            typer.echo(f"    quirk     {quirk.name}: {quirk.evidence}")
    if trace.assignment:
        typer.echo(f"    machine   {trace.assignment.name or 'not named'}: {trace.assignment.why}")
    if trace.verdict:
        typer.echo(f"    now       {trace.verdict.why}")
    _decision(trace)
    typer.echo("")


def _decision(trace: DhcpTrace) -> None:
    match trace.decision:
        case Silence() as silence:
            typer.secho(f"    silence   {silence.reason.name}: {silence}", fg=typer.colors.YELLOW)
        case Answer() as answer:
            typer.secho(f"    answer    {answer}", fg=typer.colors.GREEN)
            assert trace.destination
            typer.echo(f"    sent to   {trace.destination.address}:{trace.destination.port}")


# a machine

_KINDS: tuple[tuple[str, int, str, dict[int, bytes]], ...] = (
    ("BIOS", 0, "PXEClient:Arch:00000:UNDI:002001", {}),
    ("UEFI", 7, "PXEClient:Arch:00007:UNDI:003000", {}),
    ("UEFI HTTP", 16, "HTTPClient:Arch:00016:UNDI:003000", {}),
    ("iPXE", 7, "PXEClient:Arch:00007:UNDI:003010", {options.USER_CLASS.code: b"iPXE"}),
)


def _machine(mac: Mac, world: World, here: Site) -> None:
    assignment = world.fleet.lookup(world.known(mac))
    typer.echo(f"{mac}: {assignment.name or 'not named'}")
    typer.echo(f"  profile   {assignment.profile.name if assignment.profile else 'none'}: {assignment.why}\n")
    typer.echo("What it is told when it asks, by the firmware it has:")
    for label, code, vendor_class, more in _KINDS:
        _ask(label, _discover(mac, code, vendor_class, more), world, here)
    _script(mac, world, here)


def _ask(label: str, packet: Packet, world: World, here: Site) -> None:
    arrival = Arrival(DHCP_PORT, ("0.0.0.0", 68), here.address, here.address)
    trace = dhcp(encode(packet), arrival, world, here, Memory(), 0.0)
    typer.echo(f"  {label:<10}{trace.decision}")


def _discover(mac: Mac, code: int, vendor_class: str, more: dict[int, bytes]) -> Packet:
    """A DISCOVER as this kind of firmware sends it."""
    assert architecture(code), "a code of the registry"
    said = {
        options.MESSAGE_TYPE.code: bytes([MessageType.DISCOVER]),
        options.VENDOR_CLASS.code: vendor_class.encode(),
        options.CLIENT_ARCH.code: code.to_bytes(2, "big"),
        **more,
    }
    none = NO_ADDRESS
    return Packet(Op.REQUEST, 1, 0, 1, 0, 0x8000, none, none, none, none, mac.octets, b"", b"", said)


def _script(mac: Mac, world: World, here: Site) -> None:
    rendered = script(Facts(mac=mac).over(world.known(mac)), world, here)
    typer.echo("\nIts script, once its iPXE asks:")
    if rendered.verdict:
        typer.echo(f"  now       {rendered.verdict.why}")
    if rendered.failure:
        typer.secho(f"  refused   {rendered.failure}", fg=typer.colors.RED)
        return
    typer.echo(f"  boots     {rendered.payload}" + (f", profile {rendered.profile}" if rendered.profile else ""))
    for arg in rendered.args:
        typer.echo(f"  argument  {arg}  ({arg.origin})")
    typer.echo(f"\n'netbootd render {mac}' prints it whole.")
