"""Profiles, machines and rules as settings, and every reference between them."""

from __future__ import annotations

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, LimitKeys, Machine, Profile
from netbootd.boot.plan import LocalMethod
from netbootd.fleet.snapshot import Policy
from netbootd.payloads import eve, linux, local, menu
from netbootd.wire.mac import Mac
from tests.support.settings import Files

MAC = Mac.parse("52:54:00:12:34:56")


class TestProfiles:
    def test_the_contract_s_profiles_are_read(self, files: Files) -> None:
        profiles = files.load(
            """
            profiles:
              lab-eve:
                payload: eve
                bundle: eve-17.3.0
                auto: true
              rescue:
                payload: linux
                kernel: rescue/vmlinuz
                initrd: [rescue/initrd.img]
                boots: once
                local: exit 1
                loader: ipxe.efi
                root_path: "iscsi:192.0.2.1::::iqn.2026-01.net.example:disk"
                label: Rescue system
            """
        ).snapshot.profiles
        origin = f"{files.directory}/netbootd.yaml"
        assert list(profiles.values()) == [
            Profile("lab-eve", "eve", eve.Settings("eve-17.3.0"), Boots.ONCE, auto=True, origin=f"{origin}:2"),
            Profile(
                "rescue",
                "linux",
                linux.Settings("rescue/vmlinuz", ("rescue/initrd.img",)),
                Boots.ONCE,
                local=LocalMethod.EXIT_1,
                loader="ipxe.efi",
                root_path="iscsi:192.0.2.1::::iqn.2026-01.net.example:disk",
                label="Rescue system",
                origin=f"{origin}:6",
            ),
        ]

    def test_how_long_an_installation_may_take_is_said_by_a_profile_and_by_a_machine(self, files: Files) -> None:
        snapshot = files.load(
            """
            profiles:
              edge: {payload: eve, bundle: b, limits: {fetching: 30m, installing: 2h, quiet: 90, powers_off: false}}
            machines:
              - {mac: 52:54:00:12:34:56, profile: edge, limits: {installing: 1d}}
            """
        ).snapshot
        assert snapshot.profiles["edge"].limits == LimitKeys(1800.0, 7200.0, 90.0, False)
        assert snapshot.machines[0].limits == LimitKeys(installing=86400.0)

    def test_limits_that_are_none_or_are_for_nothing_are_told_with_their_place(self, files: Files) -> None:
        (doubt,) = files.warned("profiles: {r: {payload: linux, kernel: k, limits: {quiet: 5s}}}")
        assert doubt.endswith(
            "netbootd.yaml:1: profiles.r.limits: limits have no meaning for a profile that boots always"
        )
        (fault,) = files.wrong("profiles: {e: {payload: eve, bundle: b, limits: {quiet: soon}}}")
        assert fault.endswith("profiles.e.limits.quiet: must be a time such as 90s, 30m or 2h, not 'soon'")

    @pytest.mark.parametrize(
        ("keys", "settings", "boots"),
        [
            ("payload: linux, kernel: k, initrd: i", linux.Settings("k", ("i",)), Boots.ALWAYS),
            ("payload: linux, kernel: 0123", linux.Settings("0123"), Boots.ALWAYS),
            ("payload: local, method: exit 1", local.Settings(LocalMethod.EXIT_1), Boots.ALWAYS),
            ("payload: menu, timeout: 10", menu.Settings(10), Boots.ALWAYS),
            ("payload: eve, bundle: b", eve.Settings("b"), Boots.ONCE),
        ],
    )
    def test_a_payload_reads_its_own_keys_and_says_how_often_it_boots(
        self, files: Files, keys: str, settings: object, boots: Boots
    ) -> None:
        profile = files.load(f"profiles: {{p: {{{keys}}}}}").snapshot.profiles["p"]
        assert (profile.settings, profile.boots) == (settings, boots)

    @pytest.mark.parametrize("method", list(LocalMethod))
    def test_every_way_to_the_local_disk_can_be_written(self, files: Files, method: LocalMethod) -> None:
        text = f"profiles: {{p: {{payload: local, local: {method.value}}}}}"
        assert files.load(text).snapshot.profiles["p"].local is method

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("p: {bundle: b}", "p.payload: is missing"),
            ("p: {payload: evee, bundle: b}", "p.payload: no payload 'evee'; did you mean 'eve'?"),
            ("p: {payload: eve}", "p.bundle: is missing"),
            ("p: {payload: eve, bundle: [a]}", "p.bundle: must be text, not a list"),
            ("p: {payload: eve, bundle: b, bundel: c}", "p.bundel: unknown key; did you mean 'bundle'?"),
            ("p: {payload: local, lokal: exit}", "p.lokal: unknown key; did you mean 'local'?"),
            ("p: {payload: local, boots: twice}", "p.boots: must be 'once' or 'always', not 'twice'"),
            ("p: {payload: local, auto: yes}", "p.auto: must be true or false, not 'yes'"),
            (
                "p: {payload: local, local: exit1}",
                "p.local: must be 'silent', 'auto', 'exit', 'exit 1', 'sanboot', 'chain' or 'poweroff', not 'exit1'",
            ),
            ("p: {payload: menu, timeout: 0}", "p: timeout: between 1 and 3600 seconds"),
            ("p: {payload: menu, timeout: ten}", "p.timeout: must be a whole number, not 'ten'"),
            ("p: {payload: menu, timeout: true}", "p.timeout: must be a whole number, not true"),
            ("p: {payload: script}", "p: give either 'template' or 'url'"),
            ("p: {payload: linux, kernel: k, initrd: [a, {}]}", "p.initrd[1]: must be text, not a table of keys"),
            ('p: {payload: local, label: "a\\nb"}', "p.label: cannot stand in a script: it holds a control character"),
            ("p: {payload: local, config: true}", "p.config: must be a directory or a table of files, not true"),
            ("'a b': {payload: local}", "a b: a profile's name is made of letters, digits, '-', '_' and '.'"),
            ("silent: {payload: local}", "silent: 'silent' is a word of the key 'unknown'; choose another name"),
            ("menu: {payload: local}", "menu: 'menu' is a word of the key 'unknown'; choose another name"),
        ],
    )
    def test_a_wrong_profile_is_told(self, files: Files, text: str, told: str) -> None:
        assert files.wrong(f"profiles: {{{text}}}") == [f"netbootd.yaml:1: profiles.{told}"]

    def test_a_misspelt_payload_is_told_where_it_stands(self, files: Files) -> None:
        assert files.wrong("profiles:\n  p:\n    kernel: k\n    paylod: linux\n") == [
            "netbootd.yaml:2: profiles.p.payload: is missing",
            "netbootd.yaml:4: profiles.p.paylod: unknown key; did you mean 'payload'?",
        ]

    def test_the_menu_may_be_made_one_s_own(self, files: Files) -> None:
        snapshot = files.load("profiles: {menu: {payload: menu, timeout: 5}}").snapshot
        profile = snapshot.lookup(Facts(mac=MAC)).profile
        assert profile is not None
        assert profile.settings == menu.Settings(5)

    def test_a_name_given_in_two_files_is_told_with_both(self, files: Files) -> None:
        files.write("profiles/a.yaml", "p: {payload: local}")
        files.write("profiles/b.yaml", "p: {payload: local}")
        assert files.wrong("") == [
            "profiles/b.yaml:1: profiles.p: the same name is given to a profile at profiles/a.yaml:1"
        ]


class TestMachines:
    def test_the_contract_s_machine_is_read(self, files: Files) -> None:
        (machine,) = files.load(
            """
            profiles: {p: {payload: local}}
            machines:
              - mac: 52:54:00:12:34:56
                name: node-1
                profile: p
                local: sanboot
                loader: snponly.efi
            """
        ).snapshot.machines
        assert machine == Machine(
            (MAC,),
            "node-1",
            "p",
            local=LocalMethod.SANBOOT,
            loader="snponly.efi",
            origin=f"{files.directory}/netbootd.yaml:3",
        )

    @pytest.mark.parametrize(
        "spelling",
        ["52:54:00:12:34:56", "52-54-00-12-34-56", "5254.0012.3456", "525400123456", "01-52-54-00-12-34-56"],
    )
    def test_any_usual_spelling_of_a_mac_is_one_unquoted(self, files: Files, spelling: str) -> None:
        (machine,) = files.load(f"machines: [{{mac: {spelling}}}]").snapshot.machines
        assert (machine.macs, machine.name) == ((MAC,), "52:54:00:12:34:56")

    def test_a_mac_of_digits_alone_is_no_number(self, files: Files) -> None:
        """YAML 1.1 reads 12:34:56:00:00:02 as a number to the base 60."""
        (machine,) = files.load("machines:\n  - mac: 12:34:56:00:00:02\n").snapshot.machines
        assert str(machine.macs[0]) == "12:34:56:00:00:02"

    def test_a_machine_has_as_many_cards_as_are_listed(self, files: Files) -> None:
        text = "machines: [{mac: 52:54:00:00:00:01, macs: [52:54:00:00:00:02, 52:54:00:00:00:01]}]"
        (machine,) = files.load(text).snapshot.machines
        assert [str(mac) for mac in machine.macs] == ["52:54:00:00:00:01", "52:54:00:00:00:02"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{name: n}", "machines.n: has no 'mac', and no 'uuid', 'serial', 'ip' or 'secret' either"),
            ("{mac: }", "machines[0]: has no 'mac', and no 'uuid', 'serial', 'ip' or 'secret' either"),
            ("{mac: [], name: n}", "machines.n: has no 'mac', and no 'uuid', 'serial', 'ip' or 'secret' either"),
            ("{mac: 52:54}", "machines[0].mac: '52:54' is not a hardware address such as 52:54:00:12:34:56"),
            ("{mac: true}", "machines[0].mac: must be text or a list of texts, not true"),
            ("{mac: 00:00:00:00:00:00}", "machines[0].mac: 00:00:00:00:00:00 is not the address of a card"),
            ("{mac: 01:00:5e:00:00:01}", "machines[0].mac: 01:00:5e:00:00:01 is not the address of a card"),
            ("{mac: 52:54:00:00:00:01, profile: x}", "machines[0].profile: no profile 'x'; there is p and q"),
            ("{mac: 52:54:00:00:00:01, nam: n}", "machines[0].nam: unknown key; did you mean 'name'?"),
        ],
    )
    def test_a_wrong_machine_is_told(self, files: Files, text: str, told: str) -> None:
        start = "profiles: {p: {payload: local}, q: {payload: local}}\nmachines:\n"
        assert files.wrong(f"{start}  - {text}\n") == [f"netbootd.yaml:3: {told}"]

    def test_a_mac_or_name_given_twice_is_told_with_both_owners(self, files: Files) -> None:
        files.write("machines/a.yaml", "- {mac: 52:54:00:00:00:01, name: n1}\n- {mac: 52:54:00:00:00:02, name: n2}")
        files.write("machines/b.yaml", "- {mac: 52-54-00-00-00-01, name: n3}\n- {mac: 52:54:00:00:00:03, name: n2}")
        assert files.wrong("") == [
            "machines/b.yaml:1: machines.n3.mac: 52:54:00:00:00:01 already belongs to n1 of machines/a.yaml:1",
            "machines/b.yaml:2: machines.n2.name: the machine at machines/a.yaml:2 has the same name, n2",
        ]

    def test_one_without_a_name_is_told_by_its_place(self, files: Files) -> None:
        assert files.wrong("machines:\n- {mac: 52:54:00:00:00:01}\n- {mac: 52:54:00:00:00:01, name: n2}\n") == [
            "netbootd.yaml:3: machines.n2.mac: 52:54:00:00:00:01 already belongs to the machine at netbootd.yaml:2"
        ]

    def test_config_of_a_profile_and_of_its_machine_are_both_kept(self, files: Files) -> None:
        files.write("a", "a")
        files.write("b", "b")
        text = """
            profiles: {p: {payload: eve, bundle: x, config: {server: a}}}
            machines:
              - {mac: 52:54:00:00:00:01, name: n1, profile: p, config: {server: b}}
            """
        snapshot = files.load(text).snapshot
        (profile,), (machine,) = snapshot.profiles["p"].config, snapshot.machines[0].config
        assert (profile.path, profile.data, profile.origin) == ("server", b"a", f"{files.directory}/netbootd.yaml:1")
        assert (machine.path, machine.data, machine.origin) == ("server", b"b", f"{files.directory}/netbootd.yaml:3")


class TestRules:
    def test_the_first_rule_that_matches_gives_its_profile_and_says_where_it_stands(self, files: Files) -> None:
        snapshot = files.load(
            """
            profiles: {p: {payload: local}, q: {payload: local}}
            rules:
              - match: {manufacturer: "Super*", arch: x86_64}
                profile: p
              - {match: {ip: 192.0.2.0/24}, profile: q}
            """
        ).snapshot
        found = snapshot.lookup(Facts(manufacturer="Supermicro", buildarch="x86_64", ip="192.0.2.9"))
        assert found.profile is snapshot.profiles["p"]
        assert found.why == f"rule 1 ({files.directory}/netbootd.yaml:3) matches it"
        assert snapshot.lookup(Facts(manufacturer="Dell", ip="192.0.2.9")).profile is snapshot.profiles["q"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{profile: p}", "match: is missing"),
            ("{match: {mac: '*'}}", "profile: is missing"),
            ("{match: {mac: '*'}, profile: zz}", "profile: no profile 'zz'; there is p"),
            ("{match: {mac: '*'}, profil: p, profile: p}", "profil: unknown key; did you mean 'profile'?"),
            (
                "{match: {mac: '*'}, profile: p, args: {a: }}",
                'args.a: is empty; write true for a bare flag, "" for an empty value, '
                "false to take an inherited one away",
            ),
        ],
    )
    def test_a_wrong_rule_is_told(self, files: Files, text: str, told: str) -> None:
        wrong = files.wrong(f"profiles: {{p: {{payload: local}}}}\nrules:\n  - {text}\n")
        assert wrong == [f"netbootd.yaml:3: rules[0].{told}"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("rules: {a: b}", "rules: must be a list, not a table of keys"),
            ("rules: [a]", "rules[0]: must be a table of keys and values, not 'a'"),
        ],
    )
    def test_the_wrong_shape_is_told(self, files: Files, text: str, told: str) -> None:
        assert files.wrong(text) == [f"netbootd.yaml:1: {told}"]


class TestUnknown:
    @pytest.mark.parametrize("policy", Policy)
    def test_a_policy_needs_no_profile(self, files: Files, policy: Policy) -> None:
        assert files.load(f"unknown: {policy.value}").snapshot.lookup(Facts(mac=MAC)).policy is policy

    def test_installing_whatever_boots_here_is_said_aloud(self, files: Files) -> None:
        text = "unknown: e\nprofiles: {e: {payload: eve, bundle: b, auto: true}}"
        assert files.warned(text) == [
            "netbootd.yaml:1: unknown: every machine that boots from this network without a record is installed: "
            "profile e has auto"
        ]

    def test_auto_with_a_profile_that_boots_always_is_said_to_mean_nothing(self, files: Files) -> None:
        assert files.warned("profiles: {p: {payload: local, auto: true}}") == [
            "netbootd.yaml:1: profiles.p: auto has no meaning for a profile that boots always"
        ]


def test_a_profile_with_a_mistake_still_exists_for_those_that_name_it(files: Files) -> None:
    text = "profiles: {p: {payload: eve}}\nmachines: [{mac: 52:54:00:00:00:01, profile: p}]\nunknown: p\n"
    assert files.wrong(text) == ["netbootd.yaml:1: profiles.p.bundle: is missing"]
