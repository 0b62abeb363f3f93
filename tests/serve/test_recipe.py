"""What documents are made of: kept as text, and read back as it was, whatever else may stand there."""

from __future__ import annotations

import json
from contextlib import suppress
from ipaddress import IPv4Address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import Facts, parse_facts
from netbootd.chain.scripts import Loader
from netbootd.serve.recipe import BadRecipe, Recipe, read_recipe, recipe_text
from tests.support.worlds import CARD

WHOLE = Recipe(
    Facts(CARD, UUID(int=7), "S1", platform="efi", ip="192.0.2.77"), "192.0.2.1", "https://x", Loader.GRUB, "r", True
)


@pytest.mark.parametrize("recipe", [WHOLE, Recipe(Facts()), Recipe(Facts(mac=CARD))])
def test_it_is_read_as_it_was_written(recipe: Recipe) -> None:
    assert read_recipe(recipe_text(recipe)) == recipe


TEXTS = st.text(max_size=40)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "mac": st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":")),
        "uuid": st.uuids().map(str),
        "ip": st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
        **dict.fromkeys(("serial", "asset", "manufacturer", "product", "version", "buildarch", "platform"), TEXTS),
    },
).map(lambda said: parse_facts(tuple(said.items()))[0])


@given(
    st.builds(
        Recipe,
        FACTS,
        TEXTS,
        st.none() | TEXTS.filter(bool),
        st.sampled_from(Loader),
        st.none() | TEXTS.filter(bool),
        st.booleans(),
    )
)
def test_whatever_a_machine_says_comes_back(recipe: Recipe) -> None:
    assert read_recipe(recipe_text(recipe)) == recipe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"facts": []}',
        '{"facts": {}, "loader": "lilo"}',
        '{"facts": {"mac": 7}, "loader": "ipxe"}',
        '{"facts": {"serial": "${x}"}, "loader": "ipxe"}',
        '{"facts": {}, "loader": "ipxe", "local": 7}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadRecipe):
        read_recipe(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("facts", "loader", "local", "base_url", "choice"), JSON)))
def test_and_by_nothing_worse(body: object) -> None:
    with suppress(BadRecipe):
        read_recipe(json.dumps(body))
