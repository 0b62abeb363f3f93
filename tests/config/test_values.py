"""What one value may be, and the words in which anything else is refused."""

from __future__ import annotations

import pytest

from tests.support.settings import Files


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tftp: {single_port: yes}", "tftp.single_port: must be true or false, not 'yes'"),
        ("tftp: {port: 0x45}", "tftp.port: must be a whole number, not '0x45'"),
        ("tftp: {port: true}", "tftp.port: must be a whole number, not true"),
        ("tftp: {port: -1}", "tftp.port: must be at least 0"),
        ("dhcp: {mode: authoritative}", "dhcp.mode: must be 'proxy' or 'off', not 'authoritative'"),
        ("advertise: 300.1.1.1", "advertise: must be auto or an IPv4 address, not '300.1.1.1'"),
        ("advertise: 0.0.0.0", "advertise: 0.0.0.0 is no address a machine can come back to"),
        ("listen: 127.0.0.1:8080", "listen: must be auto or one IPv4 address of this machine, not '127.0.0.1:8080'"),
        ("listen: 224.0.0.1", "listen: 224.0.0.1 is no address of a machine"),
        ("tftp: {mode: true}", "tftp.mode: must be 'on' or 'off', not true"),
        ("interfaces: []", "interfaces: is an empty list; write auto, or name one"),
        ("interfaces: [eth0/1]", "interfaces: 'eth0/1' is not the name of an interface"),
        ("interfaces: true", "interfaces: must be text or a list of texts, not true"),
        (
            "admin: {listen: boot.lan:8081}",
            "admin.listen: 'boot.lan' is no address of this machine, such as 127.0.0.1 or 0.0.0.0",
        ),
        (
            "admin: {listen: unix:admin.sock}",
            "admin.listen: must be an absolute path, such as unix:/run/netbootd/admin.sock, not 'admin.sock'",
        ),
        (
            f"admin: {{listen: unix:/{'a' * 107}}}",
            "admin.listen: is longer than the 107 bytes that a Unix socket's path may have",
        ),
        (
            "admin: {listen: 8081}",
            "admin.listen: must be an address and a port, such as 127.0.0.1:8081, not '8081'",
        ),
        ("admin: {listen: 127.0.0.1:8080}", "admin.listen: port 8080 is http.port too; choose another"),
        (
            "state: netbootd.db",
            "state: must be a database URL: sqlite:////var/lib/netbootd/state.db",
        ),
        (
            "state: mysql://netbootd:secret@db/netbootd",
            "state: mysql is not supported: sqlite:////ABSOLUTE/PATH or postgresql://USER@HOST/NAME",
        ),
        ("log: {level: loud}", "log.level: must be 'debug', 'info' or 'warning', not 'loud'"),
        ("firmware: [1, {a: 1}]", "firmware[1]: must be text, not a table of keys"),
        ("artifacts: ''", "artifacts: must not be empty"),
        ("unknown: regster", "unknown: no profile 'regster'; did you mean 'register'?"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(files: Files, text: str, told: str) -> None:
    assert files.wrong(text) == [f"netbootd.yaml:1: {told}"]


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ("[proxy.example.net]", "'proxy.example.net' is neither an address nor a network such as 10.0.0.0/8"),
        ("[10.0.0.1/8]", "'10.0.0.1/8' is neither an address nor a network such as 10.0.0.0/8"),
        ("[10.0.0.1, {a: 1}]", "a table of keys is neither an address nor a network such as 10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0 is everybody, who could then give any address for their own"),
        ("['::/0']", "::/0 is everybody, who could then give any address for their own"),
    ],
)
def test_only_addresses_and_networks_are_trusted_as_proxies(files: Files, proxies: str, told: str) -> None:
    assert files.wrong(f"http: {{trusted_proxies: {proxies}}}") == [f"netbootd.yaml:1: http.trusted_proxies: {told}"]


def test_trusted_proxies_are_addresses_and_networks_of_both_families(files: Files) -> None:
    found = files.load("http: {trusted_proxies: [192.0.2.7, 10.0.0.0/8, '2001:db8::/32']}").trusted_proxies
    assert [str(each) for each in found] == ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32"]
    assert [str(each) for each in files.load("http: {trusted_proxies: 192.0.2.7}").trusted_proxies] == ["192.0.2.7/32"]


@pytest.mark.parametrize(
    "url",
    ["boot.example.net", "ftp://boot", "http://", "http://b/?x=1", "http://u:p@b/", "http://b:99999", "http://b/${x}"],
)
def test_public_url_must_be_one_that_a_script_can_hold(files: Files, url: str) -> None:
    assert files.wrong(f"http: {{public_url: '{url}'}}") == [
        f"netbootd.yaml:1: http.public_url: must be an absolute URL such as http://boot.example.net:8080, not {url!r}"
    ]
