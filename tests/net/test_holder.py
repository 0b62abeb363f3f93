"""Who holds a port, as /proc tells."""

from __future__ import annotations

import os
import socket

import pytest

from netbootd.net.holder import holder_of

US = f"(pid {os.getpid()})"


@pytest.mark.parametrize("asked", ["127.0.0.1", "0.0.0.0"])
def test_a_held_udp_port_names_the_process(asked: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        assert holder_of(asked, sock.getsockname()[1]).endswith(US)


def test_another_address_of_the_same_port_is_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        assert holder_of("127.0.0.2", sock.getsockname()[1]) == ""


def test_a_dual_stack_socket_holds_the_ipv4_port_too() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        assert holder_of("127.0.0.1", sock.getsockname()[1]).endswith(US)


def test_a_listening_tcp_port_is_another_table() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        assert holder_of("127.0.0.1", port, "tcp").endswith(US)


def test_nobody_holds_a_free_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert holder_of("127.0.0.1", port) == ""
