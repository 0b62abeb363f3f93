"""Whatever a machine says of itself, its script does what a harmless machine's does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import Facts, parse_facts
from netbootd.boot.plan import LocalMethod
from netbootd.chain.scripts import Rendered, script
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Condition, Rule
from tests.support import ipxe
from tests.support.worlds import ALWAYS, CARD, ONCE, SITE, args, eve, linux, machine, profile, settled, world

FIELDS = ("uuid", "serial", "asset", "manufacturer", "product", "buildarch", "platform", "ip", "version")
NEVER_WRITTEN = (
    *("\n", "\r", "\0", "\x1b", "\u2028"),
    *("${net0/mac}", "${", " || shell ", " && shell ", " ; shell ", " #"),
    "x" * 300,
)
ONLY_TEXT = ("\\", "%00", "%0a", "ä", '"', "||", "{{ 7 * 7 }}", "{% raw %}", "&mac=00:00:00:00:00:00")
MARK = "pwned"

telling = args(
    "profile",
    **{field: f"{{{{ machine.{field} | default('none', true) }}}}" for field in FIELDS if field != "version"},
)
TELLING = {
    "linux": settled(linux(args=telling)),
    "eve": settled(eve(args=args("profile", eve_soft_serial="{{ machine.mac | hexhyp }}")), stage=Stage.ARMED),
    "eve waiting": settled(eve(args=telling)),
    "menu": world(linux(args=telling)),
    "local": settled(profile("disk", "local", {"method": LocalMethod.CHAIN})),
    "script": settled(profile("foreign", "script", {"url": "http://boot.example/"})),
    "refused": settled(linux(args=args("profile", x="{{ machine.rack }}"))),
}


def said(**pairs: str) -> Facts:
    facts, _ = parse_facts((("mac", str(CARD)), *pairs.items()))
    return facts


def harmless(kind: str, manufacturer: bool) -> str:
    known = {"manufacturer": "Acme"} if manufacturer else {}
    return script(said(**known), TELLING[kind], SITE).text


@pytest.mark.parametrize("kind", TELLING)
@pytest.mark.parametrize("fragment", [*NEVER_WRITTEN, *ONLY_TEXT])
def test_a_fragment_in_every_field_changes_no_command(kind: str, fragment: str) -> None:
    text = f"{MARK}{fragment}{MARK}"
    facts = said(**dict.fromkeys(FIELDS, text))
    found = script(facts, TELLING[kind], SITE)

    if found.payload != "refused":
        assert ipxe.shape(found.text) == ipxe.shape(harmless(kind, facts.manufacturer is not None))
    if fragment in NEVER_WRITTEN:
        assert MARK not in found.text, "refused whole"
    assert "49" not in found.text


@given(
    st.sampled_from(sorted(TELLING)),
    st.dictionaries(st.sampled_from(FIELDS), st.text() | st.sampled_from([*NEVER_WRITTEN, *ONLY_TEXT])),
)
def test_any_text_in_any_field_changes_no_command(kind: str, pairs: dict[str, str]) -> None:
    facts = said(**pairs)
    found = script(facts, TELLING[kind], SITE)

    assert found.text.startswith("#!ipxe\n")
    if found.payload == "refused":
        assert set(ipxe.names(found.text)) == {"echo", "sleep", "iseq", "exit", "sanboot"}
    else:
        assert ipxe.shape(found.text) == ipxe.shape(harmless(kind, facts.manufacturer is not None))


@given(st.text(), st.text())
def test_a_template_that_puts_two_facts_side_by_side_cannot_be_tricked(serial: str, asset: str) -> None:
    told = args("profile", both="{{ machine.serial | default('', true) }}{{ machine.asset | default('', true) }}")
    found = script(said(serial=serial, asset=asset), settled(linux(args=told)), SITE)

    if found.payload != "refused":
        assert ipxe.shape(found.text) == ipxe.shape(script(said(), settled(linux()), SITE).text)
        assert "${" not in found.text.replace("${attempt}", "")


INSTALLING = {"kernel", "initrd", "boot", "chain"}

worlds = st.builds(
    lambda kind, boots, auto, method, named, unknown, rule: world(
        kind("edge", boots=boots, auto=auto, local=method),
        linux("live"),
        machines=[machine("edge")] if named else [],
        rules=[Rule((Condition("manufacturer", rule),), "edge")] if rule else [],
        unknown=unknown,
    ),
    st.sampled_from([eve, linux]),
    st.just(ONCE),
    st.booleans(),
    st.sampled_from(LocalMethod),
    st.booleans(),
    st.sampled_from(["menu", "register", "silent", "edge"]),
    st.sampled_from(["", "*", "Dell*"]),
)


def gives_the_installer(found: Rendered) -> bool:
    return "edge" in found.text and bool(INSTALLING & set(ipxe.names(found.text)))


@given(
    worlds,
    st.none() | st.sampled_from(Stage),
    st.none() | st.sampled_from(["edge", "live", "menu", "x"]),
    st.sampled_from([None, "Dell Inc.", "Acme"]),
    st.booleans(),
)
def test_what_boots_once_is_given_to_an_armed_machine_and_to_nobody_else(
    fleet: World, stage: Stage | None, choice: str | None, manufacturer: str | None, address: bool
) -> None:
    """Being listed, matching a rule, being unknown or picking in the menu arms nothing."""
    here = World(fleet.fleet, fleet.firmware, fleet.templates, lambda _mac: stage)
    facts = Facts(mac=CARD if address else None, manufacturer=manufacturer)
    found = script(facts, here, SITE, choice)

    auto = stage is None and fleet.fleet.profiles["edge"].auto
    if found.profile == "edge" and not (address and (stage is Stage.ARMED or auto)):
        assert not INSTALLING & set(ipxe.names(found.text))
    elif found.profile != "edge":
        assert found.payload in ("menu", "local", "linux")
        assert found.payload != "linux" or (found.profile, choice) == ("live", "live")
        assert "profile=edge" not in found.text


def test_the_same_holds_for_every_stage_of_a_plain_installer() -> None:
    for stage in (None, Stage.GIVEN, Stage.DISARMED):
        assert not INSTALLING & set(ipxe.names(script(said(), settled(eve(), stage=stage), SITE).text))
    assert gives_the_installer(script(said(), settled(eve(), stage=Stage.ARMED), SITE))
    assert ALWAYS is not ONCE
