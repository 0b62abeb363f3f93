"""The ``netbootd`` command, run in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from netbootd.cli.main import app


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """Its one line on standard error, which must be just that."""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        return self.err[:-1]


def netbootd(*arguments: object, **environ: str) -> Ran:
    """``netbootd ARGUMENTS``; whatever it raises but the end of the program is raised here too."""
    ran = CliRunner(env=environ).invoke(app, [str(each) for each in arguments], prog_name="netbootd")
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Ran(ran.exit_code, ran.stdout, ran.stderr)
