"""nftables' rules, as the kernel tells them, and what becomes of the packets of a boot."""

from __future__ import annotations

import pytest

from netbootd.cli.doctor.firewall import Passage, Probe, filters, ruling

Json = dict[str, object]

TFTP = Probe(hook="input", interface="eth0", protocol="udp", dport=69)
OFFER = Probe(hook="output", interface="eth0", protocol="udp", sport=67, dport=68)


def chain(name: str, hook: str | None = None, policy: str = "accept") -> Json:
    based: Json = {"type": "filter", "hook": hook, "prio": 0, "policy": policy} if hook else {}
    return {"chain": {"family": "inet", "table": "wall", "name": name, **based}}


def rule(name: str, *expr: Json) -> Json:
    return {"rule": {"family": "inet", "table": "wall", "chain": name, "expr": list(expr)}}


def ruled(*entries: Json) -> Json:
    return {"nftables": [{"metainfo": {"version": "1.0.6"}}, *entries]}


def same(left: Json, right: object, op: str = "==") -> Json:
    return {"match": {"op": op, "left": left, "right": right}}


def port(number: object, protocol: str = "udp", field: str = "dport") -> Json:
    return same({"payload": {"protocol": protocol, "field": field}}, number)


def on(name: str) -> Json:
    return same({"meta": {"key": "iifname"}}, name)


DROP: Json = {"drop": None}
ACCEPT: Json = {"accept": None}
INPUT = chain("input", "input")
CLOSED = chain("input", "input", "drop")
ODD: Json = {"xt": {"type": "match", "name": "addrtype"}}


def passage(*entries: Json, probe: Probe = TFTP) -> Passage:
    return ruling(ruled(*entries), probe).passage


def test_without_rules_everything_passes() -> None:
    assert passage() is Passage.LET
    assert not filters(ruled())
    assert filters(ruled(INPUT))


@pytest.mark.parametrize(
    "expr",
    [
        (port(69),),
        (port({"set": [67, 69]}),),
        (port({"set": [{"range": [60, 80]}]}),),
        (port(69, "th"),),
        (on("eth0"), port(69)),
        (on("eth*"), port(69)),
        (same({"meta": {"key": "l4proto"}}, "udp"), {"counter": {"packets": 0, "bytes": 0}}),
        (same({"ct": {"key": "state"}}, "new", "in"), port(69)),
        (same({"meta": {"key": "iifname"}}, "lo", "!="),),
    ],
)
def test_what_a_rule_names_is_dropped_and_the_chain_is_told(expr: tuple[Json, ...]) -> None:
    found = ruling(ruled(INPUT, rule("input", *expr, DROP)), TFTP)
    assert (found.passage, found.chain) == (Passage.DROPPED, "inet wall input")


@pytest.mark.parametrize(
    "expr",
    [
        (port(4011),),
        (port(69, "tcp"),),
        (on("eth1"), port(69)),
        (same({"ct": {"key": "state"}}, ["established", "related"], "in"),),
        (same({"payload": {"protocol": "icmp", "field": "type"}}, "echo-request"),),
        (same({"meta": {"key": "nfproto"}}, "ipv6"),),
    ],
)
def test_what_is_meant_for_others_passes(expr: tuple[Json, ...]) -> None:
    assert passage(INPUT, rule("input", *expr, DROP)) is Passage.LET


def test_a_closed_chain_drops_what_nobody_let_in() -> None:
    assert passage(CLOSED) is Passage.DROPPED
    assert passage(CLOSED, rule("input", port(69), ACCEPT)) is Passage.LET
    assert passage(CLOSED, rule("input", port(67), ACCEPT)) is Passage.DROPPED


def test_the_first_rule_that_applies_decides() -> None:
    assert passage(INPUT, rule("input", port(69), ACCEPT), rule("input", DROP)) is Passage.LET
    assert passage(INPUT, rule("input", port(69), {"reject": None}), rule("input", ACCEPT)) is Passage.DROPPED


def test_jumps_are_followed_and_come_back() -> None:
    jump: Json = {"jump": {"target": "boot"}}
    entries = (CLOSED, chain("boot"), rule("input", on("eth0"), jump))
    assert passage(*entries, rule("boot", port(69), ACCEPT)) is Passage.LET
    assert passage(*entries, rule("boot", port(69), {"return": None})) is Passage.DROPPED


def test_a_jump_in_a_circle_ends() -> None:
    assert passage(INPUT, rule("input", {"jump": {"target": "input"}})) in Passage


def test_a_map_of_verdicts_is_looked_up() -> None:
    """As nftables' own examples write it, and firewalld's chains for zones."""
    states: list[object] = [["established", ACCEPT], ["new", {"jump": {"target": "fresh"}}]]
    vmap: Json = {"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": states}}}
    assert passage(CLOSED, chain("fresh"), rule("input", vmap), rule("fresh", port(69), ACCEPT)) is Passage.LET


def test_a_rule_that_is_not_understood_leaves_it_open_only_where_it_could_decide() -> None:
    assert passage(INPUT, rule("input", ODD, DROP)) is Passage.UNSURE
    assert passage(CLOSED, rule("input", ODD, ACCEPT)) is Passage.UNSURE
    assert passage(INPUT, rule("input", ODD, ACCEPT)) is Passage.LET
    assert passage(INPUT, rule("input", ODD, port(4011), DROP)) is Passage.LET
    known: Json = same({"payload": {"protocol": "ip", "field": "saddr"}}, "10.0.0.1")
    assert passage(INPUT, rule("input", known, DROP)) is Passage.UNSURE


def test_what_leaves_goes_by_the_other_hook() -> None:
    entries = (INPUT, rule("input", DROP), chain("output", "output"))
    assert passage(*entries, probe=OFFER) is Passage.LET
    assert passage(*entries, rule("output", port(67, field="sport"), DROP), probe=OFFER) is Passage.DROPPED
