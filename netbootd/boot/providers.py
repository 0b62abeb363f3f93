"""Clouds that start machines with an iPXE of their own: what is known of each, a row with its evidence.

Nothing stands here that its source does not say.  Where a console is not known, a system's own default stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.plan import ByIpxe


@dataclass(frozen=True, slots=True)
class Provider:
    """One of them.  Arguments that a profile, rule or machine sets itself go over all that stands here."""

    name: str
    """As settings call it."""
    evidence: str
    console: tuple[tuple[str, str], ...] = ()
    """The value of ``console=`` by iPXE's word for the architecture."""
    linux: tuple[tuple[str, str], ...] = ()
    """Further arguments for a Linux that takes its addresses from the command line."""
    by_ipxe: tuple[ByIpxe, ...] = ()
    """The same, with what only the provider's iPXE knows."""

    def args(self, buildarch: str | None, *, linux: bool = False) -> tuple[ArgSetting, ...]:
        """The arguments for a machine of this architecture, x86 where it is not known."""
        console = dict(self.console).get(_ARCHES.get(buildarch or "", buildarch or X86))
        pairs = (*((("console", console),) if console else ()), *(self.linux if linux else ()))
        return tuple(ArgSetting(key, (value,), f"provider {self.name}", Layer.PLACE) for key, value in pairs)


X86 = "x86_64"
_ARCHES: Mapping[str, str] = MappingProxyType({"i386": X86, "amd64": X86})

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        each.name: each
        for each in (
            Provider(
                "equinix",
                "tinkerbell/boots, installers/custom_ipxe: console by architecture; reached at sos.FACILITY.packet.net",
                console=((X86, "ttyS1,115200n8"), ("arm64", "ttyAMA0,115200")),
            ),
            Provider(
                "vultr", "govultr, bare_metal_server.go: ipxe_chain_url, persistent_pxe; of a console it says none"
            ),
            Provider("latitude", "its Terraform provider: ipxe, persistent_netboot; of a console it says nothing"),
            Provider("ovh", "its API: POST /me/ipxeScript keeps the script's text; of a console it says nothing"),
            Provider(
                "hivelocity",
                "developers.hivelocity.net/docs/custom-ipxe: {metadata_url} in a script given inline, and its example "
                "hands that on as hv_sps_metadata_url",
                by_ipxe=(ByIpxe("hv_sps_metadata_url", "metadata_url"),),
            ),
            Provider(
                "i3d",
                "docs.i3d.net/compute/flexmetal/custom-ipxe-booting: no DHCP server, IPXE_BOOT_LINUX_IP_CONFIG holds a "
                "whole argument, net.ifnames=0 advised",
                linux=(("net.ifnames", "0"),),
                by_ipxe=(
                    ByIpxe("ip", "IPXE_BOOT_LINUX_IP_CONFIG", whole=True),
                    ByIpxe("hostname", "IPXE_BOOT_HOSTNAME"),
                ),
            ),
            Provider("rackdog", "rackdog.com/docs/features/ipxe: a URL it chains to; of a console it says nothing"),
        )
    }
)
