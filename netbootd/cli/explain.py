"""``netbootd explain``: why a machine gets what it gets, or why it gets nothing, step by step.

The packets, of a capture or made here, go through the very chain the daemon uses; this module only prints it.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from netbootd.boot.decide import Answer
from netbootd.boot.facts import Facts
from netbootd.boot.identify import DHCP_PORT, Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.model import Boots, Machine
from netbootd.boot.silence import Silence
from netbootd.boot.site import Site
from netbootd.chain.dhcp import DhcpTrace, dhcp
from netbootd.chain.scripts import Rendered, script
from netbootd.chain.serials import doubled
from netbootd.chain.world import World
from netbootd.cli import common
from netbootd.cli.capture import NotACapture, Seen, own_address, read_capture
from netbootd.cli.common import USED_WRONGLY, ConfigOption, JsonOption, fail, row, settings, site
from netbootd.cli.facts import FactOption, facts
from netbootd.cli.history import Past, past, show
from netbootd.cli.told import in_words, record, told
from netbootd.fleet.limits import limits_of
from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode, encode
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac


def explain(
    what: Annotated[
        str,
        typer.Argument(metavar="MAC|CAPTURE.pcap", help="A hardware address, a machine's name, or a packet capture."),
    ],
    config: ConfigOption = None,
    address: Annotated[
        str | None, typer.Option(metavar="IP", help="The address netbootd has in the capture's network.")
    ] = None,
    fact: FactOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say step by step why a machine gets what it gets, or why it gets nothing."""
    loaded_config = settings(config)
    world, here = common.world(loaded_config), site(loaded_config)
    mac, path = common.called(what, world), Path(what)
    if mac is None and not path.exists():
        where = "" if loaded_config.path else "; no settings were found that name machines: -c FILE"
        fail(f"{what!r} is neither a file nor a machine's name or hardware address{where}", USED_WRONGLY)
    if mac is None or path.is_file():
        if fact:
            fail("--fact is for a machine; the packets of a capture say themselves what they know", USED_WRONGLY)
        _capture(path, world, here, address, as_json)
    else:
        known = common.by_url_alone(what, world)
        world = _told_of(world, facts(mac, fact or ()))
        did = past(loaded_config, config, mac, world)
        here = replace(here, address=address) if address else here
        _machine(mac, world, here, did if as_json else None, known, config)
        if not as_json:
            show(did, config=config)
            same = "".join(f" --fact {shlex.quote(each)}" for each in fact or ())
            same += f" -c {shlex.quote(str(config))}" if config else ""
            typer.echo(f"\nThe script itself: netbootd render {shlex.quote(what) if known else mac}{same}")


def _told_of(world: World, said: Facts) -> World:
    """The world in which this machine's iPXE has said so at an earlier boot."""
    return replace(world, known=lambda mac: said.over(world.known(mac)) if mac == said.mac else world.known(mac))


# a capture


def _capture(path: Path, world: World, here: Site, address: str | None, as_json: bool) -> None:
    try:
        seen = read_capture(path)
    except NotACapture as error:
        fail(str(error))
    if not seen:
        fail(f"{path}: no DHCP packet in this capture (UDP ports 67, 68, 4011)")
    here = replace(here, address=address or own_address(seen) or here.address)
    memory = Memory()
    traces = [(each, _judged(each, world, here, memory)) for each in seen]
    if as_json:
        typer.echo(json.dumps([_seen_record(each, trace) for each, trace in traces], indent=2))
        return
    typer.echo(f"as netbootd at {here.address} would answer, packet by packet\n")
    for each, trace in traces:
        _shown(each, trace)


def _judged(seen: Seen, world: World, here: Site, memory: Memory) -> DhcpTrace | None:
    if not seen.asks:
        return None
    arrival = Arrival(seen.target[1], seen.source, here.address, here.address)
    return dhcp(seen.data, arrival, world, here, memory, seen.time)


def _shown(seen: Seen, trace: DhcpTrace | None) -> None:
    head = f"{seen.time:8.3f} s  {seen.source[0]}:{seen.source[1]} > {seen.target[0]}:{seen.target[1]}"
    if trace is None:
        _faintly(head)
        _faintly(f"{'':12}{_reply_line(seen.data)}\n")
        return
    typer.secho(head, bold=True)
    _steps(trace)


def _faintly(text: str) -> None:
    typer.secho(text, dim=True)


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
        _step("packet", str(trace.packet))
    if trace.client:
        _step("client", f"{trace.client} ({trace.client.mac})")
        for quirk in trace.client.quirks:
            _step("quirk", f"{quirk.name}: {quirk.evidence}")
    if trace.assignment:
        _step("machine", f"{trace.assignment.name or 'not named'}: {trace.assignment.why}")
    if trace.verdict:
        _step("now", trace.verdict.why)
    _decision(trace)
    typer.echo("")


def _decision(trace: DhcpTrace) -> None:
    match trace.decision:
        case Silence() as silence:
            _step("silence", f"{silence.reason.name}: {silence}", typer.colors.MAGENTA)
        case Answer() as answer:
            assert trace.destination, "an answer goes somewhere"
            _step("answer", str(answer), typer.colors.GREEN)
            _step("sent to", f"{trace.destination.address}:{trace.destination.port}")


def _step(label: str, text: str, colour: str | None = None) -> None:
    row(label, text, indent=12, colour=colour)


def _seen_record(seen: Seen, trace: DhcpTrace | None) -> dict[str, object]:
    place = {"time": round(seen.time, 6), "source": list(seen.source), "target": list(seen.target)}
    return place | ({"reply": _reply_line(seen.data)} if trace is None else _trace_record(trace))


def _trace_record(trace: DhcpTrace) -> dict[str, object]:
    record: dict[str, object] = {}
    if trace.client:
        record |= {"client": str(trace.client), "mac": str(trace.client.mac), "message": trace.client.message.name}
    if trace.assignment:
        record |= {"machine": trace.assignment.name, "why": trace.assignment.why}
    match trace.decision:
        case Silence(reason, detail):
            return record | {"silence": reason.name, "detail": detail}
        case Answer() as answer:
            assert trace.destination, "an answer goes somewhere"
            said = {"answer": answer.message.name, "file": answer.file, "style": answer.style.value}
            return record | said | {"to": [trace.destination.address, trace.destination.port]}


# a machine

_KINDS: tuple[tuple[str, int, str, dict[int, bytes]], ...] = (
    ("BIOS", 0, "PXEClient:Arch:00000:UNDI:002001", {}),
    ("UEFI", 7, "PXEClient:Arch:00007:UNDI:003000", {}),
    ("UEFI HTTP", 16, "HTTPClient:Arch:00016:UNDI:003000", {}),
    ("iPXE", 7, "PXEClient:Arch:00007:UNDI:003010", {options.USER_CLASS.code: b"iPXE"}),
)


def _machine(mac: Mac, world: World, here: Site, did: Past | None, known: Machine | None, config: Path | None) -> None:
    """As JSON, with what it ``did``, if that is given.  ``known``: it is asked about as the machine that only its own
    URL makes it."""
    answers = {
        label: _asked(_discover(mac, code, vendor_class, more), world, here)
        for label, code, vendor_class, more in _KINDS
    }
    rendered = script(Facts(mac=mac).over(world.known(mac)), world, here, machine=known)
    assignment = world.assignment(world.known(mac), known)
    if did is not None:
        records = {label: _trace_record(trace) for label, trace in answers.items()}
        profile = assignment.profile
        limits = limits_of(profile, assignment.machine) if profile and profile.boots is Boots.ONCE else None
        about = {"mac": str(mac), "limits": asdict(limits) if limits else None}
        typer.echo(
            json.dumps({**about, "answers": records, "script": record(rendered), "boots": list(did.boots)}, indent=2)
        )
        return
    typer.echo(f"{mac}: {assignment.name or 'not named'}\n")
    row("profile", f"{assignment.profile.name if assignment.profile else 'none'}: {assignment.why}", indent=2)
    if assignment.profile and assignment.profile.boots is Boots.ONCE:
        row("limits", in_words(limits_of(assignment.profile, assignment.machine)), indent=2)
        if not rendered.failure and (why := doubled(world, assignment, Facts(mac=mac).over(world.known(mac)))):
            row("once armed", f"refused: {why}", indent=2, colour=typer.colors.RED)
    typer.echo("\nWhat it is told when it asks, by the firmware it has:\n")
    _answers(answers)
    typer.echo("\nIts script, once its iPXE asks:\n")
    _script(rendered, config)


def _asked(packet: Packet, world: World, here: Site) -> DhcpTrace:
    arrival = Arrival(DHCP_PORT, ("0.0.0.0", 68), here.address, here.address)
    return dhcp(encode(packet), arrival, world, here, Memory(), 0.0)


def _answers(traces: dict[str, DhcpTrace]) -> None:
    """Kinds that are told the same share a row."""
    said: dict[str, list[str]] = {}
    for label, trace in traces.items():
        said.setdefault(str(trace.decision), []).append(label)
    for decision, labels in said.items():
        row("all" if len(said) == 1 else ", ".join(labels), decision, indent=2)


def _discover(mac: Mac, code: int, vendor_class: str, more: dict[int, bytes]) -> Packet:
    """A DISCOVER as this kind of firmware sends it."""
    said = {
        options.MESSAGE_TYPE.code: bytes([MessageType.DISCOVER]),
        options.VENDOR_CLASS.code: vendor_class.encode(),
        options.CLIENT_ARCH.code: code.to_bytes(2, "big"),
        **more,
    }
    none = NO_ADDRESS
    return Packet(Op.REQUEST, 1, 0, 1, 0, 0x8000, none, none, none, none, mac.octets, b"", b"", said)


def _script(rendered: Rendered, config: Path | None) -> None:
    if rendered.verdict:
        row("now", rendered.verdict.why, indent=2)
        machine = rendered.assignment.machine if rendered.verdict.waiting and rendered.assignment else None
        if machine and (machine.name or machine.macs):
            called = machine.name or str(machine.macs[0])
            row("to arm it", common.repeated(f"netbootd machines install {shlex.quote(called)}", config), indent=2)
    if rendered.failure:
        row("refused", rendered.failure, indent=2, colour=typer.colors.RED)
        return
    row("boots", rendered.payload + (f", profile {rendered.profile}" if rendered.profile else ""), indent=2)
    told(rendered, indent=2)
