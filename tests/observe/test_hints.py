"""What people are told to type asks the very daemon that told them."""

from __future__ import annotations

import pytest

from netbootd.observe.hints import with_settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("what to do: netbootd explain node-1", "what to do: netbootd explain -c lab.yaml node-1"),
        ("arm it: `netbootd machines install NAME`.", "arm it: `netbootd machines install -c lab.yaml NAME`."),
        ("`netbootd check` names it", "`netbootd check -c lab.yaml` names it"),
        ("netbootd bundles list; netbootd watch", "netbootd bundles list -c lab.yaml; netbootd watch -c lab.yaml"),
        (
            "sudo netbootd run, or systemctl start netbootd",
            "sudo netbootd run -c lab.yaml, or systemctl start netbootd",
        ),
        (
            "netbootd runs here, netbootd checks, netbootd answers",
            "netbootd runs here, netbootd checks, netbootd answers",
        ),
        ("netbootd render -c other.yaml MAC", "netbootd render -c other.yaml MAC"),
    ],
)
def test_a_command_in_a_text_names_the_settings_once(text: str, told: str) -> None:
    assert with_settings(text, "lab.yaml") == told


def test_a_path_is_quoted_for_the_shell() -> None:
    assert with_settings("netbootd check", "my lab.yaml") == "netbootd check -c 'my lab.yaml'"


def test_where_no_file_was_named_the_usual_one_is_found_again() -> None:
    assert with_settings("netbootd explain node-1", "") == "netbootd explain node-1"
