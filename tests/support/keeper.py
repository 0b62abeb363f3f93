"""The part of the daemon that remembers, as a process to be killed: a command a line in, an answer a line out.

``arm MAC``, ``ask MAC`` (which payload its script boots), ``fetch FILE`` (may it be sent), ``sent FILE`` (it was).
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netbootd.boot.facts import Facts
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.snapshot import Snapshot
from netbootd.fleet.store import Store
from netbootd.observe.events import ArtifactServed
from netbootd.serve.progress import Progress
from netbootd.wire.mac import Mac
from tests.support.worlds import FIRMWARE, SITE, eve, machine, templates

IP = "192.0.2.77"
BY_ITSELF = Mac.parse("52:54:00:00:ff:ff")
"""The one machine whose profile arms by itself; all others have one that waits."""
_ROOT = Path(__file__).parents[2]


class Keeper:
    """Such a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, *words: object) -> None:
        """Ask, and do not wait."""
        assert self._process.stdin
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next answer."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "it ended"
        return line.strip()

    def ask(self, *words: object) -> str:
        self.say(*words)
        return self.hear()

    def kill(self) -> None:
        """SIGKILL: nothing of it runs after this."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def keeper(state: Path) -> Iterator[Keeper]:
    """One life, which ends with SIGKILL whatever happens."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.keeper", str(state)], cwd=_ROOT, stdin=pipe, stdout=pipe, text=True
    ) as process:
        alive = Keeper(process)
        try:
            yield alive
        finally:
            alive.kill()


async def _serve(path: Path) -> None:
    store = Store(f"sqlite:///{path}", lambda trouble: None)
    ledger = Ledger(store, await store.open())
    progress = Progress(ledger, lambda event: None)
    fleet = Snapshot([eve("by-hand"), eve("auto", auto=True)], [machine("auto", mac=BY_ITSELF)], unknown="by-hand")
    world = World(fleet, FIRMWARE, templates(), ledger.stage)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := (await reader.readline()).decode():
        tasks.add(loop.create_task(_say(_answer(line.split(), ledger, progress, world))))


async def _say(answer: Awaitable[str]) -> None:
    line = await answer
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _answer(words: list[str], ledger: Ledger, progress: Progress, world: World) -> str:
    match words:
        case ["arm", mac]:
            return f"{mac} {await ledger.arm(Mac.parse(mac), 'a person', time.time())}"
        case ["ask", mac]:
            rendered = script(Facts(mac=Mac.parse(mac)), world, SITE)
            recorded = progress.handed(Mac.parse(mac), IP, rendered, SITE.base_url)
            return rendered.payload if recorded is None or await recorded else "unrecorded"
        case ["fetch", file]:
            return str(await progress.admit(IP, file))
        case ["sent", file]:
            progress(ArtifactServed(ip=IP, file=file, status=200, size=1, sent=1, seconds=0.0, complete=True))
            return "noted"
    raise AssertionError(words)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
