"""What templates call ``machine``, and what is told where it is not known."""

from __future__ import annotations

import pytest

from netbootd.boot.facts import Facts
from netbootd.chain.scripts import script
from netbootd.chain.subject import subject, unknown_facts
from netbootd.fleet.snapshot import Assignment
from tests.support.worlds import CARD, SITE, args, linux, settled

NOBODY = Assignment(None, None)


def test_one_without_a_name_is_called_by_its_card() -> None:
    assert subject(NOBODY, Facts(mac=CARD)).name == str(CARD)
    assert subject(NOBODY, Facts()).name == "unknown"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ machine.mac | hexhyp }}", ""),
        ("{{ machine.ip }}", " (machine.ip: its iPXE reports that by /ipxe.cfg or the machine's own URL; "),
        ("{{ machine.serial }}-{{ machine.ip }}", " (machine.serial and machine.ip: its iPXE reports that by "),
        ("{{ machine.nothing }}", ""),
    ],
)
def test_facts_that_are_not_known_are_named(text: str, told: str) -> None:
    said = unknown_facts(text, subject(NOBODY, Facts(mac=CARD)))
    assert said.startswith(told) if told else not said


def test_a_soft_serial_made_of_the_address_says_what_to_do_without_one() -> None:
    """The flavour that EVE's releases have as ``.ip.cfg``."""
    world = settled(linux(args=args("profile edge", eve_soft_serial="{{ machine.ip }}")))
    assert "eve_soft_serial=192.0.2.77" in script(Facts(mac=CARD, ip="192.0.2.77"), world, SITE).text
    assert script(Facts(mac=CARD), world, SITE).failure == (
        "argument eve_soft_serial of profile edge: ip is not known and would be written; ask with 'if', "
        "or give it a 'default' (machine.ip: its iPXE reports that by /ipxe.cfg or the machine's own URL; to see it "
        "before: render --fact ip=...)"
    )
