"""What is read from disk once: boot programs and templates; what cannot be read is a note and stops nothing."""

from __future__ import annotations

from pathlib import Path

from netbootd.boot.facts import Facts
from netbootd.fleet.changes import Entry, Order
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.sqlite import Sqlite
from netbootd.load import load_recorded, load_world, read_templates
from netbootd.payloads import PAYLOADS
from netbootd.payloads.eve import direct
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.resources import templates_dir
from netbootd.wire.mac import Mac
from tests.support.eve_bundles import files_of, put
from tests.support.house import furnished, settings
from tests.support.settings import Files

MAC = Mac.parse("52:54:00:12:34:56")
SHIPPED = {path.name for path in templates_dir().glob("*.j2")}


def test_a_world_is_the_settings_the_boot_programs_and_the_shipped_templates(tmp_path: Path) -> None:
    loaded = load_world(Files(furnished(tmp_path)).load(settings(tmp_path, "unknown: silent\n")))
    assert (
        {each.name for each in loaded.world.firmware.binaries}
        == set(loaded.firmware)
        == {
            "undionly.kpxe",
            "snponly.efi",
        }
    )
    assert loaded.world.fleet.unknown == "silent"
    assert all(loaded.world.templates.has(name) for name in SHIPPED)
    assert loaded.notes == ()


def test_where_a_machine_stands_and_what_it_said_are_asked_of_whoever_knows(tmp_path: Path) -> None:
    config = Files(furnished(tmp_path)).load(settings(tmp_path))
    said = Facts(mac=MAC, serial="S1")
    world = load_world(config, stage=lambda _mac: Stage.ARMED, known=lambda _mac: said).world
    assert (world.stage(MAC), world.known(MAC)) == (Stage.ARMED, said)
    alone = load_world(config).world
    assert (alone.stage(MAC), alone.known(MAC)) == (None, Facts(mac=MAC))


def test_a_boot_program_directory_that_is_missing_is_a_note(tmp_path: Path) -> None:
    loaded = load_world(Files(tmp_path).load(f"firmware: {tmp_path}/none\n"))
    assert loaded.notes == (f"firmware: there is no directory {tmp_path}/none",)
    assert loaded.firmware == {}


def test_own_templates_go_over_the_shipped_ones_by_name(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "menu.ipxe.j2").write_text("mine")
    (tmp_path / "site" / "own.ipxe").write_text("own")
    (tmp_path / ".menu.ipxe.j2.swp").write_text("an editor's")
    sources, notes = read_templates(tmp_path)
    assert (sources["menu.ipxe.j2"], sources["site/own.ipxe"], notes) == ("mine", "own", ())
    assert set(sources) == SHIPPED | {"site/own.ipxe"}


def test_a_template_that_cannot_be_read_is_a_note_and_the_shipped_one_stays(tmp_path: Path) -> None:
    (tmp_path / "menu.ipxe.j2").write_bytes(b"\xff\xfe")
    (tmp_path / "large.j2").write_text("x" * 300_000)
    (tmp_path / "gone.j2").symlink_to(tmp_path / "nowhere")
    sources, notes = read_templates(tmp_path)
    assert sources["menu.ipxe.j2"].startswith("#!ipxe")
    assert [note.split(":")[0] for note in notes] == [
        f"template {tmp_path}/large.j2",
        f"template {tmp_path}/menu.ipxe.j2",
    ]
    assert notes[0].endswith("larger than 256 KiB")


def test_no_template_directory_where_one_was_named_is_a_note(tmp_path: Path) -> None:
    sources, (note,) = read_templates(tmp_path / "none")
    assert set(sources) == SHIPPED
    assert note == f"templates: {tmp_path}/none is not a directory; the built-in ones are used"


def test_commands_without_the_daemon_know_who_is_armed(tmp_path: Path) -> None:
    """What ``render`` shows must be what the daemon serves, so arming is read from the state on disk."""
    state = tmp_path / "state.db"
    config = Files(furnished(tmp_path)).load(settings(tmp_path))
    assert load_recorded(config).world.stage(MAC) is None
    database = Sqlite(state)
    database.open(1.0)
    database.commit([[Order(Entry(MAC, Stage.ARMED, 1.0, "a test"), (MAC,))]])
    database.close()
    assert load_recorded(config).world.stage(MAC) is Stage.ARMED


def test_a_state_that_cannot_be_read_is_said_and_arms_nobody(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    loaded = load_recorded(Files(furnished(tmp_path)).load(settings(tmp_path)))
    assert loaded.world.stage(MAC) is None
    assert any("state" in note and "as if nobody were armed" in note for note in loaded.notes)


def test_bundles_are_read_and_what_cannot_be_used_is_a_note(tmp_path: Path) -> None:
    put(furnished(tmp_path) / "artifacts", {f"edge/{name}": data for name, data in files_of(Era.B2).items()})
    put(tmp_path / "artifacts" / "odd", {"installer.iso": b"no ISO"})
    loaded = load_world(Files(tmp_path).load(settings(tmp_path)))
    eras = {name: bundle.era for name, bundle in loaded.world.bundles.items() if isinstance(bundle, Bundle)}
    assert eras == {"edge": Era.B2}
    (note,) = loaded.notes
    assert note.startswith("bundle odd cannot be used: ")


def test_what_payloads_bring_of_their_own_is_read_with_the_world(tmp_path: Path) -> None:
    world = load_world(Files(furnished(tmp_path)).load(settings(tmp_path))).world
    assert set(world.files) == {name for payload in PAYLOADS.values() for name in payload.files}
    assert world.files[direct.INIT].startswith(b"#!/bin/sh\n")
