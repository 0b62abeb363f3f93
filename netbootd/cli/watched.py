"""One machine that boots, as ``netbootd watch`` has it, and what each event makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from netbootd.fleet.record import Reached
from netbootd.observe.boots import stage_of
from netbootd.observe.events import Change
from netbootd.observe.running import Moving, rate
from netbootd.observe.sentences import size_text

WAY = (Reached.FIRMWARE, Reached.LOADER, Reached.IPXE, Reached.SCRIPT, Reached.FILE, Reached.PAYLOAD, Reached.END)
"""The stages of a boot that goes all the way."""
FIRST = (Reached.FIRMWARE, Reached.IPXE, None)
"""Those that anybody can make up."""
_OVER = (Reached.LOCAL, Reached.END)
_HAD = 64  # files of one boot


@dataclass(frozen=True, slots=True)
class Line:
    """One machine; times on the clock of the board."""

    who: str
    began: float = 0.0
    last: float = 0.0
    """The last word of it."""
    stage: Reached | None = None
    bytes: int = 0
    rate: float = 0.0
    """Of the file that is on its way, or was the last that went out."""
    moving: Moving | None = None
    doing: str = ""
    trouble: str = ""
    last_file: str = ""
    """Of those its script has it fetch."""
    had: frozenset[str] = frozenset()
    """Scripts and files it got in this boot."""
    installs: bool = False

    @property
    def over(self) -> bool:
        """There is nothing more to come: who installs is heard of again, whoever has got all of a system is not."""
        return self.stage in _OVER or (self.stage is Reached.PAYLOAD and not self.installs)


def after(line: Line, data: Mapping[str, Any], now: float) -> Line:
    """An event as the stream has it happened; ``now`` is on the clock of the line."""
    who, stage = str(data.get("machine") or line.who), _stage(data)
    if data.get("event") == "machine.trouble":  # concluded from silence, and no word of it
        return replace(line, who=who, trouble=str(data["reason"]))
    if data.get("event") == "transfer.moved":
        moving = moving_of(line.moving, data, now)
        return replace(line, who=who, last=now, stage=_later(line.stage, stage), moving=moving, rate=moving.rate)
    if stage is Reached.FIRMWARE and line.stage in WAY and WAY.index(line.stage) > WAY.index(Reached.IPXE):
        line = Line(line.who, now)  # it boots anew
    sentence = str(data.get("sentence", ""))
    if data.get("event") == "script.served" and (files := data.get("files")):
        line = replace(line, last_file=str(files[-1]), installs=bool(data.get("installs")))
    if data.get("event") == "http.served" and data.get("complete") and data.get("file") == line.last_file:
        stage = Reached.PAYLOAD
    got = _got(data)
    again = stage in FIRST or (got is not None and got in line.had)  # which is not to go on
    return replace(
        line,
        who=who,
        last=now,
        stage=_later(line.stage, stage),
        bytes=line.bytes + _sent(data),
        rate=_rate(line, data),
        moving=None if _ends(line.moving, data) else line.moving,
        doing=_short(data) or line.doing,
        trouble=sentence if _bad(data) else line.trouble if again else "",
        had=line.had | {got} if got is not None and len(line.had) < _HAD else line.had,
    )


def _got(data: Mapping[str, Any]) -> str | None:
    match data:
        case {"event": "tftp.finished", "file": str(got)}:
            return got
        case {"event": "http.served", "complete": True, "file": str(got)}:
            return got
        case {"event": "script.served", "script": str(got)}:
            return got
    return None


def _short(data: Mapping[str, Any]) -> str:
    match data:
        case {"event": "dhcp.answered", "client": str(client)}:
            return client
        case {"event": "tftp.finished" | "tftp.aborted" | "http.served", "file": str(file)}:
            size = _sent(data)
            return f"{file.rpartition('/')[2]} {size_text(size)}" if size else file.rpartition("/")[2]
        case {"event": "installer.said", "text": str(text)}:
            return text
    return str(data.get("sentence", ""))


def _bad(data: Mapping[str, Any]) -> bool:
    return data.get("level") in ("warning", "error") or data.get("change") == Change.FAILED.value


def moving_of(before: Moving | None, data: Mapping[str, Any], now: float) -> Moving:
    """How far a file is, as the stream or the API tells it, and how fast since it was last told of."""
    file, sent, size, seconds = str(data["file"]), int(data["sent"]), int(data["size"]), float(data["seconds"])
    late = rate(before if before and before.file == file else None, sent, seconds)
    return Moving(file, str(data.get("via", "")), sent, size, seconds, late, now)


def _ends(moving: Moving | None, data: Mapping[str, Any]) -> bool:
    return moving is not None and (data.get("file") == moving.file or data.get("event") == "dhcp.answered")


def _rate(line: Line, data: Mapping[str, Any]) -> float:
    match data:
        case {"event": "tftp.finished", "size": int(sent), "seconds": float(seconds)} if seconds > 0:
            return sent / seconds
        case {"event": "http.served", "sent": int(sent), "seconds": float(seconds)} if seconds > 0:
            return sent / seconds
    return line.rate if line.moving and not _ends(line.moving, data) else 0.0


def _later(before: Reached | None, now: Reached | None) -> Reached | None:
    """Files that are fetched after the whole payload went out do not lead back."""
    if now is None or (now is Reached.FILE and before in (Reached.PAYLOAD, Reached.END)):
        return before
    return now


def _stage(data: Mapping[str, Any]) -> Reached | None:
    match data:
        case {"event": "dhcp.answered", "client": str(client)}:
            return Reached.IPXE if client.startswith("iPXE") else Reached.FIRMWARE
        case {"event": "tftp.finished" | "tftp.started" | "tftp.aborted" | "http.served", "file": str(file)}:
            return stage_of(file)
        case {"event": "transfer.moved", "file": str(file)}:
            return stage_of(file)
        case {"event": "script.served", "payload": payload}:
            return Reached.LOCAL if payload == "local" else Reached.SCRIPT
        case {"event": "dhcp.silent", "reason": "BOOT_LOCAL"}:
            return Reached.LOCAL
        case {"event": "machine.changed", "change": str(change)}:
            return {Change.GIVEN.value: Reached.PAYLOAD, Change.INSTALLED.value: Reached.END}.get(change)
        case _:
            return None


def _sent(data: Mapping[str, Any]) -> int:
    match data:
        case {"event": "tftp.finished", "size": int(size)}:
            return size
        case {"event": "http.served" | "tftp.aborted", "sent": int(sent)}:
            return sent
        case _:
            return 0
