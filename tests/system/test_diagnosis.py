"""What stops a boot is really done to it here, on a network of namespaces, and netbootd names it.

Every machine plays its part at once, with packets as its firmware sends them, beside a real DHCP server (dnsmasq), a
firewall, a second boot server, a way with a smaller MTU, files that vanish and shrink; then its trouble is read from
the API.  One of them boots well, and is looked at all the time.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lab import namespace
from tests.lab.daemon import netbootd
from tests.lab.namespace import LabError, Namespace
from tests.lab.network import BOOT_SERVER, DHCP_SERVER, Network, network
from tests.support.firewall import TCP, UDP, Firewall
from tests.support.house import furnished
from tests.support.places import card_of, frames, socket_in, tcp
from tests.support.tools import need
from tests.support.voices import BROADCAST, EVERYBODY, HTTP, IPXE, UEFI, WINDOWS, Voice
from tests.support.web import get

pytestmark = [pytest.mark.system, pytest.mark.slow]

PATIENCE = 300.0  # seconds; the longest that a healthy machine may be silent is 90
NOBODY = "10.99.0.7"
ARM64 = {60: b"PXEClient:Arch:00011:UNDI:003000", 93: b"\0\x0b"}
ITANIUM = {60: b"PXEClient:Arch:00002:UNDI:002001", 93: b"\0\2"}
MUTE_IPXE = {**IPXE, 175: bytes.fromhex("240101")}

SETTINGS = """\
artifacts: {house}/artifacts
firmware: {house}/ipxe
http: {{stall_timeout: 20}}
unknown: rescue
profiles:
  rescue: {{payload: linux, kernel: kernel, initrd: initrd.img, args: {{ip: dhcp}}}}
  holey: {{payload: linux, kernel: gone}}
  shrinking: {{payload: linux, kernel: shrinking}}
  large: {{payload: linux, kernel: large}}
  broken: {{payload: linux, kernel: kernel, args: {{name: "{{{{ machine.asset }}}}"}}}}
  once: {{payload: linux, kernel: kernel, boots: once}}
  forever: {{payload: linux, kernel: kernel, initrd: initrd.img, args: {{ip: dhcp, autoinstall: true}}}}
machines:
  {machines}
"""


@dataclass
class Ward:
    """The network, and who does what on it."""

    network: Network
    house: Path
    here: Namespace
    """Where the machines are."""
    far: Namespace
    """Behind a way that lets through 1400 octets, where it promises 1500."""
    other: Namespace
    """Where a second boot server is."""
    firewall: Firewall
    wire: socket.socket
    held: ExitStack = field(default_factory=ExitStack)

    def troubles(self) -> dict[str, str]:
        """Of all machines, asked for at once: by card, what is wrong with its latest boot, or ""."""
        machines = json.loads(get(self.network.boot, "127.0.0.1", "/api/v1/machines?limit=1000", 8081))
        return {each["mac"]: each["trouble"]["cause"] if each["trouble"] else "" for each in machines}

    def order(self, mac: str) -> None:
        """Somebody wants it installed."""
        connection = http.client.HTTPConnection("127.0.0.1", 8081)
        connection.sock = tcp(self.network.boot, "127.0.0.1", 8081)
        connection.request("POST", f"/api/v1/machines/{mac}/install", "{}", {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        connection.close()


@dataclass
class Machine:
    """One card with an address of its own, and what its firmware says."""

    number: int
    ward: Ward
    place: Namespace

    @property
    def said(self) -> dict[int, bytes]:
        return self.of(UEFI)

    def of(self, said: dict[int, bytes]) -> dict[int, bytes]:
        """With a uuid of its own, if it says one."""
        return {**said, 97: bytes((0, *16 * (self.number,)))} if 97 in said else said

    @property
    def mac(self) -> str:
        return f"02:00:00:00:01:{self.number:02x}"

    @property
    def ip(self) -> str:
        return f"10.99.0.{self.number}"

    @property
    def voice(self) -> Voice:
        return Voice(self.ward.wire, self.mac)

    def discovers(self, said: dict[int, bytes] | None = None) -> None:
        self.voice.discover(self.of(said or UEFI), flags=0x8000)

    def chooses(self, server: str = DHCP_SERVER, said: dict[int, bytes] | None = None) -> None:
        way = (BROADCAST, "0.0.0.0", 68, EVERYBODY, 67)
        self.voice.send(3, {**(said or self.said), 54: socket.inet_aton(server)}, way, flags=0x8000)

    def asks_4011(self, server: str = BOOT_SERVER) -> None:
        way = (card_of(self.ward.network.boot, "eth0"), self.ip, 4011, BOOT_SERVER, 4011)
        self.voice.send(3, {**self.said, 54: socket.inet_aton(server)}, way, ciaddr=self.ip)

    def to_loader(self) -> None:
        self.discovers()
        self.chooses()
        self.asks_4011()

    def asks_tftp(self, name: str = "snponly.efi", **options: int) -> socket.socket:
        """A read request for its boot program."""
        sock = self.ward.held.enter_context(socket_in(self.place, socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind((self.ip, 0))
        said = b"".join(f"{key}\0{value}\0".encode() for key, value in options.items())
        sock.sendto(b"\0\1" + name.encode() + b"\0octet\0" + said, (BOOT_SERVER, 69))
        return sock

    def loads(self) -> None:
        sock = self.asks_tftp()
        while True:
            block, peer = sock.recvfrom(2048)
            sock.sendto(b"\0\4" + block[2:4], peer)
            if len(block) < 516:
                return

    def begins(self, path: str, window: int = 1 << 20) -> socket.socket:
        """A GET, its answer yet to be read."""
        sock = self.ward.held.enter_context(socket_in(self.place, socket.AF_INET, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.bind((self.ip, 0))
        sock.connect((BOOT_SERVER, 8080))
        sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return sock

    def gets(self, path: str) -> bytes:
        sock, parts = self.begins(path), []
        while part := sock.recv(1 << 16):
            parts.append(part)
        return b"".join(parts)

    def to_ipxe(self) -> None:
        self.to_loader()
        self.loads()
        self.discovers(IPXE)
        self.chooses(said=IPXE)

    def to_script(self, query: str = "") -> None:
        self.to_ipxe()
        self.gets("/ipxe.cfg")
        self.gets(f"/machines/{self.mac.replace(':', '-')}/ipxe.cfg?mac={self.mac}{query}")

    def boots(self) -> None:
        self.to_script()
        self.gets("/artifacts/kernel")
        self.gets("/artifacts/initrd.img")


Part = Callable[[Machine], None]
PARTS: dict[str, tuple[Part, str]] = {}
"""By cause: what happens, and the profile of whom it happens to."""


def part(cause: str, profile: str = "rescue") -> Callable[[Part], Part]:
    def kept(plays: Part) -> Part:
        PARTS[cause] = plays, profile
        return plays

    return kept


@part("offer_ignored")
def _(one: Machine) -> None:
    one.discovers()
    one.chooses()


@part("other_boot_file")
def _(one: Machine) -> None:
    """dnsmasq names pxelinux.0 to this machine."""
    one.discovers()
    one.chooses()


@part("other_tftp")
def _(one: Machine) -> None:
    """And to this one, which asks us, and then reads there."""
    one.to_loader()


@part("dhcp_says_pxe")
def _(one: Machine) -> None:
    """dnsmasq says to this machine that it is a boot server."""
    one.discovers()
    one.chooses()


@part("other_proxy")
def _(one: Machine) -> None:
    """A second dnsmasq answers this machine beside us."""
    one.discovers()
    one.chooses()


@part("asks_another")
def _(one: Machine) -> None:
    one.discovers()
    one.chooses()
    one.asks_4011(NOBODY)


@part("no_binary")
def _(one: Machine) -> None:
    one.discovers(ARM64)


@part("no_architecture")
def _(one: Machine) -> None:
    one.discovers(ITANIUM)


@part("tftp_never_asked")
def _(one: Machine) -> None:
    """Its request is sent, and a firewall drops it."""
    one.ward.firewall.drop_in(one.ip, UDP, 69)
    one.to_loader()
    one.asks_tftp()


@part("loader_missing")
def _(one: Machine) -> None:
    one.to_loader()
    one.asks_tftp("bootx64.efi")


@part("tftp_no_answer")
def _(one: Machine) -> None:
    """Answers leave from a port that a firewall does not let out."""
    one.ward.firewall.drop_out(one.ip, UDP, 5000)
    one.to_loader()
    one.asks_tftp(blksize=1024)


@part("tftp_mtu")
def _(one: Machine) -> None:
    one.to_loader()
    sock = one.asks_tftp(blksize=1468, tsize=0)
    agreed, peer = sock.recvfrom(2048)
    assert agreed[:2] == b"\0\6"
    sock.sendto(b"\0\4\0\0", peer)


@part("tftp_stopped")
def _(one: Machine) -> None:
    """The link breaks after two blocks."""
    one.to_loader()
    sock = one.asks_tftp(blksize=64)
    _, peer = sock.recvfrom(2048)
    for number in range(3):
        sock.sendto(bytes((0, 4, 0, number)), peer)
        sock.recvfrom(2048)


@part("probed_only")
def _(one: Machine) -> None:
    one.to_loader()
    sock = one.asks_tftp(tsize=0)
    _, peer = sock.recvfrom(2048)
    sock.sendto(b"\0\5\0\x08User aborted the transfer\0", peer)


@part("loader_not_started")
def _(one: Machine) -> None:
    one.to_loader()
    one.loads()


@part("ipxe_no_protocol")
def _(one: Machine) -> None:
    one.discovers(MUTE_IPXE)


@part("ipxe_loop")
def _(one: Machine) -> None:
    """Its DHCP server names the boot program to iPXE, too, which believes that."""
    one.to_loader()
    for _ in range(3):
        one.loads()
        one.discovers(IPXE)
        one.chooses(said=IPXE)


@part("http_never_asked")
def _(one: Machine) -> None:
    """TFTP works; the firewall has no hole for HTTP."""
    one.ward.firewall.drop_in(one.ip, TCP, 8080)
    one.to_ipxe()
    with socket_in(one.place, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(2.0)
        sock.bind((one.ip, 0))
        with pytest.raises(TimeoutError):
            sock.connect((BOOT_SERVER, 8080))


@part("own_script_never_asked")
def _(one: Machine) -> None:
    one.to_ipxe()
    one.gets("/ipxe.cfg")


@part("script_failed", "broken")
def _(one: Machine) -> None:
    one.to_script()


@part("kernel_never_asked")
def _(one: Machine) -> None:
    one.to_script()


@part("file_missing", "holey")
def _(one: Machine) -> None:
    one.to_script()
    (one.ward.house / "artifacts" / "gone").unlink(missing_ok=True)
    assert b" 404 " in one.gets("/artifacts/gone").partition(b"\r\n")[0]


@part("file_changed", "shrinking")
def _(one: Machine) -> None:
    one.to_script()
    sock = one.begins("/artifacts/shrinking", window=1 << 16)
    sock.recv(1 << 12)
    os.truncate(one.ward.house / "artifacts" / "shrinking", 1 << 20)
    with suppress(ConnectionResetError):
        while sock.recv(1 << 16):
            pass


@part("file_stalled", "large")
def _(one: Machine) -> None:
    """It hangs, with half of its kernel read."""
    one.to_script()
    one.begins("/artifacts/large", window=1 << 16).recv(1 << 12)


@part("stopped_between")
def _(one: Machine) -> None:
    one.to_script()
    one.gets("/artifacts/kernel")


@part("boot_loop")
def _(one: Machine) -> None:
    for _ in range(3):
        one.to_loader()
        one.loads()


@part("reinstall_loop", "forever")
def _(one: Machine) -> None:
    for _ in range(4):
        one.boots()


@part("shared_identity")
def _(one: Machine) -> None:
    """Two boards with one card, at one time."""
    for board in (3, 4, 3):
        one.to_script(f"&uuid=0000000{board}-1111-2222-3333-44445555666{board}&serial=CZ12345{board}")


REPEATED: dict[str, tuple[Part, str]] = {
    "no_address": (lambda one: one.discovers(UEFI), "rescue"),
    "answers_lost": (lambda one: one.discovers(UEFI), "rescue"),
    "ipxe_no_address": (lambda one: one.discovers(IPXE), "rescue"),
    "http_boot_never_asked": (lambda one: one.discovers(HTTP), "rescue"),
    "no_pxe": (lambda one: one.discovers(WINDOWS), "once"),
}
"""What is done again and again."""
EVERY = 8.0  # seconds


@contextmanager
def ward(directory: Path) -> Iterator[Ward]:
    with ExitStack() as stack:
        wires = stack.enter_context(network(directory))
        here, far, other = (_plugged(stack, wires, name) for name in ("here", "far", "other"))
        wires.switch.ip("link set far mtu 1400")
        other.ip("addr add 10.99.0.9/24 dev eth0")
        house = furnished(directory / "house")
        for name, size in (("initrd.img", 90_000), ("gone", 5), ("shrinking", 200 << 20), ("large", 900 << 20)):
            (house / "artifacts" / name).touch()
            os.truncate(house / "artifacts" / name, size)
        wire = stack.enter_context(frames(here))
        yield stack.enter_context(_closing(Ward(wires, house, here, far, other, Firewall(wires.boot), wire)))


@contextmanager
def _closing(found: Ward) -> Iterator[Ward]:
    with found.held:
        yield found


def _plugged(stack: ExitStack, wires: Network, name: str) -> Namespace:
    place = namespace.beside(wires.switch)
    stack.callback(place.close)
    wires.switch.ip(
        f"link add {name} type veth peer name eth0 netns {place.holder.pid}",
        f"link set {name} master lan",
        f"link set {name} up",
    )
    place.ip("link set eth0 up")
    return place


def cast(found: Ward) -> dict[str, Machine]:
    """A machine for every part, and one that boots well."""
    machines = {}
    for number, cause in enumerate(("", "slow_link", *PARTS, *REPEATED), 30):
        place = found.far if cause == "tftp_mtu" else found.here
        machines[cause] = Machine(number, found, place)
        place.ip(f"addr add {machines[cause].ip}/24 dev eth0")
    return machines


def settings(found: Ward, machines: dict[str, Machine]) -> str:
    roles = {**PARTS, **REPEATED}
    listed = (f"- {{mac: {one.mac}, profile: {roles[cause][1]}}}" for cause, one in machines.items() if cause in roles)
    return SETTINGS.format(house=found.house, machines="\n  ".join(listed))


def dhcp_options(machines: dict[str, Machine]) -> tuple[str, ...]:
    """What dnsmasq says to single machines beside an address."""
    return (
        *(f"--dhcp-host={machines[cause].mac},set:filed" for cause in ("other_boot_file", "other_tftp")),
        f"--dhcp-host={machines['no_address'].mac},ignore",
        f"--dhcp-boot=tag:filed,pxelinux.0,elsewhere,{NOBODY}",
        f"--dhcp-host={machines['dhcp_says_pxe'].mac},set:pxe",
        "--dhcp-option-force=tag:pxe,60,PXEClient",
    )


@contextmanager
def second_boot_server(found: Ward, machine: Machine, log: Path) -> Iterator[None]:
    """A dnsmasq that gives no addresses and answers this machine alone."""
    line = ("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--log-dhcp")
    proxy = ("--dhcp-range=10.99.0.0,proxy", f"--dhcp-host={machine.mac},set:ours", "--dhcp-ignore=tag:!ours")
    service = ("--pxe-service=x86-64_EFI,Other,other.efi", f"--dhcp-leasefile={log}.leases")
    with log.open("wb") as out:
        server = found.other.start(*line, *proxy, *service, stdout=out)
        try:
            yield
        finally:
            namespace.stop(server)


def _play(found: Ward, machines: dict[str, Machine]) -> None:
    well = machines[""]
    well.boots()
    well.discovers(WINDOWS)
    for cause, (plays, _) in PARTS.items():
        plays(machines[cause])
    found.order(machines["no_pxe"].mac)
    machines["slow_link"].to_script()
    slow = machines["slow_link"].begins("/artifacts/large", window=1 << 16)
    wanted, again, until = dict.fromkeys((*PARTS, *REPEATED, "slow_link"), ""), 0.0, time.monotonic() + PATIENCE
    while (missing := {cause for cause, named in wanted.items() if cause != named}) and time.monotonic() < until:
        if time.monotonic() > again:
            again = time.monotonic() + EVERY
            for cause, (plays, _) in REPEATED.items():
                plays(machines[cause])
        slow.recv(1 << 15)
        time.sleep(0.3)
        troubles = found.troubles()
        assert troubles[well.mac] == ""
        wanted |= {cause: troubles.get(machines[cause].mac, "") for cause in missing}
    assert {cause: named for cause, named in wanted.items() if cause != named} == {}


def test_what_stops_a_boot_is_named(tmp_path: Path) -> None:
    need("tc", "iproute2")
    need("dnsmasq", "dnsmasq-base")
    try:
        with ward(tmp_path) as found:
            machines = cast(found)
            with (
                found.network.dnsmasq(*dhcp_options(machines)),
                second_boot_server(found, machines["other_proxy"], tmp_path / "other.log"),
                netbootd(found.network, settings(found, machines)),
            ):
                _play(found, machines)
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
