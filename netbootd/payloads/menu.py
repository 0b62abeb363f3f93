"""A menu on the machine's own screen; when nobody chooses, its own disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netbootd.boot.model import Boots
from netbootd.boot.plan import MenuPlan
from netbootd.boot.site import asked
from netbootd.payloads.base import CLOSED, Order, Payload, Role


@dataclass(frozen=True, slots=True)
class Settings:
    """``timeout``: seconds until the local disk."""

    __pydantic_config__: ClassVar = CLOSED

    timeout: int = 30

    def __post_init__(self) -> None:
        if not 1 <= self.timeout <= 3600:
            raise ValueError("timeout: between 1 and 3600 seconds")


def _plan(settings: Settings, order: Order) -> MenuPlan:
    return MenuPlan(order.menu, settings.timeout, asked(order.own_url, "leave=yes"))


PAYLOAD = Payload(name="menu", settings=Settings, boots=Boots.ALWAYS, template="menu", plan=_plan, role=Role.MENU)
