"""``netbootd explain``: prints what the chain decides, and knows nothing of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.decide import Answer
from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.silence import Silence
from netbootd.boot.site import Site
from netbootd.chain.dhcp import dhcp
from netbootd.cli.capture import read_capture
from netbootd.fleet.record import PutRecord, Record
from netbootd.fleet.sqlite import Sqlite
from netbootd.load import load_world
from netbootd.wire.mac import Mac
from tests.support import captures
from tests.support.cli import Ran, netbootd
from tests.support.house import furnished, settings
from tests.support.settings import Files

SETTINGS = """\
interfaces: [lo]
profiles:
  rescue: {payload: linux, kernel: kernel, args: {console: [tty0, ttyS0]}}
  inst: {payload: linux, kernel: kernel, boots: once}
  needs: {payload: linux, kernel: kernel, args: {sn: "{{ machine.serial }}"}}
machines:
  - {mac: 52:54:00:00:00:01, name: n1, profile: rescue}
  - {mac: 52:54:00:00:00:02, name: n2, profile: inst}
  - {mac: 52:54:00:00:00:03, name: n3, profile: needs}
"""
CARD = Mac.parse("52:54:00:00:00:09")
CAPTURES = [path.name for path in sorted(captures.CAPTURES.glob("*.pcap"))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, SETTINGS))


def explain(path: Path, *arguments: object) -> Ran:
    return netbootd("explain", "-c", path, *arguments)


@pytest.mark.parametrize("name", CAPTURES)
def test_each_packet_of_a_capture_is_judged_as_the_daemon_would(path: Path, name: str) -> None:
    """The same packets through the chain, with the capture's own times."""
    said = explain(path, captures.CAPTURES / name, "--address", "10.99.0.2", "--json").json
    world = load_world(Files(path.parent).load(settings(path.parent, SETTINGS))).world
    here, memory = Site("10.99.0.2"), Memory()
    for seen, record in zip(read_capture(captures.CAPTURES / name), said, strict=True):
        if not seen.asks:
            assert "reply" in record
            continue
        arrival = Arrival(seen.target[1], seen.source, here.address, here.address)
        match dhcp(seen.data, arrival, world, here, memory, seen.time).decision:
            case Silence(reason, detail):
                assert (record["silence"], record["detail"]) == (reason.name, detail)
            case Answer() as answer:
                assert (record["file"], record["style"]) == (answer.file, answer.style.value)


def test_a_capture_is_told_packet_by_packet_with_the_reason_for_silence(path: Path) -> None:
    ran = explain(path, captures.CAPTURES / "ovmf-pxe4.pcap")
    assert (ran.code, ran.err) == (0, "")
    told = ran.out.splitlines()
    assert told[0] == "as netbootd at 10.99.0.2 would answer, packet by packet"
    assert told[2] == "   0.000 s  0.0.0.0:68 > 255.255.255.255:67"
    assert told[3].startswith("            packet     DISCOVER 52:54:00:99:00:01 xid=9d0bed5a secs=0 class='PXEClient:")
    assert told[4:8] == [
        "            client     x86-64 UEFI PXE (52:54:00:99:00:01)",
        "            machine    not named: no machine or rule names it; unknown: menu",
        "            answer     OFFER: snponly.efi (on to port 4011)",
        "            sent to    255.255.255.255:68",
    ]
    assert any(
        line.startswith("            silence    LEASE_REQUEST: a REQUEST on port 67 belongs to") for line in told
    )
    assert "            ACK of server 10.99.0.2, boot file ipxe.efi" in told


def test_a_machine_is_told_by_the_firmware_it_may_have(path: Path) -> None:
    ran = explain(path, "525400000001", "--address", "192.0.2.1")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "52:54:00:00:00:01: n1",
        "",
        f"  profile    rescue: {path}:10 names it",
        "",
        "What it is told when it asks, by the firmware it has:",
        "",
        "  BIOS       OFFER: undionly.kpxe (file at once, 43.6=8)",
        "  UEFI       OFFER: snponly.efi (on to port 4011)",
        "  UEFI HTTP  OFFER: http://192.0.2.1:8080/firmware/snponly.efi (file at once)",
        "  iPXE       OFFER: http://192.0.2.1:8080/ipxe.cfg (file at once)",
        "",
        "Its script, once its iPXE asks:",
        "",
        "  now        the profile boots always",
        "  boots      linux, profile rescue",
        "  arguments  console=tty0   (profile rescue)",
        "             console=ttyS0  (profile rescue)",
        "",
        "No daemon answers here, so that nobody tells it any of this now. Start one: sudo netbootd run "
        f"-c {path}, or systemctl start netbootd.",
        "",
        f"The script itself: netbootd render 52:54:00:00:00:01 -c {path}",
    ]


def test_without_settings_a_name_is_nobody_s_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETBOOTD_CONFIG", raising=False)
    monkeypatch.setattr("netbootd.config.loader.SYSTEM", tmp_path / "none")
    ran = netbootd("explain", "n1")
    assert ran.code == 2
    assert ran.complaint.endswith("hardware address; no settings were found that name machines: -c FILE")


def test_a_machine_may_be_called_by_its_name(path: Path) -> None:
    assert explain(path, "n1").out == explain(path, "52:54:00:00:00:01").out


def test_what_every_firmware_is_told_is_said_once(path: Path) -> None:
    ran = explain(path, "52:54:00:00:00:02")
    assert "  all        this machine boots its own disk, and silence lets its firmware go on to it (" in ran.out
    assert ran.out.count("boots its own disk") == 1
    assert f"  to arm it  netbootd machines install -c {path} n2\n" in ran.out


def test_a_script_that_is_refused_is_told(path: Path) -> None:
    ran = explain(path, "52:54:00:00:00:03")
    assert ran.code == 0
    assert "  refused    argument sn of profile needs: " in ran.out


def test_a_stranger_is_explained_too(path: Path) -> None:
    ran = explain(path, "52:54:00:00:00:07")
    assert ran.out.startswith("52:54:00:00:00:07: not named\n\n  profile    none: no machine or rule names it")
    assert "  boots      menu\n" in ran.out


def test_for_programs_there_is_json(path: Path) -> None:
    said = explain(path, "52:54:00:00:00:01", "--json", "--address", "192.0.2.1").json
    assert said["mac"] == "52:54:00:00:00:01"
    assert said["answers"]["iPXE"]["file"] == "http://192.0.2.1:8080/ipxe.cfg"
    assert said["answers"]["BIOS"]["to"] == ["255.255.255.255", 68]
    assert (said["script"]["payload"], said["script"]["profile"]) == ("linux", "rescue")


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("nonsense", 2, "netbootd: 'nonsense' is neither a file nor a machine's name or hardware address"),
        ("{0}/none.pcap", 2, "netbootd: '{0}/none.pcap' is neither a file nor a machine's name or"),
        ("{0}", 1, "netbootd: {0}: not a capture that can be read: Is a directory"),
        ("{0}/empty", 1, "netbootd: {0}/empty: not a capture that can be read: "),
        ("{0}/netbootd.yaml", 1, "netbootd: {0}/netbootd.yaml: not a capture that can be read: "),
        ("{0}/arp.pcap", 1, "netbootd: {0}/arp.pcap: no DHCP packet in this capture (UDP ports 67, 68, 4011)"),
    ],
)
def test_what_cannot_be_explained_is_told_in_a_line(path: Path, what: str, code: int, said: str) -> None:
    (path.parent / "empty").touch()
    (path.parent / "arp.pcap").write_bytes((captures.CAPTURES / CAPTURES[0]).read_bytes()[:24])
    ran = explain(path, what.format(path.parent))
    assert (ran.code, ran.out) == (code, "")
    assert ran.complaint.startswith(said.format(path.parent))


class TestFacts:
    """What its iPXE would report can be said before it has."""

    def test_they_reach_the_script_and_the_answers(self, path: Path) -> None:
        ran = explain(path, "n3", "--fact", "serial=S 1")
        assert '  arguments  sn="S 1"  (profile needs)\n' in ran.out
        assert f"netbootd render 52:54:00:00:00:03 --fact 'serial=S 1' -c {path}\n" in ran.out
        said = explain(path, "n3", "--fact", "serial=S 1", "--json").json
        assert said["script"]["args"] == [{"key": "sn", "value": "S 1", "origin": "profile needs"}]

    def test_a_rule_sees_them(self, tmp_path: Path) -> None:
        text = SETTINGS + "rules:\n  - {match: {manufacturer: 'ACME*'}, profile: rescue}\n"
        path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, text))
        assert "  profile    rescue: " in explain(path, "52:54:00:00:00:07", "--fact", "manufacturer=ACME Ltd").out

    @pytest.mark.parametrize("given", ["serial", "nosuch=1", "ip=x"])
    def test_what_the_daemon_would_refuse_is_refused(self, path: Path, given: str) -> None:
        assert (explain(path, "n3", "--fact", given).code, explain(path, "n3", "--fact", given).out) == (2, "")

    def test_a_capture_speaks_for_itself(self, path: Path) -> None:
        ran = explain(path, captures.CAPTURES / "ovmf-pxe4.pcap", "--fact", "serial=S1")
        assert (ran.code, ran.complaint.startswith("netbootd: --fact is for a machine; ")) == (2, True)


def test_configuration_files_are_told_by_whose_they_are_and_never_by_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("zed.example")
    text = "interfaces: [lo]\nprofiles:\n  edge: {payload: eve, bundle: eve-13.3.0, config: {server: server}}\n"
    text += "machines:\n  - {mac: 52:54:00:00:00:01, name: n1, profile: edge}\n"
    path = Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, text))
    ran, said = explain(path, "n1"), explain(path, "n1", "--json")
    assert f"  config     server, 11 B  (profile edge, {path}:6)\n" in ran.out
    assert said.json["script"]["config"] == [{"path": "server", "size": 11, "origin": f"profile edge, {path}:6"}]
    assert "zed.example" not in ran.out + said.out


EVE = """\
interfaces: [lo]
profiles:
  edge: {payload: eve, bundle: eve-13.3.0, args: {eve_install_server: ctl.example, eve_reboot_after_install: false}}
machines:
  - {mac: 52:54:00:00:00:01, name: n1, profile: edge}
"""


class TestFindings:
    """What is worth knowing of the arguments, whether the machine gets them now or once it is armed."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return Files(furnished(tmp_path)).write("netbootd.yaml", settings(tmp_path, EVE))

    def test_stand_below_the_arguments(self, path: Path) -> None:
        told = explain(path, "n1").out
        assert "  warning    eve_install_server of profile edge: a controller other than ZEDEDA's needs its" in told
        assert "  info       without eve_reboot_after_install the node powers off when it is installed\n" in told
        assert told.index("  arguments ") < told.index("  warning ") < told.index("  info ")

    def test_for_programs_have_their_key(self, path: Path) -> None:
        said = explain(path, "n1", "--json").json["script"]["findings"]
        assert [(each["severity"], each["key"]) for each in said] == [
            ("warning", "args.eve_install_server"),
            ("info", "args.eve_reboot_after_install"),
        ]
        assert said == netbootd("render", "-c", path, "n1", "--json").json["findings"]


def test_of_a_profile_that_boots_once_it_says_how_long_an_installation_may_take(path: Path) -> None:
    assert (
        "limits     fetching 30m, installing 2h, quiet 1m; silence at its end is a failure"
        in explain(path, "52:54:00:00:00:02").out
    )
    assert "limits" not in explain(path, "52:54:00:00:00:01").out
    assert explain(path, "52:54:00:00:00:02", "--json").json["limits"]["installing"] == 7200.0


def test_a_machine_of_the_api_is_explained_and_rendered_as_the_daemon_would(path: Path) -> None:
    database = Sqlite(path.parent / "state.db")
    database.open(1.0)
    own = (ArgSetting("sn", ("{{ machine.serial }}",), "ada", Layer.MACHINE),)
    made = Record("1", (CARD,), name="n9", profile="rescue", serial="7XK2B32", args=own, origin="ada")
    database.commit([[PutRecord(made)]])
    database.close()
    said = explain(path, "n9").out
    assert "profile    rescue: the API (ada) names it" in said
    assert "(machine n9, by the API (ada))" in said
    assert "sn=7XK2B32" in netbootd("render", "-c", path, "n9").out


def test_a_soft_serial_that_another_has_is_refused_as_the_daemon_would(path: Path) -> None:
    """Who was made by the API has the number of one that a file lists."""
    text = path.read_text().replace("name: n2,", "name: n2, soft_serial: N-1,")
    assert "soft_serial" in text
    path.write_text(text)
    database = Sqlite(path.parent / "state.db")
    database.open(1.0)
    record = Record("1", (CARD,), name="n9", profile="inst", soft_serial="n-1", origin="ada")
    database.commit([[PutRecord(record)]])
    database.close()
    why = "its soft serial N-1 already belongs to n9: no two machines may be installed with one"
    assert f"once armed refused: {why}" in explain(path, "n2").out
    armed = netbootd("render", "-c", path, "n2", "--armed")
    assert (armed.code, why in armed.err) == (1, True)
    assert "already belongs to" not in explain(path, "52:54:00:00:00:01").out
