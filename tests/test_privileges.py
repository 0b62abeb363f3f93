"""Who netbootd is once its ports are bound; tests/system has it lose the right to bind more."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace

import pytest

from netbootd.config import ConfigError, load
from netbootd.privileges import account, become

ROOT = pwd.getpwuid(0).pw_name


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.mark.usefixtures("root")
def test_root_becomes_the_user_of_the_settings() -> None:
    found = account(replace(load(None), user=ROOT))
    assert found is not None
    assert found.pw_uid == 0


@pytest.mark.usefixtures("root")
def test_root_stays_root_when_the_settings_name_nobody() -> None:
    assert account(load(None)) is None


def test_who_is_not_root_cannot_become_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account(replace(load(None), user="nobody-here")) is None


@pytest.mark.usefixtures("root")
def test_a_user_that_does_not_exist_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="user: there is no user 'nobody-here' on this machine"):
        account(replace(load(None), user="nobody-here"))


def test_groups_go_before_the_user_who_could_no_longer_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("initgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda *_, name=name: calls.append(name))
    become(None)
    assert calls == []
    become(pwd.getpwuid(0))
    assert calls == ["initgroups", "setgid", "setuid"]
