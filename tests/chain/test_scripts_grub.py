"""The same decision in GRUB's words."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd import __version__
from netbootd.boot.facts import Facts, parse_facts
from netbootd.boot.plan import LocalMethod
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from tests.support.worlds import CARD, SITE, args, eve, linux, profile, settled, world

KNOWN = Facts(mac=CARD)
EDGE = eve(args=args("profile edge", eve_install_server="zedcontrol.example.net"))
FIELDS = ("serial", "asset", "manufacturer", "product", "buildarch", "platform", "ip")
TELLING = settled(linux(args=args("p", **{f: f"{{{{ machine.{f} | default('none', true) }}}}" for f in FIELDS})))


def got(world_: World, facts: Facts = KNOWN, choice: str | None = None) -> Rendered:
    return script(facts, world_, SITE, choice, Loader.GRUB)


def words(text: str) -> list[list[str]]:
    """GRUB's single quotes and comments are those of a shell."""
    return [line for line in (shlex.split(line, comments=True) for line in text.splitlines()) if line]


SCRIPTS: dict[str, Callable[[], Rendered]] = {
    "linux": lambda: got(settled(linux(args=args("p", console=["tty0", "ttyS0,115200"], dyndbg="file a.c +p")))),
    "menu": lambda: got(world(linux(label="It's the rescue"), EDGE)),
    "eve-armed-board-unknown": lambda: got(settled(EDGE, stage=Stage.ARMED)),
    "eve-armed-supermicro": lambda: got(settled(EDGE, stage=Stage.ARMED), Facts(mac=CARD, manufacturer="Supermicro")),
    "eve-not-armed": lambda: got(settled(EDGE)),
    "local": lambda: got(settled(profile("disk", "local"))),
    "local-poweroff": lambda: got(settled(profile("disk", "local", {"method": LocalMethod.POWEROFF}))),
    "refused-ipxe-script": lambda: got(settled(profile("foreign", "script", {"url": "http://boot.example/"}))),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_golden_script(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"scripts/{name}.grub", SCRIPTS[name]().text.replace(__version__, "VERSION"))


def test_the_kernel_gets_each_argument_as_one_word() -> None:
    (kernel,) = [line for line in words(SCRIPTS["linux"]().text) if line[0] == "linux"]

    assert kernel[1:] == [
        "(http,192.0.2.1:8080)/artifacts/rescue/vmlinuz",
        "console=tty0",
        "console=ttyS0,115200",
        "dyndbg=file a.c +p",
    ]


@pytest.mark.parametrize("stage", [None, Stage.GIVEN, Stage.DISARMED])
def test_who_is_not_armed_gets_no_kernel(stage: Stage | None) -> None:
    text = got(settled(EDGE, stage=stage)).text

    assert not {"linux", "initrd", "boot", "configfile"} & {line[0] for line in words(text)}


def test_the_menu_asks_for_the_choice_in_grubs_words_again() -> None:
    fleet = world(linux(), EDGE)

    assert "/grub.cfg?profile=rescue" in got(fleet).text
    assert "edge" not in got(fleet).text
    assert got(fleet, choice="rescue").payload == "linux"
    assert got(fleet, choice="edge").payload == "menu"


@given(
    st.dictionaries(
        st.sampled_from(FIELDS), st.text() | st.sampled_from(["'", "a'b", "$x", "`x`", "} x {", "a\\b", '"'])
    )
)
def test_any_text_in_any_field_stays_one_word(pairs: dict[str, str]) -> None:
    facts, _ = parse_facts((("mac", str(CARD)), *pairs.items()))
    found = got(TELLING, facts)
    if found.payload == "refused":
        assert {line[0] for line in words(found.text)} == {"echo", "sleep", "exit"}
        return
    (kernel,) = [line for line in words(found.text) if line[0] == "linux"]

    assert kernel[2:] == [f"{f}={v if (v := getattr(facts, f)) is not None else 'none'}" for f in FIELDS]
    assert [line[0] for line in words(found.text)] == ["echo", "linux", "initrd", "boot"]
