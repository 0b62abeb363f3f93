"""Traces as the settings ask for them."""

from __future__ import annotations

import sys

import pytest

from netbootd.fleet.record import Attempt
from netbootd.observe.tracing import Tracing
from netbootd.wire.mac import Mac

BOOT = Attempt("b1", "r1", Mac.parse("52:54:00:12:34:56"), 1000.0, 1000.0)


async def test_without_an_endpoint_nothing_is_loaded_and_nothing_sent() -> None:
    said: list[str] = []
    tracing = Tracing(None, said.append)
    tracing.took(None, BOOT)
    await tracing.follow()
    await tracing.close()
    assert said == []


async def test_without_the_libraries_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    said: list[str] = []
    tracing = Tracing("http://127.0.0.1:9/v1/traces", said.append)
    tracing.took(None, BOOT)
    await tracing.close()
    assert said == [
        "traces.endpoint: no boot is sent, the libraries for it are missing: pip install 'netbootd[traces]'"
    ]


async def test_a_variable_of_opentelemetrys_own_that_is_wrong_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9999999")
    said: list[str] = []
    tracing = Tracing("http://127.0.0.1:9/v1/traces", said.append)
    tracing.took(None, BOOT)
    await tracing.close()
    assert said == ["traces: no boot is sent: max_export_batch_size must be less than or equal to max_queue_size."]
