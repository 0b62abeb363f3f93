"""Sockets by name: bound here or handed over by systemd; and what a person is told who cannot have one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from netbootd.net.udp import IP_PKTINFO
from netbootd.serve.sockets import CannotListen, Sockets

LOOPBACK = "127.0.0.1"


@pytest.fixture
def handed() -> Iterator[socket.socket]:
    """A datagram socket as systemd opens it: bound, and nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        yield sock


def test_without_systemd_they_are_bound_here() -> None:
    with Sockets().udp("tftp", LOOPBACK, 0) as udp, Sockets().tcp("http", LOOPBACK, 0) as tcp:
        assert (udp.type, tcp.type) == (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        assert udp.getsockname()[0] == tcp.getsockname()[0] == LOOPBACK


def test_one_of_systemd_is_taken_by_its_name_and_made_fit_to_serve(handed: socket.socket) -> None:
    """Without IP_PKTINFO nobody knows which address was asked; a unit without PassPacketInfo= must not matter."""
    sockets = Sockets({"dhcp": [handed]})
    assert sockets.udp("dhcp", "0.0.0.0", 67, broadcast=True) is handed
    assert handed.getsockopt(socket.IPPROTO_IP, IP_PKTINFO) == 1
    assert handed.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST) == 1
    assert not handed.getblocking()


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (
            ["netbootd-http.socket"],
            "systemd passed a socket named 'netbootd-http.socket': write FileDescriptorName= with one of "
            "dhcp, pxe, tftp, http, https, syslog, admin into its unit",
        ),
        (["dhcp", "dhcp"], "systemd passed 2 sockets named 'dhcp': one of each can be served"),
    ],
)
def test_one_that_nobody_would_read_is_refused(passed: list[str], said: str, handed: socket.socket) -> None:
    """Clients would connect to it and wait."""
    by_name = {name: [handed] * passed.count(name) for name in passed}
    with pytest.raises(CannotListen, match=f"^{said}$"):
        Sockets(by_name)


def test_one_of_the_wrong_kind_is_refused_with_what_to_write(handed: socket.socket) -> None:
    with pytest.raises(CannotListen, match="'http' of systemd is no stream socket: write ListenStream="):
        Sockets({"http": [handed]}).tcp("http", "0.0.0.0", 8080)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six, pytest.raises(CannotListen) as refused:
        Sockets({"tftp": [six]}).udp("tftp", "0.0.0.0", 69)
    assert str(refused.value) == (
        "the socket 'tftp' of systemd is not an IPv4 datagram socket: write ListenDatagram=0.0.0.0:69"
    )


@pytest.mark.parametrize("name", ["dhcp", "pxe", "tftp"])
def test_a_port_that_is_taken_is_told_with_holder_and_remedy_in_one_line(name: str, handed: socket.socket) -> None:
    port = handed.getsockname()[1]
    with pytest.raises(CannotListen) as refused:
        Sockets().udp(name, LOOPBACK, port)
    said = str(refused.value)
    assert said.startswith(f"UDP port {port} on {LOOPBACK} is already used by ")
    assert f"(pid {os.getpid()})" in said
    assert "Stop it" in said
    assert "\n" not in said


@pytest.mark.parametrize(("name", "setting"), [("http", "'http: {port: N}'"), ("admin", "'admin: {listen: ")])
def test_a_tcp_port_that_is_taken_names_the_setting(name: str, setting: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken, pytest.raises(CannotListen, match="is already used") as refused:
        Sockets().tcp(name, LOOPBACK, taken.getsockname()[1])
    assert setting in str(refused.value)


def test_an_address_this_machine_does_not_have_is_told_plainly() -> None:
    with pytest.raises(CannotListen) as refused:
        Sockets().tcp("admin", "192.0.2.1", 8081)
    assert str(refused.value) == "admin: Cannot assign requested address"


def test_what_is_not_allowed_is_told_with_the_way_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, port: int, *, broadcast: bool) -> socket.socket:
        raise PermissionError(13, f"not allowed to use UDP port {port} on {address}")

    monkeypatch.setattr("netbootd.serve.sockets.bind_udp", refuse)  # root would be allowed
    with pytest.raises(CannotListen, match=r"^not allowed to use UDP port 67 on 0\.0\.0\.0: 'sudo netbootd run', or"):
        Sockets().udp("dhcp", "0.0.0.0", 67)


def test_who_may_not_listen_to_others_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("netbootd.serve.sockets.open_overheard", refuse)
    assert Sockets().overheard() is None
