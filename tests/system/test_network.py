"""netbootd as machines meet it: the real daemon in a network namespace, its clients in others, scapy to speak.

No firmware boots here (tests/lab does that); what is pinned is what arrives on which wire, and that nothing a client
or an administrator does disturbs it.
"""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tests.support import captures, voices
from tests.support.house import KERNEL, OTHER_SERVER, SERVER, assert_unharmed, furnished, settings, tftp_read
from tests.support.netbootd import Running, running
from tests.support.places import Places, card_of, frames, udp
from tests.support.tools import need
from tests.support.voices import BIOS, EVERYBODY, HTTP, IPXE, UEFI, WINDOWS, Voice
from tests.support.web import get, opened

pytestmark = pytest.mark.system

_HALF_MADE = 30.0  # seconds; Linux would keep what is half made for 63
CAPTURES = ("ovmf-pxe4.pcap", "ovmf-http4.pcap", "seabios-ipxe-rom.pcap", "aavmf-arm64.pcap")


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def daemon(
    request: pytest.FixtureRequest, wired: Places, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One daemon that many tests ask, on each event loop."""
    directory = furnished(tmp_path_factory.mktemp("daemon"))
    with running(directory, settings(directory, f"loop: {request.param}\n"), place=wired.server) as found:
        yield found
        assert_unharmed(found)


@pytest.fixture
def one(wired: Places) -> Iterator[Voice]:
    with frames(wired.one) as wire:
        yield Voice(wire)


@pytest.fixture
def two(wired: Places) -> Iterator[Voice]:
    with frames(wired.two) as wire:
        yield Voice(wire, "02:00:00:00:00:02")


# who is told what, and on which wire


@pytest.mark.parametrize(
    ("said", "file"),
    [
        (BIOS, "undionly.kpxe"),
        (UEFI, "snponly.efi"),
        (HTTP, f"http://{SERVER}:8080/firmware/snponly.efi"),
        (IPXE, f"http://{SERVER}:8080/ipxe.cfg"),
    ],
    ids=["BIOS", "UEFI", "UEFI HTTP", "iPXE"],
)
def test_each_kind_of_client_is_offered_its_own(daemon: Running, one: Voice, said: dict[int, bytes], file: str) -> None:
    """By broadcast, from our address and port 67 to port 68; no address, no lease, and its identifier mirrored."""
    offer = one.answer(one.discover({**said, 61: b"\1\2\0\0\0\0\1"}))
    assert (offer.kind, offer.file, offer.way) == (2, file, (SERVER, 67, EVERYBODY, 68))
    assert offer.options["server_id"] == SERVER
    assert offer.options["vendor_class_id"] == said[60][:10].rstrip(b":")
    assert offer.frame["BOOTP"].siaddr == SERVER
    assert offer.frame["BOOTP"].yiaddr == "0.0.0.0"
    assert "lease_time" not in offer.options
    assert offer.options["client_id"] == b"\1\2\0\0\0\0\1"


def test_who_is_not_booting_is_left_to_the_dhcp_server(daemon: Running, one: Voice) -> None:
    lease = one.send(3, {**UEFI, 54: bytes((10, 99, 0, 1))}, (voices.BROADCAST, "0.0.0.0", 68, EVERYBODY, 67))
    one.silence(one.discover(WINDOWS), one.discover({}), lease)
    assert daemon.event("dhcp.silent", reason="NOT_NETBOOT", detail="MSFT 5.0")
    assert daemon.event("dhcp.silent", reason="LEASE_REQUEST")


def test_an_answer_goes_out_by_the_wire_it_was_asked_on_with_that_address(
    daemon: Running, one: Voice, two: Voice
) -> None:
    first, second = one.discover(IPXE), two.discover(IPXE)
    assert one.answer(first).file == f"http://{SERVER}:8080/ipxe.cfg"
    offer = two.answer(second)
    assert (offer.file, offer.way) == (f"http://{OTHER_SERVER}:8080/ipxe.cfg", (OTHER_SERVER, 67, EVERYBODY, 68))


@pytest.mark.parametrize("port", [4011, 68])
def test_on_port_4011_the_answer_goes_back_where_the_question_came_from(
    daemon: Running, wired: Places, one: Voice, port: int
) -> None:
    """EDK2 asks from port 4011, iPXE and some ROMs from 68."""
    card = card_of(wired.server, "lan1")
    asked = one.send(3, UEFI, (card, "10.99.0.9", port, SERVER, 4011), ciaddr="10.99.0.9")
    ack = one.answer(asked)
    assert (ack.kind, ack.file, ack.way) == (5, "snponly.efi", (SERVER, 4011, "10.99.0.9", port))


def test_a_relay_gets_the_answer_on_port_67_with_its_option_82_last(daemon: Running, wired: Places, one: Voice) -> None:
    """RFC 3046 section 2.2: the server "SHALL echo the entire contents of the Relay Agent Information option"."""
    agent = b"\1\4lan7"
    way = (card_of(wired.server, "lan1"), "10.99.0.9", 67, SERVER, 67)
    offer = one.answer(one.send(1, {**BIOS, 82: agent}, way, giaddr="10.99.0.9", hops=1))
    assert offer.way == (SERVER, 67, "10.99.0.9", 67)
    assert offer.frame["BOOTP"].giaddr == "10.99.0.9"
    assert bytes(offer.frame["DHCP"]).rstrip(b"\0").endswith(b"\x52\x06" + agent + b"\xff")


def test_scripts_and_files_come_from_the_address_that_was_asked(daemon: Running, wired: Places) -> None:
    for place, server, other in ((wired.one, SERVER, OTHER_SERVER), (wired.two, OTHER_SERVER, SERVER)):
        script = get(place, server, "/ipxe.cfg").decode()
        assert f"chain --replace --autofree http://{server}:8080/machines/" in script
        assert other not in script
        data, sender = tftp_read(place, server, "undionly.kpxe")
        assert (len(data), sender) == (3016, server)


# load and malice


def test_who_lost_power_with_a_connection_half_made_makes_it_anew_at_its_next_start(
    daemon: Running, wired: Places
) -> None:
    """GRUB's ports and numbers are the same each time, and what is not accepted yet nobody can cut."""
    ghost, card = "10.99.0.77", "02:00:00:00:00:77"
    wired.server.ip(f"neigh replace {ghost} lladdr {card} dev lan1")
    way = Ether(src=card, dst=card_of(wired.server, "lan1")) / IP(src=ghost, dst=SERVER)
    port = random.randrange(20_000, 30_000)

    def acknowledged(sequence: int) -> int:
        """What is, when this SYN is sent, or what came meanwhile."""
        line.send(bytes(way / TCP(sport=port, dport=8080, flags="S", seq=sequence)))
        while not (TCP in (heard := Ether(line.recv(2048))) and heard[IP].dst == ghost):
            pass
        return int(heard[TCP].ack)

    with frames(wired.one) as line:
        line.settimeout(_HALF_MADE)
        assert acknowledged(1669) == 1670
        until = time.monotonic() + _HALF_MADE
        while acknowledged(1151) != 1152:
            assert time.monotonic() < until
            time.sleep(0.5)


def test_a_rack_that_powers_on_is_answered_without_a_drop(daemon: Running, wired: Places) -> None:
    """1500 machines within three seconds, or as many as Kea's own load generator gets to here."""
    need("perfdhcp", "kea-admin")
    options = ["-o", f"60,{BIOS[60].hex()}", "-o", "93,0000"]
    patience = ["-d", "60", "-W", "3000000"]  # seconds until it counts a drop, microseconds it waits at the end
    line = ["perfdhcp", "-4", "-i", "-r", "500", "-p", "3", "-R", "500", *options, *patience, "-l", "10.99.0.9"]
    report = subprocess.run(wired.one.enter(*line, "all"), capture_output=True, text=True, check=False).stdout
    assert re.search(r"^drops: 0$", report, re.MULTILINE), report
    sent, received = re.findall(r"^(?:sent|received) packets: (\d+)$", report, re.MULTILINE)
    assert int(sent) == int(received) > 500
    assert get(wired.one, SERVER, "/healthz") == b"ok\n"


def test_a_flood_of_forged_packets_is_counted_and_harms_nothing(daemon: Running, wired: Places) -> None:
    """Random octets, cut, lengthened and flipped packets of real firmware, on every port."""
    dice = random.Random(7)
    before = dhcp_packets(daemon, wired)
    genuine = [each for name in CAPTURES for each in captures.dhcp_payloads(name)]
    with udp(wired.one, "10.99.0.9", 0) as sock:
        for number in range(2000):
            port = (67, 4011, 69)[number % 3]
            sock.sendto(forged(dice, genuine), (SERVER, port))
            while number % 300 == 299 and dhcp_packets(daemon, wired) - before < (number + 1) * 2 // 3:
                pass  # no more than its sockets hold
    with frames(wired.one) as wire:
        one = Voice(wire)
        one.heard(one.discover(BIOS))
        one.heard(one.send(3, UEFI, (card_of(wired.server, "lan1"), "10.99.0.9", 68, SERVER, 4011), ciaddr="10.99.0.9"))
    assert tftp_read(wired.one, SERVER, "kernel")[0] == KERNEL
    assert dhcp_packets(daemon, wired) - before == 1334 + 2
    assert_unharmed(daemon)


def forged(dice: random.Random, genuine: list[bytes]) -> bytes:
    """A packet as nobody should send it; some are still understood, and answered."""
    packet = bytearray(dice.choice(genuine))
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(600))
        case 1:
            return bytes(packet[: dice.randrange(len(packet))])
        case 2:
            for _ in range(8):
                packet[dice.randrange(len(packet))] = dice.randrange(256)
        case _:
            packet += dice.randbytes(900)
    return bytes(packet)


def dhcp_packets(daemon: Running, wired: Places) -> int:
    """DHCP packets counted so far, answered or not."""
    return int(sum(metric(wired, "netbootd_dhcp_answered_total") + metric(wired, "netbootd_dhcp_silent_total")))


def metric(wired: Places, name: str) -> list[float]:
    text = get(wired.server, "127.0.0.1", "/metrics", 8081).decode()
    return [s.value for family in text_string_to_metric_families(text) for s in family.samples if s.name == name]


@pytest.mark.parametrize(
    "name", ["../state.db", "/../../etc/passwd", "big/../../netbootd.yaml", "..\\netbootd.yaml", "a\nb", "x" * 400, ""]
)
def test_tftp_gives_nothing_outside_the_artifacts(daemon: Running, wired: Places, name: str) -> None:
    with udp(wired.one, "0.0.0.0", 0) as sock:
        sock.sendto(b"\0\1" + name.encode() + b"\0octet\0", (SERVER, 69))
        assert sock.recv(2048)[:2] == b"\0\5"


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/../state.db",
        "/artifacts/%2e%2e/netbootd.yaml",
        "/artifacts/..%2fnetbootd.yaml",
        "/artifacts/big/..%5c..%5cnetbootd.yaml",
        "/firmware/../netbootd.yaml",
        "/artifacts/kernel%00",
        "/artifacts//etc/passwd",
        "/machines/../../etc/passwd/ipxe.cfg",
        "/machines/52:54:00:12:34:56%0aboot/ipxe.cfg",
    ],
)
def test_http_gives_nothing_outside_the_artifacts(daemon: Running, wired: Places, path: str) -> None:
    with opened(wired.one, SERVER, path) as answer:
        assert answer.status in (400, 404), path
        assert b"root:" not in answer.read()
    assert_unharmed(daemon)
