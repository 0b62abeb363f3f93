"""What ``state`` in the settings names, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

_POSTGRESQL = ("postgresql", "postgresql+psycopg")


class BadStateUrl(ValueError):
    """``state`` names no database that can be used."""


class StateError(Exception):
    """The state cannot be read or written; says why in words."""


def parse_state(url: str) -> Path | URL:
    """An SQLite file, or a PostgreSQL database.  Raises `BadStateUrl`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # It may hold a password, so it is not repeated.
        raise BadStateUrl("must be a database URL: sqlite:////var/lib/netbootd/state.db") from None
    if parsed.drivername in _POSTGRESQL:
        return _postgresql(parsed)
    if parsed.get_backend_name() != "sqlite":
        raise BadStateUrl(
            f"{parsed.drivername} is not supported: sqlite:////ABSOLUTE/PATH or postgresql://USER@HOST/NAME"
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise BadStateUrl("must name a file, or a restart forgets what was installed: sqlite:////absolute/path")
    return Path(parsed.database)


def has_server(url: str) -> bool:
    """Whether it is a database that other daemons may have, too."""
    return not isinstance(parse_state(url), Path)


def shown(url: str) -> str:
    """As it may be shown and logged: an SQLite file's path, or an address without its password."""
    try:
        state = parse_state(url)
    except BadStateUrl:
        return "(no database URL)"
    return str(state) if isinstance(state, Path) else state.render_as_string(hide_password=True).replace("+psycopg", "")


def told(error: Exception) -> str:
    """The reason alone, in one line."""
    match error:
        case OSError(strerror=str() as reason):
            return reason
        case DBAPIError():
            return " ".join(str(error.orig).split())
        case _:
            return str(error).splitlines()[0]


def _postgresql(url: URL) -> URL:
    if not url.database:
        raise BadStateUrl("must name a database: postgresql://USER@HOST/NAME")
    if "password" in url.query:  # where it would be shown
        raise BadStateUrl("a password stands before the host, or in a file: postgresql://USER@HOST/NAME?passfile=/FILE")
    return url.set(drivername="postgresql+psycopg")
