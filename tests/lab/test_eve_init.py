"""What follows the kernel of an EVE with an ISO, in a real kernel: the init that runs, and the configuration it shows.

No network is in it: QEMU gets the documents of the plan as they would be served.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from netbootd.artifacts.bundles import scan
from netbootd.boot.args import Arg, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.boot.plan import Document
from netbootd.load import payload_files
from netbootd.payloads import Order
from netbootd.payloads.eve import direct
from netbootd.payloads.eve.bundle import Era
from netbootd.wire.segments import Extent
from tests.lab import eve
from tests.lab.console import Console
from tests.support.eve_bundles import VERSIONS
from tests.support.worlds import CARD, SITE

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("artifacts")]

OWN = (
    ConfigFile("server", b"mine.example.net"),
    ConfigFile("v2tlsbaseroot-certificates.pem", b"roots"),
    ConfigFile("DevicePortConfig/override.json", b"{}"),
)
END = "NETBOOTD-LAB END|this is a shell in the initrd"
CONSOLE = Arg("console", "ttyS0", "test", Layer.PAYLOAD)


def booted(directory: Path, era: Era, config: tuple[ConfigFile, ...], *args: Arg) -> str:
    """What the machine says until its installer is done or given up."""
    eve.write(directory / "artifacts" / "eve", era)
    bundle = scan(directory / "artifacts").bundles["eve"]
    plan = direct.plan(bundle, Order(Facts(mac=CARD), SITE, (CONSOLE, *args), config=config, files=payload_files()))
    for document in plan.documents:
        write(document, directory)
    command = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot", "-m", "512", "-serial", "stdio"]
    command += ["-machine", "pc,accel=tcg", "-kernel", str(directory / "kernel"), "-initrd", str(directory / "initrd")]
    with subprocess.Popen(
        [*command, "-append", plan.line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as machine:
        assert machine.stdout is not None
        console = Console(machine.stdout, directory / "serial.log")
        console.wait_for(END, 100)
        machine.kill()
        console.join()
    return console.text


def write(document: Document, directory: Path) -> None:
    def fetch(extent: Extent) -> bytes:
        with (directory / "artifacts" / str(extent.source)).open("rb") as file:
            file.seek(extent.offset)
            return file.read(extent.length)

    (directory / document.name).write_bytes(document.content.joined(fetch))


def said(pattern: str, console: str) -> str:
    found = re.search(pattern, console)
    assert found, console[-3000:]
    return found[1]


@pytest.mark.parametrize("era", [era for era in Era if era.has_iso], ids=lambda era: era.value)
def test_the_installer_reads_the_node_s_own_configuration(era: Era, tmp_path: Path) -> None:
    """Whole, long names and directories included, mounted once more by the installer as EVE's container does."""
    console = booted(tmp_path, era, OWN)
    assert said(eve.CONFIG, console) == (
        "DevicePortConfig/override.json={} server=mine.example.net v2tlsbaseroot-certificates.pem=roots"
    )
    assert said(eve.ROOT, console).endswith(VERSIONS[era])


def test_a_configuration_that_cannot_be_laid_over_stops_the_installation_in_words(tmp_path: Path) -> None:
    """EVE's own init would go on without, and the node would register with the wrong controller."""
    wrong = Arg("rootaddmount", "/config.img:/nowhere.img", "test", Layer.PAYLOAD)
    console = booted(tmp_path, Era.B2, OWN, wrong)
    assert "its image has no /nowhere.img that /config.img could be laid over" in console
    assert "CONFIG <" not in console
