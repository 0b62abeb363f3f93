"""``netbootd render``: the very octets the daemon sends; tests/system compares them on a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.chain.scripts import Loader
from netbootd.cli.common import site
from netbootd.load import load_world
from netbootd.payloads.eve.bundle import Era
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.services import ScriptRequest
from netbootd.wire.mac import Mac
from tests.support.cli import Ran, netbootd
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished, settings
from tests.support.settings import Files

SETTINGS = """\
interfaces: [lo]
profiles:
  rescue:
    payload: linux
    kernel: kernel
    args: {console: ttyS0, sn: "{{ machine.serial | default('none') }}", arch: "{{ machine.buildarch | default('?') }}"}
  needs: {payload: linux, kernel: kernel, args: {sn: "{{ machine.serial }}"}}
machines:
  - {mac: 52:54:00:00:00:01, name: n1, profile: rescue, args: {console: ttyS1}}
  - {mac: 52:54:00:00:00:02, name: n2, profile: needs}
  - {serial: S3, name: n3, profile: needs}
"""
KNOWN, NEEDS, STRANGER = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:07"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, SETTINGS))


def render(path: Path, *arguments: str) -> Ran:
    return netbootd("render", "-c", path, *arguments)


def served(path: Path, mac: str, loader: Loader = Loader.IPXE, **query: str) -> str:
    """What the daemon's HTTP side answers."""
    config = Files(path.parent).load(settings(path.parent, SETTINGS))
    loaded = load_world(config)
    boot = BootSide(
        emit=lambda _event: None,
        directory=Directory(lambda _mac: ""),
        site=lambda _local: site(config),
        world=loaded.world,
        firmware=loaded.firmware,
        tree=Tree(config.artifacts),
    )
    request = ScriptRequest(Mac.parse(mac), tuple(query.items()), "127.0.0.1", ("127.0.0.1", 8080), loader)
    return boot.script(request).body.decode()


@pytest.mark.parametrize("mac", [KNOWN, "52-54-00-00-00-01", "525400000001", "5254.0000.0001", STRANGER])
def test_it_prints_what_the_daemon_serves(path: Path, mac: str) -> None:
    ran = render(path, mac)
    assert (ran.code, ran.err, ran.out) == (0, "", served(path, mac))


def test_what_ipxe_would_report_can_be_said(path: Path) -> None:
    ran = render(path, KNOWN, "--arch", "arm64", "--platform", "efi", "--fact", "serial=S/N 1=2")
    expected = served(path, KNOWN, buildarch="arm64", platform="efi", serial="S/N 1=2")
    assert (ran.out, 'sn="S/N 1=2"' in ran.out or "S/N 1=2" in ran.out, "arch=arm64" in ran.out) == (
        expected,
        True,
        True,
    )


def test_for_grub_too(path: Path) -> None:
    assert render(path, KNOWN, "--stage", "grub").out == served(path, KNOWN, Loader.GRUB)


def test_a_script_that_cannot_be_written_is_printed_as_the_machine_shows_it_and_ends_with_1(path: Path) -> None:
    ran = render(path, NEEDS)
    assert (ran.code, ran.out) == (1, served(path, NEEDS))
    assert ran.complaint.startswith("netbootd: argument sn of profile needs: ")
    assert render(path, NEEDS, "--fact", "serial=S1").code == 0


def test_a_machine_named_by_its_serial_number_is_found_by_what_it_would_report(path: Path) -> None:
    assert "sn=S3" in render(path, STRANGER, "--fact", "serial=S3").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("n3",), "netbootd: n3 is named without a card: give the hardware address it has shown"),
        (("nonsense",), "netbootd: 'nonsense' is neither a machine's name nor a hardware address"),
        ((KNOWN, "--fact", "serial"), "netbootd: --fact 'serial': write it as KEY=VALUE"),
        ((KNOWN, "--fact", "nosuch=1"), "netbootd: --fact nosuch: iPXE reports no such thing; there is uuid, serial, "),
        ((KNOWN, "--fact", "uuid=x"), "netbootd: uuid: it is not a UUID"),
        ((KNOWN, "--fact", "serial=${x}"), "netbootd: serial: it holds '${', which iPXE would expand"),
        ((KNOWN, "--arch", "x86 64"), "netbootd: buildarch: it is not a plain word"),
    ],
)
def test_what_is_used_wrongly_is_told_in_a_line_and_ends_with_2(
    path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = render(path, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint.startswith(said)


def test_origins_say_where_each_argument_came_from(path: Path) -> None:
    ran = render(path, KNOWN, "--origins", "--fact", "serial=S1")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"profile    rescue: {path}:12 names it",
        "now        boots it: the profile boots always",
        "arguments  console=ttyS1  (machine n1)",
        "           sn=S1          (profile rescue)",
        "           arch=?         (profile rescue)",
    ]


def test_for_programs_there_is_json(path: Path) -> None:
    ran = render(path, KNOWN, "--json")
    said = ran.json
    assert (ran.code, said["payload"], said["profile"], said["failure"]) == (0, "linux", "rescue", "")
    assert said["script"] == served(path, KNOWN)
    assert said["args"][0] == {"key": "console", "value": "ttyS1", "origin": "machine n1"}
    failed = render(path, NEEDS, "--json")
    assert (failed.code, failed.json["payload"]) == (1, "refused")


def test_a_text_that_is_made_for_the_machine_is_shown_by_its_name(tmp_path: Path) -> None:
    """What EVE's own menu sources last.  An image with keys in it is not shown."""
    edge = (
        "edge: {payload: eve, bundle: eve-17.3.0, route: grub, boots: always, args: {eve_install_server: zed.example}}"
    )
    text = settings(tmp_path, f"profiles:\n  {edge}\nmachines:\n  - {{mac: {KNOWN}, name: n1, profile: edge}}\n")
    path = Files(furnished(tmp_path)).write("netbootd.yaml", text)
    put(tmp_path / "artifacts" / "eve-17.3.0", files_of(Era.B2))
    outer = render(path, "n1", "--stage", "grub")
    inner = render(path, "n1", "--stage", "grub", "--file", "grub.cfg")
    assert "/node/TOKEN/grub.cfg'" in outer.out
    assert "eve_install_server=zed.example" in inner.out
    refused = render(path, "n1", "--file", "installer.iso")
    assert (refused.code, refused.out) == (2, "")
    assert "there is grub.cfg" in refused.complaint


class TestOneThatWaits:
    """An installer's machine that nobody has armed."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        (tmp_path / "server").write_text("{{ machine.name }}.example")
        edge = "edge: {payload: eve, bundle: eve-13.3.0, config: {server: server}}"
        text = settings(tmp_path, f"profiles:\n  {edge}\nmachines:\n  - {{mac: {KNOWN}, name: n1, profile: edge}}\n")
        put(furnished(tmp_path) / "artifacts" / "eve-13.3.0", files_of(Era.A))
        return Files(tmp_path).write("netbootd.yaml", text)

    def test_is_shown_its_own_disk_and_how_to_see_more(self, path: Path) -> None:
        ran = render(path, "n1")
        assert f"# To see its script as it will be then:  netbootd render {KNOWN} --armed\n" in ran.out
        assert ran.complaint == f"netbootd: as it will be once armed: netbootd render n1 --armed -c {path}"

    def test_is_shown_its_script_as_if_it_were_armed(self, path: Path) -> None:
        ran = render(path, "n1", "--armed")
        assert (ran.code, ran.err) == (0, "")
        assert "/node/TOKEN/config.cpio.gz" in ran.out
        assert render(path, "n1", "--armed", "--json").json["script"] == ran.out

    def test_nobody_is_armed_by_looking(self, path: Path) -> None:
        render(path, "n1", "--armed")
        assert "own disk" in render(path, "n1").out

    def test_has_its_configuration_files_told_either_way_and_not_their_contents(self, path: Path) -> None:
        ran, armed = render(path, "n1", "--origins"), render(path, "n1", "--origins", "--armed")
        assert f"config     server, a template  (profile edge, {path}:5)\n" in ran.out
        assert f"config     server, 10 B  (profile edge, {path}:5)\n" in armed.out
        said = render(path, "n1", "--json", "--armed").json
        assert said["config"] == [{"path": "server", "size": 10, "origin": f"profile edge, {path}:5"}]
        assert "n1.example" not in armed.out + json.dumps(said)

    def test_has_no_text_of_its_own_until_then(self, path: Path) -> None:
        ran = render(path, "n1", "--file", "grub.cfg")
        assert ran.complaint == (
            "netbootd: --file grub.cfg: this machine boots its own disk; as it will be once armed: --armed"
        )
        ran = render(path, "n1", "--file", "grub.cfg", "--armed")
        assert (ran.code, ran.out) == (2, "")
        assert ran.complaint.endswith("one whose profile has route: grub (payload eve) gets a grub.cfg")
