"""``netbootd run``: the daemon, in the foreground."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from netbootd.announce import Started
from netbootd.cli.common import FOUND_WRONG, ConfigOption, fail, find_settings, settings, tell
from netbootd.config import Config, ConfigError, Problem, load
from netbootd.daemon import CannotListen, Daemon
from netbootd.net.interfaces import NoSuchInterface
from netbootd.observe.events import Level
from netbootd.observe.log import LogSink, configure
from netbootd.serve.sockets import Sockets
from netbootd.systemd import Notifier, listen_fds

_DESCRIPTORS = 65536  # as systemd/netbootd.service has it


def run(
    config: ConfigOption = None,
    interface: Annotated[
        list[str] | None, typer.Option("-i", "--interface", metavar="IFACE", help="Serve this one; may be repeated.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="What machines that nobody has named boot.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Log every packet, also those that get no answer, and why.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Once it serves, one line of JSON on stdout says where, for a program.")
    ] = False,
) -> None:
    """Answer firmware, serve iPXE and scripts, until stopped.  SIGHUP reads the settings anew."""
    interfaces = tuple(interface or ())
    loaded = settings(config, profile=profile, interfaces=interfaces)

    def reread() -> Config:
        path = find_settings(config)
        if path is not None and path.is_file() and not path.stat().st_size:
            # Editors and tools that write in place empty a file first; nobody means to lose the fleet that way.
            raise ConfigError((Problem(str(path), None, "", "is empty; is it being written?"),))
        return load(path, profile=profile, interfaces=interfaces)

    more_descriptors()
    try:
        with asyncio.Runner(loop_factory=loop_factory(loaded.loop)) as runner:
            told = _say if as_json else _nothing
            level: Level = "debug" if verbose else loaded.log_level
            runner.run(_serve(loaded, reread, level, settled(told), str(config) if config else ""))
    except (CannotListen, NoSuchInterface) as error:
        fail(str(error))
    except ConfigError as error:
        tell(error.problems)
        raise typer.Exit(FOUND_WRONG) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _serve(
    config: Config, reread: Callable[[], Config], level: Level, told: Callable[[Started], None], path: str
) -> None:
    loop = asyncio.get_running_loop()
    logger = configure(config.log_format, level, sys.stderr)
    daemon = Daemon(
        config,
        reread=reread,
        log=LogSink(logger, call_later=loop.call_later, settings=path),
        sockets=Sockets(listen_fds(os.environ)),
        notifier=Notifier.from_environment(os.environ),
        told=told,
    )
    await daemon.run()


def _say(where: Started) -> None:
    """Nobody may be reading: machines are served all the same.  Past Python's buffer, which would be tried again at
    the end and make that a failure."""
    if sys.stdout is not None:
        with suppress(OSError):
            os.write(sys.stdout.fileno(), f"{json.dumps(asdict(where))}\n".encode())


def _nothing(_where: Started) -> None:
    """A person reads the banner."""


def settled(told: Callable[[Started], None]) -> Callable[[Started], None]:
    """What is there from the start, 20 000 machines say, stays: were the garbage collector to look at all of it again
    and again, packets would wait for 0.2 s each time."""

    def ready(where: Started) -> None:
        gc.collect()
        gc.freeze()
        told(where)

    return ready


def more_descriptors() -> None:
    """As many as we may have: each connection takes one, each transfer two.  A shell allows 1024, which a few hundred
    machines, or somebody who opens connections and says nothing, would use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """``auto`` takes uvloop where it is installed: on our own paths it is at least as fast."""
    if name in ("auto", "uvloop"):
        try:
            import uvloop
        except ImportError:
            if name == "uvloop":
                fail("loop: uvloop is not installed; 'pip install uvloop', or set loop: asyncio")
        else:
            return uvloop.new_event_loop
    return asyncio.new_event_loop
