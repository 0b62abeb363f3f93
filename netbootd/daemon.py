"""The daemon: binds everything, says what it found, reloads, drains, stops."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial

from netbootd import __version__
from netbootd.artifacts.firmware import missing
from netbootd.artifacts.tree import Tree
from netbootd.boot.identify import DHCP_PORT, PXE_PORT
from netbootd.boot.site import Site
from netbootd.config import Config, ConfigError, Problem
from netbootd.fleet.database import state_path
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.store import Store
from netbootd.load import Loaded, load_world
from netbootd.net.interfaces import Interface, NoSuchInterface, list_interfaces, usable
from netbootd.net.neighbours import neighbour
from netbootd.net.udp import UdpEndpoint
from netbootd.observe.events import DaemonNotice, Level
from netbootd.observe.hub import Hub
from netbootd.observe.log import Banner, LogSink, ServedInterface
from netbootd.observe.metrics import Exposition, Metrics
from netbootd.serve.admin.app import Status, build_admin
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import HttpServer, start_http
from netbootd.serve.progress import Progress, state_notice
from netbootd.serve.proxydhcp import ProxyDhcp
from netbootd.serve.sockets import CannotListen, Sockets
from netbootd.serve.tftp import TftpServer
from netbootd.systemd import Notifier
from netbootd.wire.mac import Mac

__all__ = ["CannotListen", "Daemon"]

_ANY = "0.0.0.0"
_LOOK_AGAIN = 1.0  # seconds; how often at most the interfaces are listed anew for a packet from an unknown one
_STOP = (signal.SIGTERM, signal.SIGINT)
_DRAIN = 10.0  # seconds running transfers get at the end


class Interfaces:
    """The interfaces that are served, kept true as they come and go."""

    def __init__(self, wanted: tuple[str, ...] | None) -> None:
        self._wanted = wanted
        self._looked = time.monotonic()
        self.served = self._look()

    def name(self, ifindex: int) -> str | None:
        """The interface of this index, if it is served.  A new one is noticed when its first packet comes."""
        found = self._find(ifindex) or self._find_again(ifindex)
        return found.name if found else None

    def owns(self, ifindex: int, address: str) -> bool:
        """Whether this is an address of that interface.  It may have got it since we looked."""
        return self._has(self._find(ifindex), address) or self._has(self._find_again(ifindex), address)

    def _has(self, interface: Interface | None, address: str) -> bool:
        return interface is not None and any(each.ip == address for each in interface.addresses)

    def _find(self, ifindex: int) -> Interface | None:
        return next((each for each in self.served if each.index == ifindex), None)

    def _find_again(self, ifindex: int) -> Interface | None:
        """The same after another look, which packets cannot cause too often."""
        if time.monotonic() - self._looked > _LOOK_AGAIN:
            self._looked = time.monotonic()
            with suppress(NoSuchInterface):  # one that was named went away: the others are served as before
                self.served = self._look()
        return self._find(ifindex)

    def _look(self) -> tuple[Interface, ...]:
        return usable(list_interfaces(), self._wanted or "auto")


class Daemon:
    """Everything that runs.  ``reread`` reads the settings anew for a reload."""

    def __init__(
        self, config: Config, *, reread: Callable[[], Config], log: LogSink, sockets: Sockets, notifier: Notifier
    ) -> None:
        self._config = self._started = config
        self._reread = reread
        self._log = log
        self._sockets = sockets
        self._notifier = notifier
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[Callable[[], Awaitable[None]]] = []  # of what was started
        self._dhcp: ProxyDhcp | None = None
        self._store: Store | None = None
        self._metrics = Metrics()
        self._directory = Directory(self._named, neighbour)
        self._hub = Hub(self._directory.who)
        self._hub.add(log)
        self._hub.add(self._metrics.observe)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises `CannotListen`, `NoSuchInterface` or `ConfigError` when it cannot begin.
        """
        self._interfaces = Interfaces(self._config.interfaces)
        account = _account(self._config)
        self._loaded = self._load(self._config)
        try:
            self._bind()
            _become(account)
            await self._remember()
            await self._start()
            self._signals()  # before anybody hears that we are ready, and sends one
            self._announce()
            self._background(self._notifier.watchdog())
            await self._stopping.wait()
        finally:
            await self._stop()

    # start

    def _bind(self) -> None:
        """Take every port, before anything is served and while we may."""
        config = self._config
        wanted = (("dhcp", DHCP_PORT), ("pxe", PXE_PORT)) if config.dhcp_mode == "proxy" else ()
        self._dhcp_sockets = [(self._sockets.udp(name, _ANY, port, broadcast=True), port) for name, port in wanted]
        self._tftp_socket = self._sockets.udp("tftp", _ANY, config.tftp_port)
        self._http_socket = self._sockets.tcp("http", _ANY, config.http_port)
        self._admin_socket = self._sockets.tcp("admin", *config.admin_listen)
        self._tftp_port, self._http_port = self._tftp_socket.getsockname()[1], self._http_socket.getsockname()[1]
        self._admin_address = self._admin_socket.getsockname()[:2]

    async def _remember(self) -> None:
        """Open the state: who is armed, who has been given a payload."""
        self._store = Store(state_path(self._config.state), lambda trouble: self._hub(state_notice(trouble)))
        known = await self._store.open()
        self._ledger = Ledger(self._store, known, family=self._family, now=time.time())
        self._progress = Progress(self._ledger, self._hub)
        self._hub.add(self._progress)
        self._progress.tell_doubts()

    def _load(self, config: Config) -> Loaded:
        return load_world(config, stage=self._stage, known=self._directory.known)

    def _stage(self, mac: Mac) -> Stage | None:
        return self._ledger.stage(mac)

    def _family(self, mac: Mac) -> tuple[Mac, ...]:
        """All cards of the machine that has this one."""
        machine = self._loaded.world.fleet.machine(mac)
        return machine.macs if machine else (mac,)

    async def _start(self) -> None:
        config = self._config
        self._dhcp = ProxyDhcp(
            world=lambda: self._loaded.world,
            site=self._site,
            interface=self._interface,
            owns=self._owns,
            emit=self._hub,
            clock=time.monotonic,
            met=self._directory.met,
        )
        self._boot = BootSide(
            emit=self._hub,
            directory=self._directory,
            site=self._site,
            world=self._loaded.world,
            firmware=self._loaded.firmware,
            tree=Tree(config.artifacts),
            stall_seconds=config.stall_timeout,
            handed=self._progress.handed,
            admit=self._progress.admit,
        )
        for sock, port in self._dhcp_sockets:
            self._dhcp.start(partial(UdpEndpoint, sock), port)
        self._tftp = TftpServer(self._boot.resolve, self._hub, port=config.tftp_port, single_port=config.single_port)
        await self._tftp.start(self._tftp_socket)
        self._ends.append(partial(self._tftp.stop, _DRAIN))
        self._servers: list[HttpServer] = []
        sites = ((build_app(self._boot), self._http_socket, _DRAIN), (build_admin(self), self._admin_socket, 0.0))
        for app, sock, grace in sites:
            self._servers.append(await start_http(app, [sock], self._hub, grace=grace))
            self._ends.append(self._servers[-1].stop)
        self._hub.add(self._servers[0].observe)

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _STOP:
            loop.add_signal_handler(number, self._stop_asked)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._background(self._reload()))

    def _stop_asked(self) -> None:
        """Stop; whoever asks twice does not want to wait for running transfers."""
        self._stopping.set()
        for number in _STOP:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A fault of ours in the background must not pass unseen."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._notice(f"internal error, please report it: {error!r}", "error")

    # while it runs

    def _site(self, local: str) -> Site:
        """How a client that asked at ``local`` comes back."""
        return Site(self._config.advertise or local, self._http_port, self._tftp_port, self._config.public_url)

    def _interface(self, index: int) -> str | None:
        return self._interfaces.name(index)

    def _owns(self, index: int, address: str) -> bool:
        # Who says what address to advertise knows that it can be reached from every interface.
        return self._config.advertise is not None or self._interfaces.owns(index, address)

    def _named(self, mac: Mac) -> str:
        machine = self._loaded.world.fleet.machine(mac)
        return machine.name if machine else ""

    async def _reload(self) -> None:
        """Read the settings anew.  Wrong ones change nothing; running transfers go on with what they began with.

        One at a time, so that what was read last is what holds.
        """
        async with self._reloading:
            self._notifier.reloading(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            try:
                self._take(*await asyncio.get_running_loop().run_in_executor(None, self._read))
            except ConfigError as error:
                for problem in error.problems:
                    self._notice(f"not reloaded, {problem}", problem.severity)
            except NoSuchInterface as error:
                self._notice(f"not reloaded, {error}", "error")
            finally:
                self._notifier.ready(self._summary())

    def _read(self) -> tuple[Config, Loaded, Interfaces]:
        config = self._reread()
        return config, self._load(config), Interfaces(config.interfaces)

    def _take(self, config: Config, loaded: Loaded, interfaces: Interfaces) -> None:
        for attribute, key in _FIXED.items():
            if getattr(config, attribute) != getattr(self._started, attribute):
                self._notice(f"{key} changed: that takes a restart", "warning")
        self._config, self._loaded, self._interfaces = config, loaded, interfaces
        self._boot.swap(loaded.world, loaded.firmware, Tree(config.artifacts))
        self._boot.stall_seconds = config.stall_timeout
        for doubt in (*config.warnings, *loaded.notes, *self._doubts()):
            self._notice(str(doubt), "warning")
        self._notice(f"settings reloaded: {self._summary()}")

    # the admin side asks

    @property
    def host_names(self) -> tuple[str, ...]:
        """See `serve.admin.app.AdminServices`."""
        return (self._started.admin_listen[0],)

    def metrics(self) -> Exposition:
        """See `serve.admin.app.AdminServices`."""
        return self._metrics.exposition()

    def status(self) -> Status:
        """See `serve.admin.app.AdminServices`."""
        fleet = self._loaded.world.fleet
        return Status(
            "netbootd",
            __version__,
            (
                ("interfaces", ", ".join(each.name for each in self._interfaces.served)),
                ("profiles", str(len(fleet.profiles))),
                ("machines", str(len(fleet.machines))),
                ("TFTP transfers now", str(self._tftp.active)),
                ("HTTP connections now", str(self._servers[0].connections)),
            ),
        )

    # words

    def _announce(self) -> None:
        self._log.banner(self._banner())
        self._notifier.ready(self._summary())

    def _summary(self) -> str:
        fleet = self._loaded.world.fleet
        return f"{len(fleet.machines)} machines, {len(fleet.profiles)} profiles"

    def _banner(self) -> Banner:
        config, fleet = self._config, self._loaded.world.fleet
        served = self._interfaces.served
        services = [f"TFTP on {self._tftp_port}", f"HTTP on {self._http_port}"]
        if config.dhcp_mode == "proxy":
            services.insert(0, "ProxyDHCP on 67 and 4011")
        found = sorted(b.name for b in self._loaded.world.firmware.binaries)
        return Banner(
            version=__version__,
            interfaces=tuple(ServedInterface(name=i.name, addresses=tuple(map(str, i.addresses))) for i in served),
            services=tuple(services),
            script_urls=tuple(self._site(a.ip).entry_url() for i in served for a in i.addresses[:1]),
            admin_url="http://{}:{}/".format(*self._admin_address),
            config=str(config.path) if config.path else "",
            firmware=tuple(found),
            missing=missing(self._loaded.world.firmware),
            profiles=tuple(fleet.profiles),
            machines=len(fleet.machines),
            unknown=fleet.unknown,
            warnings=(*map(str, config.warnings), *self._loaded.notes, *self._doubts()),
        )

    def _doubts(self) -> tuple[str, ...]:
        doubts = []
        if not self._interfaces.served:
            doubts.append("no interface with an IPv4 address to serve; packets are answered once one appears")
        if not self._config.artifacts.is_dir():
            doubts.append(f"artifacts: {self._config.artifacts} does not exist yet; put kernels and bundles there")
        return tuple(doubts)

    def _notice(self, text: str, severity: Level = "info") -> None:
        self._hub(DaemonNotice(text=text, severity=severity))

    # stop

    async def _stop(self) -> None:
        """No new work; running transfers get a moment; then everything is closed."""
        self._notifier.stopping()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._dhcp is not None:
            self._dhcp.stop()
        await asyncio.gather(*(end() for end in self._ends))
        if self._store is not None:  # last: what transfers came to is written there
            await self._store.close()
        self._sockets.close()
        self._log.flush()


def _account(config: Config) -> pwd.struct_passwd | None:
    """Whom to become once the ports are bound.  Only root can."""
    if config.user is None or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(config.user)
    except KeyError:
        wrong = Problem(str(config.path), None, "user", f"there is no user {config.user!r} on this machine")
        raise ConfigError((wrong,)) from None


def _become(account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)


_FIXED = {
    "dhcp_mode": "dhcp.mode",
    "tftp_port": "tftp.port",
    "single_port": "tftp.single_port",
    "http_port": "http.port",
    "admin_listen": "admin.listen",
    "state": "state",
    "loop": "loop",
    "log_format": "log.format",
    "log_level": "log.level",
    "user": "user",
}
"""What only holds from a start on, and how the settings file calls it."""
