"""All that is looked at, in one order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.check.profiles import config_faults, lacking
from netbootd.check.scripts import scripts
from netbootd.config import Config, ConfigError, Problem
from netbootd.config.certificate import Denied, doubts, identify
from netbootd.load import Loaded

_ADDRESS = "192.0.2.1"  # any will do: nothing is sent


def check(config: Config, loaded: Loaded) -> tuple[Problem, ...]:
    """Templates, artifacts, and every machine's own script, in that order; settings themselves passed `config.load`."""
    return (
        *(Problem("netbootd", None, "", note, "warning") for note in loaded.notes),
        *_certificate(config),
        *_templates(loaded.world),
        *lacking(config, loaded.world),
        *(fault for _, fault in config_faults(loaded.world)),
        *scripts(loaded.world, _site(config), config.tftp_port, loaded.records),
    )


def _certificate(config: Config) -> tuple[Problem, ...]:
    if config.tls is None:
        return ()
    try:
        return tuple(doubts(config.tls, identify(config.tls), config.public_url))
    except Denied as error:  # a check is anybody's
        return tuple(
            replace(each, severity="warning", message=f"{each.message}; netbootd's own user must")
            for each in error.problems
        )
    except ConfigError as error:
        return error.problems


def _templates(world: World) -> Iterator[Problem]:
    for fault in world.templates.faults():
        yield Problem(fault.name, fault.line, "templates", fault.reason, "error")


def _site(config: Config) -> Site:
    """The ports as machines will find them; one of the system's choice is any."""
    usual = Site(_ADDRESS)
    tftp_port = (config.tftp_port or usual.tftp_port) if config.tftp_mode == "on" else None
    return Site(_ADDRESS, config.http_port or usual.http_port, tftp_port, syslog_port=config.syslog_port)
