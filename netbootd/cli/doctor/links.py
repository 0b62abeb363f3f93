"""An interface as machines find it: its address, its cable, its MTU, and what the firewall lets in and out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbootd.cli.doctor.firewall import Passage, Probe, Ruling, filters, ruling
from netbootd.cli.doctor.line import Line, fail, ok, skipped, warn
from netbootd.cli.doctor.patient import Patient
from netbootd.config import Config
from netbootd.net.interfaces import Interface
from netbootd.observe.diagnosis.advice import open_port

_ETHERNET = 1500
_PATIENCE = 5.0  # seconds
_FRONTS = ("firewalld", "ufw")


@dataclass(frozen=True, slots=True)
class Rules:
    """The packet filter's rules; ``unread`` is why they are not known."""

    ruleset: Mapping[str, Any] | None = None
    unread: str = ""


def links(interface: Interface, patient: Patient) -> Iterator[Line]:
    """Everything but the firewall."""
    yield _link(interface)
    if interface.mtu < _ETHERNET:
        yield warn(
            "link.mtu",
            "MTU",
            f"{interface.mtu} bytes",
            f"Machines' firmware believes {_ETHERNET} and sends as much. Where the network cannot carry it, set the"
            " MTU in the DHCP server (option 26), too.",
        )
    if patient.server is None and patient.interfaces and not interface.addresses:
        yield _addressless(interface)


def walls(interface: Interface, patient: Patient, rules: Rules) -> Iterator[Line]:
    """What this machine's firewall does with the packets of a boot."""
    if patient.server is not None:
        return  # that one's is not seen from here; what it drops is told by what does not come back
    if rules.ruleset is None:
        yield skipped("firewall", "firewall", rules.unread)
    elif not filters(rules.ruleset):
        yield ok("firewall", "firewall", "no rule filters what comes in or goes out")
    else:
        yield from _ruled(interface, rules.ruleset, patient.config)


def read_rules(root: bool) -> Rules:
    """From the kernel, by nft; never raises."""
    program = shutil.which("nft", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not root:
        return Rules(unread="its rules are shown to root alone (sudo netbootd doctor)")
    if program is None:
        if any(_old_tables()):
            return Rules(unread="iptables has rules, and nft is not installed to read them; see iptables-save")
        return Rules(unread="nft is not installed to read its rules (package nftables)")
    try:
        done = subprocess.run(
            [program, "-j", "list", "ruleset"], capture_output=True, timeout=_PATIENCE, check=True, text=True
        )
        said = json.loads(done.stdout or "{}")
        return Rules(said if isinstance(said, dict) else {})
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Rules(unread=f"nft does not tell its rules: {error}")


def _link(interface: Interface) -> Line:
    about = ", ".join(map(str, interface.addresses)) or "no IPv4 address"
    if not interface.up:
        return fail("link", "link", "down", f"ip link set {interface.name} up")
    if not interface.carrier:
        return fail("link", "link", f"{about}, no carrier", "No cable, or nobody at its other end.")
    return ok("link", "link", f"{about}, up, MTU {interface.mtu}")


def _addressless(interface: Interface) -> Line:
    return fail(
        "link.address",
        "address",
        "none",
        f"netbootd does not answer on {interface.name} until it has one: ip addr add ADDRESS/BITS dev {interface.name}",
    )


def _ruled(interface: Interface, ruleset: Mapping[str, Any], config: Config) -> Iterator[Line]:
    judged = [(probe, ruling(ruleset, probe)) for probe in probes(interface.name, config)]
    dropped = [(probe, by) for probe, by in judged if by.passage is Passage.DROPPED]
    unsure = [(probe, by) for probe, by in judged if by.passage is Passage.UNSURE]
    if dropped:
        chains = ", ".join(dict.fromkeys(by.chain for _, by in dropped))
        yield fail("firewall", "firewall", f"chain {chains} drops {_told(dropped)}", _allow(dropped))
    if unsure:
        chains = ", ".join(dict.fromkeys(by.chain for _, by in unsure))
        yield warn(
            "firewall",
            "firewall",
            f"whether chain {chains} drops {_told(unsure)} cannot be told from its rules",
            "What came back below says more.",
        )
    if not dropped and not unsure:
        yield ok("firewall", "firewall", f"its rules let {_told(judged)} through")


def probes(name: str, config: Config) -> Iterator[Probe]:
    """The first packets of a boot."""
    udp = [67, 4011] if config.dhcp_mode == "proxy" else []
    udp += [config.tftp_port] if config.tftp_mode == "on" else []
    for port in udp:
        yield Probe(hook="input", interface=name, protocol="udp", dport=port)
    for tcp in (config.http_port, config.tls_port):
        if tcp:
            yield Probe(hook="input", interface=name, protocol="tcp", dport=tcp)
    if config.dhcp_mode == "proxy":
        yield Probe(hook="output", interface=name, protocol="udp", sport=67, dport=68)


def _told(judged: list[tuple[Probe, Ruling]]) -> str:
    incoming = [f"{probe.protocol.upper()} {probe.dport}" for probe, _ in judged if probe.hook == "input"]
    leaving = ["our offers (UDP from 67)" for probe, _ in judged if probe.hook == "output"]
    return ", ".join(incoming + leaving)


def _allow(dropped: list[tuple[Probe, Ruling]]) -> str:
    """A rule for each, to be pasted; and what whoever wrote the rules, and would write them anew, takes for it."""
    rules = "; ".join(_rule(probe, by) for probe, by in dropped)
    front = next(filter(_runs, _FRONTS), "")
    ports = [(probe.dport, probe.protocol) for probe, _ in dropped if probe.hook == "input"]
    opened = "; ".join(open_port(*each, front) for each in ports)
    return f"{rules} ({front} would write its own again over that: {opened})" if front and ports else rules


def _rule(probe: Probe, by: Ruling) -> str:
    way = "iifname" if probe.hook == "input" else "oifname"
    port = f"dport {probe.dport}" if probe.hook == "input" else f"sport {probe.sport}"
    return f"nft insert rule {by.chain} {way} {probe.interface} {probe.protocol} {port} accept"


def _runs(front: str) -> bool:
    if front == "ufw":
        try:
            return "ENABLED=yes" in Path("/etc/ufw/ufw.conf").read_text()
        except OSError:
            return False
    return Path("/run/firewalld").is_dir()


def _old_tables() -> Iterator[str]:
    try:
        yield from Path("/proc/net/ip_tables_names").read_text().split()
    except OSError:
        return
