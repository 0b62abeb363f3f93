"""Configuration files for nodes: read once, bounded, from where they were named and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netbootd.config.files import LIMIT
from tests.support.settings import Files

SETTINGS = """
    profiles:
      p:
        payload: eve
        bundle: b
        config: {}
    """


def read(files: Files, config: str) -> dict[str, bytes]:
    """The files of a profile with this ``config``."""
    snapshot = files.load(SETTINGS.format(config)).snapshot
    return {file.path: file.data for file in snapshot.profiles["p"].config}


def wrong(files: Files, config: str) -> str:
    (problem,) = files.wrong(SETTINGS.format(config))
    assert problem.startswith("netbootd.yaml:5: profiles.p.config")
    return problem.removeprefix("netbootd.yaml:5: profiles.p.config")


@pytest.fixture
def site(files: Files) -> Path:
    files.write("site-a/server", "zed.example\n")
    files.write("site-a/GlobalConfig/global.json", "{}")
    return files.directory / "site-a"


@pytest.mark.usefixtures("site")
class TestADirectory:
    """``config: site-a/``, beside the settings file."""

    @pytest.mark.parametrize("text", ["site-a/", "site-a", "./site-a", "'{}/site-a'"])
    def test_gives_all_its_files_by_their_paths_in_it(self, files: Files, text: str) -> None:
        assert read(files, text.format(files.directory)) == {
            "GlobalConfig/global.json": b"{}",
            "server": b"zed.example\n",
        }

    def test_is_relative_to_the_settings_whatever_file_names_it(self, files: Files) -> None:
        files.write("machines/a.yaml", "- {mac: 52:54:00:00:00:01, name: n1, config: site-a/}")
        (machine,) = files.load().snapshot.machines

        assert [(each.path, each.origin) for each in machine.config] == [
            ("GlobalConfig/global.json", f"{files.directory}/machines/a.yaml:1"),
            ("server", f"{files.directory}/machines/a.yaml:1"),
        ]

    def test_hides_what_is_hidden(self, files: Files) -> None:
        files.write("site-a/.git/config", "x")
        files.write("site-a/.server.swp", "x")

        assert set(read(files, "site-a")) == {"GlobalConfig/global.json", "server"}

    def test_may_link_to_its_own_files(self, files: Files, site: Path) -> None:
        """As Kubernetes mounts secrets."""
        files.write("site-a/..data/key", "k")
        (site / "onboard.key.pem").symlink_to("..data/key")

        assert read(files, "site-a")["onboard.key.pem"] == b"k"

    @pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "..", "../site-a-too/x"])
    def test_leads_nowhere_else(self, files: Files, site: Path, target: str) -> None:
        files.write("secret", "s")
        files.write("site-a-too/x", "s")
        (site / "link").symlink_to(target)

        assert wrong(files, "site-a") == ": link: is a link that leads outside of the directory"

    @pytest.mark.parametrize(
        ("make", "why"),
        [
            (os.mkfifo, "is not a file"),
            (lambda path: path.symlink_to("none"), "No such file"),
            (lambda path: path.symlink_to("GlobalConfig"), "Is a directory"),
            (lambda path: path.write_bytes(bytes(LIMIT)), "is too large: all files of a config may have 5 MiB"),
        ],
    )
    def test_holds_files_that_can_be_read(
        self, files: Files, site: Path, make: Callable[[Path], object], why: str
    ) -> None:
        make(site / "zzz")

        assert why in wrong(files, "site-a")
        assert wrong(files, "site-a").startswith(": zzz: ")

    def test_holds_names_that_fat_has(self, files: Files, site: Path) -> None:
        (site / "a:b").write_text("")

        assert "FAT has no names with ':'" in wrong(files, "site-a")

    def test_is_not_the_whole_disk(self, files: Files, site: Path) -> None:
        for number in range(600):
            (site / f"f{number}").touch()

        assert wrong(files, "site-a") == ": are more than 500 files"

    def test_does_not_go_on_for_ever(self, files: Files, site: Path) -> None:
        site.joinpath(*"abcdefghij").mkdir(parents=True)

        assert "is too deep" in wrong(files, "site-a")

    def test_up_to_the_bound_is_read(self, files: Files, site: Path) -> None:
        (site / "zzz").write_bytes(bytes(LIMIT - 14))

        assert len(read(files, "site-a")["zzz"]) == LIMIT - 14


class TestATable:
    """``config: {server: node-1/server}``."""

    def test_names_single_files(self, files: Files) -> None:
        files.write("node-1/my server", "zed.example")
        files.write("x.json", "{}")

        assert read(files, "{server: node-1/my server, DevicePortConfig/override.json: x.json}") == {
            "server": b"zed.example",
            "DevicePortConfig/override.json": b"{}",
        }

    @pytest.mark.parametrize("name", ["/server", "../server", "a//b", "a/", "''", "'a\\b'"])
    def test_has_names_a_partition_can_have(self, files: Files, name: str) -> None:
        files.write("x", "")

        assert "cannot be a file's name" in wrong(files, f"{{{name}: x}}")

    def test_tells_the_line_and_key_of_a_file_that_is_not_there(self, files: Files) -> None:
        files.write("x", "")
        text = """
            profiles:
              p:
                payload: eve
                bundle: b
                config:
                  soft_serial: x
                  server: none
            """
        assert files.wrong(text) == [
            "netbootd.yaml:7: profiles.p.config.server: none cannot be read: No such file or directory"
        ]

    @pytest.mark.parametrize("value", ["", "true", "[a]", "{a: b}"])
    def test_holds_paths(self, files: Files, value: str) -> None:
        assert ".server: must be the path of a file, not" in wrong(files, f"{{server: {value}}}")

    def test_is_bounded_too(self, files: Files) -> None:
        (files.directory / "x").write_bytes(bytes(LIMIT // 2 + 1))

        assert wrong(files, "{a: x, b: x}").startswith(".b: is too large")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("none/", ": there is no directory none/"),
        ("file", ": file is no directory; one file is written as {NAME: file}"),
        ("[a]", ": must be a directory or a table of files, not a list"),
        ("true", ": must be a directory or a table of files, not true"),
    ],
)
def test_anything_else_is_told(files: Files, config: str, why: str) -> None:
    files.write("file", "")

    assert wrong(files, config) == why


@pytest.mark.parametrize(
    "config", ["artifacts/site", "{server: artifacts/site/server}", "link", "{server: link/server}"]
)
def test_what_anybody_can_fetch_is_no_place_for_keys(files: Files, config: str) -> None:
    files.write("artifacts/site/server", "x")
    (files.directory / "link").symlink_to("artifacts/site")
    (problem,) = files.wrong(SETTINGS.format(config).rstrip() + "\n    artifacts: artifacts\n")

    assert "lies under artifacts, where anybody can fetch it" in problem


def test_a_payload_that_takes_none_says_so(files: Files) -> None:
    files.write("x", "")
    assert files.wrong("profiles: {p: {payload: local, config: {server: x}}}") == [
        "netbootd.yaml:1: profiles.p.config: payload local takes no configuration files"
    ]


def test_nothing_of_a_file_is_shown(files: Files) -> None:
    files.write("x", "secret")

    assert "secret" not in repr(files.load(SETTINGS.format("{server: x}")))
