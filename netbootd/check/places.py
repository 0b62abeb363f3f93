"""Where a problem is: the file and line that settings were written at."""

from __future__ import annotations

from typing import Literal

from netbootd.boot.model import Profile
from netbootd.config import Problem


def of_profile(profile: Profile, text: str, severity: Literal["error", "warning", "info"] = "error") -> Problem:
    """Of what a profile says."""
    return Problem(*place(profile.origin), f"profiles.{profile.name}", text, severity)


def place(origin: str) -> tuple[str, int | None]:
    """``netbootd.yaml:12`` as file and line."""
    file, colon, line = origin.rpartition(":")
    return (file, int(line)) if colon and line.isdecimal() else (origin or "settings", None)
