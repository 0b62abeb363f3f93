"""The token of the API, once; a cookie from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import pytest

from netbootd.fleet.lifecycle import Stage
from tests.support.fleet import EDGE, Api, serving
from tests.support.pages import Page, filled, opened, posted, sent

TOKEN = "cJ7mWu2qZf6dHs3cYr9nVt4pKx"


@pytest.fixture
async def far(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    async with serving(Api(token=TOKEN)) as running:
        monkeypatch.setattr("aiohttp.web.Request.remote", "192.0.2.9")
        yield running


async def logged_in(api: Api) -> str:
    """The cookie, as a browser sends it."""
    page = await opened(api, "/")
    done = await sent(api, page, "/login", {"token": TOKEN})
    assert done.status == 303
    (cookie,) = SimpleCookie(done.headers["Set-Cookie"]).values()
    return f"{cookie.key}={cookie.value}"


def wrong(page: Page) -> str:
    return page.root.one("p", role="alert").text


async def test_who_is_not_logged_in_finds_the_form_wherever_they_go(far: Api) -> None:
    page = await opened(far, "/machines/node-1")
    assert (page.status, page.title) == (401, "Log in · netbootd")
    assert filled(page, "/login")["back"] == "/machines/node-1"
    assert page.root.one("input", type="password").attrs["autocomplete"] == "current-password"
    assert "node-1" not in page.root.one("header").text


@pytest.mark.parametrize("target", ["/login", "/static/page.css", "/static/page.js", "/static/icon.svg"])
async def test_what_the_form_needs_is_there_for_everybody(far: Api, target: str) -> None:
    assert (await far.ask("GET", target)).status == 200


async def test_with_the_token_one_is_back_where_one_wanted_to_be(far: Api) -> None:
    page = await opened(far, "/?q=node&state=failed")
    done = await sent(far, page, "/login", {"token": f" {TOKEN}\n"})
    assert (done.status, done.headers["Location"]) == (303, "/?q=node&state=failed")


async def test_the_cookie_is_for_this_site_and_for_no_script(far: Api) -> None:
    done = await sent(far, await opened(far, "/"), "/login", {"token": TOKEN})
    (cookie,) = SimpleCookie(done.headers["Set-Cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert TOKEN not in cookie.value


async def test_behind_a_proxy_with_tls_it_goes_by_tls_alone(far: Api) -> None:
    done = await sent(far, await opened(far, "/"), "/login", {"token": TOKEN}, X_Forwarded_Proto="https")
    assert "Secure" in done.headers["Set-Cookie"]


async def test_the_cookie_opens_pages_and_the_streams_they_read(far: Api) -> None:
    cookie = await logged_in(far)
    for target in ("/", f"/machines/{EDGE}", "/api/v1/machines", "/metrics"):
        assert (await far.ask("GET", target, Cookie=cookie)).status == 200


async def test_a_button_works_with_it(far: Api) -> None:
    cookie = await logged_in(far)
    asked = await opened(far, f"/machines/{EDGE}/install", Cookie=cookie)
    assert (await sent(far, asked, f"/machines/{EDGE}/install", Cookie=cookie)).status == 303
    assert far.ledger.stage(EDGE) is Stage.ARMED


async def test_it_changes_nothing_by_the_api(far: Api) -> None:
    """A program asks with the token; the cookie is for pages, whose forms are checked."""
    assert (await far.post(f"/{EDGE}/install", Cookie=await logged_in(far))).status == 401
    assert far.ledger.entries() == ()


async def test_a_form_of_one_login_is_no_good_in_another(far: Api) -> None:
    one, other = await logged_in(far), await logged_in(far)
    asked = await opened(far, f"/machines/{EDGE}/install", Cookie=one)
    assert (await sent(far, asked, f"/machines/{EDGE}/install", Cookie=other)).status == 403


@pytest.mark.parametrize("said", ["", "no", TOKEN[:-1], f"{TOKEN}x", "caf\u00e9"])
async def test_another_token_opens_nothing(far: Api, said: str) -> None:
    page = await sent(far, await opened(far, "/bundles"), "/login", {"token": said})
    assert (page.status, wrong(page)) == (401, "This is not the token.")
    assert "Set-Cookie" not in page.headers
    assert filled(page, "/login")["back"] == "/bundles"


async def test_where_there_is_no_token_nobody_gets_in(far: Api) -> None:
    far.token = None
    page = await sent(far, await opened(far, "/"), "/login", {"token": "None"})
    assert page.status == 401


@pytest.mark.parametrize(
    "back", ["//evil.example/", "/\\evil.example", "https://evil.example/", "", "x", "/\nx", "/\t/e"]
)
async def test_it_leads_nowhere_else(far: Api, back: str) -> None:
    done = await sent(far, await opened(far, "/login"), "/login", {"token": TOKEN, "back": back})
    assert done.headers["Location"] == "/"


async def test_a_form_to_log_in_that_another_site_made_is_refused(far: Api) -> None:
    assert (await posted(far, "/login", {"token": TOKEN})).status == 403


async def test_who_logs_out_is_out_with_every_copy_of_the_cookie(far: Api) -> None:
    cookie = await logged_in(far)
    page = await opened(far, "/", Cookie=cookie)
    assert (await sent(far, page, "/logout", Cookie=cookie)).headers["Location"] == "/"
    assert (await opened(far, "/", Cookie=cookie)).status == 401


async def test_programs_are_told_as_before(far: Api) -> None:
    reply = await far.ask("GET", "/")
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "<" not in reply.body


async def test_who_is_on_this_machine_needs_none_of_it() -> None:
    async with serving(Api(token=TOKEN)) as near:
        page = await opened(near, "/")
        assert page.status == 200
        assert "log out" not in page.text
