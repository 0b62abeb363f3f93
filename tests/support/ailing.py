"""Boots as the daemon puts them together from events, in a time of their own, to be diagnosed at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.record import Attempt
from netbootd.net.overheard import Overheard
from netbootd.net.udp import Datagram
from netbootd.observe.boots import happening
from netbootd.observe.diagnosis.case import Heard, nothing_yet
from netbootd.observe.diagnosis.model import Case, Cause, Diagnosis
from netbootd.observe.diagnosis.table import diagnose
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DhcpAnswered,
    DhcpSilent,
    Event,
    MachineChanged,
    ScriptServed,
    TftpFinished,
    TftpProbed,
)
from netbootd.observe.plain import PlainAsks
from netbootd.observe.running import Running
from netbootd.observe.servers import Servers
from netbootd.serve.overhearing import Overhearing
from netbootd.serve.proxydhcp import ProxyDhcp
from netbootd.wire.mac import Mac
from tests.support import captures
from tests.support.worlds import world

SERVER, DHCP = "10.99.0.2", "10.99.0.1"
BASE = f"http://{SERVER}:8080"
CARD = Mac.parse("52:54:00:12:34:56")
FILES = ("artifacts/kernel", "artifacts/initrd")
_EPOCH = 1_700_000_000.0


@dataclass
class Ward:
    """One network with its machines; ``now`` is seconds since its beginning."""

    mac: Mac = CARD
    now: float = 0.0
    seen: Callable[[], None] = lambda: None
    """Called after each event and, by `wait`, each second."""
    fleet: World = field(default_factory=world)

    def __post_init__(self) -> None:
        ids = count(1)
        self.attempts = Attempts(new_id=lambda: f"boot{next(ids)}")
        self.heard = Heard(Servers(self.wall), PlainAsks(self.wall), Running(self.clock))
        self._ears: dict[int, Callable[[Datagram], None]] = {}
        self._overhearing = Overhearing(emit=self.say, interface=lambda _: "lan", own=SERVER.__eq__, clock=self.clock)

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return _EPOCH + self.now

    def wait(self, seconds: float) -> Ward:
        """Let time pass, looking each second."""
        until = self.now + seconds
        while self.now + 1.0 < until:
            self.now += 1.0
            self.seen()
        self.now = until
        self.seen()
        return self

    def say(self, *events: Event) -> None:
        """These happened."""
        for event in events:
            what = happening(event, self.wall())
            if what is not None:
                self.attempts.happened(what)
            self.heard.servers(event)
            self.heard.plain(event)
            self.heard.running(event)
            self.seen()

    # what a machine does, and gets

    def discovers(self, client: str = "x86-64 UEFI PXE", file: str = "snponly.efi", **more: Any) -> None:
        self.say(self._answered("DISCOVER", client, file, 67, **more))

    def asks_4011(self, client: str = "x86-64 UEFI PXE", file: str = "snponly.efi") -> None:
        self.say(self._answered("REQUEST", client, file, 4011, server=SERVER))

    def chooses(self, server: str = DHCP, client: str = "x86-64 UEFI PXE") -> None:
        """Its REQUEST to a DHCP server, which all hear."""
        self.silent("LEASE_REQUEST", message="REQUEST", client=client, server=server)

    def silent(self, reason: str, **more: Any) -> None:
        self.say(DhcpSilent(mac=str(self.mac), reason=reason, **more))

    def ipxe_discovers(self) -> None:
        self.discovers("iPXE 1.21.1 on x86-64 UEFI", f"{BASE}/ipxe.cfg")

    def ipxe_chooses(self) -> None:
        self.chooses(client="iPXE 1.21.1 on x86-64 UEFI")

    def probes(self, file: str = "snponly.efi", size: int = 300_000) -> None:
        self.say(TftpProbed(mac=str(self.mac), file=file, size=size))

    def loads(self, file: str = "snponly.efi", size: int = 300_000) -> None:
        self.say(
            TftpFinished(
                mac=str(self.mac), file=file, size=size, seconds=0.5, blksize=1428, windowsize=4, retransmits=0
            )
        )

    def gets_entry(self) -> None:
        self.say(ScriptServed(mac=str(self.mac), script="ipxe.cfg", payload="entry"))

    def gets_script(self, payload: str = "linux", files: tuple[str, ...] = FILES, profile: str = "rescue") -> None:
        name = f"machines/{self.mac.hexhyp}/ipxe.cfg"
        said = ScriptServed(mac=str(self.mac), script=name, payload=payload, files=files, profile=profile)
        self.say(said)

    def gets(self, file: str, size: int = 8_000_000) -> None:
        self.say(
            ArtifactServed(
                mac=str(self.mac), file=file, status=200, size=size, sent=size, seconds=1.0, complete=True, total=size
            )
        )

    def given(self) -> None:
        self.say(MachineChanged(mac=str(self.mac), change=Change.GIVEN))

    def system(self) -> None:
        self.silent("NOT_NETBOOT", message="DISCOVER", detail="")

    def _answered(self, message: str, client: str, file: str, port: int, **more: Any) -> Event:
        answer = "OFFER" if port == 67 else "ACK"
        return DhcpAnswered(
            mac=str(self.mac), message=message, answer=answer, client=client, file=file, style="file", port=port, **more
        )

    def to_loader(self) -> None:
        """A healthy start, up to the request on port 4011."""
        self.discovers()
        self.wait(3.6)
        self.chooses()
        self.asks_4011()

    def to_ipxe(self) -> None:
        """And up to iPXE's first question."""
        self.to_loader()
        self.probes()
        self.wait(0.1)
        self.loads()
        self.wait(5.0)
        self.ipxe_discovers()

    def to_script(self, files: tuple[str, ...] = FILES) -> None:
        """And up to the machine's own script."""
        self.to_ipxe()
        self.ipxe_chooses()
        self.wait(1.0)
        self.gets_entry()
        self.gets_script(files=files)

    def to_payload(self) -> None:
        """And all of its payload."""
        self.to_script()
        for file in FILES:
            self.wait(2.0)
            self.gets(file)
        self.given()

    # packets

    def hears(self, packet: captures.Datagram) -> None:
        """A packet of a capture comes by: a question for us, or the answer of another server."""
        if packet.payload[0] == 2:
            data = Overheard(packet.payload, (packet.src, packet.sport), packet.dst, 3)
            if packet.src != SERVER:
                self._overhearing.heard(data)
            return
        if packet.dport in self._serving():
            broadcast = packet.dst == "255.255.255.255"
            self._ears[packet.dport](
                Datagram(packet.payload, (packet.src, packet.sport), SERVER, 3, broadcast=broadcast)
            )

    def _serving(self) -> dict[int, Callable[[Datagram], None]]:
        if not self._ears:
            dhcp = ProxyDhcp(
                world=lambda: self.fleet,
                site=lambda _local: Site(SERVER),
                interface=lambda _: "lan",
                emit=self.say,
                clock=self.clock,
            )
            for port in (67, 4011):
                dhcp.start(lambda receive, port=port: _Ear(self._ears, port, receive), port)  # type: ignore[arg-type, misc]
        return self._ears

    # the doctor

    def case(self, attempt: Attempt | None = None, **more: Any) -> Case:
        boots = self.attempts.of(str(self.mac))
        shown = attempt or (boots[0] if boots else nothing_yet(self.mac, "", self.heard.plain.of(self.mac)))
        earlier = boots[boots.index(shown) + 1 :] if shown in boots else ()
        case = Case(
            shown or Attempt("", "", self.mac, self.wall(), self.wall()),
            self.wall(),
            earlier=earlier,
            own=(SERVER,),
            base_url=BASE,
            programs=("undionly.kpxe", "snponly.efi"),
            **more,
        )
        return self.heard.about(case, (self.mac,))

    def diagnose(self, attempt: Attempt, **more: Any) -> tuple[Diagnosis, ...]:
        """Of one of its boots."""
        return diagnose(self.case(attempt, **more))

    def diagnoses(self, **more: Any) -> tuple[Diagnosis, ...]:
        return diagnose(self.case(**more))

    def causes(self, **more: Any) -> list[Cause]:
        return [each.cause for each in self.diagnoses(**more)]

    def one(self, **more: Any) -> Diagnosis:
        """The only diagnosis there is."""
        (found,) = self.diagnoses(**more)
        return found


@dataclass
class _Ear:
    """Stands for a socket: hands over what it is given, sends nothing."""

    ears: dict[int, Callable[[Datagram], None]]
    port: int
    receive: Callable[[Datagram], None]

    def start(self, _loop: object) -> None:
        self.ears[self.port] = self.receive

    def send(self, *_: object, **__: object) -> bool:
        return True


def healthy(ward: Ward) -> Ward:
    """Looks at it after every event and every second, and finds nothing each time."""

    def look() -> None:
        assert ward.diagnoses(speaks=True) == (), f"after {ward.now:.0f} s"

    ward.seen = look
    return ward
