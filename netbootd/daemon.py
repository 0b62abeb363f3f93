"""The daemon: binds everything, says what it found, reloads, drains, stops."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from netbootd.announce import Started, announcement, started, summary, warnings
from netbootd.artifacts.tree import Tree
from netbootd.boot.site import Site
from netbootd.check import waiting_told
from netbootd.config import Config, ConfigError, needs_restart
from netbootd.fleet.record import Attempt
from netbootd.fleet.state import has_server
from netbootd.load import Loaded, load_world
from netbootd.memory import Memory
from netbootd.net.interfaces import NoSuchInterface
from netbootd.net.neighbours import neighbour
from netbootd.net.served import Interfaces
from netbootd.observe.banner import Banner
from netbootd.observe.events import DaemonNotice, Level
from netbootd.observe.hub import Hub
from netbootd.observe.log import LogSink
from netbootd.observe.metrics import Metrics
from netbootd.observe.tracing import Tracing
from netbootd.privileges import account, become
from netbootd.serve.addresses import Addresses
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.site import build_site
from netbootd.serve.admin.stream import Stream
from netbootd.serve.admin.token_file import made_token
from netbootd.serve.background import Background
from netbootd.serve.boot import BootSide
from netbootd.serve.certificate import Certificate
from netbootd.serve.diagnosing import around
from netbootd.serve.directory import Directory
from netbootd.serve.http.server import start_http
from netbootd.serve.listening import listen
from netbootd.serve.serving import Serving
from netbootd.serve.sockets import CannotListen, Sockets
from netbootd.systemd import Notifier
from netbootd.wire.mac import Mac

__all__ = ["CannotListen", "Daemon"]

_STOP = (signal.SIGTERM, signal.SIGINT)


class Daemon:
    """Everything that runs.

    ``reread`` reads the settings anew for a reload; ``told`` hears once where all is served.
    """

    def __init__(
        self,
        config: Config,
        *,
        reread: Callable[[], Config],
        log: LogSink,
        sockets: Sockets,
        notifier: Notifier,
        told: Callable[[Started], None] = lambda _: None,
    ) -> None:
        self._config = self._started = config
        self._reread = reread
        self._log = log
        self._sockets = sockets
        self._notifier = notifier
        self._told = told
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._ends: list[Callable[[], Awaitable[None]]] = []  # of what was started
        self._metrics = Metrics()
        self.token: str | None = None
        """See `serve.admin.access.AccessServices`."""
        self._directory = Directory(self._named, neighbour)
        self._hub = Hub(self._directory.who, _report)
        self._hub.add(log)
        self._hub.add(self._metrics.observe)
        self._background = Background(self._hub)
        self._tracing = Tracing(None, self._notice)
        self._memory = Memory(
            config.state,
            self._hub,
            lambda: self._loaded.world,
            self._directory,
            took=self._boot_changed,
            around=lambda: around(self._addresses.served, self._addresses.site, shared=has_server(config.state)),
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises `CannotListen`, `NoSuchInterface` or `ConfigError` when it cannot begin.
        """
        interfaces = Interfaces(self._config.interfaces)
        user = account(self._config)
        self._certificate = Certificate(self._config.tls, self._hub)  # while we may read the key
        self._loaded = self._load(self._config)
        try:
            self._listening = listen(self._config, self._sockets)
            self._addresses = Addresses(self._config, self._listening, interfaces)
            become(user)
            self._tracing = Tracing(self._config.traces, partial(self._notice, severity="warning"))
            await self._memory.open()
            self.token = made_token(path) if (path := self._config.token_file) else None
            await self._start()
            self._signals()  # before anybody hears that we are ready, and sends one
            self._log.banner(self.about())
            if waits := waiting_told(self._loaded.world, self._memory.records.all()):
                self._notice(waits)
            self._told(started(self._addresses.served, self._listening, self._addresses.site))
            self._notifier.ready(summary(self._loaded))
            self._background.start(self._notifier.watchdog())
            self._background.start(self._memory.follow())
            self._background.start(self._tracing.follow())
            await self._stopping.wait()
        finally:
            await self._stop()

    # start

    def _load(self, config: Config) -> Loaded:
        return load_world(
            config,
            stage=self._memory.stage,
            known=self._directory.known,
            left=self._directory.left,
            recorded=self._memory.recorded,
            rival=self._memory.rival,
        )

    async def _start(self) -> None:
        config = self._config
        self._boot = BootSide(
            emit=self._hub,
            directory=self._directory,
            site=self._addresses.site,
            world=self._loaded.world,
            firmware=self._loaded.firmware,
            tree=Tree(config.artifacts, self._loaded.world.bundles),
            stall_seconds=config.stall_timeout,
            trusted_proxies=config.trusted_proxies,
            handed=self._memory.progress.handed,
            admit=self._memory.progress.admit,
            tokens=self._memory.tokens,
            number=self._memory.serials.assign,
            ended=self._memory.ended,
            lookup=self._memory.lookup,
            token_networks=config.token_networks,
        )
        self._memory.tokens.lasts = config.token_lasts
        serving = Serving(self._listening, self._addresses, self._hub, self._directory)
        self._ends.append(serving.stop)
        await serving.start(config, lambda: self._loaded.world, self._boot, self._certificate.context)
        site = build_site(self, self._api(), self._metrics)
        admin = await start_http(site, [self._listening.admin], self._hub, grace=0.0)
        self._ends.append(admin.stop)

    def _api(self) -> ApiServices:
        stream = Stream(secrets.token_hex(4), time.time)
        self._hub.add(stream)
        return ApiServices(
            ledger=self._memory.ledger,
            records=self._memory.records,
            attempts=self._memory.attempts,
            world=lambda: self._loaded.world,
            standing=self._memory.lives.standing,
            trace=self._memory.traces.of,
            known=self._directory.known,
            keep=self._memory.keep,
            number=self._memory.serials.assign,
            emit=self._hub,
            stream=stream,
            boots=self._memory.lives.boots,
            dropped=lambda: self._memory.lives.dropped,
            diagnosed=self._memory.diagnosed,
            diagnosed_boot=self._memory.diagnosing.of_boot,
            running=self._memory.running,
        )

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _STOP:
            loop.add_signal_handler(number, self._stop_asked)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._background.start(self._reload()))

    def _stop_asked(self) -> None:
        """Stop; whoever asks twice does not want to wait for running transfers."""
        self._stopping.set()
        for number in _STOP:
            asyncio.get_running_loop().remove_signal_handler(number)

    # while it runs

    def _boot_changed(self, before: Attempt | None, after: Attempt) -> None:
        self._metrics.boots.took(before, after)
        self._tracing.took(before, after)

    def _named(self, mac: Mac) -> str:
        machine = self._loaded.world.fleet.machine(mac)
        return machine.name if machine else self._memory.named(mac)

    async def _reload(self) -> None:
        """Read the settings anew.  Wrong ones change nothing; running transfers go on with what they began with.

        One at a time, so that what was read last is what holds.
        """
        async with self._reloading:
            self._notifier.reloading(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            try:
                await self._reread_settings()
                await self._certificate.renew(self._config.tls, self._config.public_url)  # whatever came of them
            finally:
                self._notifier.ready(summary(self._loaded))

    async def _reread_settings(self) -> None:
        try:
            self._take(*await asyncio.get_running_loop().run_in_executor(None, self._read))
        except ConfigError as error:
            for problem in error.problems:
                self._notice(f"not reloaded, {problem}", problem.severity)
        except NoSuchInterface as error:
            self._notice(f"not reloaded, {error}", "error")

    def _read(self) -> tuple[Config, Loaded, Interfaces, tuple[str, ...]]:
        """Waits for the disk: everything a reload reads is read here."""
        config = self._reread()
        loaded, interfaces = self._load(config), Interfaces(config.interfaces)
        return config, loaded, interfaces, warnings(config, loaded, interfaces.served)

    def _take(self, config: Config, loaded: Loaded, interfaces: Interfaces, doubts: tuple[str, ...]) -> None:
        for key in needs_restart(self._started, config):
            self._notice(f"{key} changed: that takes a restart", "warning")
        self._config, self._loaded = config, loaded
        self._addresses.swap(config, interfaces)
        self._boot.swap(loaded.world, loaded.firmware, Tree(config.artifacts, loaded.world.bundles))
        self._boot.stall_seconds = config.stall_timeout
        self._boot.trusted_proxies = config.trusted_proxies
        self._boot.node.networks = config.token_networks
        self._memory.tokens.lasts = config.token_lasts
        self._background.start(self._memory.serials.settle())
        for doubt in doubts:
            self._notice(doubt, "warning")
        self._notice(f"settings reloaded: {summary(loaded)}")

    # the admin side asks

    @property
    def host_names(self) -> tuple[str, ...]:
        """See `serve.admin.app.AdminServices`."""
        listen = self._started.admin_listen
        return () if isinstance(listen, Path) else (listen[0],)

    @property
    def trouble(self) -> str:
        """See `serve.admin.app.AdminServices`."""
        return self._memory.trouble

    @property
    def artifacts(self) -> Path:
        """See `serve.admin.page.PageServices`."""
        return self._config.artifacts

    def about(self) -> Banner:
        """See `serve.admin.page.PageServices`."""
        served, site = self._addresses.served, self._addresses.site
        return announcement(self._config, self._loaded, served, self._listening, site, self._certificate.shown)

    def nearest(self, ip: str) -> Site:
        """See `serve.admin.page.PageServices`."""
        return self._addresses.nearest(ip)

    def _notice(self, text: str, severity: Level = "info") -> None:
        self._hub(DaemonNotice(text=text, severity=severity))

    # stop

    async def _stop(self) -> None:
        """No new work; running transfers get a moment; then everything is closed."""
        self._notifier.stopping()
        await self._background.stop()
        last = [self._tracing.close], [self._memory.close]  # what transfers came to is written there
        for ends in (self._ends, *last):
            for fault in await asyncio.gather(*(end() for end in ends), return_exceptions=True):
                if isinstance(fault, Exception):
                    _report(fault)
        self._sockets.close()
        self._log.flush()


def _report(error: Exception) -> None:
    """A fault of ours in what only looks on; the loop's handler writes it down with where it was."""
    told = {"message": f"internal error, please report it: {error!r}", "exception": error}
    asyncio.get_running_loop().call_exception_handler(told)
