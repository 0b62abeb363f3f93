"""configs/evetest.yaml as a test of EVE's uses it: a daemon without privileges, on loopback, on ports it tells.

Two nodes of different releases, each at an address of its own, and foreign clients: tftpy, and a socket that hears as
little as one behind a NAT.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tftpy

from netbootd.payloads.eve.bundle import Era
from tests.support import eve_bundles
from tests.support.netbootd import Running, running

CONFIGS = Path(__file__).parents[2] / "configs"
NODE_1, NODE_2 = "127.0.0.11", "127.0.0.12"
MAC_1, MAC_2 = "52:54:00:00:00:01", "52:54:00:00:00:02"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Place:
    """A daemon, and what it said of itself on standard output."""

    daemon: Running
    where: dict[str, Any]
    directory: Path

    def ask(self, path: str, method: str = "GET", *, of: str = NODE_1, **headers: str) -> Answer:
        """One request from an address."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.where["http"]["port"], timeout=60, source_address=(of, 0)
        )
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.headers), answer.read())
        connection.close()
        return found

    def script(self, mac: str, of: str) -> str:
        return self.ask(f"/machines/{mac}/ipxe.cfg?platform=efi&buildarch=x86_64", of=of).body.decode()

    def by_tftpy(self, name: str) -> bytes:
        target = self.directory / "got"
        tftpy.TftpClient("127.0.0.1", self.where["tftp"]["port"]).download(name, str(target), timeout=60)
        return target.read_bytes()

    def behind_nat(self, name: str, of: str = NODE_1) -> bytes:
        """A read by a socket to which nothing gets but from the port it asked."""
        data = last = b""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((of, 0))
            sock.connect(("127.0.0.1", self.where["tftp"]["port"]))
            sock.settimeout(60)
            sock.send(b"\0\1" + name.encode() + b"\0octet\0")
            while True:
                block = sock.recv(2048)
                assert block[:2] == b"\0\3", block
                sock.send(b"\0\4" + block[2:4])
                if block[2:4] == last:
                    continue  # it was sent again
                last = block[2:4]
                data += block[4:]
                if len(block) < 516:
                    return data


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(CONFIGS / "evetest", tmp_path / "evetest")
    for name, era in {"eve-17.3.0": Era.B2, "eve-14.5.4-lts": Era.A}.items():
        eve_bundles.put(tmp_path / "evetest" / "artifacts" / name, eve_bundles.files_of(era))
    settings = (CONFIGS / "evetest.yaml").read_text()
    powerless = ("setpriv", "--bounding-set=-all", "--no-new-privs") if os.geteuid() == 0 else ()
    with (
        (tmp_path / "where.json").open("wb") as said,
        running(tmp_path, settings, "--json", before=powerless, stdout=said) as daemon,
    ):
        yield Place(daemon, json.loads((tmp_path / "where.json").read_text()), tmp_path)


def test_the_line_says_where_everything_is_and_nothing_listens_elsewhere(place: Place) -> None:
    assert place.where["tftp"]["address"] == place.where["http"]["address"] == "127.0.0.1"
    assert place.where["url"] == f"http://10.0.2.2:{place.where['http']['port']}"
    assert place.where["dhcp"] == []
    assert place.ask("/healthz").body == b"ok\n"
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect((NODE_2, place.where["http"]["port"]))


def test_eves_own_ipxe_finds_the_script_by_tftp_and_edens_scripts_by_http(place: Place) -> None:
    script = place.ask("/eserver/ipxe.efi.cfg").body
    assert script.startswith(b"#!ipxe\n")
    assert re.findall(rb"set url .*", script) == [f"set url {place.where['url']}/".encode()]
    assert place.by_tftpy("ipxe.efi.cfg") == place.behind_nat("/ipxe.efi.cfg") == script
    assert place.behind_nat(f"/{place.where['script']}.cfg") == script
    assert place.ask("/ipxe.cfg", "HEAD").headers["Content-Length"] == str(len(script))


def test_each_node_has_the_release_the_serial_and_the_server_of_its_line(place: Place) -> None:
    first, second = place.script(MAC_1, NODE_1), place.script(MAC_2, NODE_2)
    assert "eve_soft_serial=SOFT-0001 " in first
    assert "eve_install_server=mydomain.adam:3333" in first
    assert "eve_soft_serial=SOFT-0002" in second
    assert all("eve_reboot_after_install" not in script for script in (first, second))
    assert "rootfs.img" in second
    assert "rootfs.img" not in first
    (document,) = re.findall(r"(/node/\S+/initrd)", first)
    assert place.ask(document, "HEAD").status == 200


def test_each_node_finds_its_own_release_at_the_root_once_its_script_was_fetched(place: Place) -> None:
    place.script(MAC_1, NODE_1)
    place.script(MAC_2, NODE_2)
    iso = (place.directory / "evetest" / "artifacts" / "eve-17.3.0" / "installer.iso").read_bytes()
    assert place.ask("/eserver/installer.iso").body == iso == place.behind_nat("installer.iso")
    part = place.ask("/installer.iso", Range="bytes=1000-1999")
    assert (part.status, part.body, part.headers["Content-Length"]) == (206, iso[1000:2000], "1000")
    assert place.ask("/installer.iso", of=NODE_2).status == 404
    rootfs = b"rootfs.img" * 200
    assert place.ask("/eserver/rootfs.img", of=NODE_2).body == rootfs == place.behind_nat("rootfs.img", NODE_2)
    assert place.ask("/eserver/rootfs.img", "HEAD", of=NODE_2).headers["Content-Length"] == str(len(rootfs))


def test_what_was_given_counts_by_whichever_name_it_went(place: Place) -> None:
    """eden's nodes ask below /eserver/: they are not installed twice either."""
    place.script(MAC_2, NODE_2)
    place.ask("/eserver/rootfs.img", of=NODE_2)
    place.daemon.event("machine.changed", mac=MAC_2, change="given its payload")
    assert "rootfs.img" not in place.script(MAC_2, NODE_2)
