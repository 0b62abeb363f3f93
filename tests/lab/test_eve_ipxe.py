"""An iPXE with EVE's script built in: it puts ``.cfg`` behind the boot file of the DHCP answer and asks TFTP for that.

The iPXE is Debian's, started with a script of our own that behaves as EVE's does.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab import payload
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware

pytestmark = pytest.mark.lab

NODE = "52:54:00:99:00:01"
EMBEDDED = """#!ipxe
prompt --key 0x02 --timeout 500 Press Ctrl-B for a shell && shell ||
:retry_dhcp
dhcp && isset ${filename} || goto retry_dhcp
echo Booting from tftp://${next-server}/${filename}.cfg
chain tftp://${next-server}/${filename}.cfg
"""
SETTINGS = f"""
profiles:
  lab:
    payload: linux
    kernel: lab/vmlinuz
    initrd: [lab/initrd.gz]
    args: {{console: ttyS0, node: "{{{{ machine.name }}}}"}}
machines:
  - {{mac: "{NODE}", name: node-1, profile: lab}}
"""
type_of_lab = Callable[..., Lab]


@pytest.mark.parametrize(
    "options", [(), ("--dhcp-boot=gone/pxelinux.0,router,10.99.0.1",)], ids=["itself", "a file too"]
)
def test_it_comes_to_the_script_of_its_machine(options: tuple[str, ...], lab: type_of_lab) -> None:
    """The DHCP server names itself as boot server (siaddr), as dnsmasq always does, or a file of its own besides: the
    priority of netbootd's offer (option 175.1) puts that over it."""
    opened = lab(SETTINGS, *options)
    with opened.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE, script=EMBEDDED)) as machine:
        assert machine.expect(r"Booting from (tftp://\S+)\n") == "tftp://10.99.0.2/http://10.99.0.2:8080/ipxe.cfg.cfg"
        assert "node=node-1" in machine.expect(payload.CMDLINE).split()
        machine.expect_off()
