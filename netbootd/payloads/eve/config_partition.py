"""A node's own CONFIG partition: the files EVE knows in it, what is wrong with one, and the image of all.

After EVE's docs/CONFIG.md and docs/REGISTRATION.md.  The image holds the files of the release's own config.img, where
that could be read, and the node's over them, file by file, as ``installer_net -v DIRECTORY:/in`` lays them (mcopy -o).
Other files than those below are put into it as they are.

An argument goes over a file: ``eve_install_server`` over ``server`` and ``eve_soft_serial`` over ``soft_serial``
(pkg/installer/install).  netbootd sets ``eve_soft_serial`` by default, and leaves that out where there is the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from netbootd.boot.model import ConfigFile
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve import port_config
from netbootd.payloads.eve.key_pair import certificates_fault, decoded, key_fault, strangers
from netbootd.wire import fat
from netbootd.wire.fat_names import FatError
from netbootd.wire.segments import Segments

SETS: Mapping[str, str] = MappingProxyType({"soft_serial": "eve_soft_serial", "server": "eve_install_server"})
"""Files, and the arguments that go over them."""

_PAIR = ("onboard.cert.pem", "onboard.key.pem")  # of device.cert.pem the key may be in the node's TPM
_PAIRS = (_PAIR, ("device.cert.pem", "device.key.pem"))
_NEEDED = ("server", "root-certificate.pem", "onboard.cert.pem")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SERVER = re.compile(rf"({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{{1,5}}))?", re.ASCII)
_SERIAL = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)
_KEY_TYPE = re.compile(
    r"ssh-rsa|ssh-dss|ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com"
)


SIZE = 1 << 20
"""Bytes of the partition up to 16.12; an image may be smaller than the partition, never larger."""


def image(files: Iterable[ConfigFile], size: int, stock: Iterable[ConfigFile] = ()) -> Segments:
    """The partition of ``size`` bytes, ``stock`` files under the node's own; always the same for the same files.

    Raises `CannotBoot`.
    """
    files = tuple(files)
    own = {file.path: file.data for file in files}
    if len(alone := own.keys() & set(_PAIR)) == 1:
        raise CannotBoot(f"config has {alone.pop()} alone: {' and '.join(_PAIR)} belong together")
    if why := clash(files):
        raise CannotBoot(why)
    named = {path.lower() for path in own}  # FAT knows no other names
    contents = {file.path: file.data for file in stock if file.path.lower() not in named} | own
    try:
        return fat.image(contents, kib=size // 1024)
    except FatError as error:
        raise CannotBoot(f"config: {error}") from None


def clash(files: Iterable[ConfigFile]) -> str:
    """Why these files will not do together, or ""."""
    named = {file.path: file for file in files}
    for certificate, key in ((named.get(one), named.get(other)) for one, other in _PAIRS):
        if certificate and key and strangers(certificate.data, key.data):
            whose = f"{certificate.path} ({certificate.origin})"
            return f"{key.path} of config ({key.origin}) is not the key of {whose}"
    return ""


def lacks(paths: Collection[str], arguments: Collection[str], stock: Collection[str] = ()) -> tuple[str, ...]:
    """What a node would look for in vain; ``arguments`` are the keys of those it is given."""
    why = "nor has the bundle's own config.img" if stock else "and the node gets none of EVE's own"
    absent = (
        f"config has no {path}, {why}"
        for path in _NEEDED
        if path not in paths and path not in stock and SETS.get(path) not in arguments
    )
    unread = port_config.PATH in paths and _BOOTSTRAP in {*paths, *stock}
    return (*absent, *((f"{port_config.PATH} is not read, because there is a {_BOOTSTRAP}",) if unread else ()))


def fault(file: ConfigFile) -> str:
    """Why EVE could not use a file as it is, or "".  Of what may be a secret nothing is repeated."""
    look = _LOOKS.get(file.path) or (_json if file.path.startswith(_JSON) and file.path.endswith(".json") else None)
    return look(file.data) if look else ""


_BOOTSTRAP = "bootstrap-config.pb"
_JSON = ("DevicePortConfig/", "GlobalConfig/")


def _line(data: bytes) -> str | None:
    """The one line of a file; None if it has more, or what is no plain text."""
    try:
        text = data.decode("ascii").removesuffix("\n")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _server(data: bytes) -> str:
    text = _line(data)
    if text is None:
        return "it must be one line of plain text: a host, with ':' and a port where it is not 443"
    match = _SERVER.fullmatch(text)
    if "://" in text:
        return f"{text[:60]!r} is a URL; EVE wants the host alone, with ':' and a port where it is not 443"
    if match is None or not 0 < int(match["port"] or 443) < 65536:
        return f"{text[:60]!r} is not a host, with ':' and a port where it is not 443"
    return ""


def _soft_serial(data: bytes) -> str:
    text = _line(data)
    if text is None or not _SERIAL.fullmatch(text):
        return "it becomes a directory's name and an HTTP header: one line of letters, digits, '.' and '-' only"
    return ""


def _authorized_keys(data: bytes) -> str:
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return "it is not text"
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words and not words[0].startswith("#") and (why := _key_fault(words)):
            return f"line {number} {why}"
    return ""


def _key_fault(words: list[str]) -> str:
    if not _KEY_TYPE.fullmatch(words[0]):
        options = any(_KEY_TYPE.fullmatch(word) for word in words)
        return "begins with options, which EVE does not read" if options else "is not a public key of ssh"
    blob = decoded(words[1].encode()) if len(words) > 1 else b""
    kind = words[0].encode()
    return "" if blob.startswith(len(kind).to_bytes(4, "big") + kind) else "holds a broken key"


def _json(data: bytes) -> str:
    try:
        return "" if isinstance(json.loads(data), dict) else "it must hold one JSON object, in braces"
    except json.JSONDecodeError as error:
        return f"it is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        return "it is not JSON"


def _not_empty(data: bytes) -> str:
    return "" if data else "it is empty"


_LOOKS: Mapping[str, Callable[[bytes], str]] = MappingProxyType(
    {
        "server": _server,
        "soft_serial": _soft_serial,
        "root-certificate.pem": certificates_fault,
        "v2tlsbaseroot-certificates.pem": certificates_fault,
        "onboard.cert.pem": certificates_fault,
        "device.cert.pem": certificates_fault,
        "onboard.key.pem": key_fault,
        "device.key.pem": key_fault,
        "authorized_keys": _authorized_keys,
        _BOOTSTRAP: _not_empty,
    }
)
