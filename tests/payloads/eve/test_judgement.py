"""What EVE's installer would make of a machine's arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest

from netbootd.boot.args import Arg, Layer
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.model import ConfigFile
from netbootd.payloads.eve.arguments import ARGUMENTS, FLAGS, argument
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.payloads.eve.judgement import judge

MACHINE, PROFILE, RULE, MENU = "machine node-1", "profile lab", "rule 2 (netbootd.yaml:9)", "EVE default for ACME One"
LAYERS = {PROFILE: Layer.PROFILE, RULE: Layer.RULE, MENU: Layer.PAYLOAD}
DESTROYING = sorted(each.name for each in ARGUMENTS if each.destroys)


def words(line: str, origin: str = MACHINE) -> tuple[Arg, ...]:
    """``a=1 b`` as arguments."""
    pairs = (word.partition("=") for word in line.split())
    return tuple(set_(key, value if equals else None, origin) for key, equals, value in pairs)


def set_(key: str, value: str | None = None, origin: str = MACHINE) -> Arg:
    """One argument, of the layer that each of the origins above is of."""
    return Arg(key, value, origin, LAYERS.get(origin, Layer.MACHINE))


def release(version: str) -> Bundle:
    return Bundle(f"eve-{version}", "", "d", Era.B2, version=version)


def said(findings: Iterable[Finding], severity: Severity) -> str:
    return "; ".join(finding.text for finding in findings if finding.severity is severity)


def errors(*args: Arg) -> str:
    return said(judge(args), Severity.ERROR)


def warnings(*args: Arg, bundle: Bundle | None = None, config_files: Collection[str] = ()) -> str:
    return said(judge(args, bundle, config_files=config_files), Severity.WARNING)


def infos(*args: Arg) -> str:
    return said(judge(args), Severity.INFO)


def test_usual_arguments_pass_without_a_word() -> None:
    line = (
        "console=tty0 console=ttyS0,115200 root=/installer.iso dom0_mem=640M,max:800M getty rootwait "
        "eve_soft_serial=NODE-1.a eve_install_server=zedcloud.zededa.net eve_install_disk=nvme0n1 "
        "eve_persist_disk=sda,sdb,sdc eve_reboot_after_install eve_pause_after_install eve_install_debug=true"
    )
    assert judge(words(line), release("17.3.0")) == ()


@pytest.mark.parametrize("flag", sorted(FLAGS))
@pytest.mark.parametrize("value", ["0", "false", "no", "off", "", "1"])
def test_a_flag_with_a_value_is_still_set(flag: str, value: str) -> None:
    assert f"{flag} of {MACHINE}: EVE takes it as set whatever its value" in errors(set_(flag, value))


@pytest.mark.parametrize("key", ["eve_soft_serial", "eve_install_server", "console", "hostname"])
@pytest.mark.parametrize("value", ["getty-lab", "interactive-1", "x-eve_blackbox", "eve_disable_verify"])
def test_the_letters_of_a_flag_anywhere_in_the_line_set_it(key: str, value: str) -> None:
    assert "would find the word" in errors(set_(key, value))


def test_a_soft_serial_is_found_inside_other_arguments() -> None:
    assert "find the soft serial" in errors(set_("note", "eve_soft_serial=1"))
    assert "find the soft serial" in errors(set_("x.eve_soft_serial", "1"))


@pytest.mark.parametrize("value", ["a b", "a=b", "it's", 'a"b'])
def test_a_value_that_eve_cannot_read_is_refused(value: str) -> None:
    assert "neither blanks, quotes nor '='" in errors(set_("eve_install_server", value))


def test_a_value_has_its_grammar() -> None:
    assert "one kernel name" in errors(*words("eve_install_disk=/dev/sda"))
    assert "one kernel name" in errors(*words("eve_install_disk=sda,sdb"))
    assert "one kernel name" in errors(*words("eve_install_disk"))
    assert "directory's name" in errors(*words("eve_soft_serial=a_b"))
    assert "none, raid1, raid5 and raid6" in errors(*words("eve_install_zfs_with_raid_level=raid0"))


def test_a_key_given_twice_is_named_with_those_who_gave_it() -> None:
    """EVE would read two lines; the board's own menu counts."""
    found = errors(set_("eve_install_disk", "sda", MENU), set_("eve_install_disk", "sdb"))
    assert found == f"eve_install_disk: EVE reads one value, and it is given 2 ({MENU}, {MACHINE})"


def test_what_is_not_eves_may_be_repeated() -> None:
    assert errors(*words("console=tty0 console=ttyS0")) == ""


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("eve_softserial", "eve_soft_serial"),
        ("eve_instal_server", "eve_install_server"),
        ("eve_disk", None),
        ("eve_zzz", None),
    ],
)
def test_an_argument_eve_does_not_have_is_named_with_the_one_it_may_be(key: str, meant: str | None) -> None:
    if meant:
        assert f"is {meant} meant?" in errors(set_(key, "1"))
    else:
        assert "no release of EVE" in warnings(set_(key, "1"))
        assert errors(set_(key, "1")) == ""


@pytest.mark.parametrize(
    ("line", "version", "why"),
    [
        ("eve_disable_verify", "13.3.0", "from 13.4 on, and this bundle is 13.3.0"),
        ("eve_skip_dev_cert", "16.12.0", "from 16.13 on"),
        ("eve_install_k3s_etcd_sizeGB=10", "15.10.0", "until then it was called eve_install_kubevirt_etcd_sizeGB"),
        ("eve_install_kubevirt_etcd_sizeGB=10", "15.11.0", "it is called eve_install_k3s_etcd_sizeGB from 15.11 on"),
        ("eve_install_kubevirt_etcd_sizeGB=10", "", "it is called eve_install_k3s_etcd_sizeGB from 15.11 on"),
        ("eve_install_random_disk_uuids", "17.1.0", "it is gone from 17.1 on, and this bundle is 17.1.0"),
        ("eve_install_random_disk_uuids", "17.0.0-lts", "it is gone"),
    ],
)
def test_an_argument_of_another_release_is_named(line: str, version: str, why: str) -> None:
    """A warning: long-term lines carry changes out of the order of their numbers."""
    assert why in warnings(*words(line), bundle=release(version))
    assert errors(*words(line)) == ""


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("eve_disable_verify", "13.4.0"),
        ("eve_install_kubevirt_etcd_sizeGB=10", "15.10.0"),
        ("eve_install_random_disk_uuids", "17.0.0"),
        ("eve_skip_dev_cert", ""),
    ],
)
def test_an_argument_of_this_release_is_not(line: str, version: str) -> None:
    assert warnings(*words(line), bundle=release(version)) == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("onboard_key", "abc"),
        ("wifi.password", "abc"),
        ("api_token", "abc"),
        ("x", "-----BEGIN CERTIFICATE-----"),
    ],
)
def test_a_secret_has_no_place_on_a_command_line(key: str, value: str) -> None:
    assert "looks like a secret" in errors(set_(key, value))


def test_a_parameter_of_the_kernel_that_only_sounds_like_one_has() -> None:
    assert errors(*words("secretmem.enable=1 keyinit")) == ""


@pytest.mark.parametrize("key", DESTROYING)
@pytest.mark.parametrize("origin", [PROFILE, MACHINE, MENU])
@pytest.mark.parametrize("layer", [Layer.PLACE, Layer.PROFILE, Layer.RULE])
def test_what_destroys_must_be_named_by_the_machine_itself(key: str, layer: Layer, origin: str) -> None:
    """Whatever the origin says in words."""
    arg = Arg(key, "sda" if key == "eve_nuke_disks" else None, origin, layer)
    assert f"{key} of {origin}: " in errors(arg)
    assert "only a machine's own arguments may name it" in errors(arg)


@pytest.mark.parametrize("key", DESTROYING)
def test_a_machine_may_name_it_and_hears_what_it_will_do(key: str) -> None:
    arg = set_(key, "sda" if key == "eve_nuke_disks" else None)
    assert errors(arg) == ""
    known = argument(key)
    assert known
    assert f"{key} of {MACHINE}: {known.destroys}, once the machine is armed" in said(judge((arg,)), Severity.INFO)


def test_what_wipes_everything_does_not_go_with_an_installation() -> None:
    found = errors(*words("eve_nuke_all_disks eve_install_disk=sda eve_reboot_after_install"))
    assert "installs nothing, and eve_install_disk, eve_reboot_after_install asks for an installation" in found
    assert errors(*words("eve_nuke_all_disks"), *words("eve_reboot_after_install", MENU)) == ""


def test_a_board_that_wipes_by_eves_own_default_is_named() -> None:
    found = warnings(*words("eve_nuke_disks=mmcblk0", MENU))
    assert found.startswith(f"eve_nuke_disks of {MENU}: nobody asked for it, and it wipes")
    assert errors(*words("eve_nuke_disks=mmcblk0", MENU)) == ""


def test_a_board_that_chooses_a_disk_by_eves_own_default_is_named() -> None:
    assert f"eve_install_disk of {MENU}: the board chooses nvme0n1" in infos(*words("eve_install_disk=nvme0n1", MENU))


@pytest.mark.parametrize("more", ["eve_install_skip_zfs_checks", "eve_install_zfs_with_raid_level=raid1"])
def test_two_disks_are_too_few_for_a_pool(more: str) -> None:
    assert "falls back to ext4" in warnings(*words("eve_persist_disk=sda,sdb"))
    assert warnings(*words("eve_persist_disk=sda,sdb"), *words(more)) == ""
    assert warnings(*words("eve_persist_disk=sda")) == ""


def test_another_controller_needs_its_certificates() -> None:
    assert "needs its root-certificate.pem" in warnings(*words("eve_install_server=ctl.example:8443"))
    assert "controller" not in warnings(*words("eve_install_server=ctl.example"), config_files=["root-certificate.pem"])
    assert warnings(*words("eve_install_server=zedcloud.ZEDEDA.net:443")) == ""


def test_a_certificate_that_is_missing_is_told_once() -> None:
    """By the list of files where the node has files of its own, else at the argument."""
    told = warnings(*words("eve_install_server=ctl.example"), config_files=["onboard.cert.pem"])
    assert told == "config has no root-certificate.pem, and the node gets none of EVE's own"


def test_what_the_release_brings_is_not_missing() -> None:
    stock = tuple(ConfigFile(name, b"") for name in ("server", "root-certificate.pem", "onboard.cert.pem"))
    bundle = replace(release("17.3.0"), stock=stock)
    quiet = words("eve_reboot_after_install")
    assert judge(quiet, bundle, config_files=["DevicePortConfig/override.json"]) == ()
    told = warnings(*quiet, *words("eve_install_server=ctl.example"), bundle=bundle, config_files=["authorized_keys"])
    assert told.count("root-certificate.pem") == 1
    assert "needs its root-certificate.pem" in told


def test_another_server_with_the_certificate_of_the_release_is_worth_a_word() -> None:
    bundle = replace(release("17.3.0"), stock=(ConfigFile("root-certificate.pem", b""),))
    found = judge(words("eve_reboot_after_install"), bundle, config_files=["server", "onboard.cert.pem"])
    assert [(each.severity, each.key) for each in found] == [(Severity.INFO, "config")]
    own = ["server", "onboard.cert.pem", "root-certificate.pem"]
    assert judge(words("eve_reboot_after_install"), bundle, config_files=own) == ()


def test_a_finding_says_by_which_key_it_is_changed() -> None:
    found = judge(words("eve_reboot_after_instal=1 eve_blackbox", PROFILE), config_files=["server"])
    assert [each.key for each in found] == [
        "args.eve_reboot_after_instal",
        "args.eve_blackbox",
        "config",
        "config",
        "args.eve_reboot_after_install",
    ]


def test_the_age_of_what_nobody_wrote_is_not_told() -> None:
    assert judge(words("eve_soft_serial=a eve_reboot_after_install", MENU), release("1.2.3")) == ()
    assert "and this bundle is 1.2.3" in warnings(*words("eve_soft_serial=a", PROFILE), bundle=release("1.2.3"))


def test_without_a_reboot_the_node_powers_off() -> None:
    assert "the node powers off" in infos(*words("getty"))
    assert infos(*words("eve_reboot_after_install")) == ""
