"""What people install: the wheel, the locked libraries, the commands of a checkout."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from netbootd.payloads import PAYLOADS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")
SHIPPED = ("configs", "ipxe_templates", "systemd")


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> set[str]:
    """The libraries pyproject.toml declares for running."""
    return {normal(re.split(r"[><=;\[ ]", each)[0]) for each in PROJECT["project"]["dependencies"]}


def optional() -> set[str]:
    """Those of its extras."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    return {normal(re.split(r"[><=;\[ ]", each)[0]) for extra in extras for each in extra}


def locked(name: str) -> dict[str, str]:
    """Distribution and version of each pin in a lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """netbootd, built as `pip install .` builds it."""
    made = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(made)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (found,) = made.glob("netbootd-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked where no checkout is near; its libraries are those of this Python."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def run_installed(site: Path, code: str) -> str:
    """What ``code`` prints when it is run with the installed netbootd, away from the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site.parent,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_wheel_carries_every_template_example_and_unit(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {path for name in SHIPPED for path in (ROOT / name).rglob("*") if path.is_file()}
    assert {f"netbootd/_data/{path.relative_to(ROOT)}" for path in ours} <= inside
    assert {path.suffix for path in ours} >= {".j2", ".service", ".socket"}


def test_the_wheel_carries_what_payloads_send_of_their_own(wheel: Path, installed: Path) -> None:
    named = {name for payload in PAYLOADS.values() for name in payload.files}
    assert {f"netbootd/payloads/{name}" for name in named} <= set(zipfile.ZipFile(wheel).namelist())
    code = "from netbootd.load import payload_files as f; print(*f())"
    assert run_installed(installed, code).split() == sorted(named)


def test_the_wheel_carries_the_page(wheel: Path) -> None:
    page = ROOT / "netbootd" / "serve" / "admin" / "page"
    ours = {str(path.relative_to(ROOT)) for part in ("templates", "static") for path in (page / part).iterdir()}
    assert ours <= set(zipfile.ZipFile(wheel).namelist())
    assert {Path(name).suffix for name in ours} >= {".html", ".css", ".js", ".svg"}


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    inside = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert [name for name in inside if not name.startswith("netbootd/") or "__pycache__" in name] == []


def test_an_installed_netbootd_finds_what_it_carries(installed: Path) -> None:
    code = "from netbootd import resources as r; print(r.templates_dir(), r.configs_dir(), r.systemd_dir())"
    data = installed / "netbootd" / "_data"
    assert run_installed(installed, code).split() == [
        str(data / "ipxe_templates"),
        str(data / "configs"),
        str(data / "systemd"),
    ]


def test_an_installed_netbootd_has_its_command(wheel: Path, installed: Path) -> None:
    (entry_points,) = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("entry_points.txt")]
    assert "netbootd = netbootd.cli.main:main" in zipfile.ZipFile(wheel).read(entry_points).decode()
    assert "render" in run_installed(
        installed, "import sys; sys.argv[1:] = ['--help']; import netbootd.cli.main as m; m.main()"
    )


def test_every_library_that_is_imported_is_declared() -> None:
    """pydantic-core is pydantic's own half, pinned by it to one version."""
    providers = packages_distributions()
    imported: set[str] = set()
    for path in (ROOT / "netbootd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    imported |= {each.name.partition(".")[0] for each in names}
                case ast.ImportFrom(module=str(module)):
                    imported.add(module.partition(".")[0])
    libraries = imported - sys.stdlib_module_names - {"netbootd"}
    declared = required() | optional() | {"pydantic-core"}
    assert [name for name in libraries if not declared & {normal(each) for each in providers[name]}] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_each_library_by_hash_and_names_no_place_to_get_it_from(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(
        r"^\s*-[-a-z]", re.sub(r"^ +--hash=sha256:[0-9a-f]{64}.*$", "", text, flags=re.MULTILINE), re.M
    )
    for pin in re.split(r"\n(?=[a-z])", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), pin.splitlines()[0]


def test_the_locks_hold_what_is_declared_and_agree_with_each_other() -> None:
    run, dev = (locked(name) for name in LOCKS)
    assert required() <= run.keys()
    assert run.items() <= dev.items()


def test_libraries_built_for_one_machine_are_locked_for_every_machine() -> None:
    """uvloop has wheels for several systems, processors and Pythons; each has its hash."""
    (uvloop,) = re.findall(r"^uvloop==.*(?:\n +.*)+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert uvloop.count("--hash") > 20


PROMISED = {"setup", "demo", "test", "quick", "soak", "run", "bench", "check"}


def make(*arguments: str) -> str:
    """What make prints; these tests may themselves be run by make, whose flags must not get in here."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environ).stdout


def test_make_alone_lists_the_promised_commands() -> None:
    listed = set(re.findall(r"^  make (\w+)", make(), re.MULTILINE))
    assert listed >= PROMISED


@pytest.mark.parametrize("target", sorted(PROMISED))
def test_each_command_does_its_own_set_up(target: str) -> None:
    assert make("--dry-run", target).startswith(".ci/setup python")


@pytest.mark.parametrize("script", ["setup", "run", "install"])
def test_the_scripts_behind_make_are_sound(script: str) -> None:
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True)


def test_ci_checks_and_tests() -> None:
    steps = re.findall(r"^step (\w+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert steps == ["setup", "check", "test"]
