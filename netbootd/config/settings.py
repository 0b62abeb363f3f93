"""The settings as the daemon uses them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from netbootd.config.certificate import Tls
from netbootd.config.problems import Problem
from netbootd.fleet.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a settings file says, defaults filled in.  Paths are absolute; port 0 lets the system choose."""

    path: Path | None
    """The file, None when the defaults are used."""
    interfaces: tuple[str, ...] | None
    """None: those that `netbootd.net.interfaces.usable` finds."""
    advertise: str | None
    """None: the address of the interface a machine asked on."""
    listen: str | None
    """The one address TFTP and HTTP are bound to; None: all."""
    dhcp_mode: Literal["proxy", "off"]
    overhear: bool
    """Other servers' answers are listened to, where we may."""
    tftp_mode: Literal["on", "off"]
    tftp_port: int
    single_port: bool
    http_port: int
    public_url: str | None
    """Without a slash at the end."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    """Whose X-Forwarded-* headers are believed."""
    tls: Tls | None
    stall_timeout: float
    """Seconds without progress after which a download is dropped."""
    admin_listen: tuple[str, int] | Path
    """A Path is a Unix socket."""
    token_file: Path | None
    """What the admin side asks for who is not on this machine; None: nobody else reaches it."""
    token_networks: tuple[IPv4Network | IPv6Network, ...]
    """Where tokens of machines may be used; none: everywhere."""
    token_lasts: float
    """Seconds; one that a machine installs by lasts as long as its installation may, if that is longer."""
    state: str
    """A database URL."""
    artifacts: Path
    firmware: tuple[Path, ...]
    """Directories, the first wins."""
    templates: Path | None
    unknown: str
    loop: Literal["auto", "uvloop", "asyncio"]
    log_format: Literal["auto", "text", "json"]
    log_level: Literal["debug", "info", "warning"]
    syslog_port: int | None
    """Where installers send their lines; None: nowhere."""
    traces: str | None
    """The URL that boots are sent to as OpenTelemetry traces (OTLP by HTTP); None: they are not."""
    user: str | None
    """Who to become once the ports are bound."""
    snapshot: Snapshot
    warnings: tuple[Problem, ...] = ()

    @property
    def tls_port(self) -> int | None:
        """None: no TLS."""
        return self.tls.port if self.tls else None


_FROM_A_START_ON = {
    "listen": "listen",
    "dhcp_mode": "dhcp.mode",
    "overhear": "dhcp.overhear",
    "tftp_mode": "tftp.mode",
    "tftp_port": "tftp.port",
    "single_port": "tftp.single_port",
    "http_port": "http.port",
    "tls_port": "http.tls.port",
    "admin_listen": "admin.listen",
    "token_file": "admin.token_file",
    "state": "state",
    "loop": "loop",
    "log_format": "log.format",
    "log_level": "log.level",
    "syslog_port": "syslog",
    "traces": "traces.endpoint",
    "user": "user",
}
"""What a running daemon cannot change, and how the settings file calls it."""


def needs_restart(started: Config, now: Config) -> tuple[str, ...]:
    """The keys that differ from what a daemon was started with and that hold only from a start on."""
    return tuple(key for name, key in _FROM_A_START_ON.items() if getattr(started, name) != getattr(now, name))
