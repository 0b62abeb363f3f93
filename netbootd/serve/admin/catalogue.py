"""What machines may boot: profiles and bundles, to be looked at; the settings and ``netbootd import`` change them."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from netbootd.boot.bundle import Bundle
from netbootd.boot.model import Boots, Profile
from netbootd.fleet.limits import limits_of
from netbootd.payloads import PAYLOADS
from netbootd.payloads.eve.bundle import Bundle as EveBundle
from netbootd.serve.admin import shapes
from netbootd.serve.admin.asked import Nothing
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import setting


class Catalogue:
    """Handlers of `routes`."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def status(self, _request: web.Request, _query: Nothing, _body: None) -> shapes.Status:
        """From memory."""
        services = self._services
        return shapes.Status(
            machines=len(services.records.all()),
            boots=len(services.attempts),
            transfers=len(services.running),
            readers=services.stream.readers,
            dropped=services.dropped() + services.running.dropped,
        )

    async def profiles(self, _request: web.Request, _query: Nothing, _body: None) -> list[shapes.Profile]:
        """As the settings have them."""
        return [self._profile(each) for each in self._services.fleet.profiles.values()]

    async def bundles(self, _request: web.Request, _query: Nothing, _body: None) -> list[shapes.Bundle]:
        """As they were read at the start, or the last reload."""
        named: dict[str, list[str]] = {}
        first: dict[str, Bundle] = {}
        for name, bundle in self._services.world().bundles.items():
            first.setdefault(bundle.directory, bundle)
            if name == bundle.name:
                named.setdefault(bundle.directory, []).append(name)
        return [self._bundle(bundle, sorted(named.get(bundle.directory, []))) for bundle in first.values()]

    def _profile(self, profile: Profile) -> shapes.Profile:
        return shapes.Profile(
            name=profile.name,
            payload=profile.payload,
            boots=profile.boots.value,
            auto=profile.auto,
            local=profile.local.value,
            label=profile.label,
            provider=profile.provider,
            bundle=_bundle_of(profile) or None,
            args=[setting(each, "file", profile.origin) for each in profile.args],
            limits=shapes.Limits(**asdict(limits_of(profile))) if profile.boots is Boots.ONCE else None,
            machines=sum(machine.profile == profile.name for machine in self._services.fleet.machines),
            origin=profile.origin,
        )

    def _bundle(self, bundle: Bundle, names: list[str]) -> shapes.Bundle:
        bundles, profiles = self._services.world().bundles, self._services.fleet.profiles.values()
        here = bundle.directory
        users = [each.name for each in profiles if (own := bundles.get(_bundle_of(each))) and own.directory == here]
        return shapes.Bundle(
            name=bundle.name,
            names=names or [bundle.name],
            directory=here,
            arch=bundle.arch or None,
            version=(bundle.version or None) if isinstance(bundle, EveBundle) else None,
            notes=list(bundle.notes),
            profiles=users,
        )


def _bundle_of(profile: Profile) -> str:
    return PAYLOADS[profile.payload].bundle(profile.settings)
