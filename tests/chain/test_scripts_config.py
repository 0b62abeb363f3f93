"""A machine's own configuration files in its script: whose, written out for it, and never shown."""

from __future__ import annotations

import gzip
from dataclasses import replace

from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile, Machine, Profile
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.fleet.lifecycle import Stage
from netbootd.payloads.base import NO_TOKEN
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.wire.cpio import members
from netbootd.wire.fat_reader import read_fat
from tests.support.pem import CERTIFICATE, KEY
from tests.support.worlds import ALWAYS, CARD, SITE, args, eve, linux, machine, world

FACTS = Facts(mac=CARD, serial="S1", manufacturer="ACME")
TOKEN = "t" * 32


def config(**files: str) -> tuple[ConfigFile, ...]:
    return tuple(ConfigFile(path, text.encode(), "netbootd.yaml:7") for path, text in files.items())


def rendered(
    profile: Profile, own: tuple[ConfigFile, ...] = (), token: str = TOKEN, loader: Loader = Loader.IPXE
) -> Rendered:
    named: Machine = machine(profile.name, config=own)
    return script(FACTS, world(profile, machines=[named], stage=Stage.ARMED), SITE, loader=loader, token=token)


def files_in(made: Rendered) -> dict[str, bytes]:
    """What the node will find in its partition."""
    (document,) = made.documents
    (image,) = [each.data for each in members(gzip.decompress(document.content.joined())) if each.mode & 0o100000]
    return read_fat(image).files


def test_the_machines_files_go_over_the_profiles_file_by_file() -> None:
    made = rendered(eve(config=config(server="a.example", authorized_keys="")), config(server="b.example"))

    assert files_in(made) == {"server": b"b.example", "authorized_keys": b""}


def test_templates_are_written_out_for_the_machine() -> None:
    made = rendered(eve(config=config(server="{{ machine.name }}.example", soft_serial="{{ machine.mac | hexhyp }}")))

    assert files_in(made) == {"server": b"node-1.example", "soft_serial": b"52-54-00-12-34-56"}


def test_a_template_cannot_write_what_could_become_a_command() -> None:
    made = rendered(eve(config=config(server="{{ 'a\\nb' }}")))

    assert made.failure.startswith("file server of config (netbootd.yaml:7): ")
    assert made.documents == ()


def test_a_file_that_will_not_do_is_refused_on_the_machines_screen() -> None:
    made = rendered(eve(config=config(server="https://x")))

    assert made.failure.startswith("server of config (netbootd.yaml:7): 'https://x' is a URL")
    assert (made.payload, made.documents) == ("refused", ())


def test_a_soft_serial_of_its_own_takes_the_place_of_the_default_argument_and_not_of_one_that_was_asked_for() -> None:
    serial = config(soft_serial="N1")

    assert "eve_soft_serial" in rendered(eve(config=config(server="x"))).text
    assert "eve_soft_serial" not in rendered(eve(config=serial)).text
    assert "eve_soft_serial=N2" in rendered(eve(config=serial, args=args(eve_soft_serial="N2"))).text


def test_the_script_names_the_document_under_the_token_for_either_loader() -> None:
    for loader in Loader:
        text = rendered(eve(config=config(server="x")), loader=loader).text
        assert f"/node/{TOKEN}/config.cpio.gz" in text
        assert text.index("initrd.bits") < text.index("config.cpio.gz") < text.rindex("rootfs.img")


def test_without_a_token_a_word_stands_for_it() -> None:
    """``netbootd render`` shows a script that fetches nothing."""
    assert f"/node/{NO_TOKEN}/config.cpio.gz" in rendered(eve(config=config(server="x")), token=NO_TOKEN).text


def test_nothing_of_a_key_is_in_the_script_or_in_what_is_shown_of_it() -> None:
    own = (ConfigFile("onboard.key.pem", KEY), ConfigFile("onboard.cert.pem", CERTIFICATE))
    made = rendered(eve(config=own))

    assert made.documents
    for line in (*KEY.decode().splitlines()[:2], *CERTIFICATE.decode().splitlines()[:2]):
        assert line not in made.text
        assert line not in repr(made)


def test_a_payload_that_takes_none_gets_none() -> None:
    made = rendered(linux(boots=ALWAYS), config(server="https://x", other="{{ nonsense }}"))

    assert (made.failure, made.documents) == ("", ())


def test_a_machine_that_is_left_to_its_disk_gets_no_document() -> None:
    profile = eve(config=config(server="x"))
    made = script(FACTS, world(profile, machines=[machine(profile.name)], stage=Stage.GIVEN), SITE, token=TOKEN)

    assert (made.documents, TOKEN in made.text) == ((), False)


class TestWhichFilesItGets:
    """Whose each is, for ``render`` and ``explain``."""

    PROFILE = eve(config=config(server="{{ machine.name }}.example", authorized_keys=""))

    def said(self, made: Rendered) -> list[tuple[str, bytes, str]]:
        return [(each.path, each.data, each.origin) for each in made.config]

    def test_is_told_as_they_are_written_out_for_it(self) -> None:
        made = rendered(self.PROFILE, config(authorized_keys="# none"))
        assert self.said(made) == [
            ("server", b"node-1.example", "profile edge, netbootd.yaml:7"),
            ("authorized_keys", b"# none", "machine node-1, netbootd.yaml:7"),
        ]
        assert "node-1.example" not in repr(made.config)

    def test_is_told_of_one_that_waits_too(self) -> None:
        waits = script(FACTS, world(self.PROFILE, machines=[machine("edge")], stage=Stage.DISARMED), SITE)
        assert waits.documents == ()
        assert [(each.path, each.origin) for each in waits.config] == [
            ("server", "profile edge, netbootd.yaml:7"),
            ("authorized_keys", "profile edge, netbootd.yaml:7"),
        ]

    def test_has_those_of_the_release_below_them(self) -> None:
        stock = (ConfigFile("server", b"z", "the bundle's own config.img"), ConfigFile("x", b"", "the bundle's own"))
        shelf = {"eve-13.3": Bundle("eve-13.3", "", "eve-13.3", Era.A, stock=stock)}
        house = world(self.PROFILE, machines=[machine("edge")], stage=Stage.ARMED)
        made = script(FACTS, replace(house, bundles=shelf), SITE)
        assert [(each.path, each.origin) for each in made.config[1:]] == [
            ("authorized_keys", "profile edge, netbootd.yaml:7"),
            ("x", "the bundle's own"),
        ]

    def test_is_nothing_for_a_payload_that_takes_none(self) -> None:
        assert rendered(linux(boots=ALWAYS), config(server="x")).config == ()
