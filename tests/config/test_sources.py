"""Where profiles and machines are written: inline, in files by a pattern, or both."""

from __future__ import annotations

import pytest

from netbootd.config import Config
from tests.support.settings import Files

PROFILE = "{payload: local}"


def told(config: Config) -> tuple[list[str], list[str]]:
    return list(config.snapshot.profiles), [machine.name for machine in config.snapshot.machines]


def test_the_usual_directories_are_read_unasked_in_the_order_of_names(files: Files) -> None:
    files.write("profiles/b.yaml", f"two: {PROFILE}")
    files.write("profiles/a.yaml", f"one: {PROFILE}")
    files.write("profiles/c.yml", f"other: {PROFILE}")
    files.write("machines/rack.yaml", "- {mac: 52:54:00:00:00:01, name: n1, profile: one}")
    assert told(files.load("")) == (["one", "two"], ["n1"])


def test_a_file_holds_the_mapping_itself_or_under_its_heading(files: Files) -> None:
    files.write("profiles/a.yaml", f"profiles:\n  one: {PROFILE}\n")
    files.write("machines/a.yaml", "machines:\n  - {mac: 52:54:00:00:00:01, name: n1}\n")
    files.write("machines/empty.yaml", "# later\n")
    assert told(files.load("")) == (["one"], ["n1"])


def test_inline_takes_the_place_of_the_directories(files: Files) -> None:
    files.write("profiles/a.yaml", f"one: {PROFILE}")
    files.write("machines/a.yaml", "- {mac: 52:54:00:00:00:01, name: n1}")
    text = f"{{profiles: {{two: {PROFILE}}}, machines: [{{mac: 52:54:00:00:00:02, name: n2}}]}}"
    assert told(files.load(text)) == (["two"], ["n2"])


def test_patterns_can_be_listed_and_mixed_with_machines(files: Files) -> None:
    files.write("a/1.yaml", f"one: {PROFILE}")
    files.write("b/deep/2.yaml", f"two: {PROFILE}")
    files.write("racks/1.yaml", "- {mac: 52:54:00:00:00:01, name: n1}")
    config = files.load(
        f"""
        profiles: [a/*.yaml, "{files.directory}/b/**/*.yaml"]
        machines:
          - racks/*.yaml
          - {{mac: 52:54:00:00:00:02, name: n2}}
        """
    )
    assert told(config) == (["one", "two"], ["n2", "n1"])


def test_a_pattern_that_matches_nothing_is_a_warning_if_it_was_asked_for(files: Files) -> None:
    assert files.warned("machines: racks/*.yaml") == ["netbootd.yaml:1: machines: no file matches racks/*.yaml"]
    assert files.warned("machines: machines/*.yaml") == [], "the default, written down"


def test_a_file_that_is_missing_is_an_error(files: Files) -> None:
    assert files.wrong("machines: [racks.yaml]") == ["netbootd.yaml:1: machines[0]: there is no file racks.yaml"]


def test_a_mistake_in_a_file_is_told_with_that_file_and_its_line(files: Files) -> None:
    files.write("profiles/a.yaml", "one:\n  payload: linux\n  kernal: vmlinuz\n")
    files.write("machines/a.yaml", "- mac: 52:54:00:00:00:01\n  profile: none\n")
    files.write("machines/b.yaml", "- mac: [\n")
    assert files.wrong("") == [
        "profiles/a.yaml:1: profiles.one.kernel: is missing",
        "profiles/a.yaml:3: profiles.one.kernal: unknown key; did you mean 'kernel'?",
        "machines/a.yaml:2: machines[0].profile: no profile 'none'; did you mean 'one'?",
        "machines/b.yaml:2: is not YAML: column 1: while parsing a flow node "
        "expected the node content, but found '<stream end>'",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("profiles: [{a: {payload: local}}]", "profiles: must hold profiles by name, not a list"),
        ("profiles: {a: local}", "profiles.a: must be a table of keys and values, not 'local'"),
        ("profiles: {a: }", "profiles.a: must be a table of keys and values, not empty"),
        ("machines: {n1: {mac: 1}}", "machines: must hold a list of machines ('- mac: ...'), not a table of keys"),
        ("machines: [[a]]", "machines[0]: must be a table of keys and values, not a list"),
    ],
)
def test_the_wrong_shape_is_told(files: Files, text: str, why: str) -> None:
    assert files.wrong(text) == [f"netbootd.yaml:1: {why}"]


def test_a_file_of_profiles_holds_nothing_else(files: Files) -> None:
    files.write("profiles/a.yaml", f"profiles: {{one: {PROFILE}}}\nmachines: []\n")
    assert files.wrong("") == ["profiles/a.yaml:2: machines: does not belong here: this file holds profiles alone"]
