"""What ``import`` and ``bundles`` say of a bundle, for people and for programs."""

from __future__ import annotations

from typing import Any

from netbootd.artifacts.bundles import OnShelf
from netbootd.artifacts.inside import FOLDER
from netbootd.cli.common import counted, human, row
from netbootd.payloads.eve import PAYLOAD, Settings, direct
from netbootd.payloads.eve.abilities import Ability, abilities
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.resources import payload_file


def details(bundle: Bundle) -> None:
    """Some lines, below a title that says its name."""
    row("era", f"{bundle.era.value}: {_form(bundle.era)}", indent=2)
    row("version", f"{bundle.version}, by {bundle.version_from}" if bundle.version else "not known", indent=2)
    row("for", " ".join(filter(None, (bundle.arch, bundle.hv, bundle.platform))) or "not known", indent=2)
    row("size", f"{human(bundle.size)}, {counted(len(bundle.files), 'file')}", indent=2)
    row("lies in", bundle.directory, indent=2)
    if bundle.iso:
        inside = counted(len(bundle.iso), "file")
        row("iso", f"{inside} in it, served as /artifacts/{bundle.directory}/{FOLDER}/PATH", indent=2)
    if bundle.stock:
        row("config", f"a node's own lies over the release's {', '.join(file.path for file in bundle.stock)}", indent=2)
    if why := _refused(bundle):
        row("boots", f"no: {why}", indent=2)
    if bundle.era in direct.OWN_INIT:
        row("init", f"netbootd's own in place of the release's: {payload_file(direct.INIT)}", indent=2)
    can = abilities(bundle)
    for position, ability in enumerate(can):
        row("" if position else "can", _said(ability), indent=2)
    for note in bundle.notes:
        if not any(ability.why and note.endswith(ability.why) for ability in can):  # said a line above
            row("note", note, indent=2)


def record(bundle: Bundle) -> dict[str, Any]:
    """The same for programs."""
    return {
        "name": bundle.name,
        "digest": bundle.digest,
        "directory": bundle.directory,
        "era": bundle.era.value,
        "arch": bundle.arch,
        "version": bundle.version,
        "version_from": bundle.version_from,
        "hv": bundle.hv,
        "platform": bundle.platform,
        "size": bundle.size,
        "files": list(bundle.files),
        "iso": [file.path for file in bundle.iso],
        "config": [file.path for file in bundle.stock],
        "config_size": bundle.config_size,
        "can": {ability.name: ability.can for ability in abilities(bundle)},
        "refused": _refused(bundle),
        "notes": list(bundle.notes),
    }


def _refused(bundle: Bundle) -> str:
    return PAYLOAD.refusal(Settings(bundle.name), bundle)


def shelf_record(one: OnShelf, used_by: tuple[str, ...]) -> dict[str, Any]:
    """With its names, the profiles that use it, and where it came from."""
    about = one.manifest
    return {
        **record(one.bundle),
        "names": list(one.names),
        "profiles": list(used_by),
        "source": about.source if about else "",
        "imported": about.imported if about else "",
        "verified": about.verified if about else "",
    }


def short(bundle: Bundle) -> str:
    """What it can do, in a few words."""
    can = [ability.name for ability in abilities(bundle) if ability.can]
    unsure = [f"{ability.name}?" for ability in abilities(bundle) if ability.can is None]
    return " ".join((*can, *unsure)) or "nothing, it is broken"


def _said(ability: Ability) -> str:
    said = {True: "yes", False: "no", None: "perhaps"}[ability.can]
    return f"{ability.name:<10} {said}" + (f": {ability.why}" if ability.why else "")


def _form(era: Era) -> str:
    match era:
        case Era.A:
            return "kernel, initrds and rootfs.img"
        case Era.B1:
            return "GRUB and an ISO that is the root"
        case Era.B1X:
            return "GRUB and an ISO, broken as released"
        case Era.B2:
            return "GRUB and an ISO with the root in it"
        case Era.B3:
            return "GRUB and an ISO, of which only the root is loaded"
