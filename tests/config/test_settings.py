"""What a running daemon takes over at a reload, and what it cannot."""

from __future__ import annotations

from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from netbootd.config import Config, load, needs_restart
from netbootd.config.certificate import Tls
from netbootd.config.problems import Place

STARTED = load(None)
TLS = Tls(8443, Path("a.pem"), None, Place("x", 1), Place("x", 1))
OTHER: dict[str, Any] = {
    "listen": {"listen": "192.0.2.1"},
    "dhcp.mode": {"dhcp_mode": "off"},
    "dhcp.overhear": {"overhear": False},
    "tftp.mode": {"tftp_mode": "off"},
    "tftp.port": {"tftp_port": 1069},
    "tftp.single_port": {"single_port": True},
    "http.port": {"http_port": 80},
    "http.tls.port": {"tls": TLS},
    "admin.listen": {"admin_listen": ("127.0.0.1", 1)},
    "admin.token_file": {"token_file": Path("/etc/netbootd/token")},
    "state": {"state": "sqlite:///other.db"},
    "loop": {"loop": "asyncio"},
    "log.format": {"log_format": "json"},
    "log.level": {"log_level": "debug"},
    "syslog": {"syslog_port": 514},
    "traces.endpoint": {"traces": "http://127.0.0.1:4318/v1/traces"},
    "user": {"user": "netbootd"},
}
TAKEN_OVER: dict[str, Any] = {
    "interfaces": ("lan1",),
    "advertise": "192.0.2.1",
    "public_url": "http://boot.example.net",
    "trusted_proxies": (ip_network("10.0.0.0/8"),),
    "stall_timeout": 5,
    "token_networks": (ip_network("10.0.0.0/8"),),
    "token_lasts": 60.0,
    "artifacts": Path("/srv"),
    "firmware": (),
    "templates": Path("/srv/templates"),
}


@pytest.mark.parametrize("key", OTHER)
def test_what_holds_from_a_start_on_is_named_as_the_file_names_it(key: str) -> None:
    assert needs_restart(STARTED, replace(STARTED, **OTHER[key])) == (key,)


def test_everything_else_is_taken_over() -> None:
    assert needs_restart(STARTED, replace(STARTED, **TAKEN_OVER)) == ()


def test_another_certificate_is_taken_over_and_another_port_for_it_is_not() -> None:
    started = replace(STARTED, tls=TLS)
    assert needs_restart(started, replace(started, tls=replace(TLS, certificate=Path("b.pem")))) == ()
    assert needs_restart(started, replace(started, tls=replace(TLS, port=443))) == ("http.tls.port",)


def test_each_setting_is_one_of_the_two() -> None:
    """`unknown` and the fleet are in the snapshot."""
    fixed = {name for change in OTHER.values() for name in change}
    elsewhere = {"path", "unknown", "snapshot", "warnings"}
    assert {field.name for field in fields(Config)} == fixed | set(TAKEN_OVER) | elsewhere
