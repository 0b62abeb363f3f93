"""What a daemon says of itself: the banner at its start, and one line for the service manager."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netbootd import __version__
from netbootd.artifacts.firmware import missing
from netbootd.boot.site import Site
from netbootd.check import lacking
from netbootd.config import Config
from netbootd.load import Loaded
from netbootd.net.interfaces import Interface
from netbootd.observe.banner import Banner, ServedInterface
from netbootd.serve.listening import Listening

_SHOWN = 4  # files that are not there; a banner is read at a glance


def announcement(
    config: Config, loaded: Loaded, served: Sequence[Interface], listening: Listening, site: Callable[[str], Site]
) -> Banner:
    """The facts of the banner; ``site`` is how a client that asks at one of our addresses comes back."""
    fleet = loaded.world.fleet
    return Banner(
        version=__version__,
        interfaces=tuple(ServedInterface(name=i.name, addresses=tuple(map(str, i.addresses))) for i in served),
        services=_services(listening),
        script_urls=tuple(site(address.ip).entry_url() for each in served for address in each.addresses[:1]),
        admin_url="http://{}:{}/".format(*listening.admin_address),
        config=str(config.path) if config.path else "",
        firmware=tuple(sorted(binary.name for binary in loaded.world.firmware.binaries)),
        missing=missing(loaded.world.firmware),
        profiles=tuple(fleet.profiles),
        machines=len(fleet.machines),
        unknown=fleet.unknown,
        warnings=warnings(config, loaded, served),
    )


def warnings(config: Config, loaded: Loaded, served: Sequence[Interface]) -> tuple[str, ...]:
    """What a person should know, a sentence each: of the settings, of what was read, of this machine."""
    doubts = []
    if not served:
        doubts.append("no interface with an IPv4 address to serve; packets are answered once one appears")
    if not config.artifacts.is_dir():
        doubts.append(f"artifacts: {config.artifacts} does not exist yet; put kernels and bundles there")
    return (*map(str, config.warnings), *loaded.notes, *doubts, *_lacking(config, loaded))


def _lacking(config: Config, loaded: Loaded) -> tuple[str, ...]:
    found = [str(problem) for problem in lacking(config, loaded.world) if problem.severity == "error"]
    more = len(found) - _SHOWN
    return (*found[:_SHOWN], f"and {more} more: netbootd check tells them all") if more > 0 else tuple(found)


def summary(loaded: Loaded) -> str:
    """One line."""
    fleet = loaded.world.fleet
    return f"{len(fleet.machines)} machines, {len(fleet.profiles)} profiles"


def _services(listening: Listening) -> tuple[str, ...]:
    dhcp = ("ProxyDHCP on 67 and 4011",) if listening.dhcp else ()
    return (*dhcp, f"TFTP on {listening.tftp_port}", f"HTTP on {listening.http_port}")
