"""Install once, at length: what `tests.serve.test_progress_lives` does for seconds is done here for minutes."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.serve.test_progress_lives import Lives

pytestmark = pytest.mark.soak


def test_nobody_is_wiped_without_an_arming_or_twice_for_one() -> None:
    run_state_machine_as_test(Lives, settings=settings(max_examples=3_000, stateful_step_count=60, deadline=None))
