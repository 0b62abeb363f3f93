"""The token's file: made once, for its owner alone, and never half."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from netbootd.serve.admin.token_file import TokenError, made_token, read_token, same


def test_it_is_made_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "state" / "admin.token"
    before = os.umask(0)
    token = made_token(path)
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 43
    assert list(path.parent.iterdir()) == [path]


def test_it_is_made_once(tmp_path: Path) -> None:
    assert made_token(tmp_path / "t") == made_token(tmp_path / "t") == read_token(tmp_path / "t")
    assert made_token(tmp_path / "other") != made_token(tmp_path / "t")


def test_one_of_somebody_s_own_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("  cJ7mWu2qZf6dHs3cYr9nVt4pKx\n\n")
    path.chmod(0o640)
    assert made_token(path) == "cJ7mWu2qZf6dHs3cYr9nVt4pKx"


@pytest.mark.parametrize(
    ("text", "words"), [("", "holds no token"), ("short", "holds no token"), ("a b" * 20, "holds no token")]
)
def test_what_is_no_token_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(TokenError, match=words):
        made_token(path)


def test_one_that_everybody_can_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t"
    made_token(path)
    path.chmod(0o644)
    with pytest.raises(TokenError, match=f"admin.token_file: {path} is open to everybody.*: chmod 600"):
        made_token(path)


def test_what_cannot_be_made_or_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenError, match="cannot be made"):
        made_token(tmp_path / "file" / "t")
    with pytest.raises(TokenError, match="No such file"):
        read_token(tmp_path / "none")


def test_comparing_takes_the_whole_of_it() -> None:
    assert same("a" * 20, "a" * 20)
    assert not same("a" * 19, "a" * 20)
    assert not same("\udcff", "a" * 20)
