"""The daemon's admin API, as commands speak to it: by TCP or its Unix socket, with the token where it asks for one."""

from __future__ import annotations

import getpass
import http.client
import ipaddress
import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from netbootd.cli.common import USED_WRONGLY, fail, settings_alone
from netbootd.config.values import UNIX
from netbootd.serve.admin.token_file import TokenError, read_token
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_PATIENCE = 15.0  # seconds; longer than the daemon waits for its disk
_SILENCE = 60.0  # seconds without a word in a stream, which says every 15 that it is there
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_GOOD = (http.client.OK, http.client.CREATED, http.client.NO_CONTENT)


@dataclass(frozen=True)
class Answer:
    """``said`` is a machine, or the problem with it."""

    done: bool
    said: dict[str, Any]
    status: int = http.client.OK


@dataclass(frozen=True)
class Told:
    """One of the stream: its id, its name, and its JSON."""

    id: str
    name: str
    data: dict[str, Any]


class Lost(Exception):
    """The stream ended; says why."""


class Daemon:
    """The API of one daemon; whatever keeps it from answering ends the program."""

    def __init__(self, where: tuple[str, int] | Path, token: str | None = None) -> None:
        self._address = where
        self._token = token

    @classmethod
    def of(cls, config: Path | None) -> Daemon:
        """The one with these settings."""
        loaded = settings_alone(config)
        where = loaded.admin_listen
        if isinstance(where, Path):
            return cls(where)
        host, port = _ANY.get(where[0], where[0]), where[1]
        if not port:
            fail("admin.listen lets the system choose the port: name one, or ask the API at the one `run --json` told")
        return cls((host, port), None if _near(host) else _token(loaded.token_file))

    def machines(self, **wanted: str | None) -> list[dict[str, Any]]:
        """All that these are true of, page after page."""
        found: list[dict[str, Any]] = []
        path: str | None = f"/machines{_asked(wanted)}"
        while path is not None:
            status, said, headers = self._ask("GET", path)
            if status != http.client.OK and isinstance(said, dict):
                fail(str(said.get("detail", said)), USED_WRONGLY)
            found += said if isinstance(said, list) else self._not_netbootd()
            path = _next(headers)
        return found

    def keys(self, wanted: list[str]) -> list[str]:
        """How the API calls these machines, each once; ends the program at one that is neither a name nor an address,
        before anything is done."""
        keys = {each: self._key(each) for each in dict.fromkeys(wanted)}
        return list(dict.fromkeys(keys.values()))

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """About one machine."""
        status, said, _ = self._ask(method, path, body)
        if status == http.client.NO_CONTENT:
            return Answer(True, {}, status)
        return Answer(status in _GOOD, said, status) if isinstance(said, dict) else self._not_netbootd()

    def boots(self, key: str) -> list[dict[str, Any]]:
        """Of one machine, the latest first; none of one that nobody knows."""
        _, said, _ = self._ask("GET", f"/machines/{quote(key, safe='')}/boots")
        return said if isinstance(said, list) else []

    def text(self, path: str, **wanted: str | None) -> str:
        """Something that is no JSON to be read here."""
        with self._connected(_PATIENCE) as connection:
            connection.request("GET", f"/api/v1{path}{_asked(wanted)}", headers=self._headers())
            response = connection.getresponse()
            text = response.read().decode()
        if response.status != http.client.OK:
            fail(str(_problem(text).get("detail", text)))
        return text

    def events(self, last: str = "", **wanted: str | None) -> Iterator[Told]:
        """As they happen; raises `Lost` when the stream ends, which may go on after ``last``."""
        with self._connected(_SILENCE) as connection:
            headers = self._headers({"Last-Event-ID": last} if last else {})
            connection.request("GET", f"/api/v1/events{_asked(wanted)}", headers=headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                fail(str(_problem(response.read().decode()).get("detail", "")), USED_WRONGLY)
            try:
                yield from _told(response)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Lost(str(error)) from None
        raise Lost("it ended")

    def gone(self) -> bool:
        """Whether nobody answers there now."""
        connection = self._connect(_PATIENCE)
        try:
            connection.connect()
        except OSError:
            return True
        finally:
            connection.close()
        return False

    def _key(self, text: str) -> str:
        try:
            return str(Mac.parse(text))
        except WireError:
            answer = self.ask("GET", f"/machines/{quote(text, safe='')}")
        if answer.status == http.client.NOT_FOUND:
            fail(f"{text!r} is neither a machine's name nor a hardware address", USED_WRONGLY)
        if answer.said.get("id") and (answer.said["id"] == text or answer.said.get("conflict")):
            return str(answer.said["id"])  # of two records that claim one card it is this one
        return str(answer.said.get("mac") or answer.said.get("id") or text)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any, Mapping[str, str]]:
        said = None if method == "GET" else json.dumps({"by": f"{_person()}, by netbootd machines", **(body or {})})
        headers = self._headers({"Content-Type": "application/json"} if said else {})
        with self._connected(_PATIENCE) as connection:
            connection.request(method, f"/api/v1{path}", said, headers)
            response = connection.getresponse()
            raw = response.read()
            return response.status, json.loads(raw) if raw else None, dict(response.headers)

    @contextmanager
    def _connected(self, patience: float) -> Iterator[http.client.HTTPConnection]:
        connection = self._connect(patience)
        try:
            yield connection
        except TimeoutError:
            fail(f"the daemon on {self.where} does not answer")
        except PermissionError as error:
            fail(f"{self.where}: {error.strerror}; run this as root, or in the socket's group")
        except OSError:
            fail(f"no daemon answers on {self.where}; is `netbootd run` running?")
        except (http.client.HTTPException, ValueError):
            self._not_netbootd()
        finally:
            connection.close()

    def _connect(self, patience: float) -> http.client.HTTPConnection:
        if isinstance(self._address, Path):
            return _UnixConnection(self._address, patience)
        return http.client.HTTPConnection(*self._address, timeout=patience)

    def _headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**(more or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}

    @property
    def where(self) -> str:
        """As people write it."""
        if isinstance(self._address, Path):
            return f"{UNIX}{self._address}"
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _not_netbootd(self) -> NoReturn:
        fail(f"what answers on {self.where} is not the admin API of this netbootd")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _told(response: http.client.HTTPResponse) -> Iterator[Told]:
    """Blocks of lines, with a blank one behind each."""
    id, block = "", {"event": "", "data": ""}
    while raw := response.readline():
        line = raw.decode().rstrip("\n")
        field, _, value = line.partition(": ")
        if field == "id":
            id = value
        elif field in block:
            block[field] = value
        elif not line:
            if block["data"]:
                yield Told(id, block["event"], json.loads(block["data"]))
            block = {"event": "", "data": ""}


def _near(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _token(path: Path | None) -> str:
    if path is None:
        fail("admin.listen is an address of this machine's network, and no admin.token_file is named")
    try:
        return read_token(path)
    except TokenError as error:
        fail(f"{error}; the daemon's token is needed to ask at that address")


def _asked(wanted: Mapping[str, str | None]) -> str:
    said = {key: value for key, value in wanted.items() if value is not None}
    return f"?{urlencode(said)}" if said else ""


def _next(headers: Mapping[str, str]) -> str | None:
    found = re.search(r'<(?:/api/v1)?([^>]+)>; rel="next"', headers.get("Link", ""))
    return found[1] if found else None


def _problem(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
