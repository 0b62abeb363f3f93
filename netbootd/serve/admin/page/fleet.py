"""``/``: the fleet, trouble first; what there is to do where nothing has been seen yet; profiles and bundles."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from netbootd.fleet.lifecycle import State
from netbootd.serve.admin.asked import Nothing, Which
from netbootd.serve.admin.catalogue import Catalogue
from netbootd.serve.admin.overview import Counts
from netbootd.serve.admin.page.rows import Filter, Rows
from netbootd.serve.admin.page.services import Behind
from netbootd.wire.text import printable

ROWS = 100
"""Machines on one page."""
_LONGEST = 100  # characters of what is looked for


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter, as a link with its number of machines."""

    word: str
    count: int
    href: str
    chosen: bool


class FleetPages:
    """Handlers."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._rows = Rows(behind.api, behind.overview)
        self._catalogue = Catalogue(behind.api)

    async def fleet(self, request: web.Request) -> web.Response:
        """All machines, or those that are looked for."""
        if not request.query and await self._behind.overview.empty():
            return await self._start(request, "Nothing has booted yet")
        asked = _Asked.of(request)
        which = Which.model_validate({"q": asked.q or None, "profile": asked.profile or None})
        found = await self._rows.find(which, asked.only, ROWS, asked.page * ROWS)
        return self._behind.pages.page(
            request,
            "fleet",
            title="Fleet",
            found=found,
            asked=asked,
            choices=_choices(found.counts, asked),
            before=asked.href(page=asked.page - 1) if asked.page else "",
            after=asked.href(page=asked.page + 1) if (asked.page + 1) * ROWS < found.total else "",
            first=asked.page * ROWS,
        )

    async def start(self, request: web.Request) -> web.Response:
        """What there is to do first."""
        return await self._start(request, "Getting started")

    async def profiles(self, request: web.Request) -> web.Response:
        """What machines may be given."""
        profiles = await self._catalogue.profiles(request, Nothing(), None)
        return self._behind.pages.page(request, "profiles", title="Profiles", profiles=profiles)

    async def bundles(self, request: web.Request) -> web.Response:
        """What has been imported."""
        bundles = await self._catalogue.bundles(request, Nothing(), None)
        artifacts = self._behind.daemon.artifacts
        return self._behind.pages.page(request, "bundles", title="Bundles", bundles=bundles, artifacts=artifacts)

    async def _start(self, request: web.Request, title: str) -> web.Response:
        about = await asyncio.to_thread(self._behind.daemon.about)
        bundles = await self._catalogue.bundles(request, Nothing(), None)
        return self._behind.pages.page(
            request,
            "start",
            title=title,
            about=about,
            bundles=bundles,
            artifacts=self._behind.daemon.artifacts,
            profiles=tuple(self._behind.api.fleet.profiles.values()),
            seen=any(record.last_seen for record in self._behind.api.records.all()),
            dhcp=any("DHCP" in each for each in about.services),
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What of the fleet; what makes no sense is left out rather than refused, as people edit addresses."""

    only: Filter | State | None
    q: str
    profile: str
    page: int

    @classmethod
    def of(cls, request: web.Request) -> _Asked:
        query = request.query
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        return cls(
            _only(query.get("state", "")),
            printable(query.get("q", "").strip(), _LONGEST),
            printable(query.get("profile", ""), _LONGEST),
            max(0, number - 1),
        )

    def href(self, *, only: Filter | State | str | None = "", page: int = 0) -> str:
        """The same, but for that."""
        chosen = self.only if isinstance(only, str) else only
        said = {
            "state": chosen.value if chosen else "",
            "q": self.q,
            "profile": self.profile,
            "page": str(page + 1) if page else "",
        }
        return f"/?{urlencode({key: value for key, value in said.items() if value})}".rstrip("?")


def _only(text: str) -> Filter | State | None:
    for kind in (Filter, State):
        if text in {each.value for each in kind}:
            return kind(text)
    return None


def _choices(counts: Counts, asked: _Asked) -> tuple[Choice, ...]:
    """All, trouble and booting always; of the states those that there are."""
    kinds = ((Filter.TROUBLE, counts.trouble), (Filter.BOOTING, counts.booting))
    states: tuple[tuple[Filter | State, int], ...] = tuple(
        (each, counts.states[each]) for each in State if counts.states[each] or asked.only is each
    )
    chosen = tuple(
        Choice(each.value, count, asked.href(only=each), asked.only is each) for each, count in kinds + states
    )
    return (Choice("all", counts.total, asked.href(only=None), asked.only is None), *chosen)
