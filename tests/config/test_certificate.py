"""A certificate and its key are tried before any machine is: what is wrong is told with file and key."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.config.certificate import Tls, doubts, identify
from netbootd.config.problems import ConfigError
from tests.support.pem import CERTIFICATE
from tests.support.tls import certify, named, own
from tests.support.tools import need

IDENTIFY = """
import sys
from pathlib import Path
from netbootd.config.certificate import Denied, identify
from tests.support.tls import named

try:
    identify(named(Path(sys.argv[1]), Path(sys.argv[2])))
except Denied as error:
    print("denied:", *error.problems)
"""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certify(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Of a kind that iPXE came to know in 2026."""
    return certify(tmp_path_factory.mktemp("other"), key="ec -pkeyopt ec_paramgen_curve:prime256v1")


def key_of(tls: Tls) -> Path:
    assert tls.key is not None
    return tls.key


def refused(tls: Tls) -> str:
    with pytest.raises(ConfigError) as caught:
        identify(tls)
    (problem,) = caught.value.problems
    return str(problem)


def test_it_says_for_whom_and_until_when(tls: Tls) -> None:
    identity = identify(tls)
    assert identity.names == ("boot.test", "localhost", "127.0.0.1")
    assert round((identity.ends - identity.begins) / 86400) == 30
    assert identity.old_ipxe
    assert not list(doubts(tls, identity, "https://boot.test:8443"))


def test_the_key_may_be_in_the_same_file(tls: Tls, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(key_of(tls).read_text() + tls.certificate.read_text())
    assert identify(named(both, None)).names == identify(tls).names


def test_the_chain_behind_it_is_sent_along(tls: Tls, other: Tls, tmp_path: Path) -> None:
    """certbot's fullchain.pem: the first certificate is the server's."""
    chain = tmp_path / "fullchain.pem"
    chain.write_text(tls.certificate.read_text() + other.certificate.read_text())
    assert identify(named(chain, tls.key)).names == identify(tls).names


class TestWhatCannotBeUsed:
    def test_a_file_that_is_not_there(self, tls: Tls, tmp_path: Path) -> None:
        absent = tmp_path / "none.pem"
        assert refused(replace(tls, certificate=absent)) == (
            f"netbootd.yaml:3: http.tls.certificate: {absent} cannot be read: No such file or directory"
        )
        assert refused(replace(tls, key=absent)) == (
            f"netbootd.yaml:4: http.tls.key: {absent} cannot be read: No such file or directory"
        )

    def test_a_file_this_user_may_not_read(self, tls: Tls, tmp_path: Path) -> None:
        """Root reads anything, but where it is started without that capability."""
        secret = tmp_path / "key"
        secret.touch(mode=0)
        less = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
        command = [*less, sys.executable, "-c", IDENTIFY, str(tls.certificate), str(secret)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = f"denied: netbootd.yaml:4: http.tls.key: {secret} cannot be read: Permission denied\n"
        assert (done.stdout, done.stderr) == (told, "")

    def test_something_that_is_no_pem(self, tls: Tls, tmp_path: Path) -> None:
        text = tmp_path / "text"
        text.write_bytes(b"\xff\x00 not PEM")
        assert refused(replace(tls, certificate=text)).endswith(f"certificate: {text} holds no certificate in PEM form")
        assert refused(replace(tls, key=text)).endswith(f"http.tls.key: {text} holds no key in PEM form")

    def test_a_directory_and_a_pipe_do_not_hold_anybody_up(self, tls: Tls, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        assert refused(replace(tls, key=pipe)).endswith(f"{pipe} is not a file")
        assert "cannot be read" in refused(replace(tls, key=tmp_path))

    def test_a_damaged_certificate(self, tls: Tls, tmp_path: Path) -> None:
        damaged = tmp_path / "damaged.pem"
        damaged.write_bytes(CERTIFICATE)
        assert refused(replace(tls, certificate=damaged)).endswith(f"{damaged} holds a damaged certificate")

    def test_a_damaged_key(self, tls: Tls, tmp_path: Path) -> None:
        damaged = tmp_path / "damaged.key"
        damaged.write_text("".join(key_of(tls).read_text().splitlines(keepends=True)[:5]))
        assert refused(replace(tls, key=damaged)) == f"netbootd.yaml:4: http.tls.key: the key in {damaged} is damaged"

    def test_the_key_of_another_certificate(self, tls: Tls, other: Tls, tmp_path: Path) -> None:
        for another in (certify(tmp_path), other):
            assert refused(replace(tls, key=another.key)) == (
                f"netbootd.yaml:4: http.tls.key: the key in {another.key} is not that of the certificate in "
                f"{tls.certificate}"
            )

    def test_a_key_with_a_password(self, tls: Tls, tmp_path: Path) -> None:
        locked = tmp_path / "locked.key"
        command = [need("openssl"), "pkey", "-aes256", "-passout", "pass:secret", "-in", str(tls.key)]
        subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True)
        assert refused(replace(tls, key=locked)).startswith("netbootd.yaml:4: http.tls.key: the key in ")
        assert "is encrypted" in refused(replace(tls, key=locked))

    def test_no_key_at_all(self, tls: Tls) -> None:
        assert refused(replace(tls, key=None)).endswith("holds no key; name its file with http.tls.key")

    def test_a_key_that_openssl_finds_too_short(self, tmp_path: Path) -> None:
        assert refused(certify(tmp_path, key="rsa:1024")).endswith("is for a short key; RSA needs 2048 bits")

    def test_a_certificate_for_clients(self, tmp_path: Path) -> None:
        assert "cannot be a server's certificate" in refused(certify(tmp_path, extra="extendedKeyUsage=clientAuth"))

    def test_no_word_of_a_key_is_ever_told(self, tls: Tls, tmp_path: Path) -> None:
        damaged = tmp_path / "damaged.key"
        lines = key_of(tls).read_text().splitlines()
        damaged.write_text("\n".join((*lines[:3], "!" * 64, *lines[4:])))
        assert not any(line in refused(replace(tls, key=damaged)) for line in lines[1:-1])


class TestDoubts:
    def told(self, tls: Tls, public_url: str | None = None, now: float | None = None) -> str:
        found = list(doubts(tls, identify(tls), public_url, now))
        assert {each.severity for each in found} <= {"warning"}
        return "\n".join(map(str, found))

    def test_one_that_has_ended(self, tls: Tls) -> None:
        text = self.told(tls, now=identify(tls).ends)
        assert re.search(r"http.tls.certificate: \S+ ended on \d{4}-\d\d-\d\d \d\d:\d\d UTC: clients refuse it", text)

    def test_one_that_has_not_begun(self, tls: Tls) -> None:
        assert "is not valid before" in self.told(tls, now=identify(tls).begins - 1)

    def test_one_that_ends_within_a_week(self, tls: Tls) -> None:
        assert "ends on" in self.told(tls, now=identify(tls).ends - 6 * 86400)

    @pytest.mark.parametrize("url", ["https://other.test", "https://192.0.2.1:8443/boot"])
    def test_one_for_another_name_than_machines_are_told(self, tls: Tls, url: str) -> None:
        assert "is for boot.test, localhost, 127.0.0.1 and not for " in self.told(tls, url)

    @pytest.mark.parametrize("url", [None, "http://other.test", "https://BOOT.test", "https://127.0.0.1:8443"])
    def test_a_name_that_fits_or_is_not_asked_for_by_tls(self, tls: Tls, url: str | None) -> None:
        assert self.told(tls, url) == ""

    def test_a_star_is_one_label(self, tmp_path: Path) -> None:
        wild = certify(tmp_path, names="DNS:*.lab.test")
        assert self.told(wild, "https://boot.lab.test") == ""
        assert "not for a.boot.lab.test" in self.told(wild, "https://a.boot.lab.test")
        assert "not for lab.test" in self.told(wild, "https://lab.test")

    def test_one_without_names(self, tmp_path: Path) -> None:
        assert "has no subjectAltName" in self.told(certify(tmp_path, names=""))

    def test_one_that_old_ipxe_cannot_use(self, other: Tls) -> None:
        """certbot makes such ones unless it is told not to."""
        assert "is not for an RSA key" in self.told(other)


def test_what_machines_are_offered_is_tls_1_2_and_newer_with_what_any_ipxe_has() -> None:
    """TLS_DHE is left out: it takes parameters of its own, and every iPXE that has it also has what is here."""
    context = own()[0].context
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert names >= {"AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"}  # 2012
    assert names >= {"AES128-GCM-SHA256", "AES256-GCM-SHA384"}  # 2022
    assert names >= {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"}  # 2024
    assert not any(re.search("NULL|RC4|3DES|DES-CBC|MD5|ADH|PSK|EXP", name) for name in names)
