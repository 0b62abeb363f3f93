"""What is bound for which settings."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from netbootd.config import load
from netbootd.serve.listening import listen
from netbootd.serve.sockets import CannotListen, Sockets

CONFIG = replace(load(None), dhcp_mode="off", tftp_port=0, http_port=0, admin_listen=("127.0.0.1", 0))


class Named(Sockets):
    """Binds ports of the kernel's choice and keeps what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, int, bool]] = []

    def udp(self, name: str, address: str, port: int, *, broadcast: bool = False) -> socket.socket:
        self.asked.append((name, address, port, broadcast))
        return super().udp(name, "127.0.0.1", 0, broadcast=broadcast)


def test_ports_of_the_kernel_s_choice_are_told() -> None:
    sockets = Sockets()
    listening = listen(CONFIG, sockets)
    assert listening.dhcp == ()
    assert listening.tftp_port == listening.tftp.getsockname()[1] != 0
    assert listening.http_port == listening.http.getsockname()[1] != 0
    assert listening.admin_address == ("127.0.0.1", listening.admin.getsockname()[1])
    sockets.close()


def test_a_proxy_listens_on_both_ports_and_may_broadcast() -> None:
    sockets = Named()
    listening = listen(replace(CONFIG, dhcp_mode="proxy"), sockets)
    assert [port for _, port in listening.dhcp] == [67, 4011]
    assert sockets.asked == [
        ("dhcp", "0.0.0.0", 67, True),
        ("pxe", "0.0.0.0", 4011, True),
        ("tftp", "0.0.0.0", 0, False),
    ]
    sockets.close()


def test_what_was_bound_before_one_that_cannot_be_is_closed_with_the_rest() -> None:
    sockets = Sockets()
    with Sockets().tcp("http", "0.0.0.0", 0) as taken, pytest.raises(CannotListen):
        listen(replace(CONFIG, http_port=taken.getsockname()[1]), sockets)
    (tftp,) = sockets._given
    sockets.close()
    assert tftp.fileno() == -1
