"""A PostgreSQL server of the tests' own, on a Unix socket in a directory of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from typing import IO

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.support.tools import need

_OTHER_USER = "nobody"  # root may not run it
_HBA = "local all guarded scram-sha-256\nlocal all all trust\n"
_READY = "ready to accept connections"


class Server:
    """It may be killed and started again."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        self._directory = directory
        self._binaries = binaries
        self._data = directory / "data"
        self._user = _OTHER_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[str] | None = None
        self._names = count(1)

    def make(self) -> None:
        """The files of a new one, with no data."""
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self._directory, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-U", "netbootd", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", self._data)
        (self._data / "pg_hba.conf").write_text(_HBA)

    def start(self) -> None:
        """Until it takes connections."""
        options = ("listen_addresses=", f"unix_socket_directories={self._directory}", "fsync=off", "max_connections=50")
        line = [str(self._binaries / "postgres"), "-D", str(self._data), *(f"--{option}" for option in options)]
        self._process = subprocess.Popen(
            line, cwd=self._directory, user=self._user, stderr=subprocess.PIPE, text=True, env={"LC_ALL": "C"}
        )
        assert self._process.stderr
        for told in self._process.stderr:
            if _READY in told:
                self._reader = Thread(target=self._read_on, args=(self._process.stderr,))
                self._reader.start()  # or the server would wait for somebody to read
                return
        raise AssertionError("it did not start")

    def stop(self) -> None:
        """At once: connections are cut, and what is not committed is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._reader.join()
            self._process = None

    def start_again(self) -> None:
        """If it was stopped."""
        if self._process is None:
            self.start()

    def database(self) -> str:
        """The URL of a new one."""
        name = f"fleet{next(self._names)}"
        self.say(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str = "postgres", user: str = "netbootd") -> str:
        return f"postgresql://{user}@/{database}?host={self._directory}"

    def say(self, *statements: str, url: str = "") -> list[tuple[object, ...]]:
        """SQL, each its own transaction; the rows of the last."""
        address = (url or self.url()).replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        rows: list[tuple[object, ...]] = []
        with engine.connect() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in result] if result.returns_rows else []
        return rows

    def cut(self, url: str) -> None:
        """Every connection to this database."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def _read_on(self, told: IO[str]) -> None:
        with told:
            told.read()

    def _run(self, program: str, *arguments: object) -> None:
        line = [str(self._binaries / program), *map(str, arguments)]
        subprocess.run(line, cwd=self._directory, user=self._user, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def server() -> Iterator[Server]:
    """One that runs."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = binaries[-1] if binaries else Path(need("initdb", "postgresql"))
    directory = Path(tempfile.mkdtemp(prefix="netbootd-pg-"))  # short, for its socket, and open to its user
    running = Server(directory, initdb.resolve().parent)
    try:
        running.make()
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory)
