"""Settings files for tests: written to a directory, loaded, and what is wrong with them as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from netbootd.config import Config, ConfigError, load


class Files:
    """A directory of settings files; ``main`` is netbootd.yaml in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
        return path

    def load(self, text: str = "", *, profile: str | None = None, interfaces: tuple[str, ...] = ()) -> Config:
        return load(self.write("netbootd.yaml", text), profile=profile, interfaces=interfaces)

    def wrong(self, text: str, *, profile: str | None = None) -> list[str]:
        """Every problem of these settings, file names without the directory; they must be refused."""
        try:
            self.load(text, profile=profile)
        except ConfigError as error:
            return list(self._told(error))
        raise AssertionError("these settings were accepted")

    def warned(self, text: str) -> list[str]:
        return [str(warning).replace(f"{self.directory}/", "") for warning in self.load(text).warnings]

    def _told(self, error: ConfigError) -> Iterator[str]:
        for found in error.problems:
            yield str(found).replace(f"{self.directory}/", "")
