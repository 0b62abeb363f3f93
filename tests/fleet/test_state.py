"""What ``state`` may name, and what of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from netbootd.fleet.state import BadStateUrl, has_server, parse_state, shown


def test_an_sqlite_url_names_a_file() -> None:
    assert parse_state("sqlite:////var/lib/netbootd/state.db") == Path("/var/lib/netbootd/state.db")
    assert parse_state("sqlite:///state.db") == Path("state.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_postgresql_url_names_a_database(scheme: str) -> None:
    named = "netbootd:secret@db.example/fleet?sslmode=verify-full"
    assert parse_state(f"{scheme}://{named}") == make_url(f"postgresql+psycopg://{named}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://netbootd:secret@db/netbootd", "mysql is not supported: sqlite:////ABSOLUTE/PATH or postgresql://"),
        ("postgresql+asyncpg://netbootd:secret@db/netbootd", "postgresql+asyncpg is not supported"),
        ("postgresql://netbootd:secret@db", "must name a database"),
        ("postgresql://netbootd@db/netbootd?password=secret", "a password stands before the host, or in a file"),
        ("/var/lib/netbootd/state.db", "must be a database URL: sqlite:////"),
        ("postgresql//netbootd:secret@db/netbootd", "must be a database URL"),
        ("postgresql://netbootd:secret@db:port/netbootd", "must be a database URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:////state.db?mode=ro", "must name a file"),
    ],
)
def test_another_one_is_refused_with_what_to_write(url: str, words: str) -> None:
    with pytest.raises(BadStateUrl) as refused:
        parse_state(url)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "secret" not in shown(url)


def test_a_file_is_one_daemon_s_and_a_database_may_be_many_s() -> None:
    assert not has_server("sqlite:////var/lib/netbootd/state.db")
    assert has_server("postgresql://netbootd@db.example/netbootd")


def test_a_password_is_not_shown() -> None:
    assert shown("postgresql://netbootd:secret@db/fleet") == "postgresql://netbootd:***@db/fleet"
    assert shown("sqlite:////var/lib/netbootd/state.db") == "/var/lib/netbootd/state.db"
