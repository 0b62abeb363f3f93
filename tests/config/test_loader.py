"""The settings file: where it is looked for, what its keys mean, and how every mistake is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.config import Config, ConfigError, Problem, find, load, load_alone
from netbootd.config.models import MachineKeys, ProfileKeys, RuleKeys, Settings
from tests.support.settings import Files


def test_without_a_file_the_contract_s_defaults_hold() -> None:
    config = load(None)
    assert replace(config, snapshot=None) == Config(  # type: ignore[arg-type]
        path=None,
        interfaces=None,
        advertise=None,
        listen=None,
        dhcp_mode="proxy",
        overhear=True,
        tftp_mode="on",
        tftp_port=69,
        single_port=False,
        http_port=8080,
        public_url=None,
        trusted_proxies=(),
        tls=None,
        stall_timeout=60,
        admin_listen=("127.0.0.1", 8081),
        token_file=None,
        token_networks=(),
        token_lasts=7200.0,
        state="sqlite:////var/lib/netbootd/state.db",
        artifacts=Path("/var/lib/netbootd/artifacts"),
        firmware=(Path("/usr/lib/ipxe"),),
        templates=None,
        unknown="menu",
        loop="auto",
        log_format="auto",
        log_level="info",
        syslog_port=None,
        traces=None,
        user=None,
        snapshot=None,  # type: ignore[arg-type]
    )
    assert (config.snapshot.unknown, config.snapshot.machines, dict(config.snapshot.profiles)) == ("menu", (), {})


def test_without_what_machines_boot_nothing_of_that_can_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "netbootd.yaml"
    path.write_text("admin: {listen: 127.0.0.1:9}\nunknown: nobody\nprofiles: 7\nmachines: [{mac: x}]\nrules: no\n")
    with pytest.raises(ConfigError):
        load(path)
    config = load_alone(path)
    assert (config.admin_listen, config.snapshot.machines) == (("127.0.0.1", 9), ())
    path.write_text("admin: {listen: 127.0.0.1:9}\nstate: sqlite:///own.db\n")
    whole = load(path)
    assert replace(load_alone(path), snapshot=whole.snapshot) == whole


def test_and_what_else_is_wrong_is_told(tmp_path: Path) -> None:
    path = tmp_path / "netbootd.yaml"
    path.write_text("admin: {listen: here}\n")
    with pytest.raises(ConfigError, match=r"admin\.listen"):
        load_alone(path)


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
        state: sqlite:////srv/netbootd.db
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
    assert (config.state, config.firmware) == ("sqlite:////srv/netbootd.db", (Path("/srv/ipxe"),))
    assert (config.unknown, config.loop, config.log_format, config.log_level) == ("silent", "asyncio", "json", "debug")
    assert config.user == "netbootd"


def test_where_tokens_may_be_used_and_how_long_is_read(files: Files) -> None:
    config = files.load("tokens: {networks: [10.0.0.0/8, 192.0.2.7, '2001:db8::/32'], lasts: 30m}")
    assert [str(each) for each in config.token_networks] == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]
    assert config.token_lasts == 1800.0
    assert [str(each) for each in files.load("tokens: {networks: 10.0.0.0/8}").token_networks] == ["10.0.0.0/8"]


@pytest.mark.parametrize("wrong", ["{networks: [here]}", "{networks: [10.0.0.1/8]}", "{lasts: soon}", "{lasts: 0s}"])
def test_a_wrong_word_about_tokens_is_an_error(files: Files, wrong: str) -> None:
    with pytest.raises(ConfigError, match="tokens"):
        files.load(f"tokens: {wrong}")


def test_one_address_and_no_tftp_can_be_asked_for(files: Files) -> None:
    config = files.load("{listen: 127.0.0.1, advertise: 10.0.2.2, tftp: {mode: off}, dhcp: {mode: off}}")
    assert (config.listen, config.tftp_mode, config.warnings) == ("127.0.0.1", "off", ())
    for everywhere in ("auto", "0.0.0.0", ""):
        assert files.load(f"listen: {everywhere}").listen is None


def test_a_proxy_that_can_hardly_boot_anybody_is_told(files: Files) -> None:
    no_tftp, loopback = files.warned("dhcp: {mode: proxy}\ntftp: {mode: off}\nlisten: 127.0.0.1\n")
    assert no_tftp == (
        "netbootd.yaml:2: tftp.mode: firmware that boots by PXE loads by TFTP alone and gets no answer; "
        "UEFI HTTP Boot does"
    )
    assert loopback == "netbootd.yaml:3: listen: no machine can come back to 127.0.0.1; name how it can with advertise"
    assert files.warned("listen: 127.0.0.1\nadvertise: 10.0.2.2") == []


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


@pytest.mark.parametrize("url", ["sqlite:////var/s.db", "sqlite+aiosqlite:////s.db"])
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


_WORDS = st.sampled_from(
    [
        *(Settings.model_fields | ProfileKeys.model_fields | MachineKeys.model_fields | RuleKeys.model_fields),
        *(
            "eve",
            "linux",
            "menu",
            "52:54:00:12:34:56",
            "p",
            "auto",
            "192.0.2.1",
            "http://b",
            "*/*.yaml",
            "yes",
            "${",
            "",
        ),
        *("mode", "port", "listen", "ip", "bundle", "kernel", "initrd", "url", "timeout", "method"),
    ]
)
_VALUES = st.recursive(
    _WORDS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_WORDS, _VALUES, max_size=5))
def test_whatever_stands_in_the_file_is_settings_or_named_problems(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(json.dumps(value))
    told: tuple[Problem, ...] = ()
    try:
        load(path)
    except ConfigError as error:
        told = error.problems
    assert all(problem.file and problem.message for problem in told)


class TestTls:
    def test_its_files_are_beside_the_settings_and_read_by_nobody_yet(self, files: Files) -> None:
        """`netbootd render` is anybody's, who may not read the key."""
        tls = files.load("http:\n  tls: {certificate: tls/fullchain.pem, key: /etc/ssl/private/boot.key}\n").tls
        assert tls
        assert (tls.port, tls.certificate) == (8443, files.directory / "tls/fullchain.pem")
        assert tls.key == Path("/etc/ssl/private/boot.key")
        assert (tls.certificate_at.line, tls.key_at.key) == (2, "http.tls.key")

    def test_the_key_may_be_in_the_file_of_the_certificate(self, files: Files) -> None:
        tls = files.load("http: {tls: {port: 443, certificate: both.pem}}").tls
        assert tls
        assert (tls.port, tls.key) == (443, None)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("tls: {key: a}", "http.tls.certificate: is missing"),
            ("tls: {certificate: a, keyfile: b}", "http.tls.keyfile: unknown key; did you mean 'key'?"),
            ("tls: {certificate: a, port: 8080}", "http.tls.port: port 8080 is http.port too; choose another"),
            ("tls: {certificate: a, port: 8081}", "http.tls.port: port 8081 is admin.listen too; choose another"),
            ("tls: true", "http.tls: must be a table of keys and values, not true"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_key(self, files: Files, text: str, said: str) -> None:
        assert any(said in problem for problem in files.wrong(f"http:\n  {text}\n"))

    @pytest.mark.parametrize("text", ["certificate: a.pem, key: artifacts/boot.key", "certificate: artifacts/both.pem"])
    def test_a_key_that_anybody_could_fetch_is_refused(self, files: Files, text: str) -> None:
        (problem,) = files.wrong(f"artifacts: artifacts\nhttp: {{tls: {{{text}}}}}\n")
        assert "lies under artifacts, where anybody can fetch it" in problem


class TestTheToken:
    """Where it is kept that the admin side asks for."""

    @pytest.mark.parametrize(
        "listen", ["127.0.0.1:8081", "localhost:8081", '"[::1]:8081"', "unix:/run/netbootd/a.sock"]
    )
    def test_nobody_needs_one_on_this_machine(self, files: Files, listen: str) -> None:
        assert load(files.write("netbootd.yaml", f"admin: {{listen: {listen}}}\n")).token_file is None

    @pytest.mark.parametrize("listen", ["0.0.0.0:8081", "10.0.0.1:8081", '"[::]:8081"'])
    def test_else_it_lies_beside_the_state(self, files: Files, listen: str) -> None:
        path = files.write("netbootd.yaml", f"admin: {{listen: {listen}}}\nstate: sqlite:///own/state.db\n")
        assert load(path).token_file == path.parent / "own" / "admin.token"

    def test_not_where_anybody_can_fetch_it(self, files: Files) -> None:
        text = "artifacts: files\nadmin: {listen: 0.0.0.0:8081, token_file: files/token}\n"
        path = files.write("netbootd.yaml", text)
        with pytest.raises(ConfigError, match=r"2: admin.token_file: .*files/token is under artifacts"):
            load(path)
