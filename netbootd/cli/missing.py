"""Which boot programs ``check`` misses: a warning where somebody may need one, a note where nothing speaks of it."""

from __future__ import annotations

from collections.abc import Iterator

from netbootd.artifacts.firmware import MissingFirmware, missing
from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.config import Problem
from netbootd.fleet.rules import Match, Rule


def missed(world: World) -> Iterator[Problem]:
    """Each that a machine, a rule or a bundle asks for, or any network may; then in one sentence those that remain."""
    absent = missing(world.firmware)
    spared = [each for each in absent if each.rare and not _asked_for(each.rare, world)]
    for each in absent:
        if each not in spared:
            yield Problem("firmware", None, "", _told(each), "warning")
    if spared:
        whom = " and ".join(each.needed_by for each in spared)
        lacking = ", ".join(f"no {each.file}" for each in spared)
        text = f"{whom} would get no answer ({lacking}); these settings speak of none"
        yield Problem("firmware", None, "", text, "info")


def _told(each: MissingFirmware) -> str:
    return f"{each.file} is missing, {each.needed_by} get no answer; to fix: {each.fix}"


def _asked_for(cpu: Cpu, world: World) -> bool:
    known = (world.known(mac) for machine in world.fleet.machines for mac in machine.macs)
    return (
        any(bundle.arch == cpu.value for bundle in world.bundles.values())
        or any(_names(rule, cpu) for rule in world.fleet.rules)
        or any((each.buildarch, each.platform) == (cpu.value, Platform.EFI.value) for each in known)
    )


def _names(rule: Rule, cpu: Cpu) -> bool:
    """It speaks of the CPU, and not of a BIOS alone."""
    facts = Facts(buildarch=cpu.value, platform=Platform.EFI.value)
    by_arch = any(each.field == "arch" for each in rule.conditions)
    return by_arch and rule.match(facts) is not Match.NO
