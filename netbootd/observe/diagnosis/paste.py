"""Lines to paste into the real DHCP server, for firmware that takes a boot file from nobody else.

iPXE gets its script by them as well: with the boot program alone it would load itself again and again.
"""

from __future__ import annotations

from netbootd.observe.diagnosis.model import Case
from netbootd.observe.diagnosis.story import offered

_USUAL = "snponly.efi"


def boot_options(case: Case) -> str:
    """Options 66 and 67 for this machine's firmware, for four kinds of server."""
    server, file, script = case.server, offered(case) or _USUAL, f"{case.base_url}/ipxe.cfg"
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
