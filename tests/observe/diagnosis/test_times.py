"""How long a healthy boot may be silent, against what our own scripts do meanwhile.

Firmware's own pauses are in `test_healthy`, by captures and by the slowest machine there is.
"""

from __future__ import annotations

import re

import pytest

from netbootd.observe.diagnosis import times
from netbootd.resources import templates_dir


def script(name: str) -> str:
    return (templates_dir() / name).read_text()


def test_a_script_whose_boot_fails_waits_for_a_key_as_long_as_the_diagnosis_thinks() -> None:
    """By that pause alone a kernel that was not started is told from one that fell over."""
    assert f"prompt --timeout {times.PROMPT * 1000:.0f} " in script("_failed.ipxe.j2")


@pytest.mark.parametrize(
    ("name", "patience"), [("_failed.ipxe.j2", times.NEXT_FILE), ("entry.ipxe.j2", times.OWN_SCRIPT)]
)
def test_who_tries_again_as_often_as_the_script_does_is_not_called_sick_meanwhile(name: str, patience: float) -> None:
    """It sleeps a second longer each time, and a try that fails takes time, too."""
    text = script(name)
    assert "sleep ${attempt}\n" in text
    (most,) = re.findall(r"iseq \$\{attempt\} (\d+) ", text)
    slept = sum(range(1, int(most)))
    assert 2 * slept < patience


def test_who_is_back_from_the_prompt_is_back_before_a_kernel_counts_as_fallen_over() -> None:
    assert times.PROMPT + times.PROMPT_AND_BACK < times.CRASHED
