"""The TFTP server: one listener, and a socket of its own for each transfer.

A read request goes to ``resolve``, which names what is served; the answer leaves from the address that was asked.
The port of the transfer's socket is its TID (RFC 1350 section 4).  With ``single_port`` all answers leave from the
listener's port instead, for clients behind NAT and firewalls that drop answers from another port; transfers are then
told apart by the client's address and port.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from netbootd.net.interfaces import mtu_of
from netbootd.net.udp import UdpEndpoint, bind_udp, connect_udp
from netbootd.observe.events import TftpAborted, TftpFinished, TftpProbed, TftpRefused, TftpStarted, TransferMoved
from netbootd.serve.pace import every
from netbootd.serve.redacted import without_token
from netbootd.serve.tftp_session import OwnSocket, Session
from netbootd.serve.tftp_source import Content, OpenFile, Refused, Source, dispose, in_mode
from netbootd.wire.errors import WireError
from netbootd.wire.text import printable
from netbootd.wire.tftp import Error, ErrorCode, ReadRequest, WriteRequest, decode, encode, normalise
from netbootd.wire.tftp_options import Limits
from netbootd.wire.transfer import Outcome, Transfer

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from netbootd.net.udp import Datagram
    from netbootd.observe.events import Event

    Resolve = Callable[[str, str, str], Source | Awaitable[Source]]
    Peer = tuple[str, int]

_OVERHEAD = 32  # IP 20, UDP 8, TFTP 4
_READERS = 4


class TftpServer:
    """``resolve(name, client_ip, local)`` gets a normalised relative name and the address that was asked; it
    returns a `Source` or raises `Refused`.

    ``resolve`` and ``limits`` may be replaced while running; transfers under way keep what they began with.
    """

    def __init__(
        self,
        resolve: Resolve,
        emit: Callable[[Event], None],
        *,
        address: str = "0.0.0.0",
        port: int = 69,
        limits: Limits | None = None,
        single_port: bool = False,
        max_transfers: int = 4096,
        max_per_client: int = 64,
    ) -> None:
        self.resolve = resolve
        self.limits = limits or Limits()
        self._emit = emit
        self._bind_to = (address, port)
        self._single_port = single_port
        self._max_transfers = max_transfers
        self._max_per_client = max_per_client
        self._sessions: dict[Peer, Session] = {}
        self._sockets: dict[Peer, OwnSocket] = {}
        self._resolving: dict[Peer, asyncio.Task[None]] = {}
        self._per_client: Counter[str] = Counter()
        self._heard: set[Session] = set()
        self._idle = asyncio.Event()
        self._stopping = False

    @property
    def address(self) -> Peer:
        """Where it listens, once started."""
        return self._listener.address

    @property
    def active(self) -> int:
        """Transfers under way."""
        return len(self._sessions)

    async def start(self, sock: socket.socket | None = None) -> None:
        """Serve; ``sock`` is one from `bind_udp` when the binding was done before.  Raises as `bind_udp` does."""
        self._loop = asyncio.get_running_loop()
        self._listener = UdpEndpoint(sock or bind_udp(*self._bind_to), self._receive, drained=self._drained)
        self._readers = ThreadPoolExecutor(_READERS, "tftp-read")
        self._listener.start(self._loop)

    async def stop(self, drain: float = 0.0) -> None:
        """Take no more requests, give running transfers ``drain`` seconds to end, then end them."""
        self._stopping = True
        if not self._single_port:
            self._listener.close()
        for task in self._resolving.values():
            task.cancel()
        if self._sessions:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), drain)
        for session in list(self._sessions.values()):
            session.end(Outcome.SERVER_CLOSED)
        self._listener.close()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _receive(self, datagram: Datagram) -> None:
        # RFC 1123 section 4.2.3.5: a request "directed to a broadcast address SHOULD be silently ignored".
        if datagram.broadcast:
            return
        try:
            packet = decode(datagram.data)
        except WireError as error:
            self._refuse(datagram, error.tftp_code, str(error), answer=error.tftp_code != 0)
            return
        session = self._sessions.get(datagram.source)
        match packet:
            case ReadRequest():
                self._asked(datagram, packet, session)
            case WriteRequest(filename):
                self._refuse(datagram, ErrorCode.ACCESS_VIOLATION, "this server is read-only", filename)
            case _ if self._single_port and session is not None:
                self._feed(session, datagram)
            case Error():  # never answered, or two servers could go on for ever
                return
            case _:
                # RFC 1350 section 4: "An error packet should be sent to the source of the incorrect packet, while
                # not disturbing the transfer."
                self._refuse(datagram, ErrorCode.UNKNOWN_TID, "no transfer with this port")

    def _drained(self) -> None:
        heard, self._heard = self._heard, set()
        for session in heard:
            session.pump()

    def _feed(self, session: Session, datagram: Datagram) -> None:
        session.receive(datagram.data)
        self._heard.add(session)

    def _asked(self, datagram: Datagram, request: ReadRequest, session: Session | None) -> None:
        peer = datagram.source
        if self._stopping or peer in self._resolving or not peer[1]:
            return
        if session is not None and session.transfer.is_repeat(request):
            self._feed(session, datagram)
            return
        if session is not None:
            self._supersede(peer, session)
        with self._refusing(datagram, request):
            self._admit(peer)
            answer = self.resolve(normalise(request.filename), peer[0], datagram.local)
            if isinstance(answer, Content | OpenFile):
                self._begin(datagram, request, answer)
            else:
                task = self._loop.create_task(self._begin_later(datagram, request, answer))
                self._resolving[peer] = task
                task.add_done_callback(lambda _: self._resolving.pop(peer))

    def _supersede(self, peer: Peer, session: Session) -> None:
        """The client asks anew from the same port.  Its ERROR to the old transfer may still wait in that socket."""
        if peer in self._sockets:
            self._sockets[peer].drain()
        session.end(Outcome.ABORTED_BY_CLIENT, "the client asked anew")

    def _admit(self, peer: Peer) -> None:
        full = len(self._sessions) + len(self._resolving) >= self._max_transfers
        if full and not self._made_room(self._sessions):
            raise Refused(ErrorCode.NOT_DEFINED, "too many transfers, try again")
        if self._per_client[peer[0]] < self._max_per_client:
            return
        if not self._made_room(each for each in self._sessions if each[0] == peer[0]):
            raise Refused(ErrorCode.NOT_DEFINED, "too many transfers of this client, try again")

    def _made_room(self, among: Iterable[Peer]) -> bool:
        """End the oldest transfer whose client never answered: requests with forged addresses must keep nobody out."""
        silent = next((each for each in among if self._sessions[each].transfer.silent), None)
        if silent is None:
            return False
        self._sessions[silent].end(Outcome.NEVER_ANSWERED, "others wait")
        return True

    async def _begin_later(self, datagram: Datagram, request: ReadRequest, answer: Awaitable[Source]) -> None:
        with self._refusing(datagram, request):
            source = await answer
            if self._stopping:
                dispose(source)
            else:
                self._begin(datagram, request, source)

    @contextmanager
    def _refusing(self, datagram: Datagram, request: ReadRequest) -> Iterator[None]:
        try:
            yield
        except WireError as error:
            self._refuse(datagram, error.tftp_code, error.reason, request.filename)
        except Refused as refusal:
            self._refuse(datagram, refusal.tftp_code, refusal.reason, request.filename)
        except OSError as error:  # no descriptors left, a failing disk
            self._refuse(datagram, ErrorCode.NOT_DEFINED, error.strerror or "cannot be read", request.filename)
        except Exception:
            self._refuse(datagram, ErrorCode.NOT_DEFINED, "internal error", request.filename)
            raise

    def _begin(self, datagram: Datagram, request: ReadRequest, source: Source) -> None:
        peer = datagram.source
        try:
            source = in_mode(request.mode, source)
            now = self._loop.time()
            transfer = Transfer(request, source.size, self._limits_on(datagram.ifindex), now, random.random())
            send = self._sender(datagram)
        except BaseException:
            dispose(source)
            raise
        ended, moved = partial(self._ended, peer), partial(self._moved, peer)
        session = Session(transfer, source, self._loop, self._readers, send, ended, moved, self._every)
        self._sessions[peer] = session
        self._per_client[peer[0]] += 1
        if peer in self._sockets:
            self._sockets[peer].start(session)
        self._emit(TftpStarted(file=source.name, size=source.size, ip=peer[0]))
        session.pump()

    def _sender(self, datagram: Datagram) -> Callable[[bytes], object]:
        peer = datagram.source
        if self._single_port:
            return partial(self._listener.send, destination=peer, local=datagram.local)
        try:
            own = OwnSocket(connect_udp(datagram.local, peer), self._loop)
        except OSError as error:
            raise Refused(ErrorCode.NOT_DEFINED, f"no socket for the transfer: {error.strerror}") from error
        self._sockets[peer] = own
        return own.send

    def _limits_on(self, ifindex: int) -> Limits:
        mtu = mtu_of(ifindex)
        if mtu is None:
            return self.limits
        return replace(self.limits, max_blksize=max(8, min(self.limits.max_blksize, mtu - _OVERHEAD)))

    def _ended(self, peer: Peer, session: Session) -> None:
        del self._sessions[peer]
        self._per_client[peer[0]] -= 1
        if not self._per_client[peer[0]]:
            del self._per_client[peer[0]]
        if peer in self._sockets:
            self._sockets.pop(peer).close()
        if not self._sessions:
            self._idle.set()
        self._emit(_ending(session.transfer, session.source, peer[0]))

    def _every(self) -> float:
        return every(len(self._sessions))

    def _moved(self, peer: Peer, session: Session, seconds: float) -> None:
        file, sent, size = session.source.name, session.transfer.delivered, session.transfer.size
        self._emit(TransferMoved(file=file, via="tftp", sent=sent, size=size, seconds=seconds, ip=peer[0]))

    def _refuse(self, asked: Datagram, code: int, reason: str, filename: str = "", *, answer: bool = True) -> None:
        if answer:
            self._listener.send(encode(Error(code, reason)), asked.source, local=asked.local)
        self._emit(TftpRefused(file=printable(without_token(filename)), reason=reason, ip=asked.source[0]))


def _ending(transfer: Transfer, source: Source, ip: str) -> Event:
    match transfer.outcome:
        case None:
            raise AssertionError("a transfer ended without an outcome")
        case Outcome.DELIVERED:
            return TftpFinished(
                file=source.name,
                size=transfer.size,
                seconds=(transfer.finished or 0.0) - transfer.started,
                blksize=transfer.terms.blksize,
                windowsize=transfer.terms.windowsize,
                retransmits=transfer.retransmits,
                ip=ip,
            )
        case Outcome.PROBED:
            return TftpProbed(file=source.name, size=source.size, ip=ip)
        case outcome:
            return TftpAborted(
                file=source.name,
                reason=outcome.name,
                sent=transfer.delivered,
                detail=printable(transfer.detail),
                size=transfer.size,
                seconds=(transfer.finished or transfer.started) - transfer.started,
                blksize=transfer.terms.blksize,
                windowsize=transfer.terms.windowsize,
                retransmits=transfer.retransmits,
                ip=ip,
            )
