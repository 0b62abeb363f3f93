"""What a daemon says of itself, for the settings and the machine it finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd import __version__
from netbootd.announce import Service, announcement, started, summary, warnings
from netbootd.boot.site import Site
from netbootd.config import Config
from netbootd.config.certificate import identify
from netbootd.load import load_world
from netbootd.net.interfaces import Address, Interface
from netbootd.serve.listening import Listening, listen
from netbootd.serve.sockets import Sockets
from tests.support.house import furnished, settings
from tests.support.settings import Files
from tests.support.tls import certify

PORTS = "dhcp: {mode: off}\ntftp: {port: 0}\nhttp: {port: 0}\nadmin: {listen: '127.0.0.1:0'}\n"
LAN = Interface("lan1", 2, (Address("192.0.2.1", 24), Address("198.51.100.1", 24)))
BARE = Interface("lan2", 3)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    more = "profiles: {rescue: {payload: linux, kernel: kernel}}\nmachines: [{mac: '52:54:00:00:00:01'}]\n"
    return Files(furnished(tmp_path)).load(settings(tmp_path, PORTS + more))


@pytest.fixture
def listening(config: Config) -> Iterator[Listening]:
    sockets = Sockets()
    yield listen(config, sockets)
    sockets.close()


def site(local: str) -> Site:
    return Site(local, 8080)


def test_the_banner_names_what_is_served_where(config: Config, listening: Listening) -> None:
    facts = announcement(config, load_world(config), (LAN, BARE), listening, site)
    assert [(each.name, each.addresses) for each in facts.interfaces] == [
        ("lan1", ("192.0.2.1/24", "198.51.100.1/24")),
        ("lan2", ()),
    ]
    tftp = listening.tftp_address
    assert tftp
    assert facts.services == (f"TFTP on {tftp[1]}", f"HTTP on {listening.http_address[1]}")
    assert facts.script_urls == ("http://192.0.2.1:8080/ipxe.cfg",)
    assert isinstance(listening.admin_address, tuple)
    assert facts.admin_url == f"http://127.0.0.1:{listening.admin_address[1]}/"
    assert (facts.firmware, facts.profiles, facts.machines) == (("snponly.efi", "undionly.kpxe"), ("rescue",), 1)
    assert [each.file for each in facts.missing] == ["arm64-efi/snponly.efi", "i386-efi/snponly.efi"]
    assert facts.warnings == ()


def test_a_person_is_told_what_no_boot_would_show_before_it_fails(config: Config, tmp_path: Path) -> None:
    (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
    no_address, no_artifacts, no_kernel = warnings(config, load_world(config), ())
    assert no_address.startswith("no interface with an IPv4 address to serve")
    assert no_artifacts == f"artifacts: {tmp_path}/artifacts does not exist yet; put kernels and bundles there"
    assert no_kernel.endswith(f"profiles.rescue: {tmp_path}/artifacts/kernel: no such file")


class TestOneAddressAndNoTftp:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, listen="127.0.0.1", tftp_mode="off")

    def test_the_banner_names_that_address_and_nothing_that_is_off(self, config: Config, listening: Listening) -> None:
        facts = announcement(config, load_world(config), (LAN,), listening, lambda _local: Site("127.0.0.1", 8080))
        assert [(each.name, each.addresses) for each in facts.interfaces] == [("only", ("127.0.0.1",))]
        assert facts.services == (f"HTTP on 127.0.0.1:{listening.http_address[1]}",)
        assert facts.script_urls == ("http://127.0.0.1:8080/ipxe.cfg",)
        assert facts.warnings == ()

    def test_no_interface_is_needed_for_loopback(self, config: Config, listening: Listening) -> None:
        facts = announcement(config, load_world(config), (), listening, site)
        assert facts.script_urls == ("http://127.0.0.1:8080/ipxe.cfg",)
        assert facts.warnings == ()

    def test_a_program_is_told_the_same(self, config: Config, listening: Listening) -> None:
        where = started((), listening, lambda _local: Site("10.0.2.2", 8080))
        assert (where.http, where.tftp) == (Service("127.0.0.1", listening.http_address[1]), None)
        assert (where.url, where.script) == ("http://10.0.2.2:8080", "http://10.0.2.2:8080/ipxe.cfg")


class TestTls:
    @pytest.fixture
    def config(self, config: Config, tmp_path: Path) -> Config:
        return replace(config, tls=replace(certify(tmp_path), port=0))

    def test_the_banner_has_its_port_and_a_url_by_the_name_of_the_certificate(
        self, config: Config, listening: Listening
    ) -> None:
        assert config.tls
        assert listening.https_address
        facts = announcement(config, load_world(config), (LAN,), listening, site, identify(config.tls))
        port = listening.https_address[1]
        assert facts.services[-1] == f"HTTPS on {port}"
        assert facts.script_urls == ("http://192.0.2.1:8080/ipxe.cfg", f"https://boot.test:{port}/ipxe.cfg")
        assert facts.warnings == ()

    def test_a_name_that_does_not_fit_is_a_warning(self, config: Config, listening: Listening) -> None:
        assert config.tls
        other = replace(config, public_url="https://other.test")
        facts = announcement(other, load_world(other), (LAN,), listening, site, identify(config.tls))
        assert any("not for other.test" in warning for warning in facts.warnings)

    def test_a_program_is_told_its_port(self, config: Config, listening: Listening) -> None:
        assert listening.https_address
        assert started((LAN,), listening, site).https == Service(*listening.https_address)


def test_a_program_is_told_every_address_and_port(config: Config, listening: Listening) -> None:
    where = started((BARE, LAN), listening, site)
    assert listening.tftp_address
    assert isinstance(listening.admin_address, tuple)
    assert (where.http, where.tftp) == (Service(*listening.http_address), Service(*listening.tftp_address))
    assert (where.admin, where.dhcp) == (Service(*listening.admin_address), ())
    assert (where.url, where.script) == ("http://192.0.2.1:8080", "http://192.0.2.1:8080/ipxe.cfg")
    assert (where.version, where.pid) == (__version__, os.getpid())
    assert started((), listening, site).url == "http://127.0.0.1:8080"


def test_of_many_files_that_are_not_there_the_first_are_named(tmp_path: Path) -> None:
    initrds = ", ".join(f"i{number}" for number in range(9))
    text = f"profiles: {{rescue: {{payload: linux, kernel: kernel, initrd: [{initrds}]}}}}\n"
    config = Files(furnished(tmp_path)).load(settings(tmp_path, PORTS + text))
    *named, more = warnings(config, load_world(config), (LAN,))
    assert [each.rpartition("/")[2] for each in named] == [f"i{number}: no such file" for number in range(4)]
    assert more == "and 5 more: netbootd check tells them all"


def test_the_service_manager_gets_one_line(config: Config) -> None:
    assert summary(load_world(config)) == "1 machines, 1 profiles"


@pytest.mark.parametrize(
    ("bound", "url", "service"),
    [
        (
            Path("/run/netbootd/admin.sock"),
            "unix:/run/netbootd/admin.sock",
            Service("unix:/run/netbootd/admin.sock", 0),
        ),
        (("::1", 81), "http://[::1]:81/", Service("::1", 81)),
    ],
)
def test_the_admin_side_is_told_as_it_is_asked_for(
    config: Config, listening: Listening, bound: Path | tuple[str, int], url: str, service: Service
) -> None:
    there = replace(listening, admin_address=bound)
    assert announcement(config, load_world(config), (), there, site).admin_url == url
    assert started((), there, site).admin == service
