"""What templates call ``boot``: in arguments, scripts and files, under the token of that boot."""

from __future__ import annotations

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import Profile
from netbootd.boot.render import Templates
from netbootd.boot.site import Site
from netbootd.chain.calls import Calls, calls
from netbootd.chain.scripts import Loader, script
from netbootd.fleet.lifecycle import Stage
from netbootd.payloads.base import NO_TOKEN
from tests.support.worlds import CARD, ONCE, SITE, args, linux, machine, profile, settled, world

TOKEN = "t" * 32
FACTS = Facts(mac=CARD)
CALLING = args("profile debian", netboot_done="{{ boot.done_url }}", netboot_failed="{{ boot.failed_url }}?message=x")
INSTALLER = linux("debian", boots=ONCE, args=CALLING)


def got(profile: Profile, stage: Stage | None = Stage.ARMED, loader: Loader = Loader.IPXE, token: str = TOKEN) -> str:
    return script(FACTS, settled(profile, stage=stage), SITE, loader=loader, token=token).text


def test_they_are_two_urls_below_the_token_however_the_site_is_called() -> None:
    assert calls(SITE, TOKEN) == Calls(
        f"http://192.0.2.1:8080/node/{TOKEN}/done", f"http://192.0.2.1:8080/node/{TOKEN}/failed"
    )
    public = Site("192.0.2.1", public_url="https://boot.example.net/")
    assert calls(public, TOKEN).done_url == f"https://boot.example.net/node/{TOKEN}/done"


@pytest.mark.parametrize("loader", Loader)
def test_an_argument_may_hold_them_for_either_loader(loader: Loader) -> None:
    text = got(INSTALLER, loader=loader)

    assert f"netboot_done=http://192.0.2.1:8080/node/{TOKEN}/done" in text
    assert f"netboot_failed=http://192.0.2.1:8080/node/{TOKEN}/failed?message=x" in text


def test_a_script_of_the_users_own_may_hold_them() -> None:
    own = profile("own", "script", {"template": "own.ipxe.j2"})
    there = world(own, machines=[machine("own")])
    own_templates = Templates({"own.ipxe.j2": "#!ipxe\nimgfetch {{ boot.done_url }}\n"})
    object.__setattr__(there, "templates", own_templates)

    assert f"imgfetch http://192.0.2.1:8080/node/{TOKEN}/done" in script(FACTS, there, SITE, token=TOKEN).text


def test_without_a_token_a_word_stands_for_it() -> None:
    assert f"/node/{NO_TOKEN}/done" in script(FACTS, settled(INSTALLER, stage=Stage.ARMED), SITE).text


@pytest.mark.parametrize("stage", [None, Stage.GIVEN, Stage.DISARMED, Stage.HELD])
def test_a_machine_that_is_left_to_its_disk_is_shown_them_without_a_token(stage: Stage | None) -> None:
    """Its script has nothing to fetch, and must not end the token of the installer that runs."""
    text = got(INSTALLER, stage)

    assert TOKEN not in text
    assert f"/node/{NO_TOKEN}/done" in text


def test_a_mistake_is_told_in_the_words_of_templates() -> None:
    wrong = linux(args=args("profile debian", x="{{ boot.done }}"))
    failure = script(FACTS, settled(wrong), SITE, token=TOKEN).failure

    assert failure == "argument x of profile debian: boot has no attribute 'done'"
