"""EVE's installer arguments, as a table."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.arguments import ARGUMENTS, FLAGS, Argument, Kind, argument

every_argument = pytest.mark.parametrize("each", ARGUMENTS, ids=[each.name for each in ARGUMENTS])


def test_no_name_stands_twice() -> None:
    assert len({each.name for each in ARGUMENTS}) == len(ARGUMENTS)


@every_argument
def test_each_can_be_found_and_says_what_it_is_for(each: Argument) -> None:
    assert argument(each.name) is each
    assert each.meaning
    assert "\n" not in each.meaning


@every_argument
def test_only_a_value_has_a_grammar(each: Argument) -> None:
    assert each.grammar is None or each.kind is Kind.VALUE


@every_argument
def test_a_new_name_and_an_old_one_know_each_other(each: Argument) -> None:
    if each.now:
        newer = argument(each.now)
        assert newer is not None
        assert (newer.before, newer.since) == (each.name, each.removed)


def test_flags_are_all_that_take_no_value() -> None:
    assert {"getty", "interactive", "eve_blackbox", "eve_disable_verify"} <= FLAGS
    assert not {"eve_soft_serial", "eve_nuke_disks"} & FLAGS


def test_what_destroys_is_marked() -> None:
    assert {each.name for each in ARGUMENTS if each.destroys} == {
        "eve_blackbox",
        "eve_install_skip_config",
        "eve_install_skip_persist",
        "eve_install_skip_rootfs",
        "eve_nuke_all_disks",
        "eve_nuke_disks",
    }


def test_what_is_not_eves_is_not_there() -> None:
    assert argument("console") is None


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("eve_soft_serial", ["52-54-00-12-34-56", "192.0.2.7", "N1"], ["", "a_b", "a/b", "ä", "a\n"]),
        (
            "eve_install_server",
            ["zed.example", "zed.example:443", "192.0.2.1"],
            ["", "http://zed.example", "zed.example:"],
        ),
        ("eve_install_disk", ["sda", "nvme0n1", "mmcblk0", "cciss!c0d0"], ["", "/dev/sda", "sda,sdb"]),
        ("eve_persist_disk", ["sda", "sda,sdb,sdc"], ["", "sda,", "/dev/sda", "sda,/dev/sdb"]),
        ("eve_nuke_disks", ["sda,sdb"], ["*", "/dev/sda"]),
        ("eve_install_zfs_with_raid_level", ["none", "raid1", "raid5", "raid6"], ["raid0", "RAID1", ""]),
        ("eve_install_k3s_etcd_sizeGB", ["10"], ["10G", "0", "-1", ""]),
    ],
)
def test_values_have_a_grammar(name: str, good: list[str], bad: list[str]) -> None:
    found = argument(name)
    assert found
    assert found.grammar
    assert [value for value in good if not found.grammar.pattern.fullmatch(value)] == []
    assert [value for value in bad if found.grammar.pattern.fullmatch(value)] == []
