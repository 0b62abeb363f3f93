"""The DHCP packets of one healthy boot, for tests/captures.

``python -m tests.lab.record FIRMWARE FILE [DNSMASQ-OPTION]...``, with a name of `tests.lab.firmware.Firmware`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from scapy.layers.inet import UDP
from scapy.utils import rdpcap, wrpcap

from tests.lab import payload
from tests.lab.firmware import Firmware
from tests.lab.lab import open_lab
from tests.lab.machine import Hardware
from tests.lab.requirements import require

MAC = "52:54:00:99:00:01"
_PORTS = {67, 68, 4011}


def main(firmware: str, file: str, *dhcp_options: str) -> None:
    """Boot one machine and keep its DHCP packets."""
    require()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        payload.write_linux(directory / "artifacts" / "lab")
        settings = f"artifacts: {directory}/artifacts\n{_SETTINGS}"
        machine_kind = Hardware(firmware=Firmware[firmware.upper()], mac=MAC)
        with open_lab(directory, settings, *dhcp_options) as lab, lab.power_on(machine_kind) as machine:
            machine.expect(payload.CMDLINE)
            machine.expect_off()
            frames = rdpcap(str(machine.pcap))
        wrpcap(file, [each for each in frames if UDP in each and {each[UDP].sport, each[UDP].dport} & _PORTS])


_SETTINGS = f"""
profiles:
  lab: {{payload: linux, kernel: lab/vmlinuz, initrd: [lab/initrd.gz], args: {{console: ttyS0, quiet: true}}}}
machines:
  - {{mac: "{MAC}", name: node-1, profile: lab}}
"""

if __name__ == "__main__":
    main(*sys.argv[1:])
