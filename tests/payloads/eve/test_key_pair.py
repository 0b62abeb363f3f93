"""Whether a private key is that of a certificate, with keys that openssl makes.

What is no certificate and no key at all is in `test_config_partition`, file by file.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.payloads.eve.key_pair import strangers
from tests.support.pem import CERTIFICATE, KEY
from tests.support.tls import certify
from tests.support.tools import need

KINDS = ("rsa:2048", "ec -pkeyopt ec_paramgen_curve:prime256v1", "ec -pkeyopt ec_paramgen_curve:secp384r1", "ed25519")


@cache
def pair(kind: str, number: int = 0) -> tuple[bytes, bytes]:
    """A certificate and its key; of one kind there are as many as one asks for."""
    with TemporaryDirectory() as directory:
        made = certify(Path(directory), f"n{number}", key=kind)
        assert made.key
        return made.certificate.read_bytes(), made.key.read_bytes()


def openssl(*arguments: str, given: bytes) -> bytes:
    return subprocess.run([need("openssl"), *arguments], input=given, check=True, capture_output=True).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_and_its_certificate_are_no_strangers(kind: str) -> None:
    assert not strangers(*pair(kind))


@pytest.mark.parametrize("kind", KINDS[:3])
def test_the_key_of_another_certificate_of_the_same_kind_is(kind: str) -> None:
    assert strangers(pair(kind)[0], pair(kind, 1)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_another_kind_is(kind: str) -> None:
    for other in KINDS:
        assert strangers(pair(kind)[0], pair(other)[1]) is (kind != other)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_older_forms_of_a_key_are_read_too(kind: str) -> None:
    """``RSA PRIVATE KEY``, ``EC PRIVATE KEY``."""
    certificate, key = pair(kind)
    older = openssl("pkey", "-traditional", given=key)
    assert older.split(b"\n")[0] in (b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----")
    assert not strangers(certificate, older)
    assert strangers(pair(kind, 1)[0], older)


def test_a_key_may_have_its_curve_in_front() -> None:
    """As ``openssl ecparam -genkey`` writes it."""
    certificate, key = pair(KINDS[1])
    curve = openssl("ecparam", "-name", "prime256v1", given=b"")
    assert not strangers(certificate, curve + openssl("pkey", "-traditional", given=key))


def test_a_point_may_be_written_short() -> None:
    """SEC 1 2.3.3: x and one bit of y."""
    certificate, key = pair(KINDS[1])
    short = openssl("ec", "-conv_form", "compressed", given=key)
    assert len(short) < len(openssl("ec", given=key))
    assert not strangers(certificate, short)
    assert strangers(pair(KINDS[1], 1)[0], short)


def test_of_a_key_that_does_not_say_its_point_nothing_is_said() -> None:
    certificate, key = pair(KINDS[1], 1)
    assert not strangers(pair(KINDS[1])[0], openssl("ec", "-no_public", given=key))
    assert not strangers(certificate, openssl("ec", "-no_public", given=key))


def test_the_first_certificate_of_a_chain_counts() -> None:
    certificate, key = pair(KINDS[1])
    other = pair(KINDS[1], 1)[0]
    assert not strangers(certificate + other, key)
    assert strangers(other + certificate, key)


def test_of_what_cannot_be_read_nothing_is_said() -> None:
    certificate, key = pair(KINDS[0])
    assert not strangers(CERTIFICATE, key)
    assert not strangers(certificate, KEY)


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_no_octets_are_too_much(junk: bytes, position: int) -> None:
    certificate, key = pair(KINDS[1])
    for data in (junk, certificate[:position] + junk, certificate[:position] + junk + certificate[position:]):
        strangers(data, key)
        strangers(certificate, data)
