"""What a machine says of itself: hostile until a grammar has passed it, and no identity when it is a placeholder."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import LIMIT, Facts, Refusal, parse_facts, real_uuid, unsafe
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD

TEXTS = ("serial", "asset", "manufacturer", "product", "version")
WORDS = ("buildarch", "platform")
FIELDS = ("mac", "uuid", "ip", *TEXTS, *WORDS)

HOSTILE = (
    "a\nboot",
    "a\rb",
    "a\x00b",
    "\x1b[2J",
    "a\u2028b",
    "${net0/mac}",
    "x${",
    "a || shell",
    "a && shell",
    "a ; shell",
    "#comment",
    "a # b",
    "a\\",
    "a$",
    "x" * (LIMIT + 1),
)


def facts(**pairs: str) -> Facts:
    return parse_facts(tuple(pairs.items()))[0]


def test_everything_the_entry_script_says_is_read() -> None:
    said, refused = parse_facts(
        (
            ("mac", "52-54-00-12-34-56"),
            ("uuid", "4c4c4544-0031-3010-8043-b4c04f4e3532"),
            ("ip", "192.0.2.77"),
            ("buildarch", "x86_64"),
            ("platform", "efi"),
            ("version", "1.0.0+git-20190125.36a4c85"),
            ("serial", " 101CN52 "),
            ("asset", "A-7"),
            ("manufacturer", "Rohde & Schwarz"),
            ("product", "Größe; 2||3"),
        )
    )

    assert refused == ()
    assert said == Facts(
        mac=CARD,
        uuid=UUID("4c4c4544-0031-3010-8043-b4c04f4e3532"),
        serial="101CN52",
        asset="A-7",
        manufacturer="Rohde & Schwarz",
        product="Größe; 2||3",
        buildarch="x86_64",
        platform="efi",
        ip="192.0.2.77",
        version="1.0.0+git-20190125.36a4c85",
    )


@pytest.mark.parametrize("field", FIELDS)
def test_an_empty_value_means_unknown(field: str) -> None:
    """iPXE expands a setting it does not have to nothing."""
    assert parse_facts(((field, ""), (field, " "))) == (Facts(), ())


def test_a_name_nobody_knows_is_ignored() -> None:
    assert parse_facts((("profile", "x"), ("__class__", "x"), ("over", "x"))) == (Facts(), ())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_refused_in_every_field(field: str, value: str) -> None:
    said, refused = parse_facts(((field, value),))

    assert said == Facts()
    assert [refusal.field for refusal in refused] == [field]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_refusal_does_not_repeat_the_value(value: str) -> None:
    """It goes to the log."""
    _, (refusal,) = parse_facts((("serial", value),))

    assert value not in refusal.reason
    assert refusal.reason.isprintable()


def test_one_bad_value_leaves_the_others() -> None:
    said, refused = parse_facts((("serial", "a\nb"), ("asset", "A-7"), ("ip", "300.1.1.1"), ("mac", "zz")))

    assert said == Facts(asset="A-7")
    assert refused == (
        Refusal("mac", "it is not a hardware address"),
        Refusal("ip", "it is not an IPv4 address"),
        Refusal("serial", "it holds a control character"),
    )


def test_the_first_of_a_name_counts() -> None:
    """iPXE before 2021 leaves "&" bare, so a serial number "1&mac=..." arrives as two pairs."""
    said, _ = parse_facts((("mac", str(CARD)), ("serial", "1"), ("mac", "52:54:00:00:00:99"), ("serial", "2")))

    assert (said.mac, said.serial) == (CARD, "1")


@pytest.mark.parametrize(
    "text",
    [
        "To be filled by O.E.M.",
        "TO BE FILLED BY O.E.M.",
        "Default string",
        "System Serial Number",
        "System Product Name",
        "System manufacturer",
        "Not Specified",
        "None",
        "N/A",
        "unknown",
        "0",
        "0123456789",
        "123456789",
        "00000000",
    ],
)
@pytest.mark.parametrize("field", ["serial", "asset", "manufacturer", "product"])
def test_a_placeholder_is_no_fact(field: str, text: str) -> None:
    assert facts(**{field: text}) == Facts()


@pytest.mark.parametrize(
    "text",
    [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
    ],
)
def test_a_uuid_that_boards_share_is_no_identity(text: str) -> None:
    assert facts(uuid=text) == Facts()
    assert real_uuid(UUID(text)) is None


def test_a_real_uuid_stays() -> None:
    assert real_uuid(UUID(int=5)) == UUID(int=5)
    assert real_uuid(None) is None


def test_newer_facts_go_over_older_ones_and_silence_does_not() -> None:
    older = Facts(mac=CARD, serial="1", asset="A")

    assert Facts(serial="2").over(older) == Facts(mac=CARD, serial="2", asset="A")


@given(st.lists(st.tuples(st.sampled_from(FIELDS), st.text())))
def test_whatever_is_said_the_facts_are_harmless(pairs: list[tuple[str, str]]) -> None:
    said, _ = parse_facts(tuple(pairs))

    for field in (*TEXTS, *WORDS, "ip"):
        value = getattr(said, field)
        assert value is None or (unsafe(value) == "" and 0 < len(value) <= LIMIT)
    assert said.mac is None or isinstance(said.mac, Mac)
    assert said.uuid is None or isinstance(said.uuid, UUID)


@pytest.mark.parametrize("mask", ["255.255.255.0", "255.255.255.255", "128.0.0.0"])
def test_a_netmask_is_one(mask: str) -> None:
    assert parse_facts((("netmask", mask),)) == (Facts(netmask=mask), ())


@pytest.mark.parametrize("mask", ["24", "0.0.0.255", "255.0.255.0", "0.0.0.0", "255.255.255.0 "])
def test_what_is_no_netmask_is_refused(mask: str) -> None:
    """`ipaddress` would read a prefix's length and the host's part for one."""
    found, refused = parse_facts((("netmask", mask),))
    assert (found.netmask is None) is bool(refused)
    assert bool(refused) is (mask.strip() != "255.255.255.0")
