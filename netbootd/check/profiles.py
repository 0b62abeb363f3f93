"""What profiles name: templates, files, bundles and configuration files of their own."""

from __future__ import annotations

from collections.abc import Iterator

from netbootd.artifacts.tree import NotServed, Tree
from netbootd.boot.bundle import Bundle
from netbootd.boot.config_files import template
from netbootd.boot.model import Profile
from netbootd.chain.ordering import config_refused
from netbootd.chain.world import World
from netbootd.check.places import of_profile, place
from netbootd.config import Config, Problem
from netbootd.config.problems import suggest
from netbootd.payloads import PAYLOADS


def lacking(config: Config, world: World) -> Iterator[Problem]:
    """What profiles name and is not there, or cannot be booted from here."""
    tree = Tree(config.artifacts)
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        for name in payload.templates(profile.settings):
            if not world.templates.has(name):
                where = config.templates or "the templates directory (setting: templates)"
                yield of_profile(profile, f"template {name!r} does not exist in {where}")
        if bundle := world.bundles.get(payload.bundle(profile.settings)):
            yield from _bundle(profile, bundle)
            continue
        absent = {path: why for path in payload.needs(profile.settings) if (why := _missing(tree, path))}
        if payload.bundle(profile.settings) and len(absent) == len(payload.needs(profile.settings)):
            yield of_profile(profile, _no_bundle(payload.bundle(profile.settings), world))
            continue
        for path, why in absent.items():
            yield of_profile(profile, f"{config.artifacts / path}: {why}")


def refusals(world: World) -> Iterator[str]:
    """Why bundles cannot be booted as profiles want them, as a machine's script would tell it."""
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        if bundle := world.bundles.get(payload.bundle(profile.settings)):
            yield payload.refusal(profile.settings, bundle)


def config_faults(world: World) -> Iterator[tuple[str, Problem]]:
    """What profiles' configuration files have wrong, each with how a machine's script would tell it."""
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        judge = payload.config_fault
        for file in profile.config if judge else ():
            if judge and template(file) is None and (why := judge(file)):
                told = config_refused(file, why)
                yield told, Problem(*place(file.origin), f"profiles.{profile.name}.config", f"{file.path}: {why}")
        if why := payload.config_clash(profile.config):
            yield why, Problem(*place(profile.origin), f"profiles.{profile.name}.config", why)


def _bundle(profile: Profile, bundle: Bundle) -> Iterator[Problem]:
    why = PAYLOADS[profile.payload].refusal(profile.settings, bundle)
    if why:
        yield of_profile(profile, why)
    for note in bundle.notes:
        if note not in why:
            yield of_profile(profile, f"bundle {bundle.name}: {note}", "info")


def _no_bundle(name: str, world: World) -> str:
    """Names only: digests and directories are no names to choose."""
    names = sorted({bundle.name for bundle in world.bundles.values()})
    said = f"no bundle {name!r}{suggest(name, names)}"
    return f"{said}{' To' if said.endswith('?') else '; to'} get one: netbootd import SOURCE --name {name}"


def _missing(tree: Tree, path: str) -> str:
    try:
        tree.open(path).close()
    except NotServed as refused:
        return refused.reason.value
    return ""
