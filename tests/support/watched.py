"""Boots as ``netbootd watch`` hears of them: events of one machine, and a board that takes them."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.cli.board import Board
from netbootd.cli.watched import Line
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DhcpAnswered,
    Event,
    MachineChanged,
    ScriptServed,
    TftpFinished,
    TransferMoved,
)
from netbootd.serve.admin.stream import Happened, told

MAC = "52:54:00:00:00:01"


def firmware(client: str = "x86-64 UEFI PXE") -> Event:
    said = {"message": "DISCOVER", "answer": "OFFER", "style": "", "port": 67}
    return DhcpAnswered(mac=MAC, machine="node-1", client=client, file="snponly.efi", **said)  # type: ignore[arg-type]


def loader() -> Event:
    return TftpFinished(
        mac=MAC, file="snponly.efi", size=200_000, seconds=1.0, blksize=1468, windowsize=4, retransmits=0
    )


def script(payload: str = "eve") -> Event:
    return ScriptServed(mac=MAC, script="machines/x/ipxe.cfg", profile="edge", payload=payload)


def file(sent: int = 300_000_000, name: str = "artifacts/eve/rootfs.img") -> Event:
    return ArtifactServed(mac=MAC, file=name, status=200, size=sent, sent=sent, seconds=1.0, complete=True)


def changed(change: Change) -> Event:
    return MachineChanged(mac=MAC, machine="node-1", change=change)


BOOT = (
    firmware(),
    loader(),
    firmware("iPXE 1.21.1 on x86-64"),
    script(),
    file(),
    changed(Change.GIVEN),
    changed(Change.INSTALLED),
)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def board(*events: Event, clock: Clock | None = None) -> Board:
    made = Board(clock=clock or Clock())
    take(made, *events)
    return made


def take(made: Board, *events: Event) -> None:
    for event in events:
        made.take(told(Happened(1, 0.0, event)))


def moved(sent: int, seconds: float, file: str = "artifacts/eve/rootfs.img") -> Event:
    return TransferMoved(mac=MAC, machine="node-1", file=file, via="http", sent=sent, size=1000, seconds=seconds)


def only(*events: Event) -> Line:
    (line,) = board(*events).lines(10)
    return line
