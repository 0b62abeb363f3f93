"""Which addresses are ours, and at which of them a machine finds us."""

from __future__ import annotations

from netbootd.boot.site import Site
from netbootd.config import Config
from netbootd.net.interfaces import Interface
from netbootd.net.served import Interfaces
from netbootd.serve.listening import Listening


class Addresses:
    """Of the interfaces that are served.  A reload swaps what settings say of them; what is bound stays bound."""

    def __init__(self, config: Config, listening: Listening, interfaces: Interfaces) -> None:
        self._listening = listening
        self.swap(config, interfaces)

    def swap(self, config: Config, interfaces: Interfaces) -> None:
        """Go by these settings from now on."""
        self._config = config
        self._interfaces = interfaces

    @property
    def served(self) -> tuple[Interface, ...]:
        """The interfaces, as they were when we last looked."""
        return self._interfaces.served

    def site(self, local: str) -> Site:
        """How a client that asked at ``local`` comes back."""
        config, listening = self._config, self._listening
        address = config.advertise or listening.address or local
        tftp_port = listening.tftp_address[1] if listening.tftp_address else None
        syslog_port = listening.syslog_address[1] if listening.syslog_address else None
        return Site(address, listening.http_address[1], tftp_port, config.public_url, syslog_port)

    def nearest(self, ip: str) -> Site:
        """How a machine with this address comes to us; "" is one of which none is known."""
        return self.site(self._interfaces.nearest(ip))

    def interface(self, index: int) -> str | None:
        """The name of the interface of this index, if it is served."""
        return self._interfaces.name(index)

    def owns(self, index: int, address: str) -> bool:
        """Whether who asks at that interface can come back to this address."""
        # Who says what address to advertise or to listen on knows that it can be reached from every interface.
        chosen = self._config.advertise or self._listening.address
        return chosen is not None or self._interfaces.owns(index, address)

    def is_ours(self, address: str) -> bool:
        """Whether an interface that is served has it."""
        return any(each.ip == address for served in self.served for each in served.addresses)
