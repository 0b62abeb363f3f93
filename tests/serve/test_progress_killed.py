"""SIGKILL at every point of an installation, on a real file: what was acknowledged holds, and nobody is wiped twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.wire.mac import Mac
from tests.support.keeper import BY_ITSELF, Keeper, keeper
from tests.support.worlds import CARD

FILES = [
    f"artifacts/eve-13.3/{name}" for name in ("kernel", "initrd.img", "installer.img", "initrd.bits", "rootfs.img")
]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def fetch_all(alive: Keeper) -> None:
    for file in FILES:
        assert alive.ask("fetch", file) == "True"
        alive.ask("sent", file)


def test_an_acknowledged_arming_is_never_lost(state: Path) -> None:
    """Killed at the moment of the answer, and with others still being written."""
    macs = [Mac(bytes([2, 0, 0, 0, 0, n])) for n in range(200)]
    for answers in (0, 1, 7, 60):
        with keeper(state) as alive:
            for mac in macs:
                alive.say("arm", mac)
            acknowledged = [alive.hear().split() for _ in range(answers)]
            alive.kill()
        with keeper(state) as alive:
            for called, written in acknowledged:
                assert written == "True"
                assert alive.ask("ask", called) == "eve"


@pytest.mark.parametrize("mac", [CARD, BY_ITSELF], ids=["armed", "armed by itself"])
def test_killed_after_the_script_was_sent_it_follows_the_machine_on(state: Path, mac: Mac) -> None:
    """A machine that lost its power too gets its script again; one that only lost us goes on with the one it has."""
    with keeper(state) as alive:
        alive.ask("arm", CARD)
        assert alive.ask("ask", mac) == "eve"
        alive.kill()
    with keeper(state) as alive:
        assert alive.ask("ask", mac) == "eve"
        alive.kill()
    with keeper(state) as alive:
        fetch_all(alive)
        assert alive.ask("ask", mac) == "local"


@pytest.mark.parametrize("mac", [CARD, BY_ITSELF], ids=["armed", "armed by itself"])
def test_killed_when_the_last_file_may_be_out_it_does_not_install_again(state: Path, mac: Mac) -> None:
    """The answer that lets the file go is the last thing it did."""
    with keeper(state) as alive:
        alive.ask("arm", CARD)
        alive.ask("ask", mac)
        assert alive.ask("fetch", FILES[-1]) == "True"
        alive.kill()
    with keeper(state) as alive:
        assert alive.ask("ask", mac) == "local"
        assert alive.ask("arm", mac) == f"{mac} True"
        assert alive.ask("ask", mac) == "eve"


def test_killed_right_after_the_last_byte_it_does_not_install_again(state: Path) -> None:
    with keeper(state) as alive:
        alive.ask("arm", CARD)
        alive.ask("ask", CARD)
        fetch_all(alive)
        alive.kill()
    with keeper(state) as alive:
        assert alive.ask("ask", CARD) == "local"


def test_a_lost_file_arms_nobody(state: Path) -> None:
    with keeper(state) as alive:
        alive.ask("arm", CARD)
    for file in state.parent.iterdir():
        file.unlink()
    with keeper(state) as alive:
        assert alive.ask("ask", CARD) == "local"
