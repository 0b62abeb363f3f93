"""Fixtures of the firmware lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.lab import eve, payload
from tests.lab.lab import Lab, open_lab
from tests.lab.namespace import LabError
from tests.lab.requirements import require
from tests.support.eve_bundles import VERSIONS

CLASSIC = "13.2.0"
"""Era A: under this number, since the one of `artifacts` has the usual one."""


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What netbootd serves in every boot: a Linux in ``lab`` and an EVE in ``eve-13.3.0``."""
    _require()
    directory = tmp_path_factory.mktemp("artifacts")
    payload.write_linux(directory / "lab")
    payload.write_eve_classic(directory / "eve-13.3.0")
    return directory


@pytest.fixture
def eve_bundle(artifacts: Path) -> Callable[[Era], str]:
    """Puts the installer of an era among the artifacts, once, and tells its name."""

    def written(era: Era) -> str:
        name = f"eve-{(VERSIONS | {Era.A: CLASSIC})[era]}"
        try:
            if not (artifacts / name).exists():
                eve.write(artifacts / name, era)
        except LabError as error:
            reason = str(error)
        else:
            return name
        pytest.fail(reason, pytrace=False)

    return written


@pytest.fixture
def lab(tmp_path: Path, artifacts: Path) -> Iterator[Callable[..., Lab]]:
    """Opens a lab: ``lab(settings, *dhcp_options, ipv6=True)``.  The settings need not say where the artifacts are."""
    with ExitStack() as stack:

        def open_(settings: str, *dhcp_options: str, ipv6: bool = True) -> Lab:
            try:
                return stack.enter_context(
                    open_lab(tmp_path, f"artifacts: {artifacts}\n{settings}", *dhcp_options, ipv6=ipv6)
                )
            except LabError as error:
                reason = str(error)
            pytest.fail(reason, pytrace=False)

        yield open_


def _require() -> None:
    """A lab that cannot run is a failure, never a skip: these boots are what netbootd is for."""
    try:
        require()
    except LabError as error:
        reason = str(error)
    else:
        return
    pytest.fail(reason, pytrace=False)
