"""The keys of the settings, table by table; `netbootd.config.values` says what each may hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from netbootd.boot.model import Boots
from netbootd.boot.plan import LocalMethod
from netbootd.config.values import (
    Advertise,
    Card,
    Duration,
    Flag,
    Host,
    Hosts,
    InterfaceAddress,
    Interfaces,
    Line,
    Listen,
    Networks,
    OwnAddress,
    Port,
    Proxies,
    PublicUrl,
    Seconds,
    State,
    Text,
    Texts,
)

DEFAULT_PROFILES = "profiles/*.yaml"
DEFAULT_MACHINES = "machines/*.yaml"


class Closed(BaseModel):
    """A table that takes the keys it names and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dhcp(Closed):
    mode: Literal["proxy", "off"] = "proxy"
    overhear: Literal["auto", "off"] = "auto"


class Tftp(Closed):
    mode: Literal["on", "off"] = "on"
    port: Port = 69
    single_port: Flag = False


class TlsKeys(Closed):
    port: Port = 8443
    certificate: Text
    key: Text | None = None


class Http(Closed):
    port: Port = 8080
    public_url: PublicUrl = None
    trusted_proxies: Proxies = ()
    stall_timeout: Seconds = 60
    tls: TlsKeys | None = None


class Tokens(Closed):
    networks: Networks = ()
    lasts: Duration = 7200.0


class Admin(Closed):
    listen: Listen = ("127.0.0.1", 8081)
    token_file: Text | None = None


class Log(Closed):
    format: Literal["auto", "text", "json"] = "auto"
    level: Literal["debug", "info", "warning"] = "info"


class Syslog(Closed):
    mode: Literal["on", "off"] = "off"
    port: Port = 514


class Traces(Closed):
    endpoint: PublicUrl = None


class Settings(Closed):
    """The top of a settings file.  ``profiles``, ``machines`` and ``rules`` are read by `netbootd.config.fleet`."""

    interfaces: Interfaces = None
    advertise: Advertise = None
    listen: OwnAddress = None
    dhcp: Dhcp = Dhcp()
    tftp: Tftp = Tftp()
    http: Http = Http()
    admin: Admin = Admin()
    tokens: Tokens = Tokens()
    state: State = "sqlite:////var/lib/netbootd/state.db"
    artifacts: Text = "/var/lib/netbootd/artifacts"
    firmware: Texts = ("/usr/lib/ipxe",)
    templates: Text | None = None
    unknown: Text = "menu"
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"
    log: Log = Log()
    syslog: Syslog = Syslog()
    traces: Traces = Traces()
    user: Text | None = None
    profiles: Any = DEFAULT_PROFILES
    machines: Any = DEFAULT_MACHINES
    rules: Any = ()


ProviderName = Literal["equinix", "hivelocity", "i3d", "latitude", "ovh", "rackdog", "vultr"]


class Static(Closed):
    """A network without DHCP; text alone is the address."""

    address: InterfaceAddress = None
    gateway: Host | None = None
    dns: Hosts = None
    interface: Card = None


def _address_alone(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


OwnNetwork = Annotated[Static | None, BeforeValidator(_address_alone)]


class Limits(Closed):
    """How long an installation may take; see `netbootd.fleet.lifecycle.Limits`."""

    fetching: Duration | None = None
    installing: Duration | None = None
    quiet: Duration | None = None
    powers_off: Flag | None = None


class ProfileKeys(Closed):
    """What every profile takes beside its payload's own settings."""

    payload: Text
    boots: Boots | None = None
    auto: Flag = False
    args: Any = None
    local: LocalMethod = LocalMethod.SILENT
    loader: Line | None = None
    root_path: Line = ""
    label: Line = ""
    config: Any = None
    provider: ProviderName | None = None
    network: OwnNetwork = None
    limits: Limits = Limits()
    soft_serial: Line | None = None


class MachineKeys(Closed):
    mac: Texts = ()
    macs: Texts = ()
    uuid: Text | None = None
    serial: Text | None = None
    ip: Text | None = None
    name: Line | None = None
    profile: Text | None = None
    args: Any = None
    local: LocalMethod | None = None
    loader: Line | None = None
    config: Any = None
    secret: Any = None
    only_by_secret: Flag = False
    provider: ProviderName | None = None
    network: OwnNetwork = None
    limits: Limits = Limits()
    soft_serial: Line | None = None


class RuleKeys(Closed):
    match: dict[str, Text]
    profile: Text
    args: Any = None
