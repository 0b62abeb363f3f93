"""GRUB's HTTP client over a plain socket, as grub-core/net/http.c and net/tcp.c of 2.12 behave.

Its parser takes headers line by line as they come and lets nothing that is wrong stop it; its connections have the
source ports 21550, 21551 ... after every start.  A window is shut by taking nothing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

FIRST_PORT = 21550
_WAIT = 30.0  # seconds for the headers, 100 looks of 300 ms


@dataclass
class Parser:
    """``http_data``: where the parsing of one reply stands."""

    size: int | None = None
    """Bytes of the file from what the headers say; None: GRUB_FILE_SIZE_UNKNOWN."""
    size_recv: bool = False
    first_line_recv: bool = False
    headers_recv: bool = False
    chunked: bool = False
    errors: list[str] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    _line: bytes = b""

    def feed(self, data: bytes) -> None:
        """What came in one segment."""
        while data and not self.headers_recv:
            line, newline, data = data.partition(b"\n")
            self._line += line
            if newline:
                self._parse(self._line.rstrip(b"\r"), cr=self._line.endswith(b"\r"))
                self._line = b""
        self.body += data

    def _parse(self, line: bytes, *, cr: bool) -> None:
        if not cr:
            self.errors.append("LF without CR")
        elif not line:
            self.headers_recv = True
        elif not self.first_line_recv:
            self._first(line)
        elif line.startswith(b"Content-Length: ") and not self.size_recv:
            self.size, self.size_recv = _strtoull(line.removeprefix(b"Content-Length: ")), True
        elif line.startswith(b"Transfer-Encoding: chunked"):
            self.chunked = True

    def _first(self, line: bytes) -> None:
        if not line.startswith(b"HTTP/1.1 "):
            self.errors.append("unsupported HTTP response")
            self.first_line_recv = True
            return
        code = _strtoull(line.removeprefix(b"HTTP/1.1 "))
        if code in (200, 206):
            self.first_line_recv = True
        else:
            # first_line_recv stays as it is: the next line is taken for a first line too, and is lost.
            self.errors.append("file not found" if code == 404 else f"unsupported HTTP error {code}")


def _strtoull(text: bytes) -> int:
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))]
    return int(digits or b"0")


class Stalled(Exception):
    """GRUB would sit there: it knows neither the file's end nor that there is no file."""


@dataclass
class File:
    """An open file: one connection, and what was read of it."""

    sock: socket.socket
    parser: Parser
    offset: int = 0

    async def read(self, count: int | None = None) -> bytes:
        """``count`` bytes, or all there are.  Raises `Stalled` where GRUB would wait for ever."""
        if self.parser.size is None:
            raise Stalled("the size is unknown")
        left = self.parser.size - self.offset
        wanted = left if count is None else min(count, left)
        while len(self.parser.body) < wanted:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16)
            if not data:
                break
            self.parser.feed(data)
        taken = bytes(self.parser.body[:wanted])
        del self.parser.body[:wanted]
        self.offset += len(taken)
        return taken

    def abort(self) -> None:
        """``grub_net_tcp_close (GRUB_NET_TCP_ABORT)``: RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass
class Grub:
    """One start of GRUB."""

    port: int
    """The server's."""
    host: str = "127.0.0.1"
    agent: str = "GRUB 2.12"
    fixed_ports: bool = False
    window: int = 0
    """Bytes of the receive buffer; 0: the kernel's."""
    opened: list[File] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.exit()

    def exit(self) -> None:
        """All connections are reset."""
        for file in self.opened:
            with suppress(OSError):
                file.abort()

    async def open(self, path: str) -> File:
        """``http_open``; the size is that of the file."""
        return await self._established(path, Parser(), None)

    async def seek(self, file: File, path: str, offset: int) -> File:
        """``http_seek``: the connection is reset, and another asks from there on."""
        file.abort()
        parser = Parser(size=file.parser.size, size_recv=True)
        return await self._established(path, parser, offset)

    async def _established(self, path: str, parser: Parser, offset: int | None) -> File:
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.window)
        if self.fixed_ports:
            sock.bind((self.host, FIRST_PORT + len(self.opened)))
        sock.setblocking(False)
        file = File(sock, parser, offset or 0)
        self.opened.append(file)
        await loop.sock_connect(sock, (self.host, self.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}", f"User-Agent: {self.agent}"]
        lines += [f"Range: bytes={offset}-"] if offset is not None else []
        await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(_WAIT):
            while not parser.headers_recv:
                data = await loop.sock_recv(sock, 1460)
                if not data:
                    raise Stalled("time out opening it")
                parser.feed(data)
        return file

    async def contents(self, path: str) -> bytes:
        """The whole of a file, as ``cat`` and ``initrd`` read it."""
        file = await self.open(path)
        data = await file.read()
        file.abort()
        return data
