"""Silence has a reason, and the reason is a sentence."""

from __future__ import annotations

from netbootd.boot.silence import Reason, Silence


def test_it_reads_as_a_sentence_with_its_detail() -> None:
    assert str(Silence(Reason.NOT_A_REQUEST)) == "the packet is a server's reply, not a client's question"
    assert str(Silence(Reason.NO_BINARY, "ARM64 UEFI")).endswith("is not installed (ARM64 UEFI)")


def test_no_two_reasons_say_the_same() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
