"""A machine's own configuration files: which layer's file it gets, and which are written out for it."""

from __future__ import annotations

import pytest

from netbootd.boot.config_files import over, template, told, written
from netbootd.boot.model import Boots, ConfigFile, Machine, Profile


def file(path: str, data: bytes | str = b"", origin: str = "netbootd.yaml:3") -> ConfigFile:
    return ConfigFile(path, data.encode() if isinstance(data, str) else data, origin)


def test_later_layers_win_file_by_file() -> None:
    profile = (file("server", "a"), file("authorized_keys", "b"))
    own = (file("server", "c"), file("soft_serial", "d"))

    assert {each.path: each.data for each in over(profile, own)} == {
        "server": b"c",
        "authorized_keys": b"b",
        "soft_serial": b"d",
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("server", "{{ machine.name }}.example.net\n"),
        ("grub.cfg", "set_global x\n\t{% if machine.serial %}y{% endif %}\r\n"),
        ("notes.txt", "ä {# not shown #}"),
    ],
)
def test_text_that_says_so_is_a_template(path: str, data: str) -> None:
    assert template(file(path, data)) == data


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("server", b"zedcloud.example.net"),
        ("GlobalConfig/global.json", b'{"a": {"b": {}}}'),
        ("bootstrap-config.pb", b"{{ machine.mac }}"),
        ("blob", b"{{ machine.mac }}\0"),
        ("blob", b"{{ \xff }}"),
        ("blob", b"\x12{{ machine.mac }}"),
    ],
)
def test_anything_else_stays_what_it_was_byte_for_byte(path: str, data: bytes) -> None:
    as_it_was = file(path, data)

    assert template(as_it_was) is None
    assert written(as_it_was, lambda text, where: "never") is as_it_was


def test_a_template_is_expanded_and_an_error_names_the_file_and_where_it_was_named() -> None:
    asked: list[tuple[str, str]] = []

    def expand(text: str, where: str) -> str:
        asked.append((text, where))
        return "ö"

    assert written(file("server", "{{ x }}"), expand) == file("server", "ö")
    assert asked == [("{{ x }}", "file server of config (netbootd.yaml:3)")]


def test_what_is_in_a_file_is_not_shown() -> None:
    """It may be the key with which a machine enrols."""
    assert "secret" not in repr(file("onboard.key.pem", "secret"))


class TestWhose:
    """Each file a machine finds, with whose it is."""

    PROFILE = Profile("edge", "eve", None, Boots.ONCE, config=(file("server", "a"), file("soft_serial", "b")))
    MACHINE = Machine((), "n1", config=(file("soft_serial", "c", "nodes.yaml:9"),))
    STOCK = (file("SERVER", "z", "the bundle's own config.img"), file("other", "y", "the bundle's own config.img"))

    def test_is_told_by_layer_with_file_and_line(self) -> None:
        merged = over((file("DevicePortConfig/override.json", "", "network of n1"),), self.PROFILE.config)
        said = told(over(merged, self.MACHINE.config), self.PROFILE, self.MACHINE)
        assert [(each.path, each.origin) for each in said] == [
            ("DevicePortConfig/override.json", "network of n1"),
            ("server", "profile edge, netbootd.yaml:3"),
            ("soft_serial", "machine n1, nodes.yaml:9"),
        ]

    def test_of_the_release_come_those_that_nothing_lies_over_whatever_their_case(self) -> None:
        """FAT knows no other names."""
        assert [each.path for each in told(self.PROFILE.config, self.PROFILE, None, self.STOCK)] == [
            "server",
            "soft_serial",
            "other",
        ]
