"""The certificate in use, and the one that takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.config import ConfigError
from netbootd.observe.events import DaemonNotice
from netbootd.serve.certificate import Certificate
from tests.support.tls import certify, named


async def test_without_tls_there_is_none_to_show_or_to_renew(tmp_path: Path) -> None:
    """Though a reload may have settings with one: that takes a restart."""
    told: list[DaemonNotice] = []
    certificate = Certificate(None, told.append)
    await certificate.renew(certify(tmp_path), None)
    assert (certificate.shown, told) == (None, [])
    with pytest.raises(AssertionError):
        certificate.context()


def test_one_that_cannot_be_used_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Certificate(named(tmp_path / "boot.crt", None), lambda _notice: None)


async def test_a_renewed_one_is_shown_from_then_on_and_said(tmp_path: Path) -> None:
    told: list[DaemonNotice] = []
    certificate = Certificate(certify(tmp_path), told.append)
    before = certificate.context()
    await certificate.renew(certify(tmp_path, names="DNS:renewed.test"), None)
    assert certificate.shown
    assert certificate.shown.names == ("renewed.test",)
    assert certificate.context() is not before
    assert [(each.severity, each.text[:45]) for each in told] == [
        ("info", "the certificate was renewed: for renewed.test")
    ]


async def test_the_same_one_is_no_news(tmp_path: Path) -> None:
    told: list[DaemonNotice] = []
    tls = certify(tmp_path)
    await Certificate(tls, told.append).renew(tls, None)
    assert told == []


async def test_a_broken_one_is_told_of_and_the_old_one_stays(tmp_path: Path) -> None:
    told: list[DaemonNotice] = []
    tls = certify(tmp_path)
    certificate = Certificate(tls, told.append)
    before = certificate.context()
    tls.certificate.write_text("half a file")
    await certificate.renew(tls, None)
    assert certificate.context() is before
    ((severity, text),) = [(each.severity, each.text) for each in told]
    assert severity == "error"
    assert text.startswith("the certificate in use stays: netbootd.yaml:3: http.tls.certificate: ")


async def test_what_keeps_clients_from_it_is_told_at_each_reload(tmp_path: Path) -> None:
    told: list[DaemonNotice] = []
    tls = certify(tmp_path)
    await Certificate(tls, told.append).renew(tls, "https://elsewhere.test")
    assert [(each.severity, "elsewhere.test" in each.text) for each in told] == [("warning", True)]
