"""``netbootd doctor``: rehearses a boot from this machine and names what is wrong on this network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from netbootd.boot.identify import DHCP_PORT
from netbootd.cli.common import FOUND_WRONG, USED_WRONGLY, ConfigOption, JsonOption, fail, find_settings, hint, repeated
from netbootd.cli.doctor import fetch, here, links, rooms, scripts, show, wire
from netbootd.cli.doctor.kinds import Kind
from netbootd.cli.doctor.line import Line, Status, ok, skipped
from netbootd.cli.doctor.line import fail as broken
from netbootd.cli.doctor.patient import Patient
from netbootd.cli.doctor.together import together
from netbootd.config import Config, ConfigError, load
from netbootd.load import load_recorded
from netbootd.net.holder import holder_of
from netbootd.net.interfaces import NoSuchInterface, left_out, list_interfaces, named, usable
from netbootd.wire import options

_CAP_NET_RAW = 13  # <linux/capability.h>
_FETCHING = 12.0  # seconds

Section = tuple[str, Iterable[Line]]


def doctor(
    config: ConfigOption = None,
    interface: Annotated[
        list[str] | None,
        typer.Option("-i", "--interface", metavar="IFACE", help="Ask on this one; may be repeated."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A netbootd on another machine; found by itself where root asks."),
    ] = None,
    ntp: Annotated[str | None, typer.Option(metavar="SERVER", help="Compare the clock with this NTP server.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a boot as firmware would, and name what is wrong on this network.

    Exit 1 if a machine would not boot.  It asks for no lease and changes nothing.  As root it asks by DHCP, too.
    """
    _address(server)
    said: list[tuple[str, list[Line]]] = []
    before: Line | None = None
    try:
        for title, lines in _sections(config, tuple(interface or ()), server, ntp):
            said.append((title, []))
            if not as_json:
                show.title(title)
            for each in lines:
                line = replace(each, found=repeated(each.found, config), todo=repeated(each.todo, config))
                if not as_json:
                    show.line(line, before)
                said[-1][1].append(line)
                before = line
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    everything = [line for _, lines in said for line in lines]
    if as_json:
        typer.echo(show.as_json(said))
    else:
        show.summary(everything)
        _elsewhere_too(everything)
    if any(line.status is Status.FAIL for line in everything):
        raise typer.Exit(FOUND_WRONG)


def _sections(config: Path | None, names: tuple[str, ...], server: str | None, ntp: str | None) -> Iterator[Section]:
    try:
        loaded = load(find_settings(config), interfaces=names)
    except ConfigError as error:
        yield "this machine", here.refused(error.problems)
        return
    try:
        interfaces = usable(list_interfaces(), names or loaded.interfaces or "auto")
    except NoSuchInterface as error:
        fail(str(error), USED_WRONGLY)
    root = _privileged()
    patient = Patient(config=loaded, loaded=load_recorded(loaded), interfaces=interfaces, root=root, server=server)
    if loaded.interfaces and not names:
        patient = replace(patient, spare=left_out(list_interfaces(), interfaces))
    found = here.admin(loaded)
    patient = replace(patient, running=server is None and found.runs)
    if patient.answered or not _may_ask(patient):
        yield from _here(patient, found)
        asked, other = _asked(patient), None
    else:  # what is to be said of this machine depends on who answers
        asked = _asked(patient)
        other = wire.found_elsewhere(asked)
        patient = replace(patient, server=other)
        yield from _here(patient, found)
    yield from _network(patient, asked, other)
    if patient.server is None:
        yield "what it lives on", _rooms(patient, ntp)


def _asked(patient: Patient) -> tuple[wire.Asked, ...]:
    if _may_ask(patient):
        names = ", ".join(each.name for each in patient.interfaces)
        show.waiting(f"asking by DHCP on {names}: {wire.PATIENCE:.0f} s at the most")
    return wire.ask(patient)


def _elsewhere_too(lines: list[Line]) -> None:
    here_runs = any(each.probe == "daemon" and each.status in (Status.OK, Status.WARN) for each in lines)
    if here_runs and all(each.status is not Status.FAIL for each in lines):
        hint(
            "that is as the server sees it; run it on another machine of its network, too: it tells what arrives there"
        )


def _privileged() -> bool:
    """Whether frames may be sent and heard: root in a container may lack that."""
    try:
        found = re.search(r"^CapEff:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return os.geteuid() == 0
    return bool(found and int(found[1], 16) >> _CAP_NET_RAW & 1)


def _here(patient: Patient, found: here.Admin) -> Iterator[Section]:
    """Nothing where it is another machine's daemon that is asked."""
    if patient.server is None:
        yield "this machine", _as_server(patient, found)
        if not patient.interfaces:
            yield "network", (_nowhere(),)


def _as_server(patient: Patient, found: here.Admin) -> Iterator[Line]:
    yield from here.settled(patient.config, patient.loaded)
    yield here.daemon(found, may_be_elsewhere=_may_ask(patient))
    yield from here.holders(patient.config, found)
    if patient.spare:
        yield ok("interfaces", "not served, as the settings say", ", ".join(map(named, patient.spare)))


def _may_ask(patient: Patient) -> bool:
    return patient.root and bool(patient.interfaces)


def _network(patient: Patient, asked: tuple[wire.Asked, ...], other: str | None) -> Iterator[Section]:
    """Each interface, then what is fetched from each address."""
    rules = links.read_rules(patient.root)
    files: dict[str, dict[Kind, str]] = {}
    on_ports = together([partial(wire.on_port, each, patient) for each in asked], _FETCHING)
    for each, on_port in zip(asked, on_ports, strict=True):
        more, loads = on_port or ([], {})
        files.setdefault(patient.address(each.interface) or "", {}).update(loads)
        yield f"network {each.interface.name}", _on_wire(each, patient, rules, more, other)
    for address in patient.addresses:
        title = f"what machines {'' if patient.answered else 'would '}fetch from {address}"
        yield title, _fetched(patient, address, files.get(address, {}))


def _on_wire(
    asked: wire.Asked, patient: Patient, rules: links.Rules, more: list[Line], other: str | None
) -> Iterator[Line]:
    yield from links.links(asked.interface, patient)
    yield from links.walls(asked.interface, patient, rules)
    if other is not None:
        yield ok(
            "daemon.elsewhere",
            "netbootd",
            f"none runs here; one answers at {other}, on another machine, and is asked from here",
        )
    elif not patient.answered and _may_ask(patient):
        yield _nobody()
    yield from wire.answers(asked, patient)
    yield from more


def _fetched(patient: Patient, address: str, files: dict[Kind, str]) -> Iterator[Line]:
    site = patient.site(address)
    if not patient.answered:
        yield from scripts.on_disk(patient, site)
        yield from scripts.artifacts(patient, site)
        return
    known = {} if patient.server else patient.loaded.firmware
    jobs: list[Callable[[], list[Line]]] = [
        lambda: list(fetch.loaders(site, files, known)),
        lambda: list(scripts.entry_script(patient, site, files.get(Kind.IPXE, ""))),
        lambda: list(scripts.artifacts(patient, site)) if patient.server is None else [],
    ]
    for lines in together(jobs, _FETCHING):
        yield from lines if lines is not None else (skipped("fetch", "fetching", "took too long, and was left"),)


def _rooms(patient: Patient, ntp: str | None) -> Iterator[Line]:
    yield from rooms.boot_programs(patient)
    yield from rooms.disks(patient)
    yield rooms.descriptors(_pid(patient.config) if patient.running else None)
    yield from rooms.clock(ntp)


def _nobody() -> Line:
    return broken(
        "daemon.elsewhere",
        "netbootd",
        "none runs here, and none answers on this network",
        "Start it: sudo netbootd run, or systemctl start netbootd. What follows is what it would do. If it runs on"
        " another machine: is that on this network or VLAN, and does it serve its interface to it (interfaces:, or run"
        " -i)? --server ADDRESS asks it all the same.",
    )


def _nowhere() -> Line:
    return broken(
        "link",
        "interfaces",
        "none with an IPv4 address to serve",
        "Give one an address, or name it: -i IFACE.",
    )


def _pid(config: Config) -> int | None:
    """The daemon's, where /proc shows it."""
    found = re.search(r"\(pid (\d+)\)", holder_of("0.0.0.0", config.http_port or DHCP_PORT, "tcp"))
    return int(found[1]) if found else None


def _address(server: str | None) -> None:
    try:
        if server is not None and not re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", server):
            raise ValueError
        if server is not None:
            options.ip_bytes(server)
    except ValueError:
        fail(f"--server takes an IPv4 address, not {server!r}", USED_WRONGLY)
