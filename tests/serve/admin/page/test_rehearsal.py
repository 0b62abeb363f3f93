"""The script a machine would get, and what is kept out of it."""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.site import Site
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.admin.page.rehearsal import Rehearsal, rehearsals
from netbootd.serve.admin.roster import Roster
from tests.support.fleet import EDGE, RESCUE, STRANGER, Api
from tests.support.worlds import ALWAYS, SITE, args, linux, machine


def shown(api: Api, mac: object = EDGE, asked: list[str] | None = None) -> tuple[Rehearsal, ...]:
    services = api.services()

    def site(ip: str) -> Site:
        if asked is not None:
            asked.append(ip)
        return SITE

    return rehearsals(services, Roster(services).find(str(mac)), site)


def told(**settings: str) -> Rehearsal:
    own = replace(machine("rescue", "node-1", EDGE), args=args("machine m.yaml:1", **settings))
    (found,) = shown(Api(fleet=Snapshot([linux("rescue", boots=ALWAYS)], [own])))
    return found


def test_one_that_waits_to_be_armed_gets_its_disk_now_and_its_payload_then() -> None:
    now, armed = shown(Api())
    assert (now.armed, now.payload, armed.armed, armed.payload) == (False, "local", True, "eve")
    assert now.profile == armed.profile == "lab-eve"
    assert armed.failure == ""


async def test_one_that_is_armed_gets_it_now() -> None:
    api = Api()
    await api.ledger.arm(EDGE, "ada", 1.0)
    (now,) = shown(api)
    assert (now.armed, now.payload) == (False, "eve")


def test_one_that_boots_always_and_a_stranger_have_one_script() -> None:
    assert [each.payload for each in shown(Api(), RESCUE)] == ["linux"]
    assert [each.payload for each in shown(Api(), STRANGER)] == ["menu"]


def test_it_is_written_for_the_network_where_the_machine_was_last() -> None:
    api, asked = Api(), list[str]()
    api.saw(EDGE, "198.51.100.7")
    shown(api, EDGE, asked)
    assert asked == ["198.51.100.7"]


def test_whose_each_argument_is() -> None:
    found = told(console="ttyS0")
    assert ("console", "ttyS0", "machine m.yaml:1") in [(each.key, each.value, each.origin) for each in found.args]


def test_a_secret_is_in_neither_the_list_nor_the_text() -> None:
    found = told(
        api_key="k3y-of-the-house", pin_secret="7", note="the 7 of k3y-of-the-house", url="ftp://u:pw@x.example/"
    )
    said = f"{found.text}{found.args}"
    assert "k3y" not in said
    assert "u:pw" not in said
    assert "pin_secret=(not shown)" in found.text
    assert 'note="the 7 of (not shown)"' in found.text, "a value as short as that is no word to look for"


def test_the_secret_of_a_machines_own_url_is_not_told() -> None:
    secret = "zX9-zX9-zX9-zX9-zX9-zX9-zX9"
    own = replace(machine("rescue", "node-1", EDGE), secret=secret)
    found = shown(Api(fleet=Snapshot([linux("rescue", boots=ALWAYS)], [own])))
    assert secret not in str(found)
