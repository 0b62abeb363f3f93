"""What ``render`` and ``explain`` say of a script beside its text: whose its arguments and files are, and what of them.

Of a configuration file the name, the size and whose it is are told, never what is in it: some are keys.
"""

from __future__ import annotations

from netbootd.boot.args import Arg
from netbootd.boot.config_files import template
from netbootd.boot.finding import Finding
from netbootd.boot.model import ConfigFile
from netbootd.chain.scripts import Rendered
from netbootd.cli.common import COLOURS, human, row
from netbootd.config.durations import written
from netbootd.fleet.lifecycle import Limits


def told(rendered: Rendered, *, indent: int = 0) -> None:
    """Arguments, configuration files and findings, each with where it came from."""
    _rows("arguments", [(str(arg), arg.origin) for arg in rendered.args], indent)
    _rows("config", [(_sized(file), file.origin) for file in rendered.config], indent)
    for finding in rendered.findings:
        row(finding.severity.value, finding.text, indent=indent, colour=COLOURS[finding.severity.value])


def record(rendered: Rendered) -> dict[str, object]:
    """The same for programs, with what and why; ``size`` is in bytes, null where the file is not written out yet."""
    return {
        "payload": rendered.payload,
        "profile": rendered.profile,
        "why": rendered.assignment.why if rendered.assignment else "",
        "now": rendered.verdict.why if rendered.verdict else "",
        "failure": rendered.failure,
        "args": [_argument(each) for each in rendered.args],
        "config": [_file(each) for each in rendered.config],
        "findings": [_finding(each) for each in rendered.findings],
    }


def in_words(limits: Limits) -> str:
    """How long an installation may take, as settings write it."""
    end = "silence at its end is a success" if limits.powers_off else "silence at its end is a failure"
    return (
        f"fetching {written(limits.fetching)}, installing {written(limits.installing)}, "
        f"quiet {written(limits.quiet)}; {end}"
    )


def _rows(label: str, said: list[tuple[str, str]], indent: int) -> None:
    width = min(40, max((len(text) for text, _ in said), default=0))
    for position, (text, origin) in enumerate(said):
        row("" if position else label, f"{text:<{width}}  ({origin})", indent=indent)


def _sized(file: ConfigFile) -> str:
    size = _size(file)
    return f"{file.path}, {'a template' if size is None else human(size)}"


def _size(file: ConfigFile) -> int | None:
    return len(file.data) if template(file) is None else None


def _argument(arg: Arg) -> dict[str, str | None]:
    return {"key": arg.key, "value": arg.value, "origin": arg.origin}


def _file(file: ConfigFile) -> dict[str, str | int | None]:
    return {"path": file.path, "size": _size(file), "origin": file.origin}


def _finding(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity.value, "key": finding.key, "text": finding.text}
