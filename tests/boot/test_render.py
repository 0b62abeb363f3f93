"""Text out of templates, with no way for a value to become a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import NotKnown, unsafe
from netbootd.boot.render import RenderError, Templates, UnknownFact
from netbootd.resources import templates_dir
from tests.support.worlds import CARD

HOSTILE = ["a\nb", "a\rb", "\0", "\x1b[2J", "${net0/mac}", "a || b", "a && b", "a ; b", "#", "a #b", "a\\", "a$"]


def rendered(source: str, **values: object) -> str:
    return Templates({"t": source}).render("t", **values)


def error(source: str, **values: object) -> str:
    with pytest.raises(RenderError) as caught:
        rendered(source, **values)
    return str(caught.value)


def test_the_authors_own_text_is_not_touched() -> None:
    source = "#!ipxe\nset a ${net0/mac} && shell || exit ; # x\\\n"

    assert rendered(source) == source


def test_what_only_the_machine_can_tell_is_told_by_its_kind() -> None:
    """So that nobody has to read the words; what nobody can tell is another fault."""
    templates = Templates({"t": "{{ x }}"})
    with pytest.raises(UnknownFact) as caught:
        templates.render("t", x=None)
    assert isinstance(caught.value, NotKnown)
    with pytest.raises(UnknownFact):
        templates.expand("{{ x }}", "here", x=None)
    for wrong in ("{{ y }}", "{{ x | nothing }}", "{{ 'is not known' | none }}"):
        with pytest.raises(RenderError) as other:
            templates.expand(wrong, "here", x="a")
        assert not isinstance(other.value, NotKnown)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "source",
    ["{{ x }}", "{{ x | default('') }}", "{{ x ~ '' }}", "{% set y = x %}{{ y }}", "{{ [x] | first }}"],
)
def test_a_hostile_value_ends_the_rendering(source: str, value: str) -> None:
    told = error(source, x=value)

    assert told.startswith("template t: ")
    assert "may not be written" in told
    assert told.isprintable()


@pytest.mark.parametrize(
    "source", ["{{ '$' ~ '{' ~ x ~ '}' }}", "{{ '%s\n' | format(x) }}", "{{ x | replace('a', '\n') }}"]
)
def test_what_a_template_puts_together_passes_the_same_gate(source: str) -> None:
    assert "may not be written" in error(source, x="a")


@pytest.mark.parametrize(
    "source", ["{{ nobody }}", "{{ x.nobody }}", "{% if nobody %}{% endif %}", "{% for i in nobody %}{% endfor %}"]
)
def test_an_undefined_name_ends_the_rendering_and_is_named(source: str) -> None:
    assert "nobody" in error(source, x=CARD)


def test_an_unknown_value_ends_the_rendering() -> None:
    assert "not known" in error("{{ x }}", x=None)


@pytest.mark.parametrize(
    "source",
    [
        "{{ x | upper }}",
        "{{ x | urlpath }}",
        "{{ x | uristring }}",
        "{{ x | grub }}",
        "{{ 'NODE-' ~ x }}",
        "{{ 'NODE-%s' | format(x) }}",
        "{{ 'NODE-' ~ m.x }}",
        "{{ m.x | replace('a', 'b') }}",
        "{{ m['x'] | trim }}",
        "{{ m.x | hexhyp }}",
    ],
)
def test_no_text_is_made_of_an_unknown_value(source: str) -> None:
    """Every machine without a serial number would be called NODE-None."""
    templates = Templates({"t": source})
    with pytest.raises(UnknownFact, match="not known"):
        templates.render("t", x=None, m={"x": None})


def test_an_unknown_value_is_none_to_those_who_ask() -> None:
    source = "{% if m.x is none and x is none and m.x == none and not m.x and m.x != 'a' %}a{% endif %}"

    assert rendered(source + "{{ m.x | default('b') }}{{ m.x or 'c' }}", x=None, m={"x": None}) == "abc"


def test_an_unknown_value_can_be_asked_for_and_replaced() -> None:
    assert rendered("{% if x %}a{% else %}b{% endif %}{{ x | default('c') }}{{ x | d('d') }}", x=None) == "bcd"
    assert rendered("{{ y | default('e') }}{{ x | default('f') }}{{ x | default('g', true) }}", x="") == "eg"


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.__class__ }}",
        "{{ x.octets.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ x.__init__.__globals__ }}",
        "{% set x.octets = 1 %}",
        "{{ [].append(1) }}",
        "{{ range(10 ** 9) }}",
        "{% include 'missing' %}",
        "{% include '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        "{% if %}",
        "{{ 'zz' | hexhyp }}",
    ],
)
def test_a_template_can_reach_nothing_and_only_raises_render_errors(source: str) -> None:
    assert error(source, x=CARD)


def test_a_missing_template_is_named() -> None:
    with pytest.raises(RenderError, match=r"template 'mine\.j2' does not exist"):
        Templates({}).render("mine.j2")


def test_the_macs_spellings() -> None:
    assert (
        rendered("{{ x }} {{ x | hexhyp }} {{ x | hexraw }}", x=CARD)
        == "52:54:00:12:34:56 52-54-00-12-34-56 525400123456"
    )
    assert rendered("{{ x | hexhyp }}", x="5254.0012.3456") == "52-54-00-12-34-56"


@pytest.mark.parametrize("value", HOSTILE)
def test_url_filters_make_anything_harmless(value: str) -> None:
    assert unsafe(rendered("{{ x | uristring }}{{ x | urlpath }}", x=value)) == ""


def test_a_path_keeps_its_slashes_and_a_query_value_does_not() -> None:
    assert rendered("{{ x | urlpath }} {{ x | uristring }}", x="a/b c") == "a/b%20c a%2Fb%20c"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("console=ttyS0,115200n8", "console=ttyS0,115200n8"),
        ("a b", "'a b'"),
        ("it's", "'it'\\''s'"),
        ("$x", "'$x'"),
        ("a;b", "'a;b'"),
        ("", "''"),
    ],
)
def test_a_word_of_grub_is_plain_or_in_single_quotes(word: str, written: str) -> None:
    assert rendered("{{ x | grub }}", x=word) == written


def test_grub_names_a_file_by_device_and_path() -> None:
    assert rendered("{{ x | grubfile }}", x="http://192.0.2.1:8080/a%20b?c=1") == "'(http,192.0.2.1:8080)/a%20b?c=1'"
    assert "http and tftp" in error("{{ x | grubfile }}", x="https://x/")


def test_a_line_of_template_logic_leaves_no_line() -> None:
    assert rendered("a\n  {% if true %}\nb\n  {% endif %}\nc\n") == "a\nb\nc\n"


def test_a_small_template_says_where_it_stands() -> None:
    with pytest.raises(RenderError, match="argument x of profile p: 'nobody' is undefined"):
        Templates({}).expand("{{ nobody }}", "argument x of profile p")
    assert Templates({}).expand("{{ x | hexhyp }}-1", "", x=CARD) == "52-54-00-12-34-56-1"


def test_faults_name_the_file_and_the_line() -> None:
    (fault,) = Templates({"good": "{{ x }}", "bad": "a\nb\n{% if %}"}).faults()

    assert (fault.name, fault.line) == ("bad", 3)
    assert fault.reason


def test_the_shipped_templates_have_no_faults() -> None:
    sources = {path.name: path.read_text() for path in templates_dir().glob("*.j2")}

    assert "entry.ipxe.j2" in sources
    assert Templates(sources).faults() == ()


TEMPLATES = Templates({"t": "set a {{ x }} {{ y }}\n", "tight": "set a {{ x }}{{ y }}\n"})


@given(st.text(), st.text(), st.sampled_from(["t", "tight"]))
def test_whatever_the_values_a_line_stays_one_command(x: str, y: str, name: str) -> None:
    """Two values side by side make no separator, no expansion and no continued line either."""
    try:
        text = TEMPLATES.render(name, x=x, y=y)
    except RenderError:
        return
    assert text.count("\n") == 1
    assert "${" not in text
    assert not text.endswith("\\\n")
    assert not {"||", "&&", ";"} & set(text.split())
    assert not any(word.startswith("#") for word in text.split()[2:] if name == "t")
