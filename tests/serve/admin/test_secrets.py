"""What of an argument is shown."""

from __future__ import annotations

import pytest

from netbootd.serve.admin.secrets import HIDDEN, kept_from_sight


@pytest.mark.parametrize(
    "key",
    [
        "adpass",
        "password",
        "root_passwd",
        "passphrase",
        "join.secret",
        "TOKEN",
        "wifi_psk",
        "ssh_key",
        "api_key",
        "key",
    ],
)
def test_what_is_called_a_secret_is_not(key: str) -> None:
    assert kept_from_sight(key, "x") == HIDDEN


@pytest.mark.parametrize("key", ["console", "bypass_iommu", "keyboard", "passthrough", "monkey", "eve_soft_serial"])
def test_what_only_sounds_like_one_is(key: str) -> None:
    assert kept_from_sight(key, "x") == "x"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://me:pw@example.net/x@y", f"http://{HIDDEN}@example.net/x@y"),
        ("http://example.net/x@y", "http://example.net/x@y"),
        ("http://[me@x", HIDDEN),
        ("a@b", "a@b"),
    ],
)
def test_a_url_is_shown_without_who_and_their_password(value: str, shown: str) -> None:
    assert kept_from_sight("url", value) == shown
