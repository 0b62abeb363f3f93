"""Boot programs fetched as firmware fetches them: by TFTP with tftpy, which is not ours, and by HTTP."""

from __future__ import annotations

import http.client
import io
import logging
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from netbootd.boot.site import Site
from netbootd.cli.common import human
from netbootd.cli.doctor.kinds import Kind
from netbootd.cli.doctor.line import Line, fail, ok, skipped
from netbootd.cli.doctor.together import together
from netbootd.observe.diagnosis.advice import open_port, port_of, smaller_mtu

_SOCKET = 1.0  # seconds that tftpy waits for a block
_TRIES = 2
_LONGEST = 8.0  # seconds for one file
_HTTP = 4.0
_LARGE, _USUAL = 1468, 512
_FULL = 1500  # bytes of an IP packet with such a block in it
_SLOW = f"slower than {_LONGEST:.0f} s"
_RANGE = (100, 227)  # both inclusive
_MIB = 1 << 20
_STALLS = "it answers, and the file does not come"


@dataclass(frozen=True, slots=True)
class Got:
    """One fetch; ``error`` is why it came to nothing."""

    data: bytes = b""
    size: int | None = None
    """What the server said before it began; None: nothing."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    error: str = ""

    def header(self, name: str) -> str:
        return (self.headers or {}).get(name.lower(), "")


def loaders(site: Site, files: Mapping[Kind, str], known: Mapping[str, bytes]) -> Iterator[Line]:
    """Fetch each boot program once by each way that firmware would.  ``known`` are those on this disk."""
    names = sorted({file for kind, file in files.items() if kind in (Kind.BIOS, Kind.UEFI, Kind.ARM64) and file})
    urls = sorted({file for kind, file in files.items() if kind is Kind.HTTP and file.startswith("http")})
    if not names and not urls:
        yield skipped("loader", "boot programs", "none is offered to anybody")
    sizes = [(name, blksize) for name in names for blksize in (_LARGE, None)]
    got = together([partial(tftp, site, *each) for each in sizes], _LONGEST + _SOCKET)
    by_size = dict(zip(sizes, (each or Got(error=_SLOW) for each in got), strict=True))
    for name in names:
        yield _by_tftp(site, name, by_size[name, _LARGE], by_size[name, None], known.get(name))
    for url in urls:
        yield _by_http(url, known)


def tftp(site: Site, name: str, blksize: int | None) -> Got:
    """One file, by RFC 2347's options as UEFI asks (``blksize``), or as the oldest do (None).  Never raises."""
    logging.getLogger("tftpy").setLevel(logging.CRITICAL)
    from tftpy import TftpClient
    from tftpy.TftpShared import TftpException

    options: dict[str, int] = {"blksize": blksize, "tsize": 0} if blksize else {}
    end = time.monotonic() + _LONGEST
    into = _Taken(end)
    client = TftpClient(site.address, site.tftp_port or 69, options)
    try:
        client.download(name, into, timeout=_SOCKET, retries=_TRIES)
    except (TftpException, OSError, LookupError, ValueError, struct.error) as error:  # a malformed packet: any of these
        return Got(into.getvalue(), _tsize(client), _reason(error, into))
    return Got(into.getvalue(), _tsize(client))


def get(url: str, method: str = "GET", headers: Mapping[str, str] | None = None, *, verify: bool = True) -> Reply:
    """One request, at most a few MiB of its answer.  Never raises."""
    parts = urlsplit(url)
    try:
        with closing(_connection(parts.scheme, parts.hostname or "", parts.port, verify)) as connection:
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request(method, path, headers={"User-Agent": "netbootd-doctor", **(headers or {})})
            response = connection.getresponse()
            told = {key.lower(): value for key, value in response.getheaders()}
            return Reply(response.status, told, *_body(response))
    except ssl.SSLCertVerificationError as error:
        return Reply(error=f"its certificate is refused: {error.verify_message}")
    except TimeoutError:
        return Reply(error=f"no answer within {_HTTP:.0f} s")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Reply(error=str(getattr(error, "strerror", None) or error))


def _body(response: http.client.HTTPResponse) -> tuple[bytes, str]:
    """What comes of it, and why no more does."""
    try:
        return response.read(16 * _MIB), ""
    except TimeoutError:
        return b"", _STALLS


class _Taken(io.BytesIO):
    """Takes blocks until it has taken long enough."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self._end = end

    def write(self, data: Any) -> int:
        if time.monotonic() > self._end:
            raise TimeoutError(_SLOW)
        return super().write(data)

    def close(self) -> None:
        """tftpy closes what it is done with, and this is read afterwards."""


def _tsize(client: Any) -> int | None:
    said = getattr(client.context, "options", None) or {}
    try:
        return int(said.get("tsize", 0) or 0) or None
    except ValueError:
        return None


def _reason(error: Exception, into: _Taken) -> str:
    text = str(error).strip() or type(error).__name__
    if "imeout" in text or "imed out" in text or "imeout" in type(error).__name__:
        taken = into.tell()
        return f"stalls after {human(taken)}" if taken else "no answer"
    return text


def _by_tftp(site: Site, name: str, large: Got, usual: Got, known: bytes | None) -> Line:
    tried = f"TFTP {name} from {site.address}"
    if large.error and usual.error:
        return fail("loader.tftp", tried, usual.error, _tftp_todo(site, usual))
    if large.error:
        return fail(
            "loader.tftp",
            tried,
            f"blocks of {_USUAL} arrive, blocks of {_LARGE} do not ({large.error})",
            _smaller(),
        )
    if usual.error:
        return fail("loader.tftp", tried, f"with options it arrives, without: {usual.error}", _tftp_todo(site, usual))
    if large.data != usual.data or (known is not None and large.data != known):
        sizes = ", ".join(dict.fromkeys(human(len(each)) for each in (large.data, usual.data, known or usual.data)))
        return fail(
            "loader.tftp",
            tried,
            f"what arrives is not what lies on disk ({sizes})",
            "netbootd reads boot programs once: reload it after an update (systemctl reload netbootd), and see whether"
            " another TFTP server answers there.",
        )
    if large.size is not None and large.size != len(large.data):
        found = f"tsize says {large.size} bytes, {len(large.data)} arrive"
        return fail("loader.tftp", tried, found, "Firmware believes tsize. Does another TFTP server answer there?")
    same = ", as on disk" if known is not None else ""
    return ok("loader.tftp", tried, f"{human(len(large.data))} with blksize {_LARGE} and {_USUAL}{same}")


def _tftp_todo(site: Site, got: Got) -> str:
    if got.data:
        return "A firewall or NAT between drops what comes from the transfer's own port: set tftp: {single_port: true}."
    if got.error == "no answer":
        return (
            f"A firewall drops UDP {site.tftp_port} there ({open_port(site.tftp_port or 69, 'udp')}), or what comes"
            " from the transfer's own port (set tftp: {single_port: true}); or nobody listens."
        )
    return "netbootd's log says why; firmware: in the settings names where boot programs lie."


def _by_http(url: str, known: Mapping[str, bytes]) -> Line:
    name = url.rsplit("/firmware/", 1)[-1]
    tried = f"HTTP {url}"
    whole = get(url)
    if problem := whole.error or _status(whole, 200):
        return fail("loader.http", tried, problem, http_todo(url, whole))
    head, part = get(url, "HEAD"), get(url, headers={"Range": f"bytes={_RANGE[0]}-{_RANGE[1]}"})
    expected = known.get(name, whole.body)
    if whole.body != expected or head.header("Content-Length") != str(len(expected)):
        found = f"{human(len(whole.body))} arrive, {human(len(expected))} lie on disk"
        return fail("loader.http", tried, found, "Reload netbootd after an update of its boot programs.")
    if part.status != 206 or part.body != expected[_RANGE[0] : _RANGE[1] + 1]:
        found = "a part of it (Range) is not answered with that part"
        return fail("loader.http", tried, found, "Something between changes requests: a proxy?")
    return ok("loader.http", tried, f"{human(len(whole.body))}, whole, by HEAD and in part")


def http_todo(url: str, reply: Reply) -> str:
    """What to do where that is all that came of it."""
    if reply.error == _STALLS:
        return _smaller()
    port = port_of(url)
    return f"Does netbootd listen at TCP {port} there, and does a firewall let it in? {open_port(port, 'tcp')}"


def _smaller() -> str:
    todo = smaller_mtu(_FULL)
    return f"{todo[:1].upper()}{todo[1:]}."


def _status(reply: Reply, wanted: int) -> str:
    return "" if reply.status == wanted else f"answers {reply.status}"


def _connection(scheme: str, host: str, port: int | None, verify: bool) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=_HTTP)
    context = ssl.create_default_context() if verify else ssl._create_unverified_context()
    return http.client.HTTPSConnection(host, port, timeout=_HTTP, context=context)
