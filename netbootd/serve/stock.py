"""The compatibility root: the names of a release's own files, and of the scripts that EVE's own iPXE asks for.

EVE's ``ipxe.efi`` runs a script of its own: it takes an address, puts ``.cfg`` behind the boot file of the DHCP answer
and asks TFTP for that, be it ``ipxe.efi`` or the whole of ``http://192.0.2.1:8080/ipxe.cfg``.  Its ``ipxe.efi.cfg``,
its GRUB, and tools made for them then expect the files of one release at the root of the server, or below
``eserver/``, where eden has them.  Here each client finds those of the release that its own profile boots.

They are public files: what would install is a script, and scripts are handed out as everywhere else.
"""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts
from netbootd.boot.firmware import is_boot_program
from netbootd.boot.model import Profile
from netbootd.chain.world import World
from netbootd.payloads import PAYLOADS

ALIAS = "eserver"

_SCRIPTS = ("ipxe.cfg", "autoexec.ipxe", "boot.ipxe")
_RENDERED = ".cfg"  # menus and scripts of a release know nothing of the machine, and never go out as they are


def without_alias(segments: tuple[str, ...]) -> tuple[str, ...]:
    """A path as it is below the root."""
    return segments[1:] if segments[:1] == (ALIAS,) else segments


def is_script(name: str) -> bool:
    """Whether a file of this name is the script for any iPXE: ``ipxe.cfg``, ``ipxe.cfg.cfg``, ``snponly.efi.cfg``."""
    program = name.removesuffix(".cfg")
    return name in _SCRIPTS or program in _SCRIPTS or (program != name and is_boot_program(program))


def release_file(name: str, facts: Facts, ip: str, world: World) -> str | None:
    """The path under ``artifacts`` of what this client means by a name at the root; it may not be there.

    ``facts`` are what is known of whoever was last seen at ``ip``.  None: there is no release to look in.
    """
    if name.lower().rstrip("./").endswith(_RENDERED):  # a tree takes "grub.cfg/." for grub.cfg
        return None
    profile = world.assignment(replace(facts, ip=ip)).profile
    bundle = _bundle(profile, world) if profile else _only_bundle(world)
    return f"{bundle.directory}/{name}" if bundle else None


def _bundle(profile: Profile, world: World) -> Bundle | None:
    return world.bundles.get(PAYLOADS[profile.payload].bundle(profile.settings))


def _only_bundle(world: World) -> Bundle | None:
    """The one that all profiles with a bundle boot: then it does not matter who asks."""
    named = [bundle for profile in world.fleet.profiles.values() if (bundle := _bundle(profile, world))]
    return named[0] if len({bundle.directory for bundle in named}) == 1 else None
