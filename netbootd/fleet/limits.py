"""How long a machine's installation may take: what its payload is like, what its profile and what it says itself."""

from __future__ import annotations

from typing import TypeVar

from netbootd.boot.model import LimitKeys, Machine, Profile
from netbootd.fleet.lifecycle import Limits
from netbootd.payloads import PAYLOADS

T = TypeVar("T")
_USUAL = Limits()


def limits_of(profile: Profile | None, machine: Machine | None = None) -> Limits:
    """Key by key: the machine's, else its profile's, else the usual."""
    silent = profile is not None and PAYLOADS[profile.payload].silent_end
    of_machine = machine.limits if machine else LimitKeys()
    of_profile = profile.limits if profile else LimitKeys()

    def said(name: str, usual: T) -> T:
        found = (getattr(of_machine, name), getattr(of_profile, name))
        return next((value for value in found if value is not None), usual)

    return Limits(
        fetching=said("fetching", _USUAL.fetching),
        installing=said("installing", _USUAL.installing),
        quiet=said("quiet", _USUAL.quiet),
        powers_off=said("powers_off", silent),
    )
