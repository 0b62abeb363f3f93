"""A user's own iPXE template, or another server's script by URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netbootd.boot.model import Boots
from netbootd.boot.plan import ChainPlan, Plan, TemplatePlan
from netbootd.payloads.base import CLOSED, Order, Payload, url_fault


@dataclass(frozen=True, slots=True)
class Settings:
    """One of the two: ``template`` is a file name in the templates directory, ``url`` what iPXE is to chain to."""

    __pydantic_config__: ClassVar = CLOSED

    template: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if (self.template is None) == (self.url is None):
            raise ValueError("give either 'template' or 'url'")
        if self.url is not None and (fault := url_fault(self.url)):
            raise ValueError(fault)


def _plan(settings: Settings, order: Order) -> Plan:
    if settings.url is not None:
        return ChainPlan(settings.url)
    assert settings.template is not None, "Settings holds one of the two"
    return TemplatePlan(settings.template, order.args)


def _templates(settings: Settings) -> tuple[str, ...]:
    return (settings.template,) if settings.template else ()


PAYLOAD = Payload(
    name="script", settings=Settings, boots=Boots.ALWAYS, template="script", plan=_plan, templates=_templates
)
