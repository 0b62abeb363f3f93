"""``netbootd import``: what it says, and that it ends cleanly however it ends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.support.cli import netbootd
from tests.support.eve_bundles import files_of, iso, net_tar, put
from tests.support.house import furnished, settings
from tests.support.settings import Files

ASSET = "amd64.kvm.generic.installer-net.tar"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path))


def bundles(config: Path) -> list[str]:
    """Names and hidden things among the artifacts."""
    entries = (config.parent / "artifacts").iterdir()
    return sorted(path.name for path in entries if path.name not in ("big", "kernel"))


def from_stdin(data: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "netbootd", "import", "-", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def test_a_release_asset_is_imported_verified_and_told_in_full(tmp_path: Path, config: Path) -> None:
    data = net_tar(Era.B2)
    put(
        tmp_path / "17.3.0",
        {ASSET: data, "amd64.kvm.generic.sha256sums": f"{sha256(data).hexdigest()}  {ASSET}".encode()},
    )
    ran = netbootd("import", tmp_path / "17.3.0" / ASSET, "--name", "eve-17.3.0", "-c", config)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:4] == [
        "eve-17.3.0 imported",
        "  era        B2: GRUB and an ISO with the root in it",
        "  version    17.3.0, by --name",
        "  for        amd64 kvm generic",
    ]
    assert "  can        arguments  yes\n" in ran.out
    assert (
        "             BIOS       no: from 16.13.0 on the installer ends where there are no EFI variables\n" in ran.out
    )
    assert "  verified   by amd64.kvm.generic.sha256sums\n" in ran.out
    assert ran.out.endswith("systemctl reload netbootd\n")


def test_a_directory_is_imported_under_the_name_of_its_version(tmp_path: Path, config: Path) -> None:
    put(tmp_path / "eve-13.3.0", files_of(Era.A))
    ran = netbootd("import", tmp_path / "eve-13.3.0", "-c", config)
    assert ran.out.startswith("eve-13.3.0 imported\n")
    assert "  verified   no: no sha256sums beside it\n" in ran.out
    again = netbootd("import", tmp_path / "eve-13.3.0", "-c", config)
    assert (again.code, again.out.splitlines()[0]) == (0, "eve-13.3.0 was there already")
    assert "reload" not in again.out
    named = netbootd("import", tmp_path / "eve-13.3.0", "-c", config, "--name", "edge")
    assert named.out.startswith("edge was there already, under another name\n")
    assert "reload" in named.out  # a daemon that runs does not know the name


def test_standard_input_is_a_tar_or_an_iso(config: Path) -> None:
    tar = from_stdin(net_tar(Era.B3), "--name", "eve-17.4.0", "-c", config)
    assert (tar.returncode, tar.stderr) == (0, b"")
    assert tar.stdout.startswith(b"eve-17.4.0 imported\n  era        B3: ")
    image = from_stdin(iso(Era.B3), "--name", "only-iso", "-c", config)
    assert image.returncode == 0
    assert b"note       there is no ipxe.efi in it" in image.stdout


def test_for_programs_it_is_an_object(tmp_path: Path, config: Path) -> None:
    put(tmp_path, {"15.1.0.tar": net_tar(Era.B1X)})
    ran = netbootd("import", tmp_path / "15.1.0.tar", "-c", config, "--json")
    assert (ran.json["name"], ran.json["era"], ran.json["already"]) == ("eve-15.1.0", "B1x", False)
    assert set(ran.json["can"].values()) == {True}
    assert ran.json["refused"] == ""
    assert "take 13.4.3-lts" in ran.json["notes"][0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the source is empty"),
        (net_tar(Era.A)[:2000], "cut off"),
        (b"Unable to find image\n", "this is no tar and no ISO"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(tmp_path: Path, config: Path, data: bytes, said: str) -> None:
    put(tmp_path, {"eve.tar": data})
    ran = netbootd("import", tmp_path / "eve.tar", "-c", config)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.complaint
    assert bundles(config) == []


def test_where_nothing_can_be_written_the_place_is_named(tmp_path: Path) -> None:
    put(tmp_path, {"file": b"", "eve.tar": net_tar(Era.A)})
    config = Files(tmp_path).write("netbootd.yaml", f"artifacts: {tmp_path}/file/artifacts\n")
    ran = netbootd("import", tmp_path / "eve.tar", "-c", config)
    assert (ran.code, ran.complaint) == (
        1,
        f"netbootd: nothing was imported: {tmp_path}/file/artifacts: Not a directory",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_leaves_nothing_behind(config: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "netbootd", "import", "-", "-c", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(net_tar(Era.B2)[:600_000])
        process.stdin.flush()  # more than a pipe holds: it has begun to read
        process.send_signal(number)
        assert process.wait(10) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b"netbootd: interrupted: nothing was imported\n"
    assert bundles(config) == []


def test_a_terminal_sees_a_bar_and_the_result_is_not_mixed_with_it(tmp_path: Path, config: Path) -> None:
    put(tmp_path, {"eve-17.3.0.tar": net_tar(Era.B2)})
    shown, out = on_a_terminal("import", tmp_path / "eve-17.3.0.tar", "-c", config)
    assert "importing" in shown
    assert out.startswith(b"eve-17.3.0 imported\n")
    assert b"\x1b" not in out


def test_a_terminal_is_no_source(config: Path) -> None:
    shown, out = on_a_terminal("import", "-", "-c", config)
    assert out == b""
    assert "standard input is a terminal" in shown


def on_a_terminal(*arguments: object) -> tuple[str, bytes]:
    """What a person sees beside the output, which goes into a pipe."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "netbootd", *map(str, arguments)]
    with (
        os.fdopen(here, "rb", buffering=0) as screen,
        subprocess.Popen(command, stdin=there, stdout=subprocess.PIPE, stderr=there) as process,
    ):
        os.close(there)
        assert process.stdout is not None
        out = process.stdout.read()
        return "".join(_until_closed(lambda: screen.read(65536))), out


def _until_closed(read: Callable[[], bytes | None]) -> list[str]:
    shown: list[str] = []
    while True:
        try:
            data = read()
        except OSError:  # the last writer closed it
            return shown
        shown.append((data or b"").decode("utf-8", "replace"))
