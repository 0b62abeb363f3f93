"""Who gets what: the machine's own entry, else the first rule, else what becomes of everybody else."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import LocalMethod
from netbootd.fleet.rules import Condition, Rule
from netbootd.fleet.snapshot import Assignment, Policy, Snapshot
from tests.support.worlds import CARD, OTHER_CARD, args, linux, machine

A, B = linux("a", args=args("profile a", x="1")), linux("b", args=args("profile b", x="2"))
DELL = Rule((Condition("manufacturer", "Dell*"),), "b", args("rule dell", y="1"), "rules 1")
ANY = Rule((Condition("mac", "*"),), "a", origin="rules 2")


def lookup(fleet: Snapshot, manufacturer: str | None = None) -> Assignment:
    return fleet.lookup(Facts(mac=CARD, manufacturer=manufacturer))


def given(found: Assignment) -> str | None:
    return found.profile.name if found.profile else None


def test_a_machines_own_profile_goes_before_every_rule() -> None:
    fleet = Snapshot([A, B], [machine("a", args=args("machine", z="1"))], [DELL])
    found = lookup(fleet, "Dell Inc.")

    assert (given(found), found.name, found.undecided) == ("a", "node-1", False)
    assert [[s.origin for s in layer] for layer in found.args] == [["profile a"], ["machine"]]
    assert found.why == "machines.yaml:1 names it"


def test_any_card_of_a_machine_is_the_machine() -> None:
    two = Snapshot([A], [machine("a", macs=(OTHER_CARD, CARD))])

    assert lookup(two).name == "node-1"
    assert two.machine(None) is None


def test_the_first_matching_rule_wins() -> None:
    found = lookup(Snapshot([A, B], rules=[DELL, ANY]), "Dell Inc.")

    assert (given(found), found.why, found.undecided) == ("b", "rules 1 matches it", False)
    assert given(lookup(Snapshot([A, B], rules=[ANY, DELL]), "Dell Inc.")) == "a"


def test_arguments_go_profile_rule_machine() -> None:
    fleet = Snapshot([A, B], [machine(None, args=args("machine", z="1"))], [DELL])
    found = lookup(fleet, "Dell Inc.")

    assert [[s.origin for s in layer] for layer in found.args] == [["profile b"], ["rule dell"], ["machine"]]
    assert found.name == "node-1"


def test_a_rule_that_may_match_later_leaves_the_assignment_undecided() -> None:
    """At DHCP time only the card is known."""
    found = lookup(Snapshot([A, B], rules=[DELL, ANY]))

    assert (given(found), found.undecided) == ("a", True)


def test_a_rule_behind_the_one_that_matches_cannot_change_it() -> None:
    assert not lookup(Snapshot([A, B], rules=[ANY, DELL])).undecided


@pytest.mark.parametrize("policy", Policy)
def test_everybody_else_meets_the_policy(policy: Policy) -> None:
    found = lookup(Snapshot([A], unknown=policy.value))

    assert (given(found), found.policy, found.undecided) == (None, policy, False)
    assert found.why == f"no machine or rule names it; unknown: {policy.value}"


def test_everybody_else_may_have_a_profile() -> None:
    found = lookup(Snapshot([A], unknown="a"))

    assert (given(found), found.policy, found.why) == ("a", None, "no machine or rule names it; unknown: a")


def test_everybody_else_is_undecided_while_a_rule_is() -> None:
    assert lookup(Snapshot([A, B], rules=[DELL], unknown="silent")).undecided
    assert not lookup(Snapshot([A, B], rules=[DELL], unknown="silent"), "Acme").undecided


def test_a_machine_without_a_profile_keeps_its_name_and_arguments() -> None:
    found = lookup(Snapshot([A], [machine(None, args=args("machine", z="1"))], unknown="a"))

    assert (found.name, given(found)) == ("node-1", "a")
    assert [[s.origin for s in layer] for layer in found.args] == [["profile a"], ["machine"]]
    assert found.why == "machines.yaml:1 names it without a profile; unknown: a"


def test_the_machines_local_method_and_loader_go_before_the_profiles() -> None:
    profile = linux("a", local=LocalMethod.EXIT, loader="ipxe.efi")
    plain = lookup(Snapshot([profile], [machine("a")]))
    own = lookup(Snapshot([profile], [machine("a", local=LocalMethod.SANBOOT, loader="snp.efi")]))

    assert (plain.local, plain.loader) == (LocalMethod.EXIT, "ipxe.efi")
    assert (own.local, own.loader) == (LocalMethod.SANBOOT, "snp.efi")


def test_without_a_profile_silence_leaves_a_machine_to_its_disk() -> None:
    nobody = lookup(Snapshot())

    assert (nobody.local, nobody.loader, nobody.name) == (LocalMethod.SILENT, None, "")


UUID_A = UUID("11111111-2222-3333-4444-555555555555")
UUID_B = UUID("99999999-2222-3333-4444-555555555555")


class TestAMachineNamedByMoreThanItsCards:
    def test_is_found_by_each_whatever_card_it_shows(self) -> None:
        named = machine("a", macs=(), uuid=UUID_A, serial="SN-1", ip="198.51.100.9")
        fleet = Snapshot([A], [named])

        for said in (Facts(uuid=UUID_A), Facts(serial="SN-1"), Facts(serial="sn-1"), Facts(ip="198.51.100.9")):
            assert given(fleet.lookup(replace(said, mac=OTHER_CARD))) == "a"
        assert fleet.named(Facts(mac=OTHER_CARD, serial="SN-2", ip="198.51.100.1")) is None

    def test_is_looked_for_by_card_then_uuid_then_serial_then_address(self) -> None:
        by_mac, by_uuid = machine("a", "by mac"), machine("a", "by uuid", macs=(), uuid=UUID_A)
        by_serial, by_ip = (
            machine("a", "by serial", macs=(), serial="S"),
            machine("a", "by ip", macs=(), ip="192.0.2.9"),
        )
        fleet = Snapshot([A], [by_ip, by_serial, by_uuid, by_mac])
        facts = Facts(mac=CARD, uuid=UUID_A, serial="S", ip="192.0.2.9")

        assert fleet.named(facts) is by_mac
        assert fleet.named(replace(facts, mac=OTHER_CARD)) is by_uuid
        assert fleet.named(replace(facts, mac=OTHER_CARD, uuid=None)) is by_serial
        assert fleet.named(Facts(mac=OTHER_CARD, ip="192.0.2.9")) is by_ip

    def test_is_not_a_board_that_shares_half_of_its_identity(self) -> None:
        fleet = Snapshot([A], [machine("a", macs=(), uuid=UUID_A, serial="SN-1")])

        assert fleet.named(Facts(uuid=UUID_A, serial="SN-2")) is None
        assert fleet.named(Facts(uuid=UUID_B, serial="SN-1")) is None
        assert fleet.named(Facts(uuid=UUID_A)) is not None

    def test_may_still_turn_up_while_its_ipxe_has_not_spoken(self) -> None:
        """At DHCP time the card and perhaps the uuid are known: nobody is turned away for good."""
        fleet = Snapshot([A], [machine("a", macs=(), serial="SN-1")], unknown="silent")

        assert lookup(fleet).undecided
        assert not fleet.lookup(Facts(mac=CARD, serial="SN-2")).undecided
        assert lookup(Snapshot([A, B], fleet.machines, [ANY])).undecided

    def test_a_rule_gives_it_a_profile_when_it_has_none_of_its_own(self) -> None:
        fleet = Snapshot([A, B], [machine(None, macs=(), serial="SN-1", args=args("machine", z="1"))], [DELL])
        found = fleet.lookup(Facts(mac=CARD, serial="SN-1", manufacturer="Dell Inc."))

        assert (given(found), found.name) == ("b", "node-1")
        assert [[s.origin for s in layer] for layer in found.args] == [["profile b"], ["rule dell"], ["machine"]]


class TestAMachineWithASecret:
    OWN = machine("a", secret="Zq2uWm7xKp4tVn9rYc3sHd6f", serial="SN-1")

    @pytest.mark.parametrize("only", [True, False])
    def test_is_found_by_it_whole(self, only: bool) -> None:
        own = replace(self.OWN, only_by_secret=only)
        fleet = Snapshot([A], [machine("a", "other", OTHER_CARD), own])
        assert fleet.by_secret("Zq2uWm7xKp4tVn9rYc3sHd6f") is own
        for other in ("", "Zq2uWm7xKp4tVn9rYc3sHd6", "zq2uwm7xkp4tvn9ryc3shd6f", "\udcff"):
            assert fleet.by_secret(other) is None

    def test_is_what_it_is_known_to_be_whatever_it_says_of_itself(self) -> None:
        fleet = Snapshot([A, B], [machine("b", "other", OTHER_CARD), self.OWN])
        found = fleet.lookup(Facts(mac=OTHER_CARD, serial="SN-9"), self.OWN)
        assert (found.name, given(found)) == ("node-1", "a")

    def test_may_be_nobody_without_it(self) -> None:
        """No rule and no profile for strangers is for it then: what installs by itself would wipe it."""
        own = replace(self.OWN, only_by_secret=True)
        fleet = Snapshot([A, B], [own], [ANY], unknown="b")
        for facts in (Facts(mac=CARD), Facts(mac=OTHER_CARD, serial="sn-1")):
            found = fleet.lookup(facts)
            assert (found.machine, found.profile, found.policy) == (None, None, Policy.SILENT)
        assert fleet.machine(CARD) is own, "it is armed by its card all the same"
