"""Machines and profiles, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from netbootd.boot.args import ArgSetting
from netbootd.boot.network import NetworkKeys
from netbootd.boot.plan import LocalMethod
from netbootd.wire.mac import Mac


class Boots(Enum):
    """How often a profile's payload is handed out."""

    ONCE = "once"
    """Only to a machine armed for it, and then not again: installers."""
    ALWAYS = "always"
    """At every boot: rescue, live and diskless systems."""


@dataclass(frozen=True, slots=True)
class LimitKeys:
    """How long an installation may take, in seconds, as far as settings say; `netbootd.fleet.lifecycle.Limits` says
    what each is."""

    fetching: float | None = None
    installing: float | None = None
    quiet: float | None = None
    powers_off: bool | None = None


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of a machine's own configuration.  It may be a key: ``data`` is shown by nothing."""

    path: str
    """Where the machine finds it, ``/`` between components, none in front."""
    data: bytes = field(repr=False)
    origin: str = ""
    """File and line of the settings that name it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a group of machines boots."""

    name: str
    payload: str
    """The payload's name in `netbootd.payloads`."""
    settings: object
    """The payload's own ``Settings``."""
    boots: Boots
    auto: bool = False
    """A machine never installed before is armed by itself."""
    args: tuple[ArgSetting, ...] = ()
    local: LocalMethod = LocalMethod.SILENT
    loader: str | None = None
    """A boot program by name in place of the usual one."""
    root_path: str = ""
    label: str = ""
    """Its line in the menu."""
    config: tuple[ConfigFile, ...] = ()
    provider: str = ""
    """A name in `netbootd.boot.providers`: whose cloud the machines stand in."""
    network: NetworkKeys | None = None
    """For machines without DHCP."""
    limits: LimitKeys = LimitKeys()
    soft_serial: str = ""
    """A template, or a range; see `netbootd.fleet.soft_serials`."""
    origin: str = ""
    """File and line."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine the admin has named."""

    macs: tuple[Mac, ...]
    """Its cards, the one it is remembered by first; none: by the card it shows."""
    name: str
    profile: str | None = None
    args: tuple[ArgSetting, ...] = ()
    local: LocalMethod | None = None
    loader: str | None = None
    config: tuple[ConfigFile, ...] = ()
    """Over the profile's, file by file."""
    uuid: UUID | None = None
    """What it is known by where its cards are not."""
    serial: str | None = None
    ip: str | None = None
    secret: str | None = field(default=None, repr=False)
    """Whoever asks with it is this machine, whatever card it shows.  One that has it has ``macs`` too."""
    only_by_secret: bool = False
    """What its cards and the like are does not make anybody this machine."""
    provider: str = ""
    """Over the profile's."""
    network: NetworkKeys | None = None
    """Over the profile's, key by key."""
    limits: LimitKeys = LimitKeys()
    """Over the profile's, key by key."""
    soft_serial: str | None = None
    """What it calls itself by, whatever its profile says."""
    origin: str = ""
