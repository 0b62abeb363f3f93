"""Several probes at once."""

from __future__ import annotations

import threading

from netbootd.cli.doctor.together import together


def test_each_answer_is_where_its_question_was() -> None:
    assert together([lambda: 1, lambda: 2, lambda: 3], 60.0) == [1, 2, 3]


def test_one_that_does_not_come_back_holds_up_nobody() -> None:
    for_ever = threading.Event()
    assert together([for_ever.wait, lambda: True], 2.0) == [None, True]
    for_ever.set()
