"""Events as metrics: what is counted, under which labels, and what never becomes one."""

from __future__ import annotations

import pytest

from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HostileValue,
    HttpProbed,
    HttpRefused,
    MachineChanged,
    ScriptFailed,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TftpStarted,
    TlsFailed,
)
from netbootd.observe.metrics import Metrics

SERVED = ArtifactServed(file="eve/kernel", status=200, size=100, sent=100, seconds=0.2, complete=True)
LOST = ArtifactServed(file="eve/kernel", status=206, size=100, sent=40, seconds=9.0, complete=False)
FINISHED = TftpFinished(file="ipxe.efi", size=1000, seconds=2.0, blksize=1432, windowsize=1, retransmits=3)


@pytest.mark.parametrize(
    ("event", "samples"),
    [
        (
            DhcpAnswered(message="DISCOVER", answer="OFFER", client="iPXE (BIOS)", file="x", style="none", port=67),
            {'netbootd_dhcp_answered_total{client="iPXE (BIOS)",message="DISCOVER",style="none"}': 1},
        ),
        (DhcpSilent(reason="NOT_PXE"), {'netbootd_dhcp_silent_total{port="67",reason="NOT_PXE"}': 1}),
        (
            FINISHED,
            {
                'netbootd_tftp_transfers_total{outcome="finished"}': 1,
                "netbootd_tftp_sent_bytes_total": 1000,
                "netbootd_tftp_retransmits_total": 3,
                "netbootd_tftp_seconds_sum": 2,
            },
        ),
        (
            TftpAborted(file="x", reason="TIMEOUT", sent=512),
            {'netbootd_tftp_transfers_total{outcome="TIMEOUT"}': 1, "netbootd_tftp_sent_bytes_total": 512},
        ),
        (TftpProbed(file="x", size=1), {'netbootd_tftp_transfers_total{outcome="probed"}': 1}),
        (TftpRefused(file="x", reason="MISSING"), {'netbootd_tftp_refused_total{reason="MISSING"}': 1}),
        (
            SERVED,
            {
                'netbootd_http_served_total{complete="yes",status="200"}': 1,
                "netbootd_http_sent_bytes_total": 100,
                "netbootd_http_seconds_count": 1,
            },
        ),
        (
            LOST,
            {
                'netbootd_http_served_total{complete="no",status="206"}': 1,
                "netbootd_http_sent_bytes_total": 40,
                "netbootd_http_seconds_count": 0,
            },
        ),
        (HttpProbed(file="x", size=1), {"netbootd_http_probed_total": 1, "netbootd_http_sent_bytes_total": 0}),
        (HttpRefused(file="x", status=404, reason="no such file"), {'netbootd_http_refused_total{status="404"}': 1}),
        (TlsFailed(reason="left"), {"netbootd_tls_failed_total": 1}),
        (
            ScriptServed(script="ipxe.cfg", payload="linux"),
            {'netbootd_scripts_total{payload="linux",via="http"}': 1},
        ),
        (ScriptFailed(script="x", reason="free text"), {"netbootd_scripts_failed_total": 1}),
        (HostileValue(field="serial", reason="x"), {'netbootd_values_refused_total{field="serial"}': 1}),
        (MachineChanged(change=Change.ARMED), {'netbootd_machine_changes_total{change="armed"}': 1}),
        (DaemonNotice(text="x", severity="error"), {'netbootd_notices_total{severity="error"}': 1}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_an_event_is_counted(event: Event, samples: dict[str, float]) -> None:
    metrics = Metrics()
    metrics.observe(event)
    exposed = lines(metrics)
    assert {name: exposed[name] for name in samples} == samples


def test_an_event_nobody_counts_is_passed_over() -> None:
    metrics = Metrics()
    before = lines(metrics)
    metrics.observe(TftpStarted(file="x", size=1))
    assert counted(lines(metrics)) == counted(before)


def test_no_mac_address_and_no_file_name_becomes_a_label() -> None:
    metrics = Metrics()
    mac, file = "52:54:00:12:34:56", "very-own-file"
    for event in (
        DhcpAnswered(message="DISCOVER", answer="OFFER", client="c", file=file, style="none", port=67, mac=mac, ip=mac),
        TftpFinished(file=file, size=1, seconds=1, blksize=1, windowsize=1, retransmits=0, mac=mac, machine=mac),
        ArtifactServed(file=file, status=200, size=1, sent=1, seconds=1, complete=True, mac=mac, ip=mac),
        HttpRefused(file=file, status=404, reason=file, mac=mac, ip=mac),
        ScriptServed(script=file, profile=file, payload="linux", mac=mac, machine=mac),
    ):
        metrics.observe(event)
    text = metrics.exposition().body.decode()
    assert mac not in text
    assert file not in text


def test_a_label_that_would_grow_for_ever_ends_in_other() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.observe(DhcpSilent(reason=f"reason {number}"))
    exposed = [name for name in lines(metrics) if name.startswith("netbootd_dhcp_silent_total")]
    assert len(exposed) == 65
    assert lines(metrics)['netbootd_dhcp_silent_total{port="67",reason="other"}'] == 1000 - 64


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.exposition().body.decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def counted(exposed: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in exposed.items() if not name.endswith("_created")}
