"""The demo's story: which of netbootd's events are told, and how."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from netbootd.observe.events import ArtifactServed, DhcpAnswered, DhcpSilent, Event, ScriptServed, TftpFinished
from tests.lab.story import Story

POWER_ON = 1_800_000_000.0
LATER = "2027-01-15T08:00:02.500000Z"


def logged(event: Event) -> dict[str, Any]:
    """What netbootd's JSON log says of ``event``."""
    own = {each.name: getattr(event, each.name) for each in fields(event)}
    return {"time": LATER, "event": event.name, **own}


def asked(client: str, *, port: int, file: str, style: str) -> DhcpAnswered:
    return DhcpAnswered(message="DISCOVER", answer="OFFER", client=client, file=file, style=style, port=port)


LOADED = TftpFinished(file="snponly.efi", size=173_792, seconds=0.02, blksize=1468, windowsize=4, retransmits=0)
IPXE = asked("iPXE 1.0.0 on x86-64 UEFI", port=67, file="http://10.99.0.2:8080/ipxe.cfg", style="file at once")
KERNEL = ArtifactServed(
    file="artifacts/demo/vmlinuz", status=200, size=8_222_656, sent=8_222_656, seconds=0.2, complete=True
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (asked("x86-64 UEFI PXE", port=67, file="snponly.efi", style="on to port 4011"), "its port 4011"),
        (asked("x86-64 UEFI PXE", port=4011, file="snponly.efi", style="file at once"), "boot program snponly.efi"),
        (asked("x86 BIOS PXE", port=67, file="undionly.kpxe", style="file at once"), "boot program: undionly.kpxe"),
        (LOADED, "174 kB in 20 ms"),
        (ScriptServed(script="ipxe.cfg", payload="entry"), "tells netbootd whom it is on"),
        (ScriptServed(script="machines/x/ipxe.cfg", machine="node-1", profile="hello", payload="linux"), "**node-1**"),
        (KERNEL, "**vmlinuz** by HTTP, 8.2 MB in 0.2 s"),
    ],
)
def test_each_stage_is_a_step_with_its_time(event: Event, words: str) -> None:
    """Seconds count from power-on, whatever the clock says."""
    step = Story(POWER_ON).tell(logged(event))
    assert step is not None
    assert step.seconds == 2.5
    assert words in step.text


def test_silence_and_half_downloads_are_no_steps() -> None:
    """The log has them; the story does not need them."""
    story = Story(POWER_ON)
    assert story.tell(logged(DhcpSilent(reason="LEASE_REQUEST"))) is None
    lost = ArtifactServed(file="artifacts/x", status=200, size=9, sent=4, seconds=1.0, complete=False)
    assert story.tell(logged(lost)) is None


def test_ipxe_of_the_network_card_is_told_from_one_that_was_loaded() -> None:
    """The same packet, told by what went before."""
    first, second = Story(POWER_ON), Story(POWER_ON)
    second.tell(logged(LOADED))
    brought, loaded = first.tell(logged(IPXE)), second.tell(logged(IPXE))
    assert brought is not None
    assert loaded is not None
    assert "Its network card brings iPXE" in brought.text
    assert "asks once more" in loaded.text
