"""The ProxyDHCP shell: datagrams of :67 and :4011 in, the chain's replies out.

It never allocates an address, and so lives beside any DHCP server.  Everything is answered from memory within the
callback: iPXE waits two seconds for a proxy offer, some ROMs less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from netbootd.boot.decide import Answer
from netbootd.boot.facts import real_uuid
from netbootd.boot.identify import Arrival, Client, described
from netbootd.boot.memory import Memory
from netbootd.boot.silence import Reason, Silence
from netbootd.boot.site import Site
from netbootd.chain.dhcp import DhcpTrace, dhcp
from netbootd.chain.world import World
from netbootd.net.udp import Datagram, UdpEndpoint
from netbootd.observe.events import DaemonNotice, DhcpAnswered, DhcpSilent, Event
from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, Packet
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable


class ProxyDhcp:
    """Answers on the sockets it is given.

    ``world`` returns the current snapshot; ``interface`` names the interface of an index if it is served, else None;
    ``owns`` tells whether an address is that interface's own; ``site`` says how a client that asked this address
    comes back; ``met`` is told every client's MAC and address.
    """

    def __init__(
        self,
        *,
        world: Callable[[], World],
        site: Callable[[str], Site],
        interface: Callable[[int], str | None],
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        owns: Callable[[int, str], bool] = lambda _index, _address: True,
        met: Callable[[str, Mac], None] = lambda _ip, _mac: None,
    ) -> None:
        self._world = world
        self._site = site
        self._interface = interface
        self._emit = emit
        self._clock = clock
        self._owns = owns
        self._met = met
        self._memory = Memory()
        self._endpoints: list[UdpEndpoint] = []

    def start(self, endpoint: Callable[[Callable[[Datagram], None]], UdpEndpoint], port: int) -> None:
        """Serve ``port`` (67 or 4011 as the protocol means it) on the endpoint that ``endpoint`` makes."""
        served = endpoint(lambda datagram: self._receive(served, datagram, port))
        served.start(asyncio.get_running_loop())
        self._endpoints.append(served)

    def stop(self) -> None:
        """Close the sockets."""
        for endpoint in self._endpoints:
            endpoint.close()
        self._endpoints.clear()

    def _has_address(self, datagram: Datagram) -> bool:
        """Whether the client could come back.  For a broadcast on an interface without an address the kernel names
        one of another interface, on a network the client is not in."""
        if datagram.broadcast and not self._owns(datagram.ifindex, datagram.local):
            return False
        return datagram.local != "0.0.0.0"

    def _receive(self, endpoint: UdpEndpoint, datagram: Datagram, port: int) -> None:
        interface = self._interface(datagram.ifindex)
        if interface is None:
            self._emit(DhcpSilent(reason=Reason.OTHER_INTERFACE.name, detail=f"index {datagram.ifindex}", port=port))
            return
        if not self._has_address(datagram):
            self._emit(DhcpSilent(reason=Reason.NO_ADDRESS.name, detail=interface, port=port))
            return
        site = self._site(datagram.local)
        arrival = Arrival(port, datagram.source, datagram.local, site.address, interface)
        trace = dhcp(datagram.data, arrival, self._world(), site, self._memory, self._clock())
        if trace.client and trace.packet and _is_its_own(datagram.source[0], trace.packet):
            self._met(datagram.source[0], trace.client.mac)
        self._emit(_event(trace, arrival))
        if trace.reply is not None and trace.destination is not None:
            target = (trace.destination.address, trace.destination.port)
            through = _through(target[0], datagram.ifindex)
            if not endpoint.send(trace.reply, target, local=datagram.local, ifindex=through):
                self._emit(_unsent(trace, target))


def _is_its_own(address: str, packet: Packet) -> bool:
    """Whether a packet came from the client's own address: a relay sends from the relay's."""
    return address != "0.0.0.0" and packet.giaddr == NO_ADDRESS


def _unsent(trace: DhcpTrace, target: tuple[str, int]) -> Event:
    mac = str(trace.client.mac) if trace.client else ""
    text = f"the answer could not be sent to {target[0]}:{target[1]}: the kernel has no route or no room for it"
    return DaemonNotice(mac=mac, text=text, severity="warning")


def _through(address: str, ifindex: int) -> int:
    """A broadcast leaves by the interface it was asked on; a relay may be reached by another."""
    return ifindex if address == "255.255.255.255" else 0


def _event(trace: DhcpTrace, arrival: Arrival) -> Event:
    ip = _address(trace, arrival)
    mac = str(Mac(trace.packet.chaddr)) if trace.packet and trace.packet.chaddr else ""
    name = trace.assignment.name if trace.assignment else ""
    match trace.decision:
        case Silence() as silence:
            client = _asking(trace, arrival)
            return DhcpSilent(
                mac=mac,
                machine=name,
                ip=ip,
                reason=silence.reason.name,
                detail=printable(silence.detail),
                port=arrival.port,
                message=client.message.name if client else "",
                client=str(client or ""),
                arch=_arch(client),
                server=(client.server or "") if client else "",
                uuid=_uuid(client),
            )
        case Answer() as answer:
            assert trace.client is not None, "only a client is answered"
            return DhcpAnswered(
                mac=mac,
                machine=name,
                ip=ip,
                message=trace.client.message.name,
                answer=answer.message.name,
                client=str(trace.client),
                file=answer.file,
                style=answer.style.value,
                port=arrival.port,
                interface=arrival.interface,
                arch=_arch(trace.client),
                server=trace.client.server or "",
                uuid=_uuid(trace.client),
            )


def _address(trace: DhcpTrace, arrival: Arrival) -> str:
    """Of whoever asks, as far as it has one; a relay's is nobody's."""
    source = arrival.source[0]
    if trace.packet and not _is_its_own(source, trace.packet):
        return _wanted(trace)
    return "" if source == "0.0.0.0" else source


def _wanted(trace: DhcpTrace) -> str:
    """The address that a netboot client is about to have: it asks its DHCP server for it (RFC 2131 section 4.3.2)."""
    lease = isinstance(trace.decision, Silence) and trace.decision.reason is Reason.LEASE_REQUEST
    try:
        return (trace.packet.get(options.REQUESTED_ADDRESS) or "") if lease and trace.packet else ""
    except WireError:
        return ""


def _asking(trace: DhcpTrace, arrival: Arrival) -> Client | None:
    """Whoever netboots, also where the question is for another server."""
    if trace.client or trace.packet is None:
        return trace.client
    return described(trace.packet, arrival)


def _arch(client: Client | None) -> str:
    return client.architecture.name if client and client.architecture else ""


def _uuid(client: Client | None) -> str:
    return str(real_uuid(client.uuid) or "") if client else ""
