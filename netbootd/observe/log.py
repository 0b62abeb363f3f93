"""Logs: structlog is set up here and nowhere else.

``configure`` gives the logger, `LogSink` turns each event into one line of it, in one of three forms:

* text, on a terminal or in a file: time, machine, sentence;
* journal, when standard error is systemd's journal: ``<6>`` priority, machine, sentence; journald adds the time;
* json, for programs: ``time``, ``level``, ``event``, ``sentence`` and the event's own fields, one object a line.

What repeats within a few seconds is said once and then counted: see `observe.floods`.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, Literal, TextIO

import structlog

from netbootd.observe.banner import Banner, banner
from netbootd.observe.events import Event, Level
from netbootd.observe.floods import WINDOW, Counted, FloodGuard
from netbootd.observe.hints import with_settings
from netbootd.observe.sentences import level_of, sentence
from netbootd.systemd import journal_stream
from netbootd.wire.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

__all__ = ["LogSink", "configure"]

Format = Literal["auto", "text", "json"]
_LEVELS: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog(3)
_WHO = 17  # columns: a MAC address
_LONGEST = 1000  # characters of one line


def configure(
    format: Format = "auto",
    level: Level = "info",
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> structlog.typing.FilteringBoundLogger:
    """The logger for `LogSink`, writing to ``stream`` (standard error by default); Python's own loggers follow it.

    ``auto`` is the journal's form when ``stream`` is the journal, else text; colour only on a terminal, never with
    NO_COLOR set or TERM=dumb.  A stream that can no longer be written to loses lines but stops nothing.
    """
    stream = sys.stderr if stream is None else stream
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        _Lines(stream),
        processors=[structlog.processors.add_log_level, *_renderer(format, stream, environ)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )
    logging.basicConfig(handlers=[_FromStandardLibrary(logger)], level=_LEVELS[level], force=True)
    return logger


class LogSink:
    """Takes every event and writes its line; never raises.

    ``clock`` is monotonic seconds.  ``call_later`` (an event loop's) lets the count of what repeated come out when its
    window ends; without it that waits for the next event or for `flush`.  ``settings`` is the file that commands are to
    name, "" for the usual one.
    """

    def __init__(
        self,
        logger: structlog.typing.FilteringBoundLogger,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
        settings: str = "",
    ) -> None:
        self._logger = logger
        self._settings = settings
        self._clock = clock
        self._call_later = call_later
        self._armed = False
        self._guard = FloodGuard()

    def __call__(self, event: Event) -> None:
        level = level_of(event)
        if not self._logger.is_enabled_for(_LEVELS[level]):
            return
        now = self._clock()
        self._write_due(now)
        if level == "debug" or self._guard.admit(event, now):
            self._write(Counted(event, 0))
        elif not self._armed and self._call_later is not None:
            self._armed = True
            self._call_later(WINDOW, self._on_timer)

    def banner(self, facts: Banner) -> None:
        """Write the start-up banner, or in JSON its facts."""
        self._logger.info("daemon.started", banner=banner(facts), **dataclasses.asdict(facts))

    def flush(self) -> None:
        """Write what has been counted and not yet told: for the end of the process."""
        self._write_due(math.inf)

    def _on_timer(self) -> None:
        self._armed = False
        self._write_due(self._clock())
        if self._guard.counting and self._call_later is not None:
            self._armed = True
            self._call_later(WINDOW, self._on_timer)

    def _write_due(self, now: float) -> None:
        for counted in self._guard.due(now):
            self._write(counted)

    def _write(self, counted: Counted) -> None:
        event = counted.event
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        if counted.repeated:
            fields["repeated"] = counted.repeated
        said = with_settings(sentence(event), self._settings)
        self._logger.log(_LEVELS[level_of(event)], event.name, sentence=said, **fields)


class _Lines:
    """What structlog calls a logger: the end of the chain, which only writes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the reader of our pipe went away, or the stream was closed
            return

    debug = info = warning = error = critical = msg


class _FromStandardLibrary(logging.Handler):
    """asyncio's and aiohttp's own complaints, in the same form as ours."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        first, *lines = record.getMessage().splitlines() or [""]
        if record.exc_info and record.exc_info[0]:
            lines += "".join(traceback.format_exception(*record.exc_info)).splitlines()
        more = {"lines": lines} if lines else {}
        level = max(10, min(50, record.levelno // 10 * 10))
        self._logger.log(level, "python.log", sentence=printable(first, _LONGEST), source=record.name, **more)


def _renderer(format: Format, stream: TextIO, environ: Mapping[str, str]) -> list[Any]:
    """structlog's processors for this form; the last makes the text."""
    if format == "json":
        return [structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"), _as_json]
    if format == "auto" and journal_stream(environ, stream):
        return [_as_journal]
    if not stream.isatty():
        return [structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False, key="time"), _as_text]
    plain = environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False, key="time")
    return [stamp, _as_text if plain else _as_coloured_text]


def _as_json(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    """ASCII only, so nothing from the wire can act on a terminal that shows it."""
    first = {key: line[key] for key in ("time", "level", "event", "sentence") if key in line}
    return json.dumps(first | {key: value for key, value in line.items() if key != "banner"}, default=str)


def _as_journal(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    """sd-daemon(3): each line may be "prefixed with a log level string" such as <6>."""
    priority = f"<{_PRIORITIES[line['level']]}>"
    return "\n".join(f"{priority}{text}".rstrip() for text in _shown(line, f"{_who(line)}  {_says(line)}"))


def _as_text(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    return "\n".join(_shown(line, f"{line['time']}  {_who(line)}  {_mark(line)}{_says(line)}"))


def _as_coloured_text(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    """Only what reads on light and on dark: faint, bold, magenta and red; never yellow, white or black."""
    colour = {"debug": "2", "warning": "35", "error": "31", "critical": "31"}.get(line["level"], "")
    time, who, says = f"\033[2m{line['time']}\033[m", f"\033[1m{_who(line)}\033[m", _mark(line) + _says(line)
    return "\n".join(_shown(line, f"{time}  {who}  " + (f"\033[{colour}m{says}\033[m" if colour else says)))


def _shown(line: Mapping[str, Any], head: str) -> list[str]:
    """The lines of text of one log line: one, unless it is the banner or carries a traceback."""
    if "banner" in line:
        return [*line["banner"]]
    return [head, *(f"    {printable(each, _LONGEST)}" for each in line.get("lines", ()))]


def _who(line: Mapping[str, Any]) -> str:
    found = next((line[key] for key in ("machine", "mac", "ip", "source") if line.get(key)), "netbootd")
    return printable(found, 40).ljust(_WHO)


def _says(line: Mapping[str, Any]) -> str:
    repeated = line.get("repeated")
    times = f" (repeated {repeated} time{'s' * (repeated != 1)})" if repeated else ""
    return f"{line.get('sentence', line['event'])}{times}"


def _mark(line: Mapping[str, Any]) -> str:
    """Levels in words, for those who see no colour."""
    return {"warning": "warning: ", "error": "error: ", "critical": "error: "}.get(line["level"], "")
