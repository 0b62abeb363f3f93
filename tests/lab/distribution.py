"""A distribution's kernel and those of its modules that the lab needs, taken out of its packages by .ci/setup."""

from __future__ import annotations

import lzma
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from netbootd.wire.cpio import DIRECTORY, Entry
from netbootd.wire.segments import Segments
from tests.lab.namespace import LabError

PLACE = Path(__file__).parents[2] / ".lab/eve"


def kernel() -> Path:
    """The kernel.  Raises `LabError` where there is none."""
    found = next(iter(sorted(PLACE.glob("boot/vmlinuz-*"))), None)
    if found is None:
        raise LabError(f"the lab needs a kernel with modules in {PLACE}: make setup")
    return found


def modules(names: Iterable[str]) -> Iterator[Entry]:
    """These modules and all they need, with the table that modprobe reads; without what is built into the kernel."""
    release = kernel().name.removeprefix("vmlinuz-")
    directory = f"lib/modules/{release}"
    needs: dict[str, list[str]] = {}
    for name in names:
        needs |= _closure(release, name)
    found = {name: data for name in needs if (data := _module(release, name))}
    for each in ("lib", "lib/modules", directory):
        yield Entry(each, mode=DIRECTORY)
    for name, data in found.items():
        yield Entry(f"{directory}/{name}.ko", Segments.of(data))
    lines = (f"{name}.ko:{''.join(f' {each}.ko' for each in needs[name] if each in found)}\n" for name in found)
    yield Entry(f"{directory}/modules.dep", Segments.of("".join(lines).encode()))


def _closure(release: str, name: str) -> dict[str, list[str]]:
    """All that a module needs, and what each of these needs in turn: what is to be loaded first comes last."""
    needs: dict[str, list[str]] = {}
    for each in _needed(_module(release, name)):
        needs |= _closure(release, each)
    own = [other for each in _needed(_module(release, name)) for other in (each, *needs[each])]
    return needs | {name: list(reversed(dict.fromkeys(reversed(own))))}


@cache
def _module(release: str, name: str) -> bytes:
    """A kernel module, unpacked; b"" for one that is built in.  A file may have dashes where its name does not."""
    spelled = re.sub("[-_]", "[-_]", name)
    found = next(iter(sorted(PLACE.glob(f"**/modules/{release}/kernel/**/{spelled}.ko*"))), None)
    if found is None:
        return b""
    match found.suffix:
        case ".xz":
            return lzma.decompress(found.read_bytes())
        case ".zst":
            return subprocess.run(["zstd", "-dcq", found], check=True, capture_output=True).stdout
        case _:
            return found.read_bytes()


def _needed(module: bytes) -> list[str]:
    """What it says it depends on."""
    said = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.decode().replace("-", "_") for name in said[1].split(b",") if name] if said else []
