"""Events counted for Prometheus.

Labels come from small closed sets: reasons, kinds, statuses.  Never a MAC address, a file name or anything else of
which there can be as many as machines; as a last line of defence each keeps so many values, see `observe.labels`.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from netbootd.observe import events
from netbootd.observe.boot_metrics import BootMetrics
from netbootd.observe.events import Event
from netbootd.observe.fleet_metrics import FleetMetrics
from netbootd.observe.labels import Labels

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
_LONG_ENOUGH = 64 << 10  # bytes; a rate of less says more of the round trip
_RATES = tuple(1000.0 * 4**step for step in range(11))  # 1 kB/s to 1 GB/s


@dataclass(frozen=True, slots=True)
class Exposition:
    """All metrics as text, in the format ``content_type`` names."""

    body: bytes
    content_type: str


class Metrics:
    """Counters and histograms in ``registry``, fed with every event."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self._labels = Labels()
        self._rates = Histogram(
            "netbootd_transfer_rate_bytes",
            "Bytes a second of complete transfers of 64 KiB and more",
            ("via",),
            buckets=_RATES,
            registry=self.registry,
        )
        self.boots = BootMetrics(self.registry)
        """To be told of each change of a boot."""
        self.fleet = FleetMetrics(self.registry)
        """To be told how the fleet stands, before `exposition`."""
        self._dhcp(self.registry)
        self._tftp(self.registry)
        self._http(self.registry)
        self._boot_scripts(self.registry)
        self._fleet(self.registry)

    def exposition(self) -> Exposition:
        """What Prometheus scrapes."""
        return Exposition(generate_latest(self.registry), CONTENT_TYPE_LATEST)

    def observe(self, event: Event) -> None:
        """Count one event; kinds that are not counted are passed over."""
        match event:
            case events.DhcpAnswered() | events.DhcpSilent():
                self._observe_dhcp(event)
            case events.TftpFinished() | events.TftpAborted() | events.TftpProbed() | events.TftpRefused():
                self._observe_tftp(event)
            case events.ArtifactServed() | events.HttpProbed() | events.HttpRefused() | events.TlsFailed():
                self._observe_http(event)
            case events.ScriptServed() | events.ScriptFailed():
                self._observe_scripts(event)
            case _:
                self._observe_fleet(event)

    def _dhcp(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "netbootd_dhcp_answered",
            "DHCP packets answered, by kind of client and style of answer",
            ("message", "client", "style"),
            registry=registry,
        )
        self._silent = Counter(
            "netbootd_dhcp_silent", "DHCP packets not answered, by reason", ("reason", "port"), registry=registry
        )

    def _observe_dhcp(self, event: events.DhcpAnswered | events.DhcpSilent) -> None:
        match event:
            case events.DhcpAnswered(message=message, client=client, style=style):
                self._answered.labels(*self._labels.bounded("dhcp", message, client, style)).inc()
            case events.DhcpSilent(reason=reason, port=port):
                self._silent.labels(*self._labels.bounded("silent", reason, str(port))).inc()

    def _tftp(self, registry: CollectorRegistry) -> None:
        self._tftp_ended = Counter(
            "netbootd_tftp_transfers", "TFTP transfers that ended, by outcome", ("outcome",), registry=registry
        )
        self._tftp_refused = Counter(
            "netbootd_tftp_refused", "TFTP requests answered with ERROR, by reason", ("reason",), registry=registry
        )
        self._tftp_bytes = Counter("netbootd_tftp_sent_bytes", "Bytes delivered by TFTP", registry=registry)
        self._tftp_again = Counter("netbootd_tftp_retransmits", "TFTP packets sent again", registry=registry)
        self._tftp_seconds = Histogram(
            "netbootd_tftp_seconds", "Duration of finished TFTP transfers", buckets=_SECONDS, registry=registry
        )

    def _observe_tftp(
        self, event: events.TftpFinished | events.TftpAborted | events.TftpProbed | events.TftpRefused
    ) -> None:
        match event:
            case events.TftpFinished(size=size, seconds=seconds, retransmits=retransmits):
                self._tftp_ended.labels("finished").inc()
                self._tftp_bytes.inc(size)
                self._tftp_again.inc(retransmits)
                self._tftp_seconds.observe(seconds)
                self._observe_rate("tftp", size, seconds)
            case events.TftpAborted(reason=reason, sent=sent):
                self._tftp_ended.labels(*self._labels.bounded("tftp", reason)).inc()
                self._tftp_bytes.inc(sent)
            case events.TftpProbed():
                self._tftp_ended.labels("probed").inc()
            case events.TftpRefused(reason=reason):
                self._tftp_refused.labels(*self._labels.bounded("tftp refused", reason)).inc()

    def _http(self, registry: CollectorRegistry) -> None:
        self._served = Counter("netbootd_http_served", "Files sent by HTTP", ("status", "complete"), registry=registry)
        self._http_bytes = Counter("netbootd_http_sent_bytes", "Bytes of files sent by HTTP", registry=registry)
        self._http_seconds = Histogram(
            "netbootd_http_seconds", "Duration of complete HTTP downloads", buckets=_SECONDS, registry=registry
        )
        self._probed = Counter("netbootd_http_probed", "Sizes asked for by HTTP HEAD", registry=registry)
        self._refused = Counter(
            "netbootd_http_refused", "HTTP requests answered with an error", ("status",), registry=registry
        )
        self._tls_failed = Counter("netbootd_tls_failed", "TLS connections that came to nothing", registry=registry)

    def _observe_http(
        self, event: events.ArtifactServed | events.HttpProbed | events.HttpRefused | events.TlsFailed
    ) -> None:
        match event:
            case events.ArtifactServed(status=status, sent=sent, seconds=seconds, complete=complete, via=via):
                self._served.labels(str(status), "yes" if complete else "no").inc()
                self._http_bytes.inc(sent)
                if complete:
                    self._http_seconds.observe(seconds)
                    self._observe_rate(via, sent, seconds)
            case events.HttpProbed():
                self._probed.inc()
            case events.HttpRefused(status=status):
                self._refused.labels(str(status)).inc()
            case events.TlsFailed():
                self._tls_failed.inc()

    def _observe_rate(self, via: str, size: int, seconds: float) -> None:
        if size >= _LONG_ENOUGH and seconds > 0:
            self._rates.labels(via).observe(size / seconds)

    def _boot_scripts(self, registry: CollectorRegistry) -> None:
        self._scripts = Counter(
            "netbootd_scripts", "Scripts rendered and sent, by payload", ("payload", "via"), registry=registry
        )
        self._scripts_failed = Counter(
            "netbootd_scripts_failed", "Scripts that could not be rendered", registry=registry
        )

    def _observe_scripts(self, event: events.ScriptServed | events.ScriptFailed) -> None:
        match event:
            case events.ScriptServed(payload=payload, via=via):
                self._scripts.labels(*self._labels.bounded("script", payload, via)).inc()
            case events.ScriptFailed():
                self._scripts_failed.inc()

    def _fleet(self, registry: CollectorRegistry) -> None:
        self._hostile = Counter(
            "netbootd_values_refused", "Values from the wire that failed their grammar", ("field",), registry=registry
        )
        self._changes = Counter("netbootd_machine_changes", "Changes of machines", ("change",), registry=registry)
        self._lines = Counter(
            "netbootd_installer_lines", "Lines that installers said by syslog", ("severity",), registry=registry
        )
        self._heard = Counter(
            "netbootd_servers_heard", "Answers of other DHCP and PXE servers", ("kind",), registry=registry
        )
        self._notices = Counter("netbootd_notices", "Notices about the daemon", ("severity",), registry=registry)

    def _observe_fleet(self, event: Event) -> None:
        match event:
            case events.HostileValue(field=field):
                self._hostile.labels(*self._labels.bounded("field", field)).inc()
            case events.MachineChanged(change=change):
                self._changes.labels(*self._labels.bounded("change", change)).inc()
            case events.InstallerSaid(severity=severity):
                self._lines.labels(*self._labels.bounded("line", severity)).inc()
            case events.ServerHeard(kind=kind):
                self._heard.labels(*self._labels.bounded("heard", kind)).inc()
            case events.DaemonNotice(severity=severity):
                self._notices.labels(severity).inc()
