"""What pages are made of: what the API has, and what they need of the daemon beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netbootd.boot.site import Site
from netbootd.observe.banner import Banner
from netbootd.serve.admin.access import AccessServices
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page.render import Pages
from netbootd.serve.admin.services import ApiServices


class PageServices(AccessServices, Protocol):
    """The daemon."""

    @property
    def artifacts(self) -> Path:
        """Where bundles and kernels lie."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing can be recorded now; "" while it can."""
        ...

    def about(self) -> Banner:
        """What it said of itself at its start, as of now.  It looks at files, so it is asked beside the loop."""
        ...

    def nearest(self, ip: str) -> Site:
        """How a machine with this address comes back; "" for one that has none yet."""
        ...


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind every page; ``pages`` makes them out of templates."""

    api: ApiServices
    daemon: PageServices
    overview: Overview
    pages: Pages
