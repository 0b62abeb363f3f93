"""A Linux kernel with its initrds: rescue systems, live systems, installers that need nothing special."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.model import Boots
from netbootd.boot.network import Network, kernel_argument
from netbootd.boot.plan import Image, KernelPlan
from netbootd.payloads.base import CLOSED, Order, Payload, url_fault

_URL = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths are under ``artifacts``, or http(s) URLs."""

    __pydantic_config__: ClassVar = CLOSED

    kernel: str
    initrd: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for path in (self.kernel, *self.initrd):
            if path.startswith(_URL) and (fault := url_fault(path)):
                raise ValueError(fault)


def _plan(settings: Settings, order: Order) -> KernelPlan:
    return KernelPlan(
        kernel=Image(order.site.artifact_url(settings.kernel), "kernel"),
        initrds=images(settings.initrd, order),
        args=order.args,
    )


def images(paths: tuple[str, ...], order: Order) -> tuple[Image, ...]:
    """Initrds in order, each under a name of its own: two files may share a base name."""
    return tuple(Image(order.site.artifact_url(path), f"initrd{i}") for i, path in enumerate(paths))


def _needs(settings: Settings) -> tuple[str, ...]:
    paths = (settings.kernel, *settings.initrd)
    return tuple(path for path in paths if not path.startswith(_URL))


def _network(network: Network, name: str) -> tuple[ArgSetting, ...]:
    return (ArgSetting("ip", (kernel_argument(network, name),), f"network of {network.origin}", Layer.PLACE),)


PAYLOAD = Payload(
    name="linux",
    settings=Settings,
    boots=Boots.ALWAYS,
    template="linux",
    plan=_plan,
    needs=_needs,
    network_args=_network,
)
