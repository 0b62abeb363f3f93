"""From what a machine says of itself to the script it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from netbootd import __version__
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.network import BY_IPXE, NetworkKeys
from netbootd.boot.plan import LocalMethod
from netbootd.boot.render import Templates
from netbootd.chain.scripts import Rendered, entry, script
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.rules import Condition, Rule
from tests.support import ipxe
from tests.support.worlds import (
    ALWAYS,
    CARD,
    ONCE,
    OTHER_CARD,
    SITE,
    args,
    eve,
    linux,
    machine,
    profile,
    settled,
    templates,
    world,
)

KNOWN = Facts(mac=CARD)
SUPERMICRO = Facts(mac=CARD, manufacturer="Supermicro")
ARMED = Stage.ARMED

EDGE_ARGS = args("profile edge", eve_install_server="zedcontrol.example.net")
EDGE = eve(args=EDGE_ARGS)
RESCUE = linux(args=args("profile rescue", console=["tty0", "ttyS0,115200"], netboot_mac="{{ machine.mac }}"))
MENU_WORLD = world(RESCUE, linux("live", label="Live system"), profile("disk", "local"), EDGE)
FOREIGN = profile("foreign", "script", {"url": "https://boot.example/menu.ipxe?a=1&b=2"})


OWN_URL = Machine((CARD,), "metal-1", secret="kq3v-SECRET-of-metal-1-x7")


def local(method: LocalMethod) -> World:
    return settled(profile("disk", "local", {"method": method}))


def got(world_: World, facts: Facts = KNOWN, choice: str | None = None) -> Rendered:
    return script(facts, world_, SITE, choice)


SCRIPTS: dict[str, Callable[[], Rendered]] = {
    "entry": lambda: entry(MENU_WORLD, SITE),
    "entry-own-url": lambda: entry(MENU_WORLD, SITE, OWN_URL),
    "linux": lambda: got(settled(RESCUE)),
    "linux-i3d": lambda: got(settled(replace(RESCUE, provider="i3d"))),
    "menu-own-url": lambda: script(KNOWN, MENU_WORLD, SITE, machine=OWN_URL),
    "script-url": lambda: got(settled(FOREIGN)),
    "menu": lambda: got(MENU_WORLD),
    "menu-with-nothing-to-offer": lambda: got(world()),
    "eve-armed-board-unknown": lambda: got(settled(EDGE, stage=ARMED)),
    "eve-armed-supermicro": lambda: got(settled(EDGE, stage=ARMED), SUPERMICRO),
    "eve-armed-console-set": lambda: got(settled(eve(args=args("p", console="ttyS0")), stage=ARMED)),
    "eve-not-armed": lambda: got(settled(EDGE)),
    "eve-given": lambda: got(settled(EDGE, stage=Stage.GIVEN), SUPERMICRO),
    "refused": lambda: got(settled(linux(args=args("profile rescue", x="{{ machine.rack }}")))),
    "unknown-register": lambda: got(world(unknown="register")),
    **{f"local-{m.value.replace(' ', '-')}": partial(got, local(m)) for m in LocalMethod},
}
every_script = pytest.mark.parametrize("name", SCRIPTS)


@every_script
def test_golden_script(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"scripts/{name}.ipxe", SCRIPTS[name]().text.replace(__version__, "VERSION"))


@every_script
def test_a_script_begins_as_ipxe_wants_and_is_ascii_without_leftovers(name: str) -> None:
    text = SCRIPTS[name]().text

    assert text.startswith("#!ipxe\n")
    assert text.endswith("\n")
    assert text.isascii()
    assert not {"{{", "{%", "None", "Undefined", "\r", "\t"} & {
        part for part in ("{{", "{%", "None", "Undefined", "\r", "\t") if part in text
    }


@every_script
def test_a_script_uses_commands_every_ipxe_has(name: str) -> None:
    assert set(ipxe.names(SCRIPTS[name]().text)) <= ipxe.COMMANDS


@every_script
def test_every_way_a_script_goes_leads_somewhere(name: str) -> None:
    text = SCRIPTS[name]().text
    labels = ipxe.labels(text)
    targets = {command.words[1] for command in ipxe.commands(text) if command.name == "goto"} - {"${chosen}"}

    assert len(labels) == len(set(labels)), "goto takes the first of two"
    assert targets <= set(labels)


@every_script
def test_no_failure_ends_a_script_by_surprise(name: str) -> None:
    """iPXE ends a script at a failing command that nothing catches."""
    uncaught = [c for c in ipxe.commands(SCRIPTS[name]().text) if c.name in ipxe.MAY_FAIL and c.separator == ""]

    assert uncaught == []


@every_script
def test_a_line_that_only_tests_ends_caught(name: str) -> None:
    """``iseq a b && x`` fails as a whole where a is not b; only a last ``||`` makes that nothing."""
    for line in ipxe.read(SCRIPTS[name]().text):
        separators = [command.separator for command in line.commands]
        assert "&&" not in separators or separators[-1] == "||"


def test_the_menu_leads_to_each_of_its_items() -> None:
    text = got(MENU_WORLD).text
    items = [c.words[1] for c in ipxe.commands(text) if c.name == "item" and c.words[1] != "--gap"]

    assert items == ["local", "p0", "p1", "p2", "about", "shell", "off"]
    assert set(items) <= set(ipxe.labels(text))


def test_the_menu_times_out_to_the_local_disk() -> None:
    (choose,) = [c for c in ipxe.commands(got(MENU_WORLD).text) if c.name == "choose"]

    assert choose.words == ("choose", "--timeout", "30000", "--default", "local", "chosen")


def test_the_entry_script_asks_for_the_machines_own_by_absolute_url() -> None:
    text = entry(MENU_WORLD, SITE).text
    (chain,) = [c for c in ipxe.commands(text) if c.name == "chain"]

    assert chain.words[-1].startswith("http://192.0.2.1:8080/machines/${netX/mac:hexhyp}/ipxe.cfg?")
    assert "next-server}" not in text.replace("# netX is the card that booted; ${next-server} is never used", "")


def test_ipxe_is_told_where_to_send_its_lines_once_it_has_an_address() -> None:
    """Before the network is up the lines would go nowhere; to a build without CONSOLE_SYSLOG it is a mere setting."""
    text = entry(MENU_WORLD, replace(SITE, syslog_port=514)).text
    assert text.index("|| dhcp ||") < text.index("\nset syslog 192.0.2.1 ||\n") < text.index("\nchain ")
    assert "syslog" not in entry(MENU_WORLD, SITE).text


@pytest.mark.parametrize("name", ["entry", "script-url", "menu"])
def test_a_chained_script_replaces_the_one_that_chained_it(name: str) -> None:
    """Else its "exit 1", meant for the firmware, comes back as a download that failed and is tried again."""
    chains = [c.words[:3] for c in ipxe.commands(SCRIPTS[name]().text) if c.name == "chain"]

    assert chains
    assert set(chains) == {("chain", "--replace", "--autofree")}


def test_smbios_texts_are_encoded_and_come_last() -> None:
    """Older builds leave "&" bare, and the server takes the first of two equal names."""
    text = entry(MENU_WORLD, SITE).text
    (what,) = [c.words[2] for c in ipxe.commands(text) if c.words[:2] == ("set", "what")]
    (chain,) = [c for c in ipxe.commands(text) if c.name == "chain"]

    assert all(":uristring}" in part for part in what.split("&"))
    assert chain.words[-1].endswith("?${who}&${what}")


def test_the_kernel_gets_this_machines_arguments_and_its_initrds_in_order() -> None:
    assert ipxe.kernel_args(got(settled(RESCUE)).text) == [
        "console=tty0",
        "console=ttyS0,115200",
        "netboot_mac=52:54:00:12:34:56",
        "initrd=initrd0",
        "initrd=initrd1",
    ]


def test_another_machine_gets_other_arguments() -> None:
    two = world(
        RESCUE, machines=[machine("rescue"), machine("rescue", "node-2", OTHER_CARD, args=args("m", netboot_mac="X"))]
    )

    assert "netboot_mac=X" in ipxe.kernel_args(got(two, Facts(mac=OTHER_CARD)).text)
    assert "netboot_mac=52:54:00:12:34:56" in ipxe.kernel_args(got(two).text)


def test_arguments_merge_profile_rule_machine_and_say_where_each_came_from() -> None:
    rule = Rule((Condition("mac", "*"),), "rescue", args("rule 1", b="rule", c="rule", gone=False))
    fleet = world(
        linux(args=args("profile rescue", a="p", b="p", gone="p", c="p")),
        machines=[machine(None, args=args("machine node-1", c=["m1", "m2"], d=True))],
        rules=[rule],
    )

    assert [(str(arg), arg.origin) for arg in got(fleet).args] == [
        ("a=p", "profile rescue"),
        ("b=rule", "rule 1"),
        ("c=m1", "machine node-1"),
        ("c=m2", "machine node-1"),
        ("d", "machine node-1"),
    ]


def test_an_eve_node_has_its_own_serial_server_and_console() -> None:
    node = settled(EDGE, stage=ARMED, args=args("machine node-1", eve_soft_serial="NODE-0001"))
    found = ipxe.kernel_args(got(node, SUPERMICRO).text)

    assert found[:3] == ["eve_soft_serial=NODE-0001", "eve_reboot_after_install", "root=/initrd.image"]
    assert "eve_install_server=zedcontrol.example.net" in found
    assert "console=ttyS1,115200n8" in found
    assert found[-4:] == ["initrd=initrd.img", "initrd=installer.img", "initrd=initrd.bits", "initrd=rootfs.img"]


def test_an_argument_may_be_a_template_of_the_machine() -> None:
    told = args(
        "p", name="{{ machine.name }}-{{ machine.mac | hexraw }}", serial="{{ machine.serial | default('none', true) }}"
    )
    found = got(settled(linux(args=told)), Facts(mac=CARD, serial="S 1"))

    assert ipxe.kernel_args(found.text)[:3] == ["name=node-1-525400123456", 'serial="S', '1"']


def test_an_argument_may_name_a_file_of_this_server_by_the_address_the_machine_asked() -> None:
    """An installer is told where its answers lie, and no settings file says which of our addresses that is."""
    told = args("p", url="{{ site.base_url }}/artifacts/{{ machine.name }}.cfg", ks="{{ site.artifact_url('a b.ks') }}")
    found = got(settled(linux(args=told)))

    assert ipxe.kernel_args(found.text)[:2] == [
        "url=http://192.0.2.1:8080/artifacts/node-1.cfg",
        "ks=http://192.0.2.1:8080/artifacts/a%20b.ks",
    ]


def test_a_users_own_template_gets_the_machine_the_plan_and_the_site() -> None:
    mine = (
        "#!ipxe\n# {{ title }} {{ profile }}\n"
        "chain {{ site.base_url }}/x?{{ plan.line }}&{{ machine.mac | hexhyp }} || exit\n"
    )
    before = settled(profile("own", "script", {"template": "mine.j2"}, args=args("p", a="1")))
    own = World(before.fleet, before.firmware, Templates({"mine.j2": mine}))

    assert got(own).text == ("#!ipxe\n# node-1, own own\nchain http://192.0.2.1:8080/x?a=1&52-54-00-12-34-56 || exit\n")


@pytest.mark.parametrize(
    ("facts", "rules", "expected"),
    [
        (Facts(mac=CARD), "Dell*", "menu"),
        (Facts(mac=CARD, manufacturer="Dell Inc."), "Dell*", "linux"),
        (Facts(mac=CARD, manufacturer="Acme"), "Dell*", "menu"),
    ],
)
def test_a_rule_is_judged_by_what_the_script_request_says(facts: Facts, rules: str, expected: str) -> None:
    fleet = world(linux(), rules=[Rule((Condition("manufacturer", rules),), "rescue")])

    assert got(fleet, facts).payload == expected


REFUSED = {
    "an undefined name": (
        linux(args=args("profile rescue", x="{{ machine.rack }}")),
        "argument x of profile rescue: machine has no attribute 'rack'",
    ),
    "an unknown fact": (linux(args=args("profile rescue", x="{{ machine.serial }}")), "not known"),
    "a bad key": (linux(args=args("profile rescue", **{"a b": "1"})), "not a name"),
    "a bad value": (linux(args=args("profile rescue", x="${net0/mac}")), "hexhyp"),
    "a template that is not there": (profile("own", "script", {"template": "mine.j2"}), "mine.j2"),
    "a line the kernel would cut": (linux(args=args("p", x="y" * 2040)), "2072 characters"),
    "what EVE would misread": (eve(args=args("p", eve_soft_serial="getty-1"), boots=ALWAYS), "'getty'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_rendered_is_refused_on_the_screen_and_boots_the_disk(case: str) -> None:
    kind, told = REFUSED[case]
    found = got(settled(kind))

    assert told in found.failure
    assert found.awaited is (told == "not known")
    assert found.payload == "refused"
    assert set(ipxe.names(found.text)) == {"echo", "sleep", "iseq", "exit", "sanboot"}


LEFT = {
    "an unknown fact": (linux(args=args("profile rescue", x="{{ machine.serial }}"), boots=ONCE), "info"),
    "an undefined name": (linux(args=args("profile rescue", x="{{ machine.rack }}"), boots=ONCE), "error"),
    "an address that is not known": (linux(network=NetworkKeys(address=BY_IPXE), boots=ONCE), "info"),
}


@pytest.mark.parametrize("case", LEFT)
@pytest.mark.parametrize("stage", [Stage.GIVEN, Stage.DISARMED, Stage.HELD], ids=lambda stage: stage.name)
def test_what_stands_against_installing_it_keeps_no_machine_from_its_own_disk(case: str, stage: Stage) -> None:
    """It was installed long ago, and goes there as its profile says, at once; who looks is told what is in the way."""
    kind, severity = LEFT[case]
    found = got(settled(replace(kind, local=LocalMethod.EXIT), stage=stage))
    assert (found.payload, found.failure, found.unnumbered) == ("local", "", False)
    assert ipxe.names(found.text) == ["echo", "exit"]
    assert [(each.severity.value, each.text.startswith("once armed: ")) for each in found.findings] == [
        (severity, True)
    ]
    assert found.unready
    armed = got(settled(kind, stage=ARMED))
    assert found.findings[0].text == f"once armed: {armed.failure}"


def test_the_longest_line_the_kernel_reads_is_given() -> None:
    overhead = len("x= initrd=initrd0 initrd=initrd1")

    assert got(settled(linux(args=args("p", x="y" * (2047 - overhead))))).failure == ""
    assert "2048 characters" in got(settled(linux(args=args("p", x="y" * (2048 - overhead))))).failure


def test_the_arguments_ipxe_adds_for_a_board_count_as_well() -> None:
    almost = eve(args=args("p", x="y" * 1820), boots=ALWAYS)

    assert "the kernel reads 2047" in got(settled(almost)).failure
    assert got(settled(almost), SUPERMICRO).failure == ""


@pytest.mark.parametrize("name", ["${net0/mac}", "a\nb", "x || shell", "#1", "back\\", "grün", "n" * 300])
@pytest.mark.parametrize("reason", ["x", "{{ nobody }}", "say '${' || \\"])
def test_the_refused_script_can_always_be_written(name: str, reason: str) -> None:
    broken = settled(linux(args=args(reason, x="{{ machine.rack }}")), name=name)
    found = got(broken)

    assert found.payload == "refused"
    assert ipxe.shape(found.text)[-2:] == [
        ("", (("iseq", "&&"), ("exit", "||"))),
        ("", (("sanboot", "||"), ("exit", ""))),
    ]
    assert "${" not in found.text.replace("${platform}", "")


def test_a_machine_without_an_address_still_gets_a_script() -> None:
    assert got(world(RESCUE), Facts()).payload == "menu"
    assert got(world(RESCUE, unknown="rescue"), Facts(manufacturer="Acme")).failure


def test_an_installer_is_never_armed_by_itself_for_a_machine_without_an_address() -> None:
    """There is nothing to remember it by: it would be installed at every boot."""
    auto = world(eve(auto=True), unknown="edge")

    assert got(auto, KNOWN).payload == "eve"
    assert got(auto, Facts(manufacturer="Acme")).payload != "eve"


def test_a_machine_that_waits_is_told_what_arms_it_and_what_it_will_get() -> None:
    found = got(settled(EDGE))

    assert found.verdict is not None
    assert found.verdict.waiting
    assert "# To change that:  netbootd machines install 52:54:00:12:34:56\n" in found.text
    assert "# To see its script as it will be then:  netbootd render 52:54:00:12:34:56 --armed\n" in found.text
    assert "#   eve_soft_serial=52-54-00-12-34-56 " in found.text


@pytest.mark.parametrize("choice", ["rescue", "live", "disk"])
def test_a_person_at_the_menu_may_pick_what_boots_always(choice: str) -> None:
    found = got(MENU_WORLD, choice=choice)

    assert (found.profile, found.assignment.why if found.assignment else "") == (choice, "picked in the menu")


@pytest.mark.parametrize("choice", ["edge", "nobody", "", "../rescue", "rescue\n"])
def test_what_installs_or_is_not_there_cannot_be_picked(choice: str) -> None:
    found = got(MENU_WORLD, choice=choice)

    assert (found.payload, found.profile) == ("menu", "")


def test_who_has_a_profile_cannot_pick_another() -> None:
    assert got(settled(RESCUE, linux("live")), choice="live").profile == "rescue"
    assert got(world(RESCUE, unknown="register"), choice="rescue").payload == "local"


def test_a_menu_can_be_a_profile_and_then_takes_choices() -> None:
    fleet = settled(profile("ask", "menu", {"timeout": 5}), RESCUE, EDGE, args=args("machine", own="1"))

    assert got(fleet).payload == "menu"
    assert "choose --timeout 5000" in got(fleet).text
    assert "own=1" in ipxe.kernel_args(got(fleet, choice="rescue").text)
    assert got(fleet, choice="edge").payload == "menu"


def test_once_is_the_profiles_word_whatever_the_payload() -> None:
    assert got(settled(linux(boots=ONCE))).payload == "local"
    assert got(settled(linux(boots=ONCE), stage=ARMED)).payload == "linux"


def test_templates_are_shared_with_every_world() -> None:
    assert got(MENU_WORLD).text == got(World(MENU_WORLD.fleet, MENU_WORLD.firmware, templates())).text


def test_who_leaves_by_the_menu_gets_the_script_for_the_disk() -> None:
    rendered = script(Facts(mac=CARD), world(linux()), SITE, leave=True)
    assert rendered.payload == "local"
    assert "chosen in the menu" in rendered.text


def test_only_a_machine_with_a_menu_can_leave_by_it() -> None:
    assert script(Facts(mac=CARD), settled(linux()), SITE, leave=True).payload == "linux"


def test_uefi_on_its_way_to_the_disk_does_not_show_the_menu_again() -> None:
    """EDK2 goes from the PXE entry that was left to the same card's HTTP entry, before it comes to the disk."""
    left = replace(world(linux()), left=lambda _mac: True)
    assert script(Facts(mac=CARD, platform="efi"), left, SITE).payload == "local"
    assert script(Facts(mac=CARD, platform="pcbios"), left, SITE).payload == "menu"
    assert script(Facts(mac=CARD, platform="efi"), left, SITE, choice="rescue").payload == "linux"


def test_a_machine_that_was_armed_meanwhile_gets_its_payload_all_the_same() -> None:
    left = replace(settled(eve(), stage=Stage.ARMED), left=lambda _mac: True)
    assert script(Facts(mac=CARD, platform="efi"), left, SITE).payload == "eve"
