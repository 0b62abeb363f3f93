"""Whether a packet filter lets a packet through: nftables' rules as ``nft -j list ruleset`` tells them.

Only what is common is understood (interfaces, protocols, ports, a new connection, jumps).  A rule with anything else
in it may apply or not; where that decides, the verdict is `Passage.UNSURE`, never a guess.  iptables of today writes
nftables' rules, too, and its own matches are among what is not understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

_FAMILIES = ("ip", "inet")
_DEEPEST = 16  # jumps, as the kernel


class Passage(Enum):
    """What becomes of a packet."""

    LET = "let through"
    DROPPED = "dropped"
    UNSURE = "not to be told from the rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The first packet of a connection, as it comes in on an interface or leaves by it."""

    hook: str
    """``input`` or ``output``."""
    interface: str
    protocol: str
    sport: int = 0
    """0: any."""
    dport: int = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """And by whom: ``inet filter input``, "" where everything lets it through."""

    passage: Passage
    chain: str = ""


def ruling(ruleset: Mapping[str, Any], probe: Probe) -> Ruling:
    """By every base chain of this hook: one that drops is enough."""
    house = _House.of(ruleset)
    unsure = Ruling(Passage.LET)
    for key, chain in house.chains.items():
        if chain.get("hook") != probe.hook or key[0] not in _FAMILIES:
            continue
        passage = house.judged(key, chain, probe)
        if passage is Passage.DROPPED:
            return Ruling(passage, " ".join(key))
        if passage is Passage.UNSURE:
            unsure = Ruling(passage, " ".join(key))
    return unsure


def filters(ruleset: Mapping[str, Any]) -> bool:
    """Whether anything could be dropped at all."""
    house = _House.of(ruleset)
    return any(chain.get("hook") in ("input", "output") for chain in house.chains.values())


_Key = tuple[str, str, str]


class _Truth(Enum):
    YES, NO, MAYBE = range(3)


@dataclass(frozen=True, slots=True)
class _House:
    chains: Mapping[_Key, Mapping[str, Any]]
    rules: Mapping[_Key, Sequence[Sequence[Any]]]

    @classmethod
    def of(cls, ruleset: Mapping[str, Any]) -> _House:
        chains: dict[_Key, Mapping[str, Any]] = {}
        rules: dict[_Key, list[Sequence[Any]]] = {}
        for each in ruleset.get("nftables", ()):
            match each:
                case {"chain": {"family": str(family), "table": str(table), "name": str(name)} as chain}:
                    chains[family, table, name] = chain
                case {"rule": {"family": str(family), "table": str(table), "chain": str(name), "expr": list(expr)}}:
                    rules.setdefault((family, table, name), []).append(expr)
        return cls(chains, rules)

    def judged(self, key: _Key, chain: Mapping[str, Any], probe: Probe) -> Passage:
        verdict, doubts = self._walk(key, probe, 0)
        dropped = (verdict or str(chain.get("policy", "accept"))) == "drop"
        if ("accept" if dropped else "drop") in doubts:
            return Passage.UNSURE
        return Passage.DROPPED if dropped else Passage.LET

    def _walk(self, key: _Key, probe: Probe, depth: int) -> tuple[str, frozenset[str]]:
        """The verdict, "" where the chain comes to its end; and those that a rule in doubt may have given before."""
        doubts: frozenset[str] = frozenset()
        if depth == _DEEPEST:
            return "", frozenset(("accept", "drop"))
        for expr in self.rules.get(key, ()):
            applies, verdict, target = _read(expr, probe)
            if applies is _Truth.NO:
                continue
            inner: frozenset[str] = frozenset()
            if target:
                verdict, inner = self._walk((key[0], key[1], target), probe, depth + 1)
                verdict = "" if verdict == "return" else verdict
            if applies is _Truth.MAYBE:
                doubts |= inner | ({verdict} if verdict else set())
                continue
            doubts |= inner
            if verdict:
                return verdict, doubts
        return "", doubts


def _read(expr: Sequence[Any], probe: Probe) -> tuple[_Truth, str, str]:
    """Whether a rule applies, its verdict (accept, drop, return) and the chain it goes on to."""
    truth = _Truth.YES
    for part in expr:
        match part:
            case {"match": match}:
                truth = _and(truth, _matches(match, probe))
            case {"counter": _} | {"log": _} | {"meta": _} | {"comment": _}:
                continue
            case {"accept": _}:
                return truth, "accept", ""
            case {"drop": _} | {"reject": _}:
                return truth, "drop", ""
            case {"return": _}:
                return truth, "return", ""
            case {"jump": {"target": str(target)}} | {"goto": {"target": str(target)}}:
                return truth, "", target
            case {"vmap": {"key": left, "data": {"set": list(pairs)}}}:
                chosen, rest = _mapped(left, pairs, probe)
                return (_and(truth, chosen), *rest)
            case _:
                truth = _and(truth, _Truth.MAYBE)
    return truth, "", ""


def _mapped(left: Any, pairs: Sequence[Any], probe: Probe) -> tuple[_Truth, tuple[str, str]]:
    for value, verdict in pairs:
        found = _matches({"op": "==", "left": left, "right": value}, probe)
        if found is not _Truth.NO:
            _, said, target = _read([verdict], probe)
            return found, (said, target)
    return _Truth.NO, ("", "")


def _matches(match: Mapping[str, Any], probe: Probe) -> _Truth:
    known = _value(match.get("left"), probe)
    if known is None:
        return _Truth.MAYBE
    found = _among(known, match.get("right"))
    if match.get("op") == "!=" and found is not _Truth.MAYBE:
        return _Truth.NO if found is _Truth.YES else _Truth.YES
    return found if match.get("op") in ("==", "in", "!=") else _Truth.MAYBE


def _value(left: Any, probe: Probe) -> str | int | None:
    """What the packet has there; None: not known."""
    incoming = probe.hook == "input"
    match left:
        case {"meta": {"key": "iifname" | "iif"}}:
            return probe.interface if incoming else ""
        case {"meta": {"key": "oifname" | "oif"}}:
            return "" if incoming else probe.interface
        case {"meta": {"key": "l4proto"}} | {"payload": {"protocol": "ip", "field": "protocol"}}:
            return probe.protocol
        case {"meta": {"key": "nfproto"}}:
            return "ipv4"
        case {"payload": {"protocol": "tcp" | "udp" as protocol, "field": _}} if protocol != probe.protocol:
            return -1  # of another protocol: equal to nothing
        case {"payload": {"protocol": "tcp" | "udp" | "th", "field": "dport"}}:
            return probe.dport or None
        case {"payload": {"protocol": "tcp" | "udp" | "th", "field": "sport"}}:
            return probe.sport or None
        case {"ct": {"key": "state"}}:
            return "new"
        case {"payload": {"protocol": "icmp" | "icmpv6" | "ip6" | "arp"}}:
            return -1
    return None


def _among(known: str | int, right: Any) -> _Truth:
    match right:
        case {"set": list(members)} | list(members):
            found = [_among(known, each) for each in members]
            return next((each for each in (_Truth.YES, _Truth.MAYBE) if each in found), _Truth.NO)
        case {"range": [int(low), int(high)]}:
            return _Truth.YES if isinstance(known, int) and low <= known <= high else _Truth.NO
        case str(name) if name.endswith("*") and isinstance(known, str):
            return _Truth.YES if known.startswith(name[:-1]) else _Truth.NO
        case str() | int():
            return _Truth.YES if known == right else _Truth.NO
    return _Truth.NO if known == -1 else _Truth.MAYBE


def _and(one: _Truth, other: _Truth) -> _Truth:
    return next((each for each in (_Truth.NO, _Truth.MAYBE) if each in (one, other)), _Truth.YES)
