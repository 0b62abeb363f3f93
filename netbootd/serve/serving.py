"""The servers that machines speak to, started on what is bound and stopped together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from ssl import SSLContext

from netbootd.chain.world import World
from netbootd.config import Config
from netbootd.net.overheard import Ear
from netbootd.net.udp import UdpEndpoint
from netbootd.observe.events import DaemonNotice
from netbootd.observe.hub import Hub
from netbootd.serve.addresses import Addresses
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import Secure, start_http
from netbootd.serve.listening import Listening
from netbootd.serve.overhearing import Overhearing
from netbootd.serve.proxydhcp import ProxyDhcp
from netbootd.serve.syslog import SyslogServer
from netbootd.serve.tftp import TftpServer

DRAIN = 10.0
"""Seconds that running transfers get at the end."""
_UNHEARD = "other DHCP and PXE servers are not listened to: that takes CAP_NET_RAW, which the systemd unit has"


class Serving:
    """ProxyDHCP, TFTP, syslog and HTTP.  ``drain``: see `DRAIN`."""

    def __init__(
        self, listening: Listening, addresses: Addresses, hub: Hub, directory: Directory, *, drain: float = DRAIN
    ) -> None:
        self._listening = listening
        self._addresses = addresses
        self._hub = hub
        self._directory = directory
        self._drain = drain
        self._closes: list[Callable[[], None]] = []  # what was started, as it is stopped at once
        self._drains: list[Callable[[], Awaitable[None]]] = []  # and what has transfers to end

    async def start(
        self, config: Config, world: Callable[[], World], boot: BootSide, context: Callable[[], SSLContext]
    ) -> None:
        """Serve what ``world`` returns now, by ``boot``; ``context`` is the certificate that is shown now."""
        self._answer_dhcp(world)
        self._listen_to_others(config)
        await self._serve_tftp(config, boot)
        self._take_lines()
        await self._serve_http(boot, context)

    async def stop(self) -> None:
        """No new work; running transfers get their moment.  Also after a start that failed half-way."""
        for close in self._closes:
            close()
        await asyncio.gather(*(drain() for drain in self._drains))

    def _answer_dhcp(self, world: Callable[[], World]) -> None:
        dhcp = ProxyDhcp(
            world=world,
            site=self._addresses.site,
            interface=self._addresses.interface,
            owns=self._addresses.owns,
            emit=self._hub,
            clock=time.monotonic,
            met=self._directory.met,
        )
        self._closes.append(dhcp.stop)
        for sock, port in self._listening.dhcp:
            dhcp.start(partial(UdpEndpoint, sock), port)

    def _listen_to_others(self, config: Config) -> None:
        if (sock := self._listening.overheard) is not None:
            overhearing = Overhearing(
                emit=self._hub,
                interface=self._addresses.interface,
                own=self._addresses.is_ours,
                clock=time.monotonic,
            )
            overhearing.start(partial(Ear, sock))
            self._closes.append(overhearing.stop)
        elif self._listening.dhcp and config.overhear:
            self._hub(DaemonNotice(text=_UNHEARD, severity="debug"))

    async def _serve_tftp(self, config: Config, boot: BootSide) -> None:
        if self._listening.tftp is not None:
            tftp = TftpServer(boot.resolve, self._hub, single_port=config.single_port)
            await tftp.start(self._listening.tftp)
            self._drains.append(partial(tftp.stop, self._drain))

    def _take_lines(self) -> None:
        if self._listening.syslog is not None:
            syslog = SyslogServer(self._directory.mac_of, self._hub, time.monotonic)
            syslog.start(partial(UdpEndpoint, self._listening.syslog))
            self._closes.append(syslog.stop)

    async def _serve_http(self, boot: BootSide, context: Callable[[], SSLContext]) -> None:
        listening = self._listening
        secure = Secure(listening.https, context) if listening.https else None
        http = await start_http(build_app(boot), [listening.http], self._hub, grace=self._drain, secure=secure)
        self._drains.append(http.stop)
        self._hub.add(http.observe)
