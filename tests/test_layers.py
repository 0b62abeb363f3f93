"""The house rules that can be read from the source: who imports whom, what is pure, which library lives where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from netbootd.payloads import PAYLOADS

PACKAGE = Path(__file__).parents[1] / "netbootd"

# What each room may import of ours, besides itself.  Arrows point down: a room never appears above where it stands.
BELOW_CHAIN = {"wire", "boot", "payloads", "fleet", "artifacts"}
BELOW_LOAD = BELOW_CHAIN | {"config", "chain", "resources"}
BELOW_ANNOUNCE = BELOW_LOAD | {"net", "observe", "serve", "load"}
BELOW_DAEMON = BELOW_ANNOUNCE | {"check", "systemd", "privileges", "announce", "memory"}
MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "boot": {"wire"},
    "payloads": {"wire", "boot"},
    "fleet": {"wire", "boot", "payloads"},
    "artifacts": {"wire", "boot", "payloads"},
    "net": set(),
    "systemd": set(),
    "resources": set(),
    "observe": BELOW_CHAIN | {"systemd"},
    "config": BELOW_CHAIN | {"resources"},
    "chain": BELOW_CHAIN,
    "load": BELOW_LOAD,
    "check": BELOW_LOAD | {"load"},
    "serve": BELOW_LOAD | {"net", "observe"},
    "privileges": {"config"},
    "announce": BELOW_ANNOUNCE | {"check"},
    "memory": BELOW_ANNOUNCE,
    "daemon": BELOW_DAEMON,
    "cli": BELOW_DAEMON | {"daemon"},
}

PURE = {"wire", "boot", "payloads"}
IMPURE = """
    asyncio concurrent datetime fcntl fileinput getpass glob http importlib io locale logging mmap multiprocessing os
    pathlib pkgutil platform queue random sched secrets select selectors shutil signal socket socketserver sqlite3 ssl
    subprocess sys tempfile threading time urllib.request warnings
    aiohttp aiosqlite netifaces prometheus_client rich scapy sqlalchemy structlog tftpy typer uvloop yaml
"""
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}

# A library and the only rooms that may import it.
LIVES_IN: dict[str, set[str]] = {
    "netifaces": {"net"},
    "prometheus_client": {"observe"},
    "rich": {"cli"},
    "scapy": {"cli"},
    "sqlalchemy": {"fleet"},
    "structlog": {"observe"},
    "tftpy": {"cli"},
    "typer": {"cli"},
}


@dataclass(frozen=True)
class Module:
    """One source file: its room, and what it imports, in full dotted names."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        return str(self.path.relative_to(PACKAGE))

    @property
    def room(self) -> str:
        return Path(self.name).parts[0].removesuffix(".py")

    @cached_property
    def imports(self) -> list[str]:
        found: list[str] = []
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    found += [each.name for each in names]
                case ast.ImportFrom(level=level, module=module, names=names):
                    assert level == 0, f"{self.name}: relative import"
                    found += [f"{module}.{each.name}" for each in names]
        return found

    @property
    def rooms_imported(self) -> set[str]:
        ours = [name.split(".") for name in self.imports if name.split(".")[0] == "netbootd"]
        return {parts[1] for parts in ours if len(parts) > 1} - {self.room, "__version__"}

    def imports_of(self, library: str) -> list[str]:
        return [name for name in self.imports if name == library or name.startswith(f"{library}.")]


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    """All there are.  A test goes through all of them, since to read them is what takes the time."""
    return [Module(path, ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.fixture(scope="module")
def in_rooms(modules: list[Module]) -> list[Module]:
    return [each for each in modules if each.room not in {"__init__", "__main__"}]


def test_the_plan_of_the_house_has_no_way_back_up() -> None:
    """Were two rooms to allow each other, directly or round a corner, the plan itself would be wrong."""
    above: set[str] = set()
    for room in reversed(MAY_IMPORT):
        assert not MAY_IMPORT[room] & above, f"{room} may import a room above it"
        above.add(room)


def test_arrows_point_down(in_rooms: list[Module]) -> None:
    assert [each.name for each in in_rooms if each.room not in MAY_IMPORT] == [], "not on the plan"
    up = {each.name: each.rooms_imported - MAY_IMPORT[each.room] for each in in_rooms}
    assert {name: rooms for name, rooms in up.items() if rooms} == {}


def test_what_decides_is_pure(in_rooms: list[Module]) -> None:
    """No socket, clock, randomness, file, environment or logger: time and addresses are arguments."""
    pure = [each for each in in_rooms if each.room in PURE]
    assert {each.room for each in pure} == set(PURE)
    impure = {each.name: [*_impure(each)] for each in pure}
    assert {name: found for name, found in impure.items() if found} == {}


def _impure(module: Module) -> Iterator[str]:
    for library in IMPURE.split():
        yield from module.imports_of(library)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield f"{node.func.id}()"


SEAM = (
    "payloads/base.py",
    "boot/bundle.py",
    "chain/dhcp.py",
    "chain/ordering.py",
    "chain/scripts.py",
    "chain/world.py",
    "check/profiles.py",
    "check/scripts.py",
    "check/gathered.py",
)


def test_what_stands_between_payloads_and_the_rest_knows_no_single_one(modules: list[Module]) -> None:
    """A new bootable system is a module, its template and its line in `netbootd.payloads`: nothing else changes."""
    single = {path.stem if path.is_file() else path.name for path in (PACKAGE / "payloads").iterdir()} - {"base"}
    assert single >= set(PAYLOADS)
    seam = [each for each in modules if each.name in SEAM]
    assert {each.name for each in seam} == set(SEAM)
    for module in seam:
        imported = {name.split(".")[2] for name in module.imports if name.startswith("netbootd.payloads.")}
        assert not imported & single, module.name
        texts = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
        assert not texts & set(PAYLOADS), f"{module.name} asks for one by its name"


def test_a_library_lives_in_its_room(modules: list[Module]) -> None:
    rooms = {library: {each.room for each in modules if each.imports_of(library)} for library in LIVES_IN}
    assert {library: found - LIVES_IN[library] for library, found in rooms.items() if found - LIVES_IN[library]} == {}


def test_a_module_says_what_it_is_and_stays_readable(in_rooms: list[Module]) -> None:
    assert [each.name for each in in_rooms if not ast.get_docstring(each.tree)] == [], "it begins with what it is for"
    texts = {each.name: each.path.read_text().splitlines() for each in in_rooms}
    assert {name: len(lines) for name, lines in texts.items() if len(lines) > 400} == {}
    kinds = ast.FunctionDef | ast.ClassDef
    defines = [each.name for each in in_rooms if any(isinstance(node, kinds) for node in each.tree.body)]
    assert [name for name in defines if "from __future__ import annotations" not in texts[name]] == []


def test_nothing_at_module_level_can_be_changed(in_rooms: list[Module]) -> None:
    """No module-level state: what a module assigns is a constant, so `global` never occurs."""
    assert [each.name for each in in_rooms if any(isinstance(node, ast.Global) for node in ast.walk(each.tree))] == []


def test_the_daemon_never_loads_what_only_commands_need() -> None:
    """scapy costs 0.3 s and 36 MiB.  (rich is loaded by structlog itself, wherever it is installed.)"""
    loaded = "import netbootd.daemon, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert not {"scapy", "tftpy", "typer"} & set(done.stdout.split())
