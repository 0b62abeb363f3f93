"""The daemon's life, as an administrator leads it: started well or wrongly, reloaded, stopped, killed.

A real process in a network namespace, with clients in others that must not notice more than they have to.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.house import KERNEL, SERVER, assert_unharmed, settings, tftp_rest
from tests.support.netbootd import command, running
from tests.support.places import Places, as_systemd, frames, listening, socket_in, udp
from tests.support.voices import BIOS, IPXE, UEFI, Voice
from tests.support.web import get, opened, status

pytestmark = pytest.mark.system


# while it runs


def test_a_reload_takes_hold_at_the_next_request_and_disturbs_no_transfer(wired: Places, house: Path) -> None:
    old, new = bytes(range(251)) * 200_000, b"new"
    (house / "artifacts" / "big" / "disk").write_bytes(old)
    (house / "other" / "big").mkdir(parents=True)
    (house / "other" / "big" / "disk").write_bytes(new)
    with running(house, settings(house), place=wired.server) as daemon, udp(wired.one, "0.0.0.0", 0) as sock:
        sock.sendto(b"\0\1kernel\0octet\0", (SERVER, 69))
        daemon.event("tftp.started", file="kernel")
        with opened(wired.one, SERVER, "/artifacts/big/disk") as download:
            begun = download.read(1000)
            moved = settings(house).replace(f"{house}/artifacts", f"{house}/other")
            daemon.rewrite(moved + "unknown: silent\n")
            daemon.reload()
            assert get(wired.one, SERVER, "/artifacts/big/disk") == new
            assert begun + download.read() == old
        assert tftp_rest(sock)[0] == KERNEL
        with frames(wired.one) as wire:
            asking = Voice(wire)
            asking.discover(UEFI)
            daemon.event("dhcp.silent", reason="UNKNOWN_MACHINE")
        assert daemon.event("daemon.notice", text="settings reloaded")
        assert_unharmed(daemon)


def test_wrong_settings_are_refused_with_file_and_line_and_the_old_ones_go_on(wired: Places, house: Path) -> None:
    with running(house, settings(house), place=wired.server) as daemon:
        line = daemon.rewrite(settings(house) + "unknwon: silent\n")
        daemon.reload()
        problem = daemon.event("daemon.notice", text="not reloaded")
        assert f"{house}/netbootd.yaml:{line}: unknwon: unknown key; did you mean 'unknown'?" in problem["text"]
        (house / "netbootd.yaml").write_text("")
        daemon.reload()
        assert "is it being written?" in daemon.event("daemon.notice", text="is empty")["text"]
        daemon.rewrite(settings(house) + "interfaces: [lan9]\n")
        daemon.reload()
        assert daemon.event("daemon.notice", text="no interface 'lan9' here; there are: lo")
        assert get(wired.one, SERVER, "/artifacts/kernel") == KERNEL
        daemon.rewrite(settings(house) + "tftp: {port: 70, single_port: true}\n")
        daemon.reload()
        assert daemon.event("daemon.notice", text="tftp.port changed: that takes a restart")
        assert daemon.event("daemon.notice", text="tftp.single_port changed: that takes a restart")
        daemon.rewrite(settings(house) + "interfaces: [lan2]\n")
        daemon.reload()
        with frames(wired.one) as first, frames(wired.two) as second:
            Voice(first).discover(BIOS)
            daemon.event("dhcp.silent", reason="OTHER_INTERFACE")
            asking = Voice(second)
            asking.answer(asking.discover(BIOS))


def test_who_was_given_an_installer_does_not_get_it_again_by_a_reload_or_a_crash(wired: Places, house: Path) -> None:
    """An installer wipes a disk: it must go out once, whatever happens to the daemon in between."""
    more = "profiles:\n  inst: {payload: linux, kernel: kernel, boots: once, auto: true}\nunknown: inst\n"
    path = "/machines/52-54-00-00-00-07/ipxe.cfg?buildarch=x86_64&platform=efi"
    with running(house, settings(house, more), place=wired.server) as daemon:
        assert b"/artifacts/kernel" in get(wired.one, SERVER, path)
        assert get(wired.one, SERVER, "/artifacts/kernel") == KERNEL
        daemon.event("http.served", file="kernel", complete=True)
        assert b"/artifacts/kernel" not in get(wired.one, SERVER, path)
        daemon.reload()
        assert b"/artifacts/kernel" not in get(wired.one, SERVER, path)
        daemon.process.kill()
        daemon.process.wait()
    with running(house, settings(house, more), place=wired.server):
        assert b"/artifacts/kernel" not in get(wired.one, SERVER, path)


def test_asked_to_stop_it_lets_running_transfers_end(wired: Places, house: Path) -> None:
    content = bytes(range(251)) * 200_000
    (house / "artifacts" / "big" / "disk").write_bytes(content)
    with (
        running(house, settings(house), place=wired.server) as daemon,
        udp(wired.one, "0.0.0.0", 0) as sock,
        socket_in(wired.one, socket.AF_INET, socket.SOCK_STREAM) as late,
    ):
        sock.sendto(b"\0\1kernel\0octet\0", (SERVER, 69))
        daemon.event("tftp.started", file="kernel")
        with opened(wired.one, SERVER, "/artifacts/big/disk") as download:
            begun = download.read(1000)
            daemon.signal(signal.SIGTERM)
            daemon.heard("STOPPING=1")
            assert begun + download.read() == content
        with pytest.raises(ConnectionRefusedError):
            late.connect((SERVER, 8080))
        assert tftp_rest(sock)[0] == KERNEL
        assert daemon.process.wait(60) == 0
        assert daemon.event("tftp.finished", file="kernel")
        assert daemon.event("http.served", file="big/disk", complete=True)


def test_asked_twice_it_stops_at_once(wired: Places, house: Path) -> None:
    (house / "artifacts" / "big" / "disk").write_bytes(bytes(50_000_000))
    with (
        running(house, settings(house), place=wired.server) as daemon,
        opened(wired.one, SERVER, "/artifacts/big/disk"),
    ):
        daemon.signal(signal.SIGTERM)
        daemon.heard("STOPPING=1")
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(60) != 0


def test_killed_in_mid_transfer_it_starts_again_at_once(wired: Places, house: Path) -> None:
    (house / "artifacts" / "big" / "disk").write_bytes(bytes(50_000_000))
    with (
        running(house, settings(house), place=wired.server) as daemon,
        opened(wired.one, SERVER, "/artifacts/big/disk"),
    ):
        daemon.process.kill()
        daemon.process.wait()
        with running(house, settings(house), place=wired.server):
            assert get(wired.one, SERVER, "/artifacts/kernel") == KERNEL


def test_an_interface_that_gets_its_address_late_is_served_from_then_on(wired: Places, house: Path) -> None:
    with (
        running(house, settings(house, "interfaces: [lan3]\n"), place=wired.server) as daemon,
        frames(wired.three) as wire,
    ):
        asking = Voice(wire)
        asking.discover(BIOS)
        daemon.event("dhcp.silent", reason="NO_ADDRESS", detail="lan3")
        wired.server.ip("addr add 10.99.3.2/24 dev lan3")
        try:
            assert asking.insist(IPXE).file == "http://10.99.3.2:8080/ipxe.cfg"
        finally:
            wired.server.ip("addr del 10.99.3.2/24 dev lan3")


# how it is started


def test_it_serves_only_the_interface_of_the_command_line(wired: Places, house: Path) -> None:
    with (
        running(house, settings(house, "interfaces: [lan1]\n"), "-i", "lan2", place=wired.server) as daemon,
        frames(wired.one) as first,
        frames(wired.two) as second,
    ):
        Voice(first).discover(BIOS)
        daemon.event("dhcp.silent", reason="OTHER_INTERFACE")
        asking = Voice(second)
        asking.answer(asking.discover(BIOS))
        started = daemon.event("daemon.started")
        assert [each["name"] for each in started["interfaces"]] == ["lan2"]


def test_the_profile_of_the_command_line_is_what_strangers_boot(wired: Places, house: Path) -> None:
    more = "unknown: silent\nprofiles:\n  rescue: {payload: linux, kernel: kernel, args: {who: '{{ machine.mac }}'}}\n"
    with running(house, settings(house, more), "--profile", "rescue", place=wired.server):
        script = get(wired.one, SERVER, "/machines/52-54-00-00-00-07/ipxe.cfg").decode()
        assert f"http://{SERVER}:8080/artifacts/kernel" in script
        assert "who=52:54:00:00:00:07" in script


def test_render_prints_to_the_octet_what_the_daemon_sends(wired: Places, house: Path) -> None:
    more = (
        "profiles:\n  rescue: {payload: linux, kernel: kernel, args: {sn: '{{ machine.serial }}'}}\nunknown: rescue\n"
    )
    with running(house, settings(house, more), place=wired.server):
        query = "?buildarch=x86_64&platform=efi&serial=S%2F1"
        for path, facts in (
            (
                f"/machines/52-54-00-00-00-07/ipxe.cfg{query}",
                ["--arch", "x86_64", "--platform", "efi", "--fact", "serial=S/1"],
            ),
            ("/machines/525400000008/ipxe.cfg", []),
        ):
            mac = path.split("/")[2].partition("?")[0]
            line = command("render", mac, "-c", f"{house}/netbootd.yaml", *facts)
            printed = subprocess.run(wired.server.enter(*line), capture_output=True, check=False).stdout
            assert printed == get(wired.one, SERVER, path)


def test_sockets_of_systemd_are_used_as_they_are(wired: Places, house: Path) -> None:
    """Bound by somebody else, without any of the options our own have; the HTTP port is another than the settings'."""
    with (
        udp(wired.server, "0.0.0.0", 67) as dhcp,
        listening(wired.server, "0.0.0.0", 8088) as http,
        frames(wired.one) as wire,
    ):
        handed = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "dhcp:http"}
        fds = (dhcp.fileno(), http.fileno())
        before = as_systemd(fds)
        with running(
            house, settings(house), place=wired.server, environment=handed, pass_fds=fds, before=before
        ) as daemon:
            asking = Voice(wire)
            assert asking.answer(asking.discover(IPXE)).file == f"http://{SERVER}:8088/ipxe.cfg"
            assert get(wired.one, SERVER, "/healthz", 8088) == b"ok\n"
            assert_unharmed(daemon)


def test_the_service_manager_hears_of_every_step(wired: Places, house: Path) -> None:
    watched = {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": ""}
    with running(house, settings(house), place=wired.server, environment=watched) as daemon:
        assert [daemon.heard("WATCHDOG=1") for _ in range(2)]
        daemon.signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", daemon.heard("RELOADING=1"))
        assert daemon.heard("READY=1") == "READY=1\nSTATUS=0 machines, 0 profiles"
        daemon.signal(signal.SIGTERM)
        assert daemon.heard("STOPPING=1")
        assert daemon.process.wait(60) == 0


# what keeps it from starting


def test_a_port_that_is_taken_is_told_with_its_holder_and_the_way_out(wired: Places, house: Path) -> None:
    with running(house, settings(house), place=wired.server) as daemon:
        done = refused(wired, settings(house), house)
        other = refused(wired, settings(house, "dhcp: {mode: off}\ntftp: {port: 70}\n"), house)
    assert re.fullmatch(
        r"netbootd: UDP port 67 on 0\.0\.0\.0 is already used by \S+ \(pid \d+\)\. Another DHCP server or netbootd runs"
        r" on this machine\..*'dhcp: \{mode: off\}'.*\n",
        done.stderr,
    )
    assert f"(pid {daemon.process.pid})" in done.stderr
    assert re.fullmatch(
        r"netbootd: TCP port 8080 on .* \(pid \d+\)\. Set another port with 'http: \{port: N\}'\.\n", other.stderr
    )


def refused(wired: Places, text: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a daemon says that cannot start; it ends with 1."""
    path = directory / "refused.yaml"
    path.write_text(text)
    line = wired.server.enter(*command("run", "-c", str(path), *arguments))
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    return done


def test_an_interface_that_is_not_there_is_told_with_those_that_are(wired: Places, house: Path) -> None:
    done = refused(wired, settings(house), house, "-i", "lan9")
    assert done.stderr == (
        "netbootd: no interface 'lan9' here; there are: lo (127.0.0.1), lan1 (10.99.0.2), lan2 (10.99.2.2), "
        "lan3 (no address)\n"
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("http: {prot: 80}\n", "{file}:4: http.prot: unknown key; did you mean 'port'?"),
        ("user: nobody-here\n", "{file}: user: there is no user 'nobody-here' on this machine"),
        ("unknown: rescue\n", "{file}:4: unknown: "),
        ("tftp: [\n", "{file}:"),
    ],
)
def test_a_wrong_setting_is_told_with_file_line_and_key(wired: Places, house: Path, wrong: str, said: str) -> None:
    done = refused(wired, settings(house, wrong), house)
    assert done.stderr.startswith("error: " + said.format(file=house / "refused.yaml"))
    assert done.stderr.count("\n") == 1


def test_without_boot_programs_it_serves_what_it_can_and_says_what_is_missing(wired: Places, house: Path) -> None:
    shutil.rmtree(house / "ipxe")
    with running(house, settings(house), place=wired.server) as daemon, frames(wired.one) as wire:
        asking = Voice(wire)
        asking.discover(BIOS)
        daemon.event("dhcp.silent", reason="NO_BINARY")
        assert asking.answer(asking.discover(IPXE)).file == f"http://{SERVER}:8080/ipxe.cfg"
        started = daemon.event("daemon.started")
        assert f"firmware: there is no directory {house}/ipxe" in started["warnings"]
        assert {each["file"] for each in started["missing"]} >= {"undionly.kpxe", "snponly.efi"}
        assert status(wired.one, SERVER, "/firmware/snponly.efi") == 404
