"""The settings file: where it is looked for, what its keys mean, and how every mistake is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.config import Config, ConfigError, find, load
from tests.support.settings import Files


def test_without_a_file_the_contract_s_defaults_hold() -> None:
    config = load(None)
    assert replace(config, snapshot=None) == Config(  # type: ignore[arg-type]
        path=None,
        interfaces=None,
        advertise=None,
        dhcp_mode="proxy",
        tftp_port=69,
        single_port=False,
        http_port=8080,
        public_url=None,
        stall_timeout=60,
        admin_listen=("127.0.0.1", 8081),
        token_file=None,
        state="sqlite:////var/lib/netbootd/state.db",
        artifacts=Path("/var/lib/netbootd/artifacts"),
        firmware=(Path("/usr/lib/ipxe"),),
        templates=None,
        unknown="menu",
        loop="auto",
        log_format="auto",
        log_level="info",
        user=None,
        snapshot=None,  # type: ignore[arg-type]
    )
    assert (config.snapshot.unknown, config.snapshot.machines, dict(config.snapshot.profiles)) == ("menu", (), {})


def test_an_empty_file_and_empty_sections_leave_the_defaults(files: Files) -> None:
    empty = files.load("# nothing yet\n")
    assert files.load("tftp:\nhttp: {port:}\nrules:\nmachines:\n").http_port == empty.http_port == 8080


def test_every_key_of_the_contract_is_read(files: Files) -> None:
    config = files.load(
        """
        interfaces: [eth0, br0]
        advertise: 192.0.2.7
        dhcp: {mode: off}
        tftp: {port: 6969, single_port: true}
        http: {port: 0, public_url: "https://boot.example.net/pxe/", stall_timeout: 20}
        admin: {listen: "[::1]:0", token_file: token}
        state: postgresql://netbootd@db/netbootd
        artifacts: /srv/artifacts
        firmware: /srv/ipxe
        templates: own
        unknown: silent
        loop: asyncio
        log: {format: json, level: debug}
        user: netbootd
        """
    )
    assert config.interfaces == ("eth0", "br0")
    assert (config.advertise, config.dhcp_mode, config.tftp_port, config.single_port) == (
        "192.0.2.7",
        "off",
        6969,
        True,
    )
    assert (config.http_port, config.public_url, config.stall_timeout) == (0, "https://boot.example.net/pxe", 20)
    assert config.admin_listen == ("::1", 0)
    assert (config.state, config.firmware) == ("postgresql://netbootd@db/netbootd", (Path("/srv/ipxe"),))
    assert (config.unknown, config.loop, config.log_format, config.log_level) == ("silent", "asyncio", "json", "debug")
    assert config.user == "netbootd"


def test_relative_paths_are_relative_to_the_file_and_become_absolute(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(
        "etc/netbootd.yaml", "{artifacts: a, firmware: [f, /g], templates: t, state: 'sqlite:///s.db', interfaces: e}"
    )
    monkeypatch.chdir(files.directory)
    config = load(Path("etc/netbootd.yaml"))
    etc = files.directory / "etc"
    assert (config.artifacts, config.firmware, config.templates) == (etc / "a", (etc / "f", Path("/g")), etc / "t")
    assert config.state == f"sqlite:///{etc}/s.db"


@pytest.mark.parametrize("url", ["sqlite:////var/s.db", "sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite:////s.db"])
def test_a_database_that_is_no_relative_path_is_left_as_it_is(files: Files, url: str) -> None:
    assert files.load(f"state: '{url}'").state == url


def test_the_command_line_goes_over_the_file(files: Files) -> None:
    text = "{interfaces: [eth0], unknown: silent, profiles: {disk: {payload: local}}}"
    config = files.load(text, profile="disk", interfaces=("eth1", "eth2"))
    assert (config.interfaces, config.unknown, config.snapshot.unknown) == (("eth1", "eth2"), "disk", "disk")


def test_a_profile_asked_for_on_the_command_line_must_exist(files: Files) -> None:
    assert files.wrong("profiles: {disk: {payload: local}}", profile="dsk") == [
        "--profile: no profile 'dsk'; did you mean 'disk'?"
    ]
    with pytest.raises(ConfigError, match="--profile: no profile 'rescue'"):
        load(None, profile="rescue")


class TestFind:
    def test_c_goes_over_the_environment_over_the_checkout(self, tmp_path: Path) -> None:
        (tmp_path / "configs").mkdir()
        beside = tmp_path / "configs" / "netbootd.yaml"
        beside.touch()
        environ = {"NETBOOTD_CONFIG": "/named.yaml"}
        assert find(Path("given.yaml"), environ, tmp_path) == Path("given.yaml")
        assert find(None, environ, tmp_path) == Path("/named.yaml")
        assert find(None, {"NETBOOTD_CONFIG": ""}, tmp_path) == beside

    def test_none_is_found_where_there_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("netbootd.config.loader.SYSTEM", tmp_path / "etc" / "netbootd.yaml")
        assert find(None, {}, tmp_path) is None

    def test_a_named_file_that_is_missing_is_an_error_with_its_name(self, tmp_path: Path) -> None:
        path = find(tmp_path / "no.yaml", {}, tmp_path)
        with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: No such file or directory"):
            load(path)


def test_all_mistakes_are_told_at_once_line_by_line(files: Files) -> None:
    assert files.wrong(
        """
        interfacs: auto
        tftp: {port: 70000, prot: 69}
        unknown: lab
        machines:
          - mac: 52:54:00:12:34
            profil: x
        """
    ) == [
        "netbootd.yaml:1: interfacs: unknown key; did you mean 'interfaces'?",
        "netbootd.yaml:2: tftp.port: must be at most 65535",
        "netbootd.yaml:2: tftp.prot: unknown key; did you mean 'port'?",
        "netbootd.yaml:3: unknown: no profile 'lab'; there is menu, register and silent",
        "netbootd.yaml:5: machines[0].mac: '52:54:00:12:34' is not a hardware address such as 52:54:00:12:34:56",
        "netbootd.yaml:6: machines[0].profil: unknown key; did you mean 'profile'?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tftp: {single_port: yes}", "tftp.single_port: must be true or false, not 'yes'"),
        ("tftp: {port: 0x45}", "tftp.port: must be a whole number, not '0x45'"),
        ("tftp: {port: true}", "tftp.port: must be a whole number, not true"),
        ("tftp: {port: -1}", "tftp.port: must be at least 0"),
        ("tftp: 69", "tftp: must be a table of keys and values, not '69'"),
        ("dhcp: {mode: authoritative}", "dhcp.mode: must be 'proxy' or 'off', not 'authoritative'"),
        ("advertise: 300.1.1.1", "advertise: must be auto or an IPv4 address, not '300.1.1.1'"),
        ("advertise: 0.0.0.0", "advertise: 0.0.0.0 is no address a machine can come back to"),
        ("interfaces: []", "interfaces: is an empty list; write auto, or name one"),
        ("interfaces: [eth0/1]", "interfaces: 'eth0/1' is not the name of an interface"),
        ("interfaces: true", "interfaces: must be text or a list of texts, not true"),
        ("admin: {listen: 0.0.0.0:8081}", "admin.listen: the admin side has no password yet: keep it on 127.0.0.1"),
        ("admin: {listen: 10.0.0.1:8081}", "admin.listen: the admin side has no password yet: keep it on 127.0.0.1"),
        (
            "admin: {listen: 8081}",
            "admin.listen: must be an address and a port, such as 127.0.0.1:8081, not '8081'",
        ),
        ("admin: {listen: 127.0.0.1:8080}", "admin.listen: port 8080 is http.port too; choose another"),
        (
            "state: netbootd.db",
            "state: must be a database URL: sqlite:////var/lib/netbootd/state.db or postgresql://...",
        ),
        ("log: {level: loud}", "log.level: must be 'debug', 'info' or 'warning', not 'loud'"),
        ("firmware: [1, {a: 1}]", "firmware[1]: must be text, not a table of keys"),
        ("artifacts: ''", "artifacts: must not be empty"),
        ("unknown: regster", "unknown: no profile 'regster'; did you mean 'register'?"),
        ("- mac: 1", "must hold keys and values, not a list"),
        ("hello", "must hold keys and values, not 'hello'"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(files: Files, text: str, told: str) -> None:
    assert files.wrong(text) == [f"netbootd.yaml:1: {told}"]


@pytest.mark.parametrize(
    "url",
    ["boot.example.net", "ftp://boot", "http://", "http://b/?x=1", "http://u:p@b/", "http://b:99999", "http://b/${x}"],
)
def test_public_url_must_be_one_that_a_script_can_hold(files: Files, url: str) -> None:
    assert files.wrong(f"http: {{public_url: '{url}'}}") == [
        f"netbootd.yaml:1: http.public_url: must be an absolute URL such as http://boot.example.net:8080, not {url!r}"
    ]
