"""``netbootd doctor`` on networks that are well and on networks that are not, in namespaces of its own.

A DHCP server, the daemon and a second machine on one switch; the doctor runs beside the daemon, or on that machine.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import namespace
from tests.lab.namespace import LabError, Namespace
from tests.lab.network import BOOT_SERVER, DHCP_SERVER, Network, network
from tests.support.house import furnished, settings
from tests.support.netbootd import Running, command, running
from tests.support.tools import need

pytestmark = pytest.mark.system

MACHINE = "10.99.0.50"
FLEET = (
    "profiles: {rescue: {payload: linux, kernel: kernel}}\n"
    "machines: [{mac: '52:54:00:00:00:01', name: one, profile: rescue}]\n"
)


@dataclass(frozen=True)
class Report:
    """What it found, and how it ended."""

    code: int
    lines: list[dict[str, str]]
    boots: bool

    def about(self, probe: str, status: str = "") -> list[dict[str, str]]:
        return [each for each in self.lines if each["probe"].startswith(probe) and status in ("", each["status"])]

    def named(self, probe: str, status: str, words: str) -> bool:
        """Some line of this kind says that."""
        return any(words in f"{each['tried']} {each['found']} {each['todo']}" for each in self.about(probe, status))

    @property
    def failures(self) -> list[dict[str, str]]:
        return self.about("", "fail")


@dataclass(frozen=True)
class Ward:
    """The network, and where the daemon lives."""

    net: Network
    house: Path
    machine: Namespace

    def daemon(self, more: str = FLEET) -> AbstractContextManager[Running]:
        return running(self.house, settings(self.house, more), place=self.net.boot)

    def beside_the_daemon(self, *arguments: str) -> Report:
        return examined(self.net.boot, "-c", str(self.house / "netbootd.yaml"), *arguments)

    def on_the_machine(self, *arguments: str) -> Report:
        (self.house / "none.yaml").write_text(settings(self.house / "nothing"))
        return examined(self.machine, "-c", str(self.house / "none.yaml"), "-i", "eth0", *arguments)


def examined(place: Namespace, *arguments: str) -> Report:
    line = place.enter(*command("doctor", "--json", *arguments))
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return Report(done.returncode, said["lines"], said["boots"])


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    need("dnsmasq", "dnsmasq-base")
    need("nft", "nftables")
    (tmp_path / "network").mkdir()
    (tmp_path / "house").mkdir()
    try:
        with network(tmp_path / "network") as net, net.joined(MACHINE) as machine:
            yield Ward(net, furnished(tmp_path / "house"), machine)
    except LabError as error:
        pytest.fail(str(error), pytrace=False)


@contextmanager
def second_server(ward: Ward, *options: str) -> Iterator[None]:
    """Another dnsmasq on the switch, which does not fail for the ports of the first."""
    with ward.net.joined("10.99.0.66") as place:
        line = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--interface=eth0"]
        process = place.start(*line, f"--dhcp-leasefile={ward.house}/leases", *options, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            namespace.stop(process)


def walled(place: Namespace, *rules: str) -> None:
    """A packet filter there."""
    place.run("nft", "add table inet wall")
    for hook in ("input", "output"):
        place.run("nft", f"add chain inet wall {hook} {{ type filter hook {hook} priority 0; policy accept; }}")
    for rule in rules:
        place.run("nft", f"add rule inet wall {rule}")


def test_on_a_healthy_network_nothing_is_wrong_beside_the_daemon_and_from_another_machine(ward: Ward) -> None:
    with ward.net.dnsmasq(), ward.daemon() as daemon:
        near, far = ward.beside_the_daemon(), ward.on_the_machine()
        assert [e for e in daemon.events() if e["event"].startswith("machine.")] == []
    for report in (near, far):
        assert report.failures == []
        assert (report.code, report.boots) == (0, True)
        assert report.named("dhcp.address", "ok", f"{DHCP_SERVER} offers 10.99.0.")
        assert report.named("dhcp.offer.bios", "ok", f"{BOOT_SERVER} offers undionly.kpxe")
        assert report.named("dhcp.offer.uefi", "ok", f"{BOOT_SERVER} offers snponly.efi")
        assert report.named("dhcp.offer.ipxe", "ok", f"http://{BOOT_SERVER}:8080/ipxe.cfg")
        assert report.named("dhcp.4011", "ok", "snponly.efi")
        assert len(report.about("loader.tftp", "ok")) == 2
        assert report.about("loader.http", "ok")
        assert report.about("script.entry", "ok")
    assert near.named("artifacts", "ok", "1 file")
    assert near.named("dhcp.offer.bios", "ok", "seen leaving")
    assert far.named("dhcp.offer.bios", "ok", "it arrived")
    assert far.named("daemon.elsewhere", "ok", BOOT_SERVER)


def test_a_rehearsal_is_no_machine_of_the_fleet(ward: Ward) -> None:
    with ward.net.dnsmasq(), ward.daemon():
        ward.on_the_machine()
        known = ward.net.boot.run(*command("machines", "list", "--json", "-c", str(ward.house / "netbootd.yaml")))
    assert [each["name"] for each in json.loads(known)] == ["one"]


def test_without_a_daemon_it_says_so_and_rehearses_with_what_is_on_disk(ward: Ward) -> None:
    with ward.daemon():
        pass
    with ward.net.dnsmasq():
        report = ward.beside_the_daemon()
    assert report.code == 1
    assert {each["probe"] for each in report.failures} == {"daemon.elsewhere"}
    assert report.named("dhcp.offer.bios", "skipped", "would be offered undionly.kpxe")
    assert report.named("artifacts", "ok", "on disk")
    assert report.named("ports", "ok", "UDP 67, UDP 4011, UDP 69, TCP 8080")


def test_without_a_dhcp_server_no_machine_boots(ward: Ward) -> None:
    with ward.daemon():
        report = ward.beside_the_daemon()
    assert [each["probe"] for each in report.failures] == ["dhcp.address"]
    assert report.code == 1


def test_a_second_proxy_is_named(ward: Ward) -> None:
    proxy = ("--dhcp-range=10.99.0.0,proxy", "--pxe-service=x86PC,Other,other", "--pxe-service=X86-64_EFI,Other,other")
    with ward.net.dnsmasq(), second_server(ward, *proxy), ward.daemon():
        for report in (ward.beside_the_daemon(), ward.on_the_machine()):
            assert report.named("dhcp.others", "fail", "a second PXE server answers: 10.99.0.66")
            assert report.code == 1


def test_a_dhcp_server_with_a_boot_file_of_its_own_is_named_and_machines_boot_all_the_same(ward: Ward) -> None:
    with ward.net.dnsmasq("--dhcp-boot=theirs.0,,10.99.0.1"), ward.daemon():
        report = ward.on_the_machine()
    assert report.named("dhcp.others", "warn", f"{DHCP_SERVER} names a boot file of its own: theirs.0")
    assert report.code == 0


def test_a_dhcp_server_that_calls_itself_a_pxe_server_keeps_uefi_from_netbootd(ward: Ward) -> None:
    with ward.net.dnsmasq("--dhcp-option-force=60,PXEClient"), ward.daemon():
        report = ward.beside_the_daemon()
    assert report.named("dhcp.others", "fail", f"{DHCP_SERVER} calls itself PXEClient (option 60)")
    assert report.code == 1


@pytest.mark.parametrize(
    ("rule", "near", "far"),
    [
        ("input udp dport 69 drop", "UDP 69", ("loader.tftp", "no answer")),
        ("input tcp dport 8080 drop", "TCP 8080", ("script.entry", "no answer")),
        ("output udp sport 67 drop", "our offers", ("dhcp.offer", "no offer")),
        ("input udp dport 4011 drop", "UDP 4011", ("dhcp.4011", "no answer")),
    ],
    ids=["TFTP", "HTTP", "offers", "port 4011"],
)
def test_a_firewall_on_the_server_is_named_there_and_told_from_another_machine(
    ward: Ward, rule: str, near: str, far: tuple[str, str]
) -> None:
    """There by its rule, from outside by what does not come back."""
    walled(ward.net.boot, rule)
    with ward.net.dnsmasq(), ward.daemon():
        beside, away = ward.beside_the_daemon(), ward.on_the_machine("--server", BOOT_SERVER)
    assert beside.named("firewall", "fail", f"chain inet wall {rule.split()[0]} drops {near}")
    assert away.named(far[0], "fail", far[1])
    assert (beside.code, away.code) == (1, 1)


def test_a_missing_artifact_is_named_with_whose_it_is(ward: Ward) -> None:
    with ward.net.dnsmasq(), ward.daemon():
        (ward.house / "artifacts" / "kernel").unlink()
        report = ward.beside_the_daemon()
    assert report.named("artifacts", "fail", "artifact kernel (one)")
    assert report.code == 1


def test_an_artifact_cut_short_is_named(ward: Ward) -> None:
    with ward.net.dnsmasq(), ward.daemon():
        (ward.house / "artifacts" / "kernel").write_bytes(b"")
        report = ward.beside_the_daemon()
    assert report.named("artifacts", "fail", "is empty")


def test_another_daemon_on_a_port_is_named(ward: Ward) -> None:
    with ward.daemon():
        pass
    tftp = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--enable-tftp"]
    process = ward.net.boot.start(*tftp, f"--tftp-root={ward.house}", stdout=subprocess.DEVNULL)
    try:
        with ward.net.dnsmasq():
            report = ward.beside_the_daemon()
    finally:
        namespace.stop(process)
    assert report.named("ports", "fail", "UDP port 69 on 0.0.0.0 is already used by dnsmasq")
    assert report.code == 1


def test_a_path_with_a_smaller_mtu_than_both_ends_believe_is_named(ward: Ward) -> None:
    """Small blocks arrive and those that firmware asks for do not."""
    ward.net.switch.ip("link set boot mtu 1400")
    (ward.house / "ipxe" / "undionly.kpxe").write_bytes(b"PXE->EB: !PXE at" + bytes(9000))
    with ward.net.dnsmasq(), ward.daemon():
        report = ward.on_the_machine("--server", BOOT_SERVER)
    assert report.named("loader.tftp", "fail", "blocks of 512 arrive, blocks of 1468 do not")
    assert report.named("loader.tftp", "fail", "MTU")
    assert report.code == 1


def test_with_dhcp_off_the_dhcp_server_must_send_machines_here(ward: Ward) -> None:
    off = f"{FLEET}dhcp: {{mode: 'off'}}\n"
    with ward.daemon(off):
        with ward.net.dnsmasq():
            assert ward.beside_the_daemon().named("dhcp.sent-here", "fail", f"(next-server) {BOOT_SERVER}")
        with ward.net.dnsmasq(f"--dhcp-boot=undionly.kpxe,,{BOOT_SERVER}"):
            report = ward.beside_the_daemon()
    assert report.named("dhcp.sent-here", "ok", f"{DHCP_SERVER} sends machines here: undionly.kpxe")
    assert report.code == 0


def test_who_is_not_root_is_told_what_needs_it_and_gets_the_rest(ward: Ward) -> None:
    """Port 4011, TFTP and HTTP need no privilege."""
    with ward.net.dnsmasq(), ward.daemon():
        line = command("doctor", "--json", "-c", str(ward.house / "netbootd.yaml"))
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", *line]
        done = subprocess.run(ward.net.boot.enter(*plain), capture_output=True, text=True, check=False, timeout=300)
    said = json.loads(done.stdout)
    report = Report(done.returncode, said["lines"], said["boots"])
    assert report.failures == []
    assert report.named("dhcp.address", "skipped", "sudo netbootd doctor")
    assert report.about("dhcp.4011", "ok")
    assert len(report.about("loader.tftp", "ok")) == 2


def test_an_interface_that_does_not_exist_is_a_wrong_use(ward: Ward) -> None:
    done = subprocess.run(
        ward.machine.enter(*command("doctor", "-i", "eth9")), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 2
    assert "no interface 'eth9' here" in done.stderr


def test_ctrl_c_ends_it_at_once_and_without_a_trace(ward: Ward) -> None:
    """No DHCP server answers, so that it waits for one."""
    arguments = command("doctor", "-c", str(ward.house / "netbootd.yaml"))
    line = ward.net.boot.enter("env", "PYTHONUNBUFFERED=1", *arguments)
    pipe = subprocess.PIPE
    with ward.daemon(), subprocess.Popen(line, text=True, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stderr
        while "UDP 67" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == ""
