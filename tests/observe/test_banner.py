"""The start-up banner, as an administrator sees it."""

from __future__ import annotations

import dataclasses

from netbootd.artifacts.firmware import MissingFirmware
from netbootd.observe.banner import Banner, ServedInterface, banner

TYPICAL = Banner(
    version="0.1.0",
    interfaces=(
        ServedInterface(name="eth0", addresses=("192.168.1.10/24",)),
        ServedInterface(name="br0", addresses=("10.0.0.1/8", "10.9.0.1/24")),
    ),
    services=("ProxyDHCP on ports 67 and 4011", "TFTP on 69", "HTTP on 8080"),
    script_urls=("http://192.168.1.10:8080/ipxe.cfg", "http://10.0.0.1:8080/ipxe.cfg"),
    admin_url="http://127.0.0.1:8081/",
    config="/etc/netbootd/netbootd.yaml",
    firmware=("undionly.kpxe", "ipxe.efi", "snponly.efi"),
    missing=(
        MissingFirmware(file="snponly-arm64.efi", needed_by="ARM64 UEFI machines", fix="apt-get install ipxe"),
        MissingFirmware(file="ipxe-i386.efi", needed_by="32-bit UEFI machines", fix="apt-get install ipxe"),
    ),
    profiles=("lab-eve", "rescue"),
    machines=12,
    warnings=("another ProxyDHCP server answered on eth0: 192.168.1.3; machines will hear both and take either",),
)

SHOWN = """\
netbootd 0.1.0: network boot beside the DHCP server you have

  serving    eth0 192.168.1.10/24
             br0  10.0.0.1/8, 10.9.0.1/24
             ProxyDHCP on ports 67 and 4011, TFTP on 69, HTTP on 8080
  settings   /etc/netbootd/netbootd.yaml
  iPXE URL   http://192.168.1.10:8080/ipxe.cfg
             http://10.0.0.1:8080/ipxe.cfg
  admin page http://127.0.0.1:8081/
  firmware   undionly.kpxe, ipxe.efi, snponly.efi
  missing    snponly-arm64.efi (ARM64 UEFI machines get no answer)
             ipxe-i386.efi (32-bit UEFI machines get no answer)
             to fix: apt-get install ipxe
  profiles   lab-eve, rescue
  machines   12 known; others see a menu that ends in their own disk
  warning    another ProxyDHCP server answered on eth0: 192.168.1.3; machines
             will hear both and take either
"""


def test_a_typical_start_reads_like_this() -> None:
    assert "\n".join(banner(TYPICAL)) == SHOWN


def test_the_very_first_start_says_what_there_is_not() -> None:
    assert banner(Banner(version="0.1.0"))[2:] == [
        "  serving    no interface",
        "  settings   none found, the defaults are used",
        "  firmware   none found: no machine can be given iPXE",
        "  profiles   none yet",
        "  machines   none known; others see a menu that ends in their own disk",
        "",
    ]


def test_nothing_is_wider_than_a_terminal_except_what_cannot_be_broken() -> None:
    many = dataclasses.replace(
        TYPICAL, profiles=tuple(f"profile-{n}" for n in range(30)), config="/a/" + "long/" * 30 + "netbootd.yaml"
    )
    assert [line for line in banner(many) if len(line) > 80 and "/long/" not in line] == []
    assert any("/long/" * 1 in line and line.endswith("netbootd.yaml") for line in banner(many))


def test_what_unknown_machines_get_is_said() -> None:
    for unknown, words in {"silent": "get no answer", "register": "are written down", "rescue": "boot rescue"}.items():
        assert any(words in line for line in banner(dataclasses.replace(TYPICAL, unknown=unknown)))


def test_a_remedy_stands_below_those_that_share_it() -> None:
    """One command for two files is said once; another remedy is said for its own file."""
    other = MissingFirmware(file="ipxe-arm64.efi", needed_by="ARM64 machines", fix="set `firmware` in the settings")
    lines = banner(dataclasses.replace(TYPICAL, missing=(*TYPICAL.missing, other)))
    assert [line.split("to fix: ")[1] for line in lines if "to fix" in line] == ["apt-get install ipxe", other.fix]


def test_a_name_from_a_file_cannot_steer_the_terminal() -> None:
    assert "  profiles   a?[2Jb" in banner(dataclasses.replace(TYPICAL, profiles=("a\x1b[2Jb",)))
