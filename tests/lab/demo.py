"""``make demo``: a virtual machine boots through a real netbootd, and what happens is told as it happens.

Everything runs in private network namespaces (`tests.lab.network`): nothing is sent to the network of this computer.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netbootd.cli.history import timeline
from tests.lab import payload
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab, open_lab
from tests.lab.machine import BootFailed, Hardware, Machine
from tests.lab.namespace import LabError
from tests.lab.requirements import require
from tests.lab.story import Step, Story

MAC = "52:54:00:12:34:56"
FIRMWARE = {
    "uefi": (Firmware.UEFI_PXE, "a PC with UEFI"),
    "http": (Firmware.UEFI_HTTP, "a PC with UEFI that boots by HTTP"),
    "bios": (Firmware.BIOS_IPXE, "a PC with a BIOS and iPXE in its network card"),
    "pxe": (Firmware.BIOS_PXE, "a PC with a BIOS and a PXE network card"),
}
# What the demo shows of the settings, and what netbootd is given.
SETTINGS = f"""\
profiles:
  hello:
    payload: linux
    kernel: demo/vmlinuz
    initrd: [demo/initrd.gz]
    args: {{console: ttyS0, quiet: true, site: demo}}
machines:
  - mac: {MAC}
    name: node-1
    profile: hello
    args: {{greeting: "hello-from-{{{{ machine.name }}}}"}}
"""


def main() -> None:
    """Run the demo; exit 1 when it does not come to its end."""
    out = Console(highlight=False, width=min(Console().width, 100))
    firmware, what = FIRMWARE[_arguments().firmware]
    directory = Path(tempfile.mkdtemp(prefix="netbootd-demo-"))
    try:
        require()
        _run(out, directory, firmware, what)
    except LabError as error:
        _give_up(out, f"The demo cannot run here: {error}")
    except BootFailed as error:
        kept = directory.rename(f"{directory}-failed")
        last = "\n".join(error.console.splitlines()[-8:])
        _give_up(out, "The machine does not come to its kernel. Last on its screen:", last, _what_to_try(kept))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Watch a virtual machine boot through netbootd.")
    parser.add_argument("--firmware", choices=FIRMWARE, default="uefi", help="what the machine starts with")
    return parser.parse_args()


def _run(out: Console, directory: Path, firmware: Firmware, what: str) -> None:
    out.print()
    out.rule("[bold]A machine boots over the network[/bold]", style="dim")
    out.print(
        "\nA private network, on this computer only: a switch, a DHCP server that knows nothing of booting (dnsmasq), "
        "[bold]netbootd[/bold], and a virtual machine without a disk.\n"
    )
    payload.write_linux(directory / "artifacts" / "demo")
    lab_directory = directory / "lab"
    lab_directory.mkdir()
    settings = f"artifacts: {directory / 'artifacts'}\n{SETTINGS}"
    with out.status("netbootd starts") as status, open_lab(lab_directory, settings) as lab:
        status.update("the machine boots")
        _show(out, Step(0.0, f"The machine is switched on: {what}, address {MAC}."))
        story = Story(time.time())
        with lab.power_on(Hardware(firmware=firmware, mac=MAC, serial="DEMO-0001")) as machine:
            cmdline, seconds = _follow(out, lab, machine, story)
            machine.expect_off()
        kept = lab.boots(MAC)
    _finish(out, cmdline, seconds, kept[0])


def _follow(out: Console, lab: Lab, machine: Machine, story: Story) -> tuple[str, float]:
    """Tell the boot as it goes; the kernel's arguments, and when it printed them."""
    told = 0
    while True:
        found = machine.console.wait_for(payload.CMDLINE, 0.1)
        events = lab.daemon.events()
        for event in events[told:]:
            if step := story.tell(event):
                _show(out, step)
        told = len(events)
        seconds = time.monotonic() - machine.started
        if found:
            _show(out, Step(seconds, "The kernel runs. It prints its own command line and switches the machine off."))
            return found.group(1), seconds
        if seconds > machine.hardware.firmware.patience or machine.process.poll() is not None:
            machine.expect(payload.CMDLINE, 0)


def _finish(out: Console, cmdline: str, seconds: float, kept: Mapping[str, Any]) -> None:
    out.print("\nThe kernel's own command line, read from its serial console:")
    out.print(Padding(f"[bold]{escape(cmdline)}[/bold]", (1, 2)))
    out.print("These lines of netbootd's settings made it so:")
    out.print(Padding(escape(SETTINGS), (1, 2, 0, 2)))
    out.print("netbootd keeps each boot. This is what `netbootd explain node-1` and the page say of this one:\n")
    for line in timeline(kept, datetime.now(UTC)):
        text = Text(line.text[2:], style="dim" if line.faint else "")
        out.print(text, overflow="ellipsis", no_wrap=True)
    out.print()
    out.rule(f"[bold]Booted in {seconds:.0f} seconds[/bold]", style="dim")
    out.print("\nWhat to do next:\n")
    hints = Table.grid(padding=(0, 2))
    hints.add_row("  [bold]make run[/bold]", "serve your own network; machines it does not know see a menu")
    hints.add_row("  [bold]localhost:8081[/bold]", "its page: machines, their boots as they happen, why one stops")
    hints.add_row("  [bold]make test[/bold]", "every test; other kinds of firmware boot there as this one did")
    hints.add_row("  [bold]README.md[/bold]", "your first machines, and netbootd as a service")
    out.print(hints)
    out.print()


def _show(out: Console, step: Step) -> None:
    row = Table.grid(padding=(0, 2))
    row.add_column(justify="right", width=7, no_wrap=True, style="dim")
    row.add_column()
    row.add_row(f"{max(step.seconds, 0.0):.1f} s", _bold(step.text))
    out.print(row)


def _bold(text: str) -> str:
    """``**word**`` as rich writes it."""
    parts = escape(text).split("**")
    return "".join(f"[bold]{part}[/bold]" if n % 2 else part for n, part in enumerate(parts))


def _what_to_try(kept: Path) -> str:
    return (
        "Run it once more: a machine without hardware acceleration is slow, and a busy computer may be too slow for "
        "it.\nmake demo ARGS='--firmware bios' is the fastest. Logs, screen and packets of this run are in\n"
        f"{kept}"
    )


def _give_up(out: Console, headline: str, evidence: str = "", hint: str = "") -> NoReturn:
    out.print(f"\n[bold red]{escape(headline)}[/bold red]")
    if evidence:
        out.print(Padding(escape(evidence), (1, 2)))
    if hint:
        out.print(escape(hint))
    sys.exit(1)


if __name__ == "__main__":
    main()
