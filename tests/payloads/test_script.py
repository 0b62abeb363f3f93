"""A user's own template, or another server's script."""

from __future__ import annotations

import pytest

from netbootd.boot.args import Arg, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.plan import ChainPlan, TemplatePlan
from netbootd.payloads import Order
from netbootd.payloads.script import PAYLOAD, Settings
from tests.support.worlds import SITE

ORDER = Order(Facts(), SITE, (Arg("a", "1", "x", Layer.PROFILE),))


def test_a_url_is_chained_to() -> None:
    assert PAYLOAD.plan(Settings(url="https://boot.example/menu.ipxe"), ORDER) == ChainPlan(
        "https://boot.example/menu.ipxe"
    )
    assert PAYLOAD.templates(Settings(url="https://boot.example/menu.ipxe")) == ()


def test_a_template_gets_the_arguments() -> None:
    assert PAYLOAD.plan(Settings(template="mine.j2"), ORDER) == TemplatePlan("mine.j2", ORDER.args)
    assert PAYLOAD.templates(Settings(template="mine.j2")) == ("mine.j2",)


@pytest.mark.parametrize("both", [(None, None), ("mine.j2", "http://x/")])
def test_it_is_one_of_the_two(both: tuple[str | None, str | None]) -> None:
    with pytest.raises(ValueError, match="either"):
        Settings(*both)


@pytest.mark.parametrize("url", ["boot.ipxe", "http://x/a b", "http://x/${net0/mac}", "http://x/\n"])
def test_a_url_must_be_one_a_script_can_hold(url: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        Settings(url=url)
