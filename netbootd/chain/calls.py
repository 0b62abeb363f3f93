"""What templates call ``boot``: where this machine's installer tells how it went, see `serve.http.node`."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.plan import DONE, FAILED
from netbootd.boot.site import Site


@dataclass(frozen=True, slots=True)
class Calls:
    """URLs for ``wget`` and ``curl``; whoever has one can say that this machine is done, and only this one, once."""

    done_url: str
    failed_url: str
    """``?message=...`` behind it says why."""


IN_JINJAS_WORDS = f"'{Calls.__module__}.{Calls.__name__} object'"
"""How an error calls it; templates call it ``boot``."""


def calls(site: Site, token: str) -> Calls:
    """Those of the boot that this token is made for."""
    room = f"{site.base_url}/node/{token}"
    return Calls(f"{room}/{DONE}", f"{room}/{FAILED}")
