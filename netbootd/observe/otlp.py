"""Boots as OpenTelemetry traces: a span for the boot, one below it for each step.  An extra: ``netbootd[traces]``.

What is sent where beyond the endpoint (headers, certificates, timeouts) is read from the environment, as OpenTelemetry
has it (``OTEL_EXPORTER_OTLP_HEADERS`` ...).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from netbootd import __version__
from netbootd.fleet.record import Attempt, Outcome, Step
from netbootd.wire.text import printable

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span

HOW = "pip install 'netbootd[traces]'"
_CLOSES = 5.0  # seconds a collector that hangs may hold up the end
_NAME = "netbootd"


class NotInstalled(ImportError):
    """The libraries for traces are not here."""


class Otlp:
    """Sends to a collector, by a thread of the library's own, in batches.  ``complain`` is told on the event loop, once
    for each reason, why it cannot.  Raises `NotInstalled`."""

    def __init__(self, endpoint: str, complain: Callable[[str], None]) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise NotInstalled(HOW) from error
        self._complaints = _Complaints(complain)
        self._log = logging.getLogger("opentelemetry")
        self._log.addHandler(self._complaints)
        self._log.propagate = False
        self._provider = provider(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, session=_session())))

    def send(self, attempt: Attempt) -> None:
        """Queue a boot; when the queue is full, spans are dropped."""
        record(attempt, self._provider)

    async def close(self) -> None:
        """Send what is queued, if the collector takes it in time."""
        done = asyncio.Event()
        threading.Thread(target=_shut, args=(self._provider, asyncio.get_running_loop(), done), daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _CLOSES)
        self._log.addHandler(logging.NullHandler())  # else its last words went to standard error
        self._log.removeHandler(self._complaints)


def _shut(provider: TracerProvider, loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """In a thread that nothing waits for: the library waits for as long as its collector sends a byte now and then."""
    provider.shutdown()
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(done.set)


def _session() -> requests.Session:
    """One that reads no body: the library would take one of any length into memory, and has no use for it."""
    import requests

    made = requests.Session()
    made.hooks["response"].append(_unread)
    return made


def _unread(answer: requests.Response, **_sent: object) -> None:
    answer.close()
    answer.raw = None


class _Complaints(logging.Handler):
    """What the library logs, out of its thread; a collector that is away for a week is said once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg) in self._told:
            return
        self._told.add(str(record.msg))
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._tell, printable(f"traces: {_said_in(record)}", 300))


def _said_in(record: logging.LogRecord) -> str:
    """Headers may be keys to the collector: of those that are wrong it is said that they are, not what they are."""
    text = str(record.msg)
    return f"{text.partition('%')[0]}..." if text.startswith("Header") else record.getMessage()


def provider(processor: SpanProcessor) -> TracerProvider:
    """Ours alone: nothing global is set."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = Resource.create({"service.name": _NAME, "service.version": __version__})
    made = TracerProvider(resource=named, shutdown_on_exit=False)
    made.add_span_processor(processor)
    return made


def record(attempt: Attempt, to: TracerProvider) -> None:
    """One trace of this boot."""
    from opentelemetry.trace import set_span_in_context

    tracer = to.get_tracer(_NAME, __version__)
    root = tracer.start_span(
        "boot",
        start_time=_ns(attempt.started),
        attributes={
            "netbootd.boot": attempt.id,
            "netbootd.machine": attempt.record,
            "netbootd.mac": str(attempt.mac),
            "netbootd.profile": attempt.profile,
            "netbootd.outcome": attempt.outcome.name.lower(),
            "netbootd.steps_left_out": attempt.left_out,
        },
    )
    below = set_span_in_context(root)
    for step in attempt.steps:
        begun = step.at - (step.transfer.seconds if step.transfer and step.times == 1 else 0.0)
        span = tracer.start_span(
            step.stage.name.lower(), context=below, start_time=_ns(max(begun, attempt.started)), attributes=_said(step)
        )
        if step.trouble:
            _failed(span, step.detail)
        span.end(_ns(max(step.last, step.at)))
    if attempt.outcome is Outcome.FAILED:
        _failed(root, attempt.steps[-1].detail if attempt.steps else "")
    root.end(_ns(max(attempt.last, attempt.started)))


def _said(step: Step) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {"netbootd.detail": step.detail, "netbootd.times": step.times}
    if step.reason:
        found["netbootd.reason"] = step.reason
    if step.file:
        found["netbootd.file"] = step.file
    if (asked := step.asked) is not None:
        found |= {"netbootd.client": asked.client, "netbootd.arch": asked.arch, "netbootd.message": asked.message}
        found |= {"netbootd.port": asked.port, "netbootd.offered": asked.offered}
    if (moved := step.transfer) is not None:
        found |= {"netbootd.via": moved.via, "netbootd.bytes": step.bytes, "netbootd.size": moved.size}
        found |= {"netbootd.seconds": moved.seconds, "netbootd.retransmits": moved.retransmits}
    return found


def _failed(span: Span, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, why))


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
