"""What is examined: the settings, the interfaces, and the netbootd that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.site import Site
from netbootd.config import Config
from netbootd.load import Loaded
from netbootd.net.interfaces import Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Everything that is known before the first question."""

    config: Config
    loaded: Loaded
    interfaces: tuple[Interface, ...]
    """Those that are served, or that were named."""
    root: bool
    """Frames may be sent and heard, and everybody's processes seen."""
    running: bool = False
    """A netbootd with these settings runs on this machine."""
    spare: tuple[Interface, ...] = ()
    """Others that machines might be at, which the settings leave out."""
    server: str | None = None
    """The address of a netbootd on another machine, whose settings are not known here; None: this machine's."""

    @property
    def answered(self) -> bool:
        """Somebody is there to be asked."""
        return self.running or self.server is not None

    @property
    def own(self) -> frozenset[str]:
        """Every address that netbootd may call itself by."""
        if self.server is not None:
            return frozenset((self.server,))
        named = (self.config.advertise, self.config.listen)
        here = (address.ip for each in self.interfaces for address in each.addresses)
        return frozenset((*here, *(name for name in named if name)))

    def address(self, interface: Interface) -> str | None:
        """Where a machine on this interface's network comes back to; None: it cannot."""
        named = self.server or self.config.advertise or self.config.listen
        return named or next((each.ip for each in interface.addresses), None)

    def site(self, address: str) -> Site:
        """How a machine reaches netbootd there."""
        config = self.config
        tftp_port = config.tftp_port if config.tftp_mode == "on" else None
        url = None if self.server else config.public_url
        return Site(address, config.http_port, tftp_port, url, config.syslog_port)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Each that machines come back to, once."""
        if self.server or not self.interfaces:
            return (self.server or self.config.advertise or self.config.listen or "127.0.0.1",)
        found = (self.address(each) for each in self.interfaces)
        return tuple(dict.fromkeys(each for each in found if each is not None))
