"""Who asks, and by which URL, where a proxy stands in front: its word, and nobody else's.

``X-Forwarded-For``, ``-Proto`` and ``-Host`` are headers that anybody can send.  They count only from the peers in
``http.trusted_proxies``; of a list only the end counts, which such a proxy wrote itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from aiohttp import web

from netbootd.serve.http.target import unmapped

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Asker:
    """Where a request came from."""

    ip: str
    """Of the client; "" on a Unix socket."""
    base_url: str | None = None
    """How the client calls this site, without a slash at the end: as its proxy tells it, or over TLS as it has
    itself; else None."""


def asker(request: web.Request, trusted: Sequence[Network]) -> Asker:
    """Who asks, if the word of ``trusted`` peers counts."""
    peer = unmapped(request.remote or "")
    if not _is_trusted(_address(peer), trusted):
        return Asker(peer, _called(request))
    client = _client(peer, _listed(request, "X-Forwarded-For"), trusted)
    return Asker(client, _base_url(request) or _called(request))


def within(ip: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks."""
    return _is_trusted(_address(ip), networks)


def _client(peer: str, hops: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last hop that is no trusted proxy: each proxy adds its peer at the end, what stands before is hearsay."""
    client = peer
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:
            break
        client = str(address)
        if not _is_trusted(address, trusted):
            break
    return client


def _base_url(request: web.Request) -> str | None:
    """None unless the proxy names the host; a ``Host`` header is often the one it has for us."""
    hosts, schemes = _listed(request, "X-Forwarded-Host"), _listed(request, "X-Forwarded-Proto")
    host, scheme = hosts[-1] if hosts else "", schemes[-1].lower() if schemes else "http"
    if not _HOST.fullmatch(host) or scheme not in ("http", "https"):
        return None
    return f"{scheme}://{host}"


def _called(request: web.Request) -> str | None:
    """Over TLS machines come back by TLS, and by the name they asked for, which they have found in the certificate.
    Without a port it is 443 (RFC 9110 s.7.2), wherever that is led to."""
    host = request.headers.get("Host", "")
    return f"https://{host}" if request.secure and _HOST.fullmatch(host) else None


def _listed(request: web.Request, name: str) -> list[str]:
    """All fields of a name are one list (RFC 9110 s.5.3)."""
    return [each.strip() for value in request.headers.getall(name, ()) for each in value.split(",")]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, ``[2001:db8::1]:4711`` and ``192.0.2.1:4711`` included, which some balancers write."""
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([0-9.]+):\d+$", r"\1\3", text)
    try:
        return ipaddress.ip_address(unmapped(bare.partition("%")[0]))
    except ValueError:
        return None


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
