"""From a datagram on port 67 or 4011 to the reply and where it goes, or to the reason for silence."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.decide import Decision, Wish, decide
from netbootd.boot.facts import Facts, real_uuid
from netbootd.boot.identify import DHCP_PORT, PXE_PORT, Arrival, Client, identify
from netbootd.boot.memory import Memory
from netbootd.boot.plan import LocalMethod
from netbootd.boot.reply import Destination, build, destination
from netbootd.boot.silence import Reason, Silence
from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Verdict, verdict
from netbootd.fleet.snapshot import Assignment, Policy
from netbootd.payloads import PAYLOADS
from netbootd.wire.dhcp import Packet, decode, encode
from netbootd.wire.errors import WireError

_LONGEST = 4096
"""Octets.  Firmware asks in one frame.  64 KiB of one-octet options took 6 ms to read, and there are 64 in a batch."""


@dataclass(frozen=True, slots=True)
class DhcpTrace:
    """One packet's way, step by step; ``explain`` prints it, the shell sends ``reply`` to ``destination``."""

    decision: Decision
    packet: Packet | None = None
    client: Client | None = None
    assignment: Assignment | None = None
    verdict: Verdict | None = None
    reply: bytes | None = None
    destination: Destination | None = None


def dhcp(data: bytes, arrival: Arrival, world: World, site: Site, memory: Memory, now: float) -> DhcpTrace:
    """Answer one datagram that came to port 67 or 4011.  Never raises for what the datagram holds."""
    if len(data) > _LONGEST:
        return DhcpTrace(Silence(Reason.MALFORMED, f"{len(data)} octets, no client sends that many"))
    try:
        packet = decode(data)
    except WireError as error:
        return DhcpTrace(Silence(Reason.MALFORMED, str(error)))
    client = identify(packet, arrival)
    if isinstance(client, Silence):
        return DhcpTrace(client, packet)
    return _decided(packet, client, arrival, world, site, memory, now)


def _decided(
    packet: Packet, client: Client, arrival: Arrival, world: World, site: Site, memory: Memory, now: float
) -> DhcpTrace:
    facts = Facts(mac=client.mac, uuid=real_uuid(client.uuid)).over(world.known(client.mac))
    assignment = world.assignment(facts)
    wish, said = _wish(assignment, client, world)
    if client.port == PXE_PORT or client.ipxe:
        memory.went_on(client)
    style = memory.style(client, now)
    decision = decide(client, wish, site, world.firmware, style)
    if isinstance(decision, Silence):
        return DhcpTrace(decision, packet, client, assignment, said)
    if client.port == DHCP_PORT:
        memory.said(client, style, now)
    reply = encode(build(packet, decision))
    return DhcpTrace(decision, packet, client, assignment, said, reply, destination(packet, arrival))


def _wish(assignment: Assignment, client: Client, world: World) -> tuple[Wish | Silence, Verdict | None]:
    """What the fleet wants at DHCP time.

    Rules that look at SMBIOS can only be judged once iPXE has spoken, so while one is undecided the machine gets
    iPXE, and its script says what becomes of it.
    """
    profile = assignment.profile
    said = verdict(profile, world.stage(client.mac)) if profile else None
    silence = _silence(assignment, said)
    if silence is None or assignment.undecided:
        return Wish(assignment.loader, profile.root_path if profile else ""), said
    return silence, said


def _silence(assignment: Assignment, said: Verdict | None) -> Silence | None:
    profile = assignment.profile
    if assignment.withheld:
        return Silence(Reason.BOOT_LOCAL, assignment.why)
    if profile is None:
        return _by_policy(assignment.policy)
    assert said is not None
    if not said.netboot:
        return Silence(Reason.BOOT_LOCAL, said.why) if assignment.local is LocalMethod.SILENT else None
    if PAYLOADS[profile.payload].local(profile.settings) is LocalMethod.SILENT:
        return Silence(Reason.BOOT_LOCAL, f"profile {profile.name}")
    return None


def _by_policy(policy: Policy | None) -> Silence | None:
    match policy:
        case Policy.MENU:
            return None
        case Policy.REGISTER:
            return Silence(Reason.BOOT_LOCAL, "unknown: register")
        case Policy.SILENT:
            return Silence(Reason.UNKNOWN_MACHINE)
    raise AssertionError("a machine has a profile or meets a policy")
