"""What more than one cause advises, and `netbootd doctor` with them: each in one place, with the values filled in."""

from __future__ import annotations

from urllib.parse import urlsplit

USUAL = "snponly.efi"
"""The boot program that most machines want."""
EDGE_PORT = "Cisco: `spanning-tree portfast`, Juniper: `edge`, HP: `admin-edge-port`"
"""How a switch is told that no other switch is behind a port, so that it forwards at once."""
SPANNING_TREE = (
    "spanning tree forwards nothing for 30 s or more after a card was reset: make its switch port an edge port "
    f"({EDGE_PORT})"
)
SNOOPING = "DHCP snooping must trust the ports of the DHCP server and of netbootd"
ONE_IDENTITY = (
    "a card that was moved from one to the other: forget the machine that has it no longer by its id, "
    "`netbootd machines forget ID`. Cloned virtual machines, and boards that come with one uuid: give each a "
    "MAC of its own and name machines by `mac`. A soft serial that two have is changed where it is set: "
    "`netbootd machines list` shows both. Until then nothing that wipes a disk is handed out."
)
"""Where two claim to be one machine."""
_USUAL_PORTS = {"http": 80, "https": 443, "tftp": 69}


def open_port(port: int, protocol: str, front: str = "") -> str:
    """With a Linux firewall's front end ("firewalld", "ufw"), or with each, where that is not known; ``protocol``:
    "udp" or "tcp"."""
    lines = {
        "firewalld": f"`firewall-cmd --add-port={port}/{protocol} --permanent; firewall-cmd --reload`",
        "ufw": f"`ufw allow {port}/{protocol}`",
    }
    return lines.get(front) or f"{', '.join(lines.values())}, or nftables: `{protocol} dport {port} accept`"


def smaller_mtu(packet: int) -> str:
    """What to do where packets of so many bytes (with their IP header) do not pass."""
    mtu = next((each for each in (1492, 1450, 1400, 1280) if each < packet), 576)
    return (
        "a tunnel, a PPPoE line, a switch or a virtual bridge on the way takes less than both ends believe (MTU): "
        f"raise it there. Or find out what passes, `ping -M do -s {packet - 28} ADDRESS`, lower until it answers, and "
        f"give the card netbootd answers on that MTU, `ip link set dev eth0 mtu {mtu}`: it then sends smaller packets"
    )


def port_of(url: str) -> int:
    """Where that is asked for; 80 where the URL says nothing that makes sense."""
    try:
        parts = urlsplit(url)
        return parts.port or _USUAL_PORTS.get(parts.scheme, 80)
    except ValueError:
        return 80


def no_pxe_class(server: str) -> str:
    """To whoever runs a DHCP server that calls itself a boot server."""
    return (
        f"remove option 60 from the DHCP server {server} (Windows: 'Set Predefined Options' and the scope's option "
        "060; ISC: vendor-class-identifier; dnsmasq: pxe-service)"
    )


def no_second_server(server: str) -> str:
    """To whoever runs another ProxyDHCP."""
    return (
        "two boot servers on one network race for every machine. Stop the one at "
        f"{server} (dnsmasq with dhcp-range=...,proxy or pxe-service, FOG, WDS, another netbootd)"
    )


def boot_options(server: str, file: str, script: str) -> str:
    """Options 66 and 67, for four kinds of DHCP server, where firmware takes a boot file from nobody else.

    iPXE gets its ``script`` by them as well: with the boot program alone it would load itself again and again.
    """
    return "\n".join(
        (
            f"router: option 66 (TFTP server, next-server) {server}, option 67 (boot file) {file}",
            "dnsmasq:",
            "  dhcp-match=set:ipxe,175",
            f"  dhcp-boot=tag:ipxe,{script}",
            f"  dhcp-boot=tag:!ipxe,{file},,{server}",
            "ISC dhcpd:",
            f"  next-server {server};",
            f'  if exists user-class and option user-class = "iPXE" {{ filename "{script}"; }}',
            f'  else {{ filename "{file}"; }}',
            "Kea, under Dhcp4:",
            '  "client-classes": [',
            '    {"name": "ipxe", "test": "substring(option[77].hex,0,4) == \'iPXE\'",'
            f' "boot-file-name": "{script}"}},',
            '    {"name": "pxe", "test": "not member(\'ipxe\') and substring(option[60].hex,0,9) == \'PXEClient\'",'
            f' "next-server": "{server}", "boot-file-name": "{file}"}}]',
        )
    )
