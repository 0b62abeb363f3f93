"""What is known of clouds: a row each, with its evidence and nothing beyond it."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from netbootd.boot.args import ArgSetting, Layer, expand
from netbootd.boot.providers import PROVIDERS, Provider
from netbootd.config.models import ProviderName

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)


@pytest.mark.parametrize(
    ("arch", "console"),
    [
        ("x86_64", "ttyS1,115200n8"),
        ("i386", "ttyS1,115200n8"),
        ("amd64", "ttyS1,115200n8"),
        ("arm64", "ttyAMA0,115200"),
        (None, "ttyS1,115200n8"),
        ("", "ttyS1,115200n8"),
    ],
)
def test_the_console_of_equinix_depends_on_the_architecture(arch: str | None, console: str) -> None:
    assert PROVIDERS["equinix"].args(arch) == (ArgSetting("console", (console,), "provider equinix", Layer.PLACE),)


def test_there_is_no_console_where_no_source_tells_one() -> None:
    assert PROVIDERS["equinix"].args("riscv64") == ()
    assert PROVIDERS["ovh"].args("x86_64", linux=True) == ()


def test_only_a_linux_gets_what_names_its_cards() -> None:
    assert PROVIDERS["i3d"].args("x86_64") == ()
    assert PROVIDERS["i3d"].args("x86_64", linux=True) == (
        ArgSetting("net.ifnames", ("0",), "provider i3d", Layer.PLACE),
    )


@every_provider
def test_each_says_where_it_is_known_from(provider: Provider) -> None:
    assert len(provider.evidence) > 20


@every_provider
def test_what_each_brings_can_stand_in_a_script(provider: Provider) -> None:
    """The names of iPXE's settings are written between ``${`` and ``}``, so they are names and no more."""
    for arch in ("x86_64", "arm64"):
        expand(provider.args(arch, linux=True), lambda text, _where: text)
    for each in provider.by_ipxe:
        assert re.fullmatch(r"[A-Za-z0-9_]+", each.setting)
        assert re.fullmatch(r"[a-z0-9_]*=|", each.prefix)


def test_the_settings_know_the_same_names() -> None:
    assert set(get_args(ProviderName)) == set(PROVIDERS)
