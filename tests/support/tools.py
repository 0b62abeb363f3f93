"""Programs that some tests compare netbootd with."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str, package: str = "") -> str:
    """The path of a program.  Without it a test is skipped where somebody works, and fails in CI, which installs it."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        told = f"{program} is not here: apt-get install {package or program}"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return path
