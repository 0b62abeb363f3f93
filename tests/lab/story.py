"""netbootd's log of one boot, told to somebody who sees a network boot for the first time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netbootd.observe.sentences import seconds_text, size_text


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens, ``seconds`` after power-on; words in ``**`` matter."""

    seconds: float
    text: str


class Story:
    """Turns events (as netbootd logs them in JSON) into steps; most events are no step."""

    def __init__(self, power_on: float) -> None:
        """``power_on``: when the machine was switched on, seconds since 1970."""
        self._power_on = power_on
        self._ipxe_loaded = False

    def tell(self, event: Mapping[str, Any]) -> Step | None:
        """The step that ``event`` is, if it is one."""
        text = self._words(event)
        return Step(datetime.fromisoformat(event["time"]).timestamp() - self._power_on, text) if text else None

    def _words(self, event: Mapping[str, Any]) -> str:
        match event:
            case {"event": "dhcp.answered", "client": client, "file": file} if "iPXE" in client:
                return self._ipxe_asks(file)
            case {"event": "dhcp.answered", "port": 67, "style": "on to port 4011"}:
                return (
                    "Its firmware asks the network for an address and for something to boot. The DHCP server offers "
                    "the address. **netbootd** offers no address, only a place to ask: its port 4011."
                )
            case {"event": "dhcp.answered", "port": 67, "file": file}:
                return (
                    "Its firmware asks the network for an address and for something to boot. The DHCP server offers "
                    f"the address, **netbootd** the boot program: {_short(file)}."
                )
            case {"event": "dhcp.answered", "file": file, "client": client}:
                return f"The firmware asks there. For {client} **netbootd** names the boot program {file}."
            case {"event": "tftp.finished", "file": file, "size": size, "seconds": seconds}:
                return self._loads(f"{file} by TFTP", size, seconds)
            case {"event": "http.served", "complete": True, "file": file, "sent": sent, "seconds": seconds} if sent:
                return self._downloads(file, sent, seconds)
            case {"event": "script.served", "payload": "entry"}:
                return "iPXE runs the script and tells netbootd whom it is on: MAC address, serial number, board."
            case {"event": "script.served", "machine": machine, "profile": profile}:
                return f"netbootd writes a script for this machine alone: **{machine}** boots profile **{profile}**."
        return ""

    def _ipxe_asks(self, file: str) -> str:
        if self._ipxe_loaded:
            return f"iPXE starts and asks once more. netbootd sees who asks and names a script instead: {file}"
        return (
            "Its network card brings iPXE, which asks for an address and for something to boot. The DHCP server offers "
            f"the address, **netbootd** a script: {file}"
        )

    def _loads(self, what: str, size: int, seconds: float) -> str:
        self._ipxe_loaded = True
        return f"The firmware loads {what}, {_amount(size, seconds)}. It is iPXE, which speaks HTTP."

    def _downloads(self, file: str, size: int, seconds: float) -> str:
        if file.startswith("firmware/"):
            return self._loads(f"{_short(file)} by HTTP", size, seconds)
        return f"It downloads **{_short(file)}** by HTTP, {_amount(size, seconds)}."


def _amount(size: int, seconds: float) -> str:
    return f"{size_text(size)} in {seconds_text(seconds)}" if seconds >= 0.001 else size_text(size)


def _short(file: str) -> str:
    return file.rpartition("/")[2]
