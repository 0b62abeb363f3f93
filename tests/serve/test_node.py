"""Tokens are for the networks of the site; what a restart forgot is made anew; a call is over once it was heard."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import Document
from netbootd.fleet.changes import Entry
from netbootd.fleet.grants import Grant
from netbootd.fleet.lifecycle import Stage
from netbootd.serve.http.services import Heard, NotNow
from netbootd.serve.node import Node
from netbootd.serve.recipe import Recipe, recipe_text
from netbootd.serve.tokens import Caller, Tokens, Unmade, digest_of
from netbootd.wire.segments import Segments
from tests.support.worlds import CARD

TOKEN = "t" * 32
HERE, ELSEWHERE = "192.0.2.77", "198.51.100.7"
ARMED = Entry(CARD, Stage.ARMED, 1.0, "a person", 3)
CONFIG = Document("config.img", Segments.of(b"config"))
RECIPE = Recipe(Facts(mac=CARD))


class Site:
    def __init__(self) -> None:
        self.now = 100.0
        self.tokens = Tokens(lambda _mac: ARMED, clock=lambda: self.now, wall=lambda: self.now)
        self.heard = Heard.TAKEN
        self.ended: list[tuple[Caller, bool, str]] = []
        self.made: list[Unmade] = []
        self.found = True
        self.node = Node(self.tokens, make=self.make, ended=self.hear, lookup=self.look)

    def make(self, token: str, unmade: Unmade) -> tuple[Document, ...]:
        assert token == TOKEN
        self.made.append(unmade)
        return (CONFIG,)

    async def hear(self, caller: Caller, done: bool, message: str) -> Heard:
        self.ended.append((caller, done, message))
        return self.heard

    async def look(self, _token: str) -> bool:
        return self.found


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize(
    ("networks", "inside"),
    [
        ((), True),
        (("192.0.2.0/24",), True),
        (("10.0.0.0/8", "192.0.2.77/32"), True),
        (("10.0.0.0/8",), False),
        (("2001:db8::/32",), False),
    ],
)
async def test_a_token_opens_nothing_from_outside_of_its_networks(
    site: Site, networks: tuple[str, ...], inside: bool
) -> None:
    site.tokens.grant(TOKEN, CARD, (CONFIG,), installs=True)
    site.node.networks = tuple(map(ip_network, networks))

    assert (await site.node.document(TOKEN, "config.img", HERE) is not None) is inside
    assert (await site.node.holder(TOKEN, HERE) is not None) is inside
    assert await site.node.calls(TOKEN, HERE) is inside


@pytest.mark.parametrize("ip", ["", "nonsense", ELSEWHERE, "::1"])
async def test_an_address_that_is_none_is_in_no_network(site: Site, ip: str) -> None:
    site.tokens.grant(TOKEN, CARD, (CONFIG,))
    site.node.networks = (ip_network("192.0.2.0/24"),)
    assert await site.node.document(TOKEN, "config.img", ip) is None


async def test_what_the_state_alone_knows_of_is_made_once(site: Site) -> None:
    site.tokens.recall(Grant(digest_of(TOKEN), CARD, 3, 50.0, 500.0, 500.0, recipe_text(RECIPE)))

    for _ in range(2):
        granted = await site.node.document(TOKEN, "config.img", HERE)
        assert granted is not None
        assert (granted.mac, granted.document) == (CARD, CONFIG)
    assert await site.node.document(TOKEN, "other", HERE) is None
    assert site.made == [Unmade(CARD, RECIPE)]


async def test_where_nobody_can_say_whose_a_token_is_it_is_asked_again(site: Site) -> None:
    site.found = False
    for asked in (
        site.node.document(TOKEN, "config.img", HERE),
        site.node.holder(TOKEN, HERE),
        site.node.calls(TOKEN, HERE),
    ):
        with pytest.raises(NotNow):
            await asked


async def test_a_call_ends_the_tokens_of_its_installation_once_it_is_recorded(site: Site) -> None:
    site.tokens.grant(TOKEN, CARD, (CONFIG,), installs=True)
    for heard in (Heard.NOT_WRITTEN, Heard.REFUSED, Heard.TAKEN):
        site.now += 100.0
        assert await site.node.calls(TOKEN, HERE)
        site.heard = heard
        assert await site.node.call(TOKEN, True, "ok") is heard
    assert site.ended == [(Caller(CARD, 3), True, "ok")] * 3
    site.now += 60.0
    assert not await site.node.calls(TOKEN, HERE)
    assert await site.node.call(TOKEN, True, "ok") is Heard.REFUSED
    assert await site.node.document(TOKEN, "config.img", HERE) is None


async def test_where_nobody_hears_calls_they_are_refused() -> None:
    tokens = Tokens(lambda _mac: ARMED)
    tokens.grant(TOKEN, CARD, (), installs=True)
    assert await Node(tokens, make=lambda _token, _unmade: ()).call(TOKEN, True, "") is Heard.REFUSED
