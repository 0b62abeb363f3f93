"""Several probes at once, none of which can hold up the rest for longer than it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]], seconds: float) -> list[T | None]:
    """What each returned, in order; None for one that took longer or raised.

    The threads are left behind at the end of the program: Ctrl-C is obeyed at once.
    """
    done: list[T | None] = [None] * len(jobs)

    def run(place: int) -> None:
        done[place] = jobs[place]()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(jobs))]
    end = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return list(done)
