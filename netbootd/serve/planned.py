"""What a script has its machine fetch from here, by the names that events will have for it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from netbootd.boot.model import Boots
from netbootd.boot.plan import GrubPlan, KernelPlan, Plan
from netbootd.chain.scripts import Rendered
from netbootd.serve.tokens import label
from netbootd.wire.text import printable

NODE = "node/"
"""What is made for one machine: this, the token's label, the name."""


def planned_files(plan: Plan | None, base_url: str) -> tuple[str, ...]:
    """The files of a payload that come from here, in the order they are fetched in, as `ArtifactServed` names them.

    Of GRUB's way: what the menu adds by its own is not known beforehand, the last file is.
    """
    match plan:
        case KernelPlan():
            return _named((image.url for image in (plan.kernel, *plan.initrds)), base_url)
        case GrubPlan():
            by_grub = _named((plan.include, plan.last), plan.server)
            return tuple(dict.fromkeys((*_named((plan.program,), base_url), *by_grub)))
    return ()


def last_file(plan: Plan | None, base_url: str) -> str:
    """The last file of a payload that comes from here; "" if none does."""
    if isinstance(plan, GrubPlan):
        return normal(_ours(plan.last, plan.server))
    return next(reversed(planned_files(plan, base_url)), "")


def installs(rendered: Rendered) -> bool:
    """Whether this is the script of a profile that boots once, and the once."""
    profile = rendered.assignment.profile if rendered.assignment else None
    handed_out = rendered.verdict is not None and rendered.verdict.netboot and not rendered.failure
    return handed_out and profile is not None and profile.boots is Boots.ONCE


def normal(file: str) -> str:
    """However the path was spelled in the request, and as far as an event shows it."""
    return printable("/".join(part for part in file.split("/") if part not in ("", ".")))


def _named(urls: Iterable[str], base_url: str) -> tuple[str, ...]:
    return tuple(normal(file) for url in urls if (file := _ours(url, base_url)))


def _ours(url: str, base_url: str) -> str:
    if not url.startswith(f"{base_url}/"):
        return ""
    room, _, rest = url.removeprefix(f"{base_url}/").partition("/")
    match room:
        case "artifacts":
            return f"artifacts/{unquote(rest, errors='surrogateescape')}"
        case "node":
            token, _, name = rest.partition("/")
            return f"{NODE}{label(token)}/{unquote(name)}"
    return ""
