"""The seam between netbootd and the systems it boots.

A payload says what settings its profiles take, which arguments it brings, what it needs on disk, and how it turns
one machine's order into a `Plan`.  A new bootable system is one module with a `Payload`, one template of the same
name, one golden test, and its line in `netbootd.payloads`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

from netbootd.boot.args import Arg, ArgSetting
from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts, unsafe
from netbootd.boot.finding import Finding
from netbootd.boot.model import Boots, ConfigFile
from netbootd.boot.network import Network
from netbootd.boot.plan import LocalMethod, MenuEntry, Plan
from netbootd.boot.site import Site

NO_TOKEN = "TOKEN"
"""Stands for the token where nobody will fetch anything: in ``render``, ``explain`` and ``check``."""

CLOSED = {"extra": "forbid"}
"""For a settings class's ``__pydantic_config__``: an unknown key is an error."""


def url_fault(url: str) -> str:
    """Why this URL cannot stand in a script, or ""."""
    if unsafe(url) or " " in url or "://" not in url:
        return f"not a URL that can stand in a script: {url!r}"
    return ""


class CannotBoot(ValueError):
    """What was ordered cannot be booted; the text says why, for the machine's screen and for ``check``."""


class Role(Enum):
    """What a payload is to decisions, besides something to boot."""

    MENU = auto()
    """It asks who sits at the machine what to boot."""
    LOCAL = auto()
    """It is the machine's own disk."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one machine asks of a payload."""

    facts: Facts
    site: Site
    args: tuple[Arg, ...]
    """Merged and expanded; the payload's own defaults are among them."""
    own_url: str = ""
    """This machine's script."""
    menu: tuple[MenuEntry, ...] = ()
    """What a menu may offer to this machine."""
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """Those on disk, by name."""
    config: tuple[ConfigFile, ...] = ()
    """Merged and written out for this machine; empty unless the payload takes such files."""
    token: str = field(default=NO_TOKEN, repr=False)
    """Whoever has it gets the documents of the plan."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What payloads name in their ``files``."""

    def document_url(self, name: str) -> str:
        """Where this machine fetches the `Document` of this name."""
        return f"{self.site.base_url}/node/{self.token}/{quote(name)}"


@dataclass(frozen=True, slots=True)
class Payload:
    """One bootable system."""

    name: str
    settings: type
    """A frozen dataclass: the keys its profiles take beside the common ones."""
    boots: Boots
    template: str
    """Its templates' base name: ``linux.ipxe.j2``, and ``linux.grub.j2`` where GRUB can boot it."""
    plan: Callable[[Any, Order], Plan]
    """From a profile's settings and an order to what is to be booted.  Raises `CannotBoot`."""
    defaults: Callable[[Any, Facts, Bundle | None], tuple[ArgSetting, ...]] = lambda _settings, _facts, _bundle: ()
    """Arguments below the profile's own, for a machine and the bundle that ``bundle`` names, if it is on disk."""
    needs: Callable[[Any], tuple[str, ...]] = lambda _settings: ()
    """Paths under ``artifacts`` that must exist."""
    bundle: Callable[[Any], str] = lambda _settings: ""
    """The name of the bundle it boots; ``needs`` then counts only where no bundle has that name."""
    templates: Callable[[Any], tuple[str, ...]] = lambda _settings: ()
    """Templates a profile names beyond ``template``."""
    files: tuple[str, ...] = ()
    """Files of netbootd's own that a plan may put into what a machine gets, as paths below ``netbootd/payloads``."""
    role: Role | None = None
    """One payload has each."""
    refusal: Callable[[Any, Bundle], str] = lambda _settings, _bundle: ""
    """Why a profile with these settings cannot boot the bundle, or "".  Its ``plan`` raises the same sentence."""
    judge: Callable[[Any, tuple[Arg, ...], Bundle | None, Collection[str]], tuple[Finding, ...]] = lambda *_: ()
    """What is to be said of these arguments with this bundle and configuration files of these paths, once each."""
    destroys: Callable[[str], str] = lambda _key: ""
    """What an argument of this name does to what is on a machine's disks, or "": nobody but a person may ask for it."""
    silent_end: bool = False
    """Its installer tells nobody that it is done, and may switch the machine off: silence then is a success."""
    soft_serial: str = ""
    """The argument that gives a machine its soft serial, where there is one."""
    local: Callable[[Any], LocalMethod | None] = lambda _settings: None
    """For a payload that is the machine's own disk: how it gets there."""
    network_args: Callable[[Network, str], tuple[ArgSetting, ...]] | None = None
    """For a payload that takes a static address by arguments: those, for a machine of this name."""
    network_files: Callable[[Network], tuple[ConfigFile, ...]] | None = None
    """For one that takes it by configuration files: those.  Files that settings name go over them."""
    config_fault: Callable[[ConfigFile], str] | None = None
    """For a payload that takes configuration files: why one of them will not do, or ""."""
    config_clash: Callable[[Collection[ConfigFile]], str] = lambda _files: ""
    """For such a payload: why files will not do together, or "".  Its ``plan`` raises the same sentence."""
    stock_config: Callable[[Bundle | None], tuple[ConfigFile, ...]] = lambda _bundle: ()
    """For such a payload: those of a bundle itself, which a machine's own are laid over, as far as they are known."""
    config_sets: Mapping[str, str] = field(default_factory=dict)
    """Of those files, by path, the argument that would go over it and is not set by default where the file is."""
