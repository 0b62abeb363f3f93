"""This machine as a server: its settings, the daemon that runs on it, and who holds the ports."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from netbootd import __version__
from netbootd import check as checks
from netbootd.cli.common import counted
from netbootd.cli.doctor.line import Line, fail, ok, skipped, warn
from netbootd.config import Config, Problem
from netbootd.config.values import UNIX
from netbootd.load import Loaded
from netbootd.net.holder import holder_of
from netbootd.serve.admin.token_file import TokenError, read_token
from netbootd.serve.sockets import CannotListen, Sockets

_PATIENCE = 3.0  # seconds
_TOLD = 8  # problems of the settings; `check` tells all
_CORRECT = "Correct it, ask netbootd check, and reload netbootd."
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Admin:
    """What answers at ``admin.listen``; ``refused`` is why nobody does."""

    where: str
    runs: bool = False
    version: str = ""
    """"" where it tells only who has its token."""
    refused: str = ""


def settled(config: Config, loaded: Loaded) -> Iterator[Line]:
    """Settings, templates, artifacts and every machine's script, as ``netbootd check`` finds them."""
    about = str(config.path or "none found, the defaults are used")
    found = [*config.warnings, *checks.check(config, loaded)]
    errors = [each for each in found if each.severity == "error"]
    warnings = [each for each in found if each.severity == "warning"]
    fleet = loaded.world.fleet
    if not errors:
        told = f"{about}; {counted(len(fleet.profiles), 'profile')}, {counted(len(fleet.machines), 'machine')}"
        yield ok("settings", "settings", f"{told}, every script renders")
    for problem in errors[:_TOLD]:
        yield fail("settings", "settings", str(problem), _CORRECT)
    for problem in warnings[:_TOLD]:
        yield warn("settings", "settings", str(problem), _CORRECT)
    more = len(errors[_TOLD:]) + len(warnings[_TOLD:])
    if more:
        yield skipped("settings", "settings", f"{more} more problems", "netbootd check tells them all.")


def refused(problems: tuple[Problem, ...]) -> Iterator[Line]:
    """Settings that cannot be read."""
    for problem in problems[:_TOLD]:
        yield fail("settings", "settings", str(problem), _CORRECT)


def admin(config: Config) -> Admin:
    """Ask the daemon on this machine who it is.  Never raises."""
    where = config.admin_listen
    name = f"{UNIX}{where}" if isinstance(where, Path) else f"{where[0]}:{where[1]}"
    try:
        with closing(_connection(where)) as connection:
            if isinstance(where, Path):
                _plug(connection, where)
            connection.request("GET", "/api/v1/openapi.json", headers=_token(config))
            response = connection.getresponse()
            said = response.read()
        if response.status == http.client.UNAUTHORIZED:
            return Admin(name, runs=True)
        return Admin(name, runs=True, version=str(json.loads(said)["info"]["version"]))
    except PermissionError:
        return Admin(name, refused="only root and the socket's group may ask there")
    except OSError:
        return Admin(name, refused="nobody answers there")
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return Admin(name, refused="what answers there is not netbootd")


def daemon(found: Admin, *, may_be_elsewhere: bool) -> Line:
    """Whether one runs here.  ``may_be_elsewhere``: the network will be asked for one."""
    tried = f"daemon at {found.where}"
    if found.runs and found.version not in ("", __version__):
        return warn(
            "daemon", tried, f"runs, version {found.version}, and this is {__version__}", "Restart it after an update."
        )
    if found.runs:
        return ok("daemon", tried, f"runs, version {found.version or 'told to who has its token'}")
    if may_be_elsewhere:
        return skipped("daemon", tried, f"{found.refused}; what would be served is read from disk")
    return fail(
        "daemon",
        tried,
        f"{found.refused}; what would be served is read from disk",
        "Start it: sudo netbootd run, or systemctl start netbootd. One on another machine: --server ADDRESS.",
    )


@dataclass(frozen=True, slots=True)
class Port:
    """One that netbootd listens on."""

    name: str
    """As `serve.sockets` calls it."""
    protocol: str
    number: int
    address: str = "0.0.0.0"

    def __str__(self) -> str:
        return f"{self.protocol.upper()} {self.number}"


def ports(config: Config) -> tuple[Port, ...]:
    """Those of these settings; one of the system's choice is none."""
    address = config.listen or "0.0.0.0"
    wanted = [Port("dhcp", "udp", 67), Port("pxe", "udp", 4011)] if config.dhcp_mode == "proxy" else []
    wanted += [Port("tftp", "udp", config.tftp_port, address)] if config.tftp_mode == "on" else []
    wanted.append(Port("http", "tcp", config.http_port, address))
    wanted += [Port("https", "tcp", config.tls.port, address)] if config.tls else []
    return tuple(each for each in wanted if each.number)


def holders(config: Config, found: Admin) -> Iterator[Line]:
    """Who listens on each: while a daemon runs it must be that one, else nobody."""
    if found.runs:
        yield from _held(ports(config), _admin_holder(config))
    else:
        yield from _free(ports(config))


def _held(wanted: tuple[Port, ...], own: str) -> Iterator[Line]:
    good: list[str] = []
    for port in wanted:
        who = holder_of(port.address, port.number, "udp" if port.protocol == "udp" else "tcp")
        if who and own and who != own:
            yield fail("ports", str(port), f"held by {who}, and the daemon is {own}", _stop(who))
        elif who:
            good.append(str(port))
    if good and own:
        yield ok("ports", ", ".join(good), f"held by {own}")
    elif not own:
        yield skipped("ports", "ports", "whose they are is shown to root alone", "sudo netbootd doctor")


def _free(wanted: tuple[Port, ...]) -> Iterator[Line]:
    free: list[str] = []
    for port in wanted:
        try:
            _try(port)
        except CannotListen as error:
            if isinstance(error.__cause__, PermissionError):
                yield skipped("ports", str(port), "only root may try to listen there", "sudo netbootd doctor")
            else:
                said, _, todo = str(error).partition(". ")
                yield fail("ports", str(port), said, todo)
        else:
            free.append(str(port))
    if free:
        yield ok("ports", ", ".join(free), "free")


def _try(port: Port) -> None:
    sockets = Sockets()
    try:
        if port.protocol == "udp":
            sockets.udp(port.name, port.address, port.number, broadcast=True)
        else:
            sockets.tcp(port.name, port.address, port.number)
    finally:
        sockets.close()


def _admin_holder(config: Config) -> str:
    """The daemon's process, by the port that it answered on; "" where that is not seen."""
    where = config.admin_listen
    if isinstance(where, Path):
        return holder_of(config.listen or "0.0.0.0", config.http_port, "tcp")
    return holder_of(where[0] if where[0].count(".") == 3 else "0.0.0.0", where[1], "tcp")


def _stop(who: str) -> str:
    name = who.partition(" ")[0]
    return f"Stop it (systemctl stop {name}), then restart netbootd."


def _token(config: Config) -> dict[str, str]:
    if config.token_file is None:
        return {}
    try:
        return {"Authorization": f"Bearer {read_token(config.token_file)}"}
    except TokenError:
        return {}


def _connection(where: tuple[str, int] | Path) -> http.client.HTTPConnection:
    host, port = ("localhost", None) if isinstance(where, Path) else where
    return http.client.HTTPConnection(_ANY.get(host, host), port, timeout=_PATIENCE)


def _plug(connection: http.client.HTTPConnection, path: Path) -> None:
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(_PATIENCE)
    connection.sock.connect(str(path))
