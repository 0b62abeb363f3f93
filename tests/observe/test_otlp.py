"""Boots as OpenTelemetry spans, read back from what a collector receives."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service

from netbootd.fleet.record import Asked, Attempt, Outcome, Reached, Step, Transfer
from netbootd.observe.otlp import Otlp
from netbootd.wire.mac import Mac

FIRMWARE = Step(
    Reached.FIRMWARE,
    1000.0,
    last=1002.0,
    times=2,
    detail="x86-64 UEFI PXE: ipxe.efi",
    asked=Asked("DISCOVER", 67, "x86-64 UEFI PXE", "x86-64 UEFI", offered="ipxe.efi"),
)
LOADER = Step(
    Reached.LOADER,
    1006.0,
    1 << 20,
    "ipxe.efi",
    1006.0,
    file="ipxe.efi",
    transfer=Transfer("tftp", 1 << 20, 1 << 20, 2.5, 1468, 1, 3),
)
KERNEL = Step(Reached.FILE, 1010.0, detail="vmlinuz: not found", last=1010.0, trouble=True, reason="http-404")
BOOT = Attempt(
    "0123456789abcdef",
    "r1",
    Mac.parse("52:54:00:12:34:56"),
    1000.0,
    1010.0,
    Outcome.ABANDONED,
    (FIRMWARE, LOADER, KERNEL),
    profile="lab-eve",
)


class Collector:
    """Takes OTLP by HTTP, as a real one does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gzipped = self.headers.get("Content-Encoding") == "gzip"
                outer.bodies.append(gzip.decompress(body) if gzipped else body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def spans(self) -> list:  # type: ignore[type-arg]
        found = [trace_service.ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in found
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture(autouse=True)
def _at_leisure(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And what still tries to send at the end of a test has given up before the next one."""
    monkeypatch.setattr("netbootd.observe.otlp._CLOSES", 60.0)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60.0)
        assert not thread.is_alive(), thread


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


async def test_a_boot_is_a_span_and_each_step_one_below_it(collector: Collector) -> None:
    otlp = Otlp(collector.url, print)
    otlp.send(BOOT)
    await otlp.close()
    spans = {span.name: span for span in collector.spans()}
    root = spans["boot"]
    assert set(spans) == {"boot", "firmware", "loader", "file"}
    assert {span.trace_id for span in spans.values()} == {root.trace_id}
    assert {spans[name].parent_span_id for name in ("firmware", "loader", "file")} == {root.span_id}
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (1000 * 10**9, 1010 * 10**9)
    said = {each.key: each.value.string_value for each in root.attributes}
    assert (said["netbootd.mac"], said["netbootd.profile"]) == ("52:54:00:12:34:56", "lab-eve")
    assert said["netbootd.outcome"] == "abandoned"


async def test_a_transfer_begins_before_it_is_told_of(collector: Collector) -> None:
    otlp = Otlp(collector.url, print)
    otlp.send(BOOT)
    await otlp.close()
    (loader,) = [span for span in collector.spans() if span.name == "loader"]
    assert (loader.start_time_unix_nano, loader.end_time_unix_nano) == (1003_500_000_000, 1006 * 10**9)
    numbers = {each.key: each.value.int_value for each in loader.attributes}
    assert (numbers["netbootd.bytes"], numbers["netbootd.retransmits"]) == (1 << 20, 3)


async def test_trouble_and_a_failed_installation_are_errors(collector: Collector) -> None:
    otlp = Otlp(collector.url, print)
    otlp.send(replace(BOOT, outcome=Outcome.FAILED))
    await otlp.close()
    status = {span.name: (span.status.code, span.status.message) for span in collector.spans()}
    assert status["file"] == status["boot"] == (2, "vmlinuz: not found")
    assert status["loader"][0] != 2


async def test_a_collector_that_is_away_is_said_once_and_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its own words the library would write to standard error, in the middle of our log."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    said: list[str] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        otlp = Otlp(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces", said.append)
        otlp.send(BOOT)
        await otlp.close()
        logging.getLogger("opentelemetry").warning("after the end")
    await asyncio.sleep(0)
    assert said
    assert len(said) == len(set(said))
    assert all(text.startswith("traces: ") for text in said)
    assert "traces: after the end" not in said


@pytest.mark.parametrize("size", [65536, 1])
async def test_a_collector_that_answers_without_an_end_takes_no_memory_and_no_time(size: int) -> None:
    """The library would read on as long as a byte comes, and the end of the daemon would wait for it."""
    asked, left = threading.Event(), threading.Event()

    def answer(server: socket.socket) -> None:
        one, _ = server.accept()
        with one:
            one.recv(1)
            asked.set()
            with suppress(OSError):
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n")
                while not left.wait(0.0 if size > 1 else 0.05):
                    one.sendall(b"x" * size)
        left.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        otlp = Otlp(f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces", print)
        otlp.send(BOOT)
        await otlp.close()
        assert asked.is_set()
        assert await asyncio.to_thread(left.wait, 60.0), "it is read still"


async def test_a_collector_that_says_nothing_holds_up_the_end_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a thread of ours hold up the process."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    monkeypatch.setattr("netbootd.observe.otlp._CLOSES", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        otlp = Otlp(f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces", lambda _said: None)
        otlp.send(BOOT)
        await otlp.close()
        waiting = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
        assert [each.name for each in waiting if "asyncio" in each.name] == []


async def test_headers_that_are_wrong_are_said_to_be_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Bearer s3cret")
    said: asyncio.Queue[str] = asyncio.Queue()
    otlp = Otlp("http://127.0.0.1:9/v1/traces", said.put_nowait)
    text = await said.get()
    await otlp.close()
    assert text.startswith("traces: Header format invalid!")
    assert "s3cret" not in text
