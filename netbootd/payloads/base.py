"""The seam between netbootd and the systems it boots.

A payload says what settings its profiles take, which arguments it brings, what it needs on disk, and how it turns
one machine's order into a `Plan`.  A new bootable system is one module with a `Payload`, one template of the same
name, one golden test, and its line in `netbootd.payloads`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netbootd.boot.args import Arg, ArgSetting
from netbootd.boot.facts import Facts, unsafe
from netbootd.boot.model import Boots
from netbootd.boot.plan import LocalMethod, MenuEntry, Plan
from netbootd.boot.site import Site

CLOSED = {"extra": "forbid"}
"""For a settings class's ``__pydantic_config__``: an unknown key is an error."""


def url_fault(url: str) -> str:
    """Why this URL cannot stand in a script, or ""."""
    if unsafe(url) or " " in url or "://" not in url:
        return f"not a URL that can stand in a script: {url!r}"
    return ""


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
    """From a profile's settings and an order to what is to be booted."""
    defaults: Callable[[Any, Facts], tuple[ArgSetting, ...]] = lambda _settings, _facts: ()
    """Arguments below the profile's own."""
    needs: Callable[[Any], tuple[str, ...]] = lambda _settings: ()
    """Paths under ``artifacts`` that must exist."""
    templates: Callable[[Any], tuple[str, ...]] = lambda _settings: ()
    """Templates a profile names beyond ``template``."""
    lint: Callable[[tuple[Arg, ...]], tuple[str, ...]] = lambda _args: ()
    """What is wrong with these arguments, a sentence each."""
    local: Callable[[Any], LocalMethod | None] = lambda _settings: None
    """For a payload that is the machine's own disk: how it gets there."""
