"""Which other servers there are, and what they told a machine."""

from __future__ import annotations

from netbootd.observe.events import DaemonNotice, ServerHeard
from netbootd.observe.servers import Server, Servers
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")


def heard(server: str, mac: Mac = CARD, kind: str = "dhcp", file: str = "") -> ServerHeard:
    return ServerHeard(mac=str(mac), server=server, kind=kind, file=file, next_server="192.0.2.5", pxe=kind == "proxy")


def test_a_machine_s_servers_with_what_they_said_last() -> None:
    clock = iter([10.0, 20.0, 30.0])
    servers = Servers(lambda: next(clock))
    servers(heard("192.0.2.1", file="old"))
    servers(heard("192.0.2.9", kind="proxy", file="a.efi"))
    servers(heard("192.0.2.1", file="new"))
    dhcp = Server("192.0.2.1", "dhcp", "new", "192.0.2.5", False, 30.0)
    proxy = Server("192.0.2.9", "proxy", "a.efi", "192.0.2.5", True, 20.0)
    assert servers.to(CARD, 0.0) == servers.all() == (dhcp, proxy)
    assert servers.to(CARD, 25.0) == (dhcp,)
    assert servers.to(Mac.parse("52:54:00:12:34:57"), 0.0) == ()


def test_a_server_that_also_is_a_proxy_is_kept_as_both() -> None:
    """dnsmasq and Windows give addresses and boot files in answers of their own."""
    servers = Servers(lambda: 1.0)
    servers(heard("192.0.2.1"))
    servers(heard("192.0.2.1", kind="proxy"))
    assert {each.kind for each in servers.all()} == {"dhcp", "proxy"}


def test_a_netbootd_is_known_by_the_script_it_offers() -> None:
    """Whatever it offers to the next machine; a DHCP server may name that script, too."""
    servers = Servers(lambda: 1.0)
    servers(heard("192.0.2.8", kind="proxy", file="http://192.0.2.8:8080/ipxe.cfg"))
    servers(heard("192.0.2.8", kind="proxy", file="snponly.efi"))
    servers(heard("192.0.2.9", kind="proxy", file="http://192.0.2.9/boot.ipxe"))
    servers(heard("192.0.2.1", file="http://192.0.2.8:8080/ipxe.cfg"))
    assert servers.netbootds() == ("192.0.2.8",)


def test_a_flood_of_made_up_servers_and_machines_stays_small() -> None:
    servers = Servers(lambda: 1.0)
    for number in range(10_000):
        servers(heard(f"10.0.{number // 256}.{number % 256}", Mac(number.to_bytes(6, "big"))))
        servers(heard(f"10.0.{number // 256}.{number % 256}"))
    assert len(servers.all()) == 64
    assert len(servers.to(CARD, 0.0)) == 4


def test_other_events_are_none_of_its_business() -> None:
    servers = Servers()
    servers(DaemonNotice(text="started"))
    assert servers.all() == ()
