"""Lines as a person reads them, and as a program does."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from types import MappingProxyType

import typer

from netbootd import __version__
from netbootd.cli.common import wrapped
from netbootd.cli.doctor.line import Line, Status
from netbootd.wire.text import printable

_COLOURS = MappingProxyType(
    {
        Status.OK: typer.colors.GREEN,
        Status.WARN: typer.colors.MAGENTA,
        Status.FAIL: typer.colors.RED,
        Status.SKIPPED: typer.colors.CYAN,
    }
)
_WORDS = MappingProxyType({Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.SKIPPED: "skip"})
_HEAD = "  {:<6}"
_LONGEST = 1000  # characters
_TODO = "        -> "
_AS_ABOVE = "as above"


def title(text: str) -> None:
    """What the next lines are about."""
    typer.secho(f"\n{text}", bold=True)


def waiting(text: str) -> None:
    """What takes its time; only for who watches."""
    if sys.stderr.isatty():
        typer.secho(f"\n{text}", fg=_COLOURS[Status.SKIPPED], err=True)


def line(said: Line, before: Line | None = None) -> None:
    """What was tried and what came back; what to do on a line of its own, and once where that is as ``before``."""
    head = _HEAD.format(_WORDS[said.status])
    typer.secho(head, fg=_COLOURS[said.status], nl=False)
    typer.echo(_beside(f"{said.tried}: {said.found}", head))
    if said.todo:
        todo = _AS_ABOVE if before and before.todo == said.todo else said.todo
        typer.echo(wrapped(_one_line(todo), _TODO, sys.stdout))


def summary(lines: Sequence[Line]) -> None:
    """One line: what is to be expected."""
    counts = Counter(each.status for each in lines)
    told = (f"{counts[each]} {_WORDS[each]}" for each in Status if counts[each])
    verdict, colour = _verdict(counts)
    typer.echo()
    typer.secho(f"{verdict} ({', '.join(told)})", fg=colour, bold=True)


def as_json(groups: Iterable[tuple[str, Sequence[Line]]]) -> str:
    """``boots`` is false where the exit status is 1."""
    sections = [(name, list(lines)) for name, lines in groups]
    everything = [each for _, lines in sections for each in lines]
    counts = Counter(each.status for each in everything)
    return json.dumps(
        {
            "version": __version__,
            "boots": not counts[Status.FAIL],
            "counts": {each.value: counts[each] for each in Status},
            "lines": [
                {"about": name, **asdict(each), "status": each.status.value}
                for name, lines in sections
                for each in lines
            ],
        },
        indent=2,
    )


def _verdict(counts: Counter[Status]) -> tuple[str, str]:
    if counts[Status.FAIL]:
        return "A machine would not boot", _COLOURS[Status.FAIL]
    if counts[Status.WARN]:
        return "A machine would boot; see the warnings", _COLOURS[Status.WARN]
    if counts[Status.SKIPPED]:
        return "A machine would boot, by all that could be tried", _COLOURS[Status.OK]
    return "A machine would boot", _COLOURS[Status.OK]


def _beside(text: str, head: str) -> str:
    return wrapped(_one_line(text), head, sys.stdout).removeprefix(head)


def _one_line(text: str) -> str:
    """As a terminal may be shown it: other servers' words are among them."""
    return printable(" ".join(text.split()), _LONGEST)
