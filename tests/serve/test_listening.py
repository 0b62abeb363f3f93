"""What is bound for which settings."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netbootd.config import load
from netbootd.config.certificate import Tls
from netbootd.config.problems import Place
from netbootd.serve.listening import listen
from netbootd.serve.sockets import CannotListen, Sockets

CONFIG = replace(load(None), dhcp_mode="off", tftp_port=0, http_port=0, admin_listen=("127.0.0.1", 0))


def port(sock: socket.socket) -> int:
    number: int = sock.getsockname()[1]
    return number


class Named(Sockets):
    """Binds ports of the kernel's choice and keeps what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, int, bool]] = []

    def udp(self, name: str, address: str, port: int, *, broadcast: bool = False) -> socket.socket:
        self.asked.append((name, address, port, broadcast))
        return super().udp(name, "127.0.0.1", 0, broadcast=broadcast)

    def overheard(self) -> socket.socket | None:
        return super().udp("overheard", "127.0.0.1", 0)


def test_ports_of_the_kernel_s_choice_are_told() -> None:
    sockets = Sockets()
    listening = listen(CONFIG, sockets)
    assert listening.dhcp == ()
    assert listening.tftp
    assert listening.tftp_address == ("0.0.0.0", port(listening.tftp))
    assert listening.http_address == ("0.0.0.0", port(listening.http))
    assert listening.address is None
    assert listening.admin_address == ("127.0.0.1", listening.admin.getsockname()[1])
    sockets.close()


def test_one_address_of_the_settings_holds_for_tftp_and_http_and_not_for_dhcp() -> None:
    """Firmware broadcasts: a socket bound to one address would not hear it."""
    sockets = Named()
    listening = listen(replace(CONFIG, listen="127.0.0.9", dhcp_mode="proxy"), sockets)
    assert [(name, address) for name, address, *_ in sockets.asked] == [
        ("dhcp", "0.0.0.0"),
        ("pxe", "0.0.0.0"),
        ("tftp", "127.0.0.9"),
    ]
    assert listening.http_address == ("127.0.0.9", port(listening.http))
    assert listening.address == "127.0.0.9"
    sockets.close()


def test_what_systemd_has_bound_is_where_we_listen() -> None:
    """Whatever the settings say, as with the ports."""
    handed = Sockets().tcp("http", "127.0.0.8", 0)
    sockets = Sockets({"http": [handed]})
    listening = listen(replace(CONFIG, listen="127.0.0.9"), sockets)
    assert listening.http is handed
    assert listening.address == "127.0.0.8"
    sockets.close()


def test_without_tftp_no_port_is_opened_for_it() -> None:
    sockets = Named()
    listening = listen(replace(CONFIG, tftp_mode="off"), sockets)
    assert (listening.tftp, listening.tftp_address, sockets.asked) == (None, None, [])
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


TLS = Tls(0, Path("a.pem"), None, Place("x", 1), Place("x", 1))


def test_tls_has_a_port_of_its_own_beside_the_plain_one() -> None:
    sockets = Sockets()
    listening = listen(replace(CONFIG, tls=TLS, listen="127.0.0.9"), sockets)
    assert listening.https
    assert listening.https_address == ("127.0.0.9", port(listening.https))
    assert listening.http_address[1] != port(listening.https)
    sockets.close()


def test_without_a_certificate_there_is_none() -> None:
    sockets = Sockets()
    assert listen(CONFIG, sockets).https_address is None
    sockets.close()


def test_a_port_that_systemd_holds_for_tls_is_not_left_unanswered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as passed:
        sockets = Sockets({"https": [passed]})
        with pytest.raises(CannotListen, match=r"name a certificate with http.tls, or disable its unit"):
            listen(CONFIG, sockets)
        sockets.close()


def test_the_admin_side_may_be_at_a_path(tmp_path: Path) -> None:
    sockets = Sockets()
    listening = listen(replace(CONFIG, admin_listen=tmp_path / "admin.sock"), sockets)
    assert listening.admin_address == tmp_path / "admin.sock"
    sockets.close()


def test_a_path_that_is_taken_is_told(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    path.write_text("")
    sockets = Sockets()
    with pytest.raises(CannotListen, match=f"admin: {path} is there already"):
        listen(replace(CONFIG, admin_listen=path), sockets)
    sockets.close()


def test_lines_of_installers_are_taken_where_the_settings_say_so() -> None:
    sockets = Named()
    listening = listen(replace(CONFIG, tftp_mode="off", listen="127.0.0.9", syslog_port=514), sockets)
    assert sockets.asked == [("syslog", "127.0.0.9", 514, False)]
    assert listening.syslog
    assert listening.syslog_address == ("127.0.0.1", port(listening.syslog))
    assert listen(replace(CONFIG, tftp_mode="off"), sockets).syslog_address is None
    sockets.close()


@pytest.mark.parametrize(
    ("change", "listened"),
    [({"dhcp_mode": "proxy"}, True), ({"dhcp_mode": "proxy", "overhear": False}, False), ({"dhcp_mode": "off"}, False)],
)
def test_other_servers_are_listened_to_where_the_settings_say_so(change: dict[str, Any], listened: bool) -> None:
    sockets = Named()
    assert (listen(replace(CONFIG, **change), sockets).overheard is not None) == listened
    sockets.close()
