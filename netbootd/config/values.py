"""What one value of the settings may be, and the words in which anything else is refused.

Every scalar arrives as text, true, false or None (`netbootd.config.yaml`), so pydantic's lax mode reads the numbers;
what it would be too lax about (``single_port: yes``, ``port: true``) is refused here.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from netbootd.boot.facts import unsafe
from netbootd.boot.network import BY_IPXE
from netbootd.config.durations import duration
from netbootd.config.problems import said
from netbootd.fleet.state import parse_state

UNIX = "unix:"
_LONGEST_UNIX = 107  # sun_path, with its NUL


def is_local(listen: tuple[str, int] | Path) -> bool:
    """Whether only programs on this machine reach it there, so that no token is asked for."""
    if isinstance(listen, Path):
        return True
    return listen[0] == "localhost" or ipaddress.ip_address(listen[0]).is_loopback


def flag(value: object) -> bool:
    """True or false and no word for it."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {said(value)}")
    return value


def number(value: object) -> int:
    """A decimal number, without YAML's octal, hexadecimal and base 60."""
    if not isinstance(value, int) or isinstance(value, bool):
        if not isinstance(value, str) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
            raise ValueError(f"must be a whole number, not {said(value)}")
        return int(value)
    return value


def _line(value: object) -> object:
    if isinstance(value, str) and (why := unsafe(value)):
        raise ValueError(f"cannot stand in a script: {why}")
    return value


def _many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _interfaces(value: object) -> object:
    names = _many(None if value == "auto" else value)
    for name in names if isinstance(names, (list, tuple)) else ():
        if not isinstance(name, str) or not re.fullmatch(r"[^\s/]{1,15}", name):
            raise ValueError(f"{said(name)} is not the name of an interface")
    if names is not None and not names:
        raise ValueError("is an empty list; write auto, or name one")
    return names


def _advertise(value: object) -> object:
    if value in ("auto", None):
        return None
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        raise ValueError(f"must be auto or an IPv4 address, not {said(value)}") from None
    if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise ValueError(f"{address} is no address a machine can come back to")
    return str(address)


def _own_address(value: object) -> object:
    if value in ("auto", None, "0.0.0.0"):
        return None
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        raise ValueError(f"must be auto or one IPv4 address of this machine, not {said(value)}") from None
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise ValueError(f"{address} is no address of a machine")
    return str(address)


def _public_url(value: object) -> object:
    if value is None:
        return None
    text = str(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = None
    if not usable or parts.query or parts.fragment or "@" in parts.netloc or unsafe(text) or re.search(r"\s", text):
        raise ValueError(f"must be an absolute URL such as http://boot.example.net:8080, not {said(value)}")
    return text.rstrip("/")


def _proxies(value: object) -> object:
    named = _many(value)
    return tuple(_network(each) for each in named) if isinstance(named, (list, tuple)) else value


def _networks(value: object) -> object:
    named = _many(value)
    return tuple(_any_network(each) for each in named) if isinstance(named, (list, tuple)) else value


def _any_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        raise ValueError(f"{said(value)} is neither an address nor a network such as 10.0.0.0/8") from None


def _network(value: object) -> object:
    network = _any_network(value)
    if not network.prefixlen:
        raise ValueError(f"{network} is everybody, who could then give any address for their own")
    return network


def _interface_address(value: object) -> object:
    if value is None or value == BY_IPXE:
        return value
    try:
        address = ipaddress.IPv4Interface(str(value))
    except ValueError:
        address = None
    if address is None or "/" not in str(value):
        raise ValueError(f"must be an address with its prefix such as 192.0.2.10/24, or ipxe, not {said(value)}")
    network = address.network
    outside = address.is_multicast or address.is_unspecified or address.is_loopback
    if outside or (network.prefixlen < 31 and address.ip in (network.network_address, network.broadcast_address)):
        raise ValueError(f"{address} is no address of a machine")
    return str(address)


def _host(value: object) -> object:
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        raise ValueError(f"must be an IPv4 address, not {said(value)}") from None
    if address.is_multicast or address.is_unspecified:
        raise ValueError(f"{address} is no address of a machine")
    return str(address)


def _card(value: object) -> object:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", str(value)):
        raise ValueError(f"{said(value)} is not the name of an interface, such as eth0")
    return value


def _listen(value: object) -> object:
    if isinstance(value, (tuple, Path)):
        return value
    if str(value).startswith(UNIX):
        return _unix(str(value).removeprefix(UNIX))
    host, colon, port = str(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"must be an address and a port, such as 127.0.0.1:8081, not {said(value)}")
    if host != "localhost" and not _is_address(host):
        raise ValueError(f"{said(host)} is no address of this machine, such as 127.0.0.1 or 0.0.0.0")
    return host, int(port)


def _unix(path: str) -> Path:
    if not path.startswith("/") or "\0" in path:
        raise ValueError(f"must be an absolute path, such as unix:/run/netbootd/admin.sock, not {said(path)}")
    if len(path.encode("utf-8", "surrogateescape")) > _LONGEST_UNIX:
        raise ValueError(f"is longer than the {_LONGEST_UNIX} bytes that a Unix socket's path may have")
    return Path(path)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _state(value: object) -> object:
    parse_state(str(value))
    return value


Flag = Annotated[bool, BeforeValidator(flag)]
Port = Annotated[int, BeforeValidator(number), Field(ge=0, le=65535)]
Seconds = Annotated[int, BeforeValidator(number), Field(ge=1, le=86400)]
Duration = Annotated[float, BeforeValidator(duration)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]
Line = Annotated[str, BeforeValidator(_line), Field(max_length=200)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_many)]
Interfaces = Annotated[tuple[str, ...] | None, BeforeValidator(_interfaces)]
Advertise = Annotated[str | None, BeforeValidator(_advertise)]
OwnAddress = Annotated[str | None, BeforeValidator(_own_address)]
Listen = Annotated[tuple[str, int] | Path, BeforeValidator(_listen)]
PublicUrl = Annotated[str | None, BeforeValidator(_public_url)]
Networks = Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], BeforeValidator(_networks)]
Proxies = Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], BeforeValidator(_proxies)]
State = Annotated[Text, BeforeValidator(_state)]
InterfaceAddress = Annotated[str | None, BeforeValidator(_interface_address)]
Host = Annotated[str, BeforeValidator(_host)]
Hosts = Annotated[tuple[Host, ...] | None, BeforeValidator(_many)]
Card = Annotated[str | None, BeforeValidator(_card)]
