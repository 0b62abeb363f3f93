"""A machine of the lab: QEMU under software emulation, its serial console, its packets."""

from __future__ import annotations

import itertools
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import namespace
from tests.lab.console import Console
from tests.lab.disguise import Disguise
from tests.lab.firmware import Firmware, boot_arguments, card, provider_ipxe
from tests.lab.network import Network
from tests.lab.qmp import Monitor

_CARD = "card"
_BESIDE_OTHERS = 2.5  # times as long as a machine that has the computer for itself


class BootFailed(AssertionError):
    """A machine did not get where it should; the message carries its console and the servers' logs."""

    def __init__(self, headline: str, console: str, evidence: str) -> None:
        super().__init__(f"{headline}\n--- the end of its console ---\n{console}\n{evidence}")
        self.headline = headline
        self.console = console


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a machine is; the empty ones are QEMU's own."""

    firmware: Firmware
    mac: str
    serial: str = ""
    uuid: str = ""
    manufacturer: str = ""
    product: str = ""
    asset: str = ""
    memory: int = 512
    """MiB"""
    disk: Path | None = None
    """Tried after the network: a raw image, or a directory to be shown as a FAT disk."""
    reboots: bool = False
    """When it is told to restart, it does; else it is off then."""
    script: str = ""
    """It stands in a cloud, whose own iPXE starts with this; only with `Firmware.BIOS_IPXE`."""


@dataclass(slots=True)
class Machine:
    """A machine that has been switched on; made by `power_on`."""

    hardware: Hardware
    console: Console
    monitor: Monitor
    process: subprocess.Popen[bytes]
    pcap: Path
    logs: tuple[Path, ...] = ()
    """Further logs to show when something goes wrong."""
    started: float = field(default_factory=time.monotonic)

    def expect(self, pattern: str, seconds: float | None = None) -> str:
        """Wait for ``pattern`` on the serial console and return its first group, or all of it."""
        seconds = _BESIDE_OTHERS * self.hardware.firmware.patience if seconds is None else seconds
        found = self.console.wait_for(pattern, seconds)
        if found is None:
            raise self._failed(f"no {pattern!r} on the console within {seconds:.0f} s")
        return found.group(1) if found.re.groups else found.group()

    def press(self, keys: bytes) -> None:
        """Type on the serial console."""
        assert self.process.stdin is not None
        self.process.stdin.write(keys)
        self.process.stdin.flush()

    def reset(self) -> None:
        """Press the button; its console begins anew."""
        self.console.begin_anew()
        self.monitor.command("system_reset")

    def slow_down(self) -> None:
        """From now on its packets wait for each other; some megabytes take a second."""
        self.monitor.command(
            "object-add", **{"qom-type": "filter-buffer", "id": "slow", "netdev": "net0", "interval": 10_000}
        )

    def speed_up(self) -> None:
        """After `slow_down`: as before."""
        self.monitor.command("object-del", id="slow")

    def boots_last_from_the_network(self) -> None:
        """From its next restart on, as an installer or a person may set it."""
        self.monitor.command("qom-set", path=f"/machine/peripheral/{_CARD}", property="bootindex", value=9)

    def cut_power(self) -> None:
        """Off, at once: nobody it talks to is told."""
        self.process.kill()
        self.process.wait()

    def expect_off(self, seconds: float = 180.0) -> None:
        """Wait until the machine has switched itself off."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failed(f"not off after {seconds:.0f} s") from None

    def _failed(self, what: str) -> BootFailed:
        state = "it is still running" if self.process.poll() is None else f"QEMU ended with {self.process.returncode}"
        logs = [f"--- the end of {log.name} ---\n{tail(log)}" for log in self.logs]
        return BootFailed(
            f"{self.hardware.firmware.value} {self.hardware.mac}: {what} ({state})",
            self.console.tail(),
            "\n".join([*logs, f"--- its packets are in {self.pcap} ---"]),
        )


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.exists() else "(none)"


@contextmanager
def power_on(network: Network, hardware: Hardware, *, logs: tuple[Path, ...] = ()) -> Iterator[Machine]:
    """Switch a machine on, on the lab's switch; it is off at the end, whatever happened.

    Its console and, when the block fails, its packets stay in the lab's directory.
    """
    directory = _place(network.directory / hardware.mac.replace(":", "-"))
    directory.mkdir()
    with ExitStack() as stack:
        ours, theirs = socket.socketpair()
        monitor = Monitor(ours)
        stack.callback(monitor.close)
        disguise = Disguise() if hardware.firmware is Firmware.BIOS_PXE else None
        if disguise:
            stack.callback(disguise.close)
        with theirs, (directory / "qemu.log").open("wb") as complaints:
            process = network.switch.start(
                *_command(network, hardware, directory, theirs.fileno()),
                *(disguise.arguments if disguise else []),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                pass_fds=(theirs.fileno(), *(disguise.fds if disguise else ())),
            )
        if disguise:
            disguise.started()
        assert process.stdin is not None
        assert process.stdout is not None
        stack.callback(process.stdin.close)
        console = Console(process.stdout, directory / "serial.log")
        stack.callback(console.join)
        stack.callback(namespace.stop, process)
        pcap = directory / "wire.pcap"
        yield Machine(hardware, console, monitor, process, pcap, (directory / "qemu.log", *logs))
    pcap.unlink()  # of use only where something went wrong


def _place(wanted: Path) -> Path:
    """A machine may be switched on several times."""
    again = (wanted.with_name(f"{wanted.name}.{number}") for number in itertools.count(2))
    return next(place for place in itertools.chain((wanted,), again) if not place.exists())


def _command(network: Network, hardware: Hardware, directory: Path, qmp: int) -> list[str]:
    return [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"),
        *(() if hardware.reboots else ("-no-reboot",)),
        # Without graphics SeaBIOS speaks on the serial port, and so does everything that uses its screen.
        *("-machine", "pc,accel=tcg,graphics=off", "-m", str(hardware.memory)),
        *("-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"),
        *("-chardev", f"socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control"),
        *("-netdev", f"tap,id=net0,ifname={network.tap()},script=no,downscript=no,vnet_hdr=off"),
        *("-device", f"{card(hardware.firmware)},id={_CARD},netdev=net0,mac={hardware.mac},bootindex=1"),
        *("-object", f"filter-dump,id=dump,netdev=net0,file={directory}/wire.pcap"),
        *_smbios(
            1, manufacturer=hardware.manufacturer, product=hardware.product, serial=hardware.serial, uuid=hardware.uuid
        ),
        *_smbios(3, asset=hardware.asset),
        *_disk(hardware.disk),
        *boot_arguments(hardware.firmware, directory),
        *_cloud(hardware.script, directory),
    ]


def _smbios(kind: int, **values: str) -> list[str]:
    given = [f"{key}={value.replace(',', ',,')}" for key, value in values.items() if value]
    return ["-smbios", ",".join([f"type={kind}", *given])] if given else []


def _cloud(script: str, directory: Path) -> list[str]:
    if not script:
        return []
    path = directory / "provider.ipxe"
    path.write_text(script)
    return provider_ipxe(path)


def _disk(image: Path | None) -> list[str]:
    if image is None:
        return []
    return [
        *("-drive", f"if=none,id=disk,format=raw,file={'fat:rw:' if image.is_dir() else ''}{image}"),
        *("-device", "virtio-blk-pci,drive=disk,bootindex=2"),
    ]
