"""What a machine gets for where it stands: a provider's arguments, a static address, files counted for it alone.

Arguments and files that settings name go over all of it.
"""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.args import ArgSetting
from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, ConfigFile, Machine
from netbootd.boot.network import Network, network
from netbootd.boot.plan import KernelPlan, Plan
from netbootd.boot.providers import PROVIDERS, Provider
from netbootd.boot.site import Site
from netbootd.fleet.snapshot import Assignment
from netbootd.payloads import Payload
from netbootd.wire.mac import Mac


def card(facts: Facts, machine: Machine | None) -> Mac | None:
    """What its installations are remembered by; ``machine`` is the one whose secret it came by."""
    return machine.macs[0] if machine else facts.mac


def site(here: Site, assignment: Assignment, machine: Machine | None, token: str) -> Site:
    """Where it fetches artifacts.

    Behind NAT one address is many machines.  One that came by its secret and boots once fetches under its token, so
    that the last byte of a file counts for it and for no neighbour.
    """
    once = assignment.profile is not None and assignment.profile.boots is Boots.ONCE
    return replace(here, artifacts=f"node/{token}/artifacts") if machine and once else here


def args(
    assignment: Assignment, payload: Payload, facts: Facts, bundle: Bundle | None = None
) -> tuple[ArgSetting, ...]:
    """Arguments between the payload's own and those of the settings.  Raises `NetworkError`."""
    linux = payload.network_args is not None
    provider, static = _provider(assignment), _network(assignment, facts) if linux else None
    arch = facts.buildarch or (bundle.arch if bundle else None)
    return (
        *(provider.args(arch, linux=linux) if provider else ()),
        *(payload.network_args(static, assignment.name) if payload.network_args and static else ()),
    )


def files(assignment: Assignment, payload: Payload, facts: Facts) -> tuple[ConfigFile, ...]:
    """Configuration files below those of the settings.  Raises `NetworkError`."""
    static = _network(assignment, facts) if payload.network_files else None
    return payload.network_files(static) if payload.network_files and static else ()


def with_ipxe(plan: Plan, assignment: Assignment, payload: Payload) -> Plan:
    """The plan with those arguments of the provider that only its iPXE knows, where nothing else sets them."""
    provider = _provider(assignment)
    if provider is None or payload.network_args is None or not isinstance(plan, KernelPlan):
        return plan
    asked = {arg.key for arg in plan.args}
    return replace(plan, by_ipxe=tuple(each for each in provider.by_ipxe if each.key not in asked))


def _provider(assignment: Assignment) -> Provider | None:
    names = (each.provider for each in (assignment.machine, assignment.profile) if each)
    return next((PROVIDERS[name] for name in names if name), None)


def _network(assignment: Assignment, facts: Facts) -> Network | None:
    of_profile = assignment.profile.network if assignment.profile else None
    of_machine = assignment.machine.network if assignment.machine else None
    keys = of_machine.over(of_profile) if of_machine else of_profile
    return network(keys, facts) if keys else None
