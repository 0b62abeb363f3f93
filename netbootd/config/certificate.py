"""The certificate and key of ``http.tls``: read, tried against each other, and asked what they say.

The standard library shows a certificate's content only to a client that has verified it, so one in memory shakes
hands with a server that has this certificate and key.  That also proves that they work together, before any machine
finds out; and asked once more with what the iPXE of 2019 knows, whether that one could come.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from netbootd.config.problems import ConfigError, Place, Problem

# TLS 1.2 at least: iPXE has spoken it since 2012, and none speaks 1.3 yet (2026).  OpenSSL's default for servers, which
# Python narrows further, has no key exchange but (EC)DHE and no HMAC-SHA1, and so nothing that iPXE before 2022 offers:
# RSA_WITH_AES_{128,256}_CBC_SHA{,256}, "the exact list" of its documentation until then, Debian's build of 2019 among
# them.  Later ones add, in this order, DHE, AES-GCM (2022) and ECDHE with X25519 (2024).  First come those that keep
# a recorded session secret; among old ones GCM, since CBC costs both sides three times the work.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:RSA+AESGCM:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:!aNULL:!eNULL"
_IPXE_2019 = "AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA:@SECLEVEL=0"
_ANY = "ALL:@SECLEVEL=0"

_LARGEST = 1 << 20
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SOON = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Tls:
    """``http.tls`` as it is written."""

    port: int
    certificate: Path
    key: Path | None
    """None: it is in the certificate's file."""
    certificate_at: Place
    key_at: Place


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key, ready to be shown."""

    context: ssl.SSLContext
    names: tuple[str, ...]
    """DNS names, ``*.example.net`` among them, and addresses."""
    begins: float
    ends: float
    """Seconds since the epoch."""
    old_ipxe: bool
    """Whether the iPXE of 2019 can use it."""

    def __str__(self) -> str:
        return f"for {', '.join(self.names[:5]) or 'no name'}, until {_date(self.ends)}"


def identify(tls: Tls) -> Identity:
    """Read and try both files.  Waits for the disk.  Raises `ConfigError` that names file and key of the settings."""
    text = _text(tls.certificate, tls.certificate_at)
    if not (found := _BLOCK.search(text)):
        raise _wrong(tls.certificate_at, f"{tls.certificate} holds no certificate in PEM form")
    if tls.key and "PRIVATE KEY-----" not in _text(tls.key, tls.key_at):
        raise _wrong(tls.key_at, f"{tls.key} holds no key in PEM form")
    if not tls.key and "PRIVATE KEY-----" not in text:
        raise _wrong(tls.certificate_at, f"{tls.certificate} holds no key; name its file with http.tls.key")
    try:
        client = _trusting(found[0])
    except ssl.SSLError:
        raise _wrong(tls.certificate_at, f"{tls.certificate} holds a damaged certificate") from None
    context = _context(tls)
    said = _rehearsed(context, client, _ANY)
    if isinstance(said, str):
        raise _wrong(tls.certificate_at, f"{tls.certificate} cannot be a server's certificate: {said}")
    return Identity(
        context,
        tuple(value for _, value in said.get("subjectAltName", ())),
        ssl.cert_time_to_seconds(said["notBefore"]),
        ssl.cert_time_to_seconds(said["notAfter"]),
        not isinstance(_rehearsed(context, client, _IPXE_2019), str),
    )


class Denied(ConfigError):
    """This user may not read them; the one that serves may."""


def doubts(tls: Tls, identity: Identity, public_url: str | None, now: float | None = None) -> Iterator[Problem]:
    """What keeps clients from it, though it can be served.  ``now`` is in seconds since the epoch."""
    now = time.time() if now is None else now
    for text in (_age(identity, now), _stranger(identity, public_url), _too_new(identity)):
        if text:
            yield _problem(tls.certificate_at, f"{tls.certificate} {text}", "warning")


def _age(identity: Identity, now: float) -> str:
    if now < identity.begins:
        return f"is not valid before {_date(identity.begins)}: clients refuse it until then"
    if now >= identity.ends:
        return f"ended on {_date(identity.ends)}: clients refuse it"
    if now >= identity.ends - _SOON:
        return f"ends on {_date(identity.ends)}; reload netbootd (SIGHUP) when it has been renewed"
    return ""


def _stranger(identity: Identity, public_url: str | None) -> str:
    if not identity.names:
        return "has no subjectAltName, which is where clients look for the name they asked for"
    parts = urlsplit(public_url or "")
    if parts.scheme != "https" or not parts.hostname or any(_covers(each, parts.hostname) for each in identity.names):
        return ""
    return f"is for {', '.join(identity.names[:5])} and not for {parts.hostname}, the name in http.public_url"


def _too_new(identity: Identity) -> str:
    return "" if identity.old_ipxe else "is not for an RSA key: iPXE before 2026 cannot use it, take one of 2048 bits"


def _covers(name: str, host: str) -> bool:
    """RFC 6125 s.6.4: ``*`` stands for one label, the first."""
    name, host = name.lower(), host.lower()
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    key_at, key = (tls.key_at, tls.key) if tls.key else (tls.certificate_at, tls.certificate)
    try:
        context.load_cert_chain(tls.certificate, key, password=_encrypted)
    except _Encrypted:
        raise _wrong(key_at, f"the key in {key} is encrypted, and nobody is there to type its password") from None
    except ssl.SSLError as error:
        match error.reason:
            case None:  # "PEM lib"; the certificate has been read by now
                raise _wrong(key_at, f"the key in {key} is damaged") from None
            case "KEY_VALUES_MISMATCH" | "KEY_TYPE_MISMATCH" | "NO_CERTIFICATE_ASSIGNED":
                raise _wrong(key_at, f"the key in {key} is not that of the certificate in {tls.certificate}") from None
            case "EE_KEY_TOO_SMALL":
                raise _wrong(tls.certificate_at, f"{tls.certificate} is for a short key; RSA needs 2048 bits") from None
        raise _wrong(tls.certificate_at, f"{tls.certificate} cannot be used: {_spoken(error)}") from None
    return context


class _Encrypted(Exception):
    pass


def _encrypted() -> str:
    raise _Encrypted


def _trusting(leaf: str) -> ssl.SSLContext:
    """Of a client that trusts this one certificate, at any time and by any name.  Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    context.load_verify_locations(cadata=leaf)
    return context


def _rehearsed(server: ssl.SSLContext, context: ssl.SSLContext, ciphers: str) -> Mapping[str, Any] | str:
    """What a client with these ciphers is shown, or why nothing."""
    context.set_ciphers(ciphers)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server)
    peer = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        while not (_goes_on(client) & _goes_on(peer)):
            pass
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError as error:
        return _spoken(error)
    return client.getpeercert() or {}


def _spoken(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()


def _goes_on(end: ssl.SSLObject) -> bool:
    """One step of a handshake; True once it is done."""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _text(path: Path, place: Place) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _wrong(place, f"{path} is not a file")
            return file.read(_LARGEST).decode("ascii", "replace")
    except OSError as error:
        wrong = _problem(place, f"{path} cannot be read: {error.strerror}")
        raise (Denied if isinstance(error, PermissionError) else ConfigError)((wrong,)) from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # for a FIFO that nobody writes to


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _wrong(place: Place, text: str) -> ConfigError:
    return ConfigError((_problem(place, text),))


def _problem(place: Place, text: str, severity: Literal["error", "warning"] = "error") -> Problem:
    return Problem(place.file, place.line, place.key, text, severity)
