"""Programs that some tests compare netbootd with."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def need(program: str, package: str = "") -> str:
    """The path of a program, see `without`."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        without(f"{program} is not here: apt-get install {package or program}")
    return path


def elsewhere(missing: bool) -> bool:
    """For ``skipif``: something is missing, and this is not CI, where the test is to fail."""
    return missing and not os.environ.get("CI")


def without(told: str) -> NoReturn:
    """A test cannot run: skipped where somebody works, a failure in CI, which installs all that is needed."""
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)
