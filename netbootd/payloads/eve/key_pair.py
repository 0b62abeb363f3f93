"""Certificates and private keys in PEM: whether each is whole, and whether they belong together.

That needs no cryptography: an RSA key holds the certificate's two numbers (RFC 8017 A.1.2), and a key of an elliptic
curve nearly always the certificate's point (RFC 5915 3, which has it OPTIONAL).  Where it does not, nothing is said.
"""

from __future__ import annotations

import base64
import binascii
import re

from netbootd.wire.der import BIT_STRING, SEQUENCE, elements
from netbootd.wire.errors import WireError

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\s(.*?)-----END \1-----", re.DOTALL)
_RSA = bytes.fromhex("2a864886f70d010101")
_RSA_PSS = bytes.fromhex("2a864886f70d01010a")
_EC = bytes.fromhex("2a8648ce3d0201")
_VERSION, _POINT = 0xA0, 0xA1  # [0] of a certificate, [1] of a key

_Half = tuple[bytes, tuple[bytes, ...] | None]
"""The public half: which algorithm, and its numbers, None where a key does not say them."""


def certificates_fault(data: bytes) -> str:
    """Why this is no file of certificates, or ""."""
    found = _PEM.findall(data)
    if any(kind.endswith(b"PRIVATE KEY") for kind, _ in found):
        return "it holds a private key, which does not belong into a certificate's file"
    if not found:
        return "it is not a certificate in PEM (-----BEGIN CERTIFICATE-----)"
    for number, (kind, body) in enumerate(found, start=1):
        if kind != b"CERTIFICATE":
            return f"it holds a {kind.decode()}, not a certificate"
        if not _is_certificate(decoded(body)):
            return f"certificate {number} of {len(found)} in it is broken"
    return ""


def key_fault(data: bytes) -> str:
    """Why this is no file of one private key, or ""."""
    keys = [(kind, body) for kind, body in _PEM.findall(data) if kind.endswith(b"PRIVATE KEY")]
    if len(keys) != 1:
        return "it must hold one private key in PEM (-----BEGIN PRIVATE KEY-----)"
    kind, body = keys[0]
    if b"ENCRYPTED" in kind or b"ENCRYPTED" in body:
        return "the key has a passphrase, for which EVE cannot ask"
    return "" if _tags(decoded(body)) == [SEQUENCE] else "the key in it is broken"


def strangers(certificate: bytes, key: bytes) -> bool:
    """Whether these two files show that the key is another's than the first certificate's."""
    try:
        (algorithm, public), (own, half) = _of_certificate(certificate), _of_key(key)
    except (ValueError, IndexError):
        return False  # of a kind that is not known here
    return algorithm != own or (public is not None and half is not None and public != half)


def decoded(body: bytes) -> bytes:
    """Base64 with line breaks in it; nothing where it is none."""
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_certificate(der: bytes) -> bool:
    """RFC 5280 4.1: a SEQUENCE of a SEQUENCE that is signed, a SEQUENCE that says how, and a BIT STRING."""
    return _tags(der) == [SEQUENCE] and _tags(elements(der)[0].content) == [SEQUENCE, SEQUENCE, BIT_STRING]


def _tags(der: bytes) -> list[int]:
    try:
        return [each.tag for each in elements(der)]
    except WireError:
        return []


def _of_certificate(data: bytes) -> _Half:
    """RFC 5280 4.1: of what is signed the subjectPublicKeyInfo is the sixth, behind a version that may be left out."""
    (whole,) = elements(_body(data, b"CERTIFICATE"))
    signed = elements(elements(whole.content)[0].content)
    info = [each for each in signed if each.tag != _VERSION][5]
    algorithm, bits = elements(info.content)
    name = elements(algorithm.content)[0].content
    public = bits.content[1:]  # behind the number of bits that are not used
    if name in (_RSA, _RSA_PSS):
        (numbers,) = elements(public)
        return _RSA, tuple(each.content for each in elements(numbers.content))
    return name, (_x(public),) if name == _EC else None


def _of_key(data: bytes) -> _Half:
    """RFC 5958 2, or one of the older forms that say in their title what they are."""
    if body := _body(data, b"RSA PRIVATE KEY"):
        return _of_rsa(body)
    if body := _body(data, b"EC PRIVATE KEY"):
        return _of_curve(body)
    (whole,) = elements(_body(data, b"PRIVATE KEY"))
    _, algorithm, key = elements(whole.content)[:3]
    name = elements(algorithm.content)[0].content
    if name in (_RSA, _RSA_PSS):
        return _of_rsa(key.content)
    return _of_curve(key.content) if name == _EC else (name, None)


def _of_rsa(der: bytes) -> _Half:
    (whole,) = elements(der)
    _, modulus, exponent = elements(whole.content)[:3]
    return _RSA, (modulus.content, exponent.content)


def _of_curve(der: bytes) -> _Half:
    (whole,) = elements(der)
    for each in elements(whole.content):
        if each.tag == _POINT:
            (bits,) = elements(each.content)
            return _EC, (_x(bits.content[1:]),)
    return _EC, None


def _x(point: bytes) -> bytes:
    """SEC 1 2.3.3: 4, x and y, or 2 or 3 and x alone."""
    return point[1 : 1 + len(point) // 2] if point[:1] == b"\4" else point[1:]


def _body(data: bytes, kind: bytes) -> bytes:
    """The first block of this title; nothing where there is none."""
    return next((decoded(body) for title, body in _PEM.findall(data) if title == kind), b"")
