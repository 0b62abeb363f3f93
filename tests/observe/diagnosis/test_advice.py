"""What more than one cause advises: lines that work as they are, for the ports and servers they name."""

from __future__ import annotations

import pytest

from netbootd.observe.diagnosis.advice import (
    boot_options,
    no_pxe_class,
    no_second_server,
    open_port,
    port_of,
    smaller_mtu,
)


def test_a_port_is_opened_by_whichever_firewall_there_is() -> None:
    assert open_port(8080, "tcp") == (
        "`firewall-cmd --add-port=8080/tcp --permanent; firewall-cmd --reload`, `ufw allow 8080/tcp`, "
        "or nftables: `tcp dport 8080 accept`"
    )
    assert open_port(69, "udp", "ufw") == "`ufw allow 69/udp`"


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://192.0.2.1:8080/ipxe.cfg", 8080),
        ("http://192.0.2.1/ipxe.cfg", 80),
        ("https://boot.example.net/ipxe.cfg", 443),
        ("https://[2001:db8::1]:8443/ipxe.cfg", 8443),
        ("tftp://192.0.2.1/ipxe.cfg", 69),
        ("/ipxe.cfg", 80),
        ("http://192.0.2.1:none/", 80),
    ],
)
def test_the_port_of_a_url_is_the_one_a_firewall_sees(url: str, port: int) -> None:
    assert port_of(url) == port


def test_each_kind_of_server_gives_ipxe_its_script_and_not_itself() -> None:
    lines = boot_options("192.0.2.1", "snponly.efi", "http://192.0.2.1:8080/ipxe.cfg").splitlines()
    assert [line.strip() for line in lines if line[0] != " "] == [
        "router: option 66 (TFTP server, next-server) 192.0.2.1, option 67 (boot file) snponly.efi",
        "dnsmasq:",
        "ISC dhcpd:",
        "Kea, under Dhcp4:",
    ]
    assert sum("http://192.0.2.1:8080/ipxe.cfg" in line for line in lines) == 3


def test_another_server_is_named_by_its_address() -> None:
    assert "192.0.2.9" in no_pxe_class("192.0.2.9")
    assert "192.0.2.9" in no_second_server("192.0.2.9")


@pytest.mark.parametrize(("packet", "ping", "mtu"), [(1500, 1472, 1492), (1460, 1432, 1450), (1056, 1028, 576)])
def test_a_way_that_takes_less_is_measured_and_the_next_usual_mtu_named(packet: int, ping: int, mtu: int) -> None:
    """ping's size is without the headers of IP and ICMP, 28 octets."""
    assert f"-s {ping} " in smaller_mtu(packet)
    assert f"mtu {mtu}`" in smaller_mtu(packet)
