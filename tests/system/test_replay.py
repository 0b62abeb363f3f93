"""Captures of real firmware, replayed to the running daemon and explained by the command: both must say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import captures, voices
from tests.support.house import SERVER, settings
from tests.support.netbootd import Running, command, running
from tests.support.places import Places, card_of, frames
from tests.support.voices import EVERYBODY, Voice

pytestmark = pytest.mark.system

CAPTURES = ("ovmf-pxe4.pcap", "ovmf-http4.pcap", "seabios-ipxe-rom.pcap", "aavmf-arm64.pcap")


def test_a_capture_replayed_is_answered_as_explain_says(wired: Places, house: Path) -> None:
    """Real firmware's own packets; `explain` has no knowledge of its own, so it must say what the daemon does."""
    with running(house, settings(house), place=wired.server) as daemon, frames(wired.one) as wire:
        for name in CAPTURES:
            replay(name, wired, daemon, Voice(wire))


def replay(name: str, wired: Places, daemon: Running, one: Voice) -> None:
    said = explained(wired, daemon.directory, name)
    seen = [each for each in captures.read(name) if {each.sport, each.dport} & {67, 68, 4011}]
    assert len(said) == len(seen)
    for what, packet in questions(said, seen):
        before = len(told(daemon))
        to = voices.BROADCAST if packet.dst == EVERYBODY else card_of(wired.server, "lan1")
        one.frame(packet.payload, (to, packet.src, packet.sport, packet.dst, packet.dport))
        daemon.count("dhcp.", before + 1)
        event = told(daemon)[before]
        if "silence" in what:
            assert (event["reason"], event["detail"]) == (what["silence"], what["detail"]), name
        else:
            keys = ("answer", "file", "style", "client", "mac", "message")
            assert {key: event[key] for key in keys} == {key: what[key] for key in keys}, name


def explained(wired: Places, directory: Path, name: str) -> list[dict[str, object]]:
    line = command("explain", str(captures.CAPTURES / name), "-c", str(directory / "netbootd.yaml"), "--json")
    return list(json.loads(wired.server.run(*line, "--address", SERVER)))


def questions(
    said: list[dict[str, object]], seen: list[captures.Datagram]
) -> Iterator[tuple[dict[str, object], captures.Datagram]]:
    """The first of each question: what is asked again after a while may be answered another way, see boot.memory."""
    before: set[tuple[object, ...]] = set()
    for what, packet in zip(said, seen, strict=True):
        key = (packet.dport, what.get("client"), what.get("message"), what.get("silence"))
        if "reply" not in what and key not in before and packet.dst in (EVERYBODY, SERVER):
            before.add(key)
            yield what, packet


def told(daemon: Running) -> list[dict[str, object]]:
    return [event for event in daemon.events() if event["event"].startswith("dhcp.")]
