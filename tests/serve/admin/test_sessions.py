"""Logins end by themselves, are bounded, and no form counts for anybody else."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from netbootd.serve.admin.sessions import COOKIE, Sessions


def by(cookie: str) -> web.Request:
    return make_mocked_request("GET", "/", headers={"Cookie": f"{COOKIE}={cookie}"} if cookie else {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_login_lasts_its_time() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock, lasts=10.0)
    cookie = sessions.begin()
    clock.now = 9.9
    assert sessions.known(by(cookie))
    clock.now = 10.0
    assert not sessions.known(by(cookie))


def test_there_is_room_for_so_many_and_the_first_goes_first() -> None:
    sessions = Sessions(most=2)
    cookies = [sessions.begin() for _ in range(3)]
    assert [sessions.known(by(each)) for each in cookies] == [False, True, True]


@pytest.mark.parametrize("cookie", ["", "x", "caf\u00e9"])
def test_a_cookie_nobody_was_given_is_nobodys(cookie: str) -> None:
    assert not Sessions().known(by(cookie))


def test_the_token_of_a_form_is_another_for_each_and_after_each_start() -> None:
    sessions = Sessions()
    one, other = by(sessions.begin()), by(sessions.begin())
    tokens = [sessions.token(each, near) for each in (one, other, by("")) for near in (True, False)]
    assert len(set(tokens)) == 4, "who is logged in has one, who is near another, and who is neither a third"
    assert Sessions().token(by(""), True) != sessions.token(by(""), True)
