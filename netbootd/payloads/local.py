"""The machine's own disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netbootd.boot.model import Boots
from netbootd.boot.plan import LocalMethod, LocalPlan
from netbootd.payloads.base import CLOSED, Order, Payload, Role


@dataclass(frozen=True, slots=True)
class Settings:
    """``method``: silence on the wire unless said otherwise, so that firmware goes on to its next boot device."""

    __pydantic_config__: ClassVar = CLOSED

    method: LocalMethod = LocalMethod.SILENT


def _plan(settings: Settings, _order: Order) -> LocalPlan:
    return LocalPlan(settings.method, "its profile says so")


PAYLOAD = Payload(
    name="local",
    settings=Settings,
    boots=Boots.ALWAYS,
    template="local",
    plan=_plan,
    role=Role.LOCAL,
    local=lambda settings: settings.method,
)
