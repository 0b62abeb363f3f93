"""Certificates and keys with the outer form of real ones, and nothing in them."""

from __future__ import annotations

import base64
import textwrap


def element(tag: int, content: bytes = b"") -> bytes:
    """A DER element."""
    size = len(content)
    length = bytes((size,)) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


def pem(kind: str, der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n".encode()


CERTIFICATE = pem("CERTIFICATE", element(0x30, element(0x30, bytes(300)) + element(0x30) + element(0x03, bytes(70))))
KEY = pem("PRIVATE KEY", element(0x30, bytes(120)))
