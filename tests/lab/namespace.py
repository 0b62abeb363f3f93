"""A network namespace that lives exactly as long as the process that made it.

Nothing is written to ``/run/netns``: a namespace exists because a holder process sits in it, waiting on a pipe whose
other end is ours.  When this process ends, however it ends, the pipe closes, the holder leaves, and the kernel takes
the namespace away with its interfaces.  Whatever else runs in a namespace is told to die with us (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Where programs are looked for; a user's own PATH often lacks the last two."""


class LabError(Exception):
    """The lab cannot run here; the message is one line that says how to change that."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace, and the user namespace it belongs to where we are not root."""

    holder: subprocess.Popen[str]
    user: bool

    def enter(self, *argv: str) -> list[str]:
        """The command line that runs ``argv`` inside."""
        user = ["--user", "--preserve-credentials"] if self.user else []
        return ["nsenter", "--target", str(self.holder.pid), *user, "--net", *argv]

    def run(self, *argv: str) -> str:
        """Run a short command inside and return its output."""
        done = subprocess.run(self.enter(*argv), capture_output=True, text=True, check=False, env=_environment())
        if done.returncode:
            raise LabError(f"`{' '.join(argv)}` failed in a network namespace: {done.stderr.strip()}")
        return done.stdout

    def ip(self, *commands: str) -> None:
        """Run `ip` commands inside, one string each."""
        for command in commands:
            self.run("ip", *command.split())

    def start(
        self,
        *argv: str,
        stdout: IO[bytes] | int,
        stderr: IO[bytes] | int = subprocess.STDOUT,
        stdin: int = subprocess.DEVNULL,
        pass_fds: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process inside; it dies with the thread that called this, so call it from one that lasts."""
        # If we died before the signal was asked for, nobody would send it: the shell looks whether we are still there.
        alive = ("sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(os.getpid()))
        command = self.enter("setpriv", "--pdeathsig", "KILL", *alive, *argv)
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            env=_environment(environment),
        )

    def close(self) -> None:
        """Let the holder go; the namespace follows when nothing else runs in it."""
        assert self.holder.stdin is not None
        assert self.holder.stdout is not None
        self.holder.stdin.close()
        self.holder.wait(timeout=60)
        self.holder.stdout.close()


def first() -> Namespace:
    """A namespace for a new lab: root's own where we are root, else inside a fresh user namespace."""
    refused = set()
    for user in [False, True] if os.geteuid() == 0 else [True]:
        flags = ["--user", "--map-root-user"] if user else []
        try:
            return Namespace(_hold("unshare", *flags, "--net"), user)
        except LabError as error:
            refused.add(str(error))
    raise LabError(f"no network namespace ({'; '.join(refused)}): run as root{_or_allow()}")


def beside(other: Namespace) -> Namespace:
    """One more network namespace of the same lab."""
    return Namespace(_hold(*other.enter("unshare", "--net")), other.user)


# What may keep a user from making namespaces: the value that does, and one that does not.
_LOCKS = {
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "user/max_user_namespaces": ("0", "10000"),
}


def _or_allow() -> str:
    settings = ((Path("/proc/sys", key), *values) for key, values in _LOCKS.items())
    keys = [
        f"{'.'.join(path.parts[3:])}={open_}"
        for path, shut, open_ in settings
        if path.exists() and path.read_text().strip() == shut
    ]
    return f", or: sudo sysctl -w {' '.join(keys)}" if keys else ""


def stop(process: subprocess.Popen[bytes], seconds: float = 10.0) -> int:
    """End ``process`` politely, then not; its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**(os.environ if base is None else base), "PATH": PATH}


def _hold(*unshare: str) -> subprocess.Popen[str]:
    script = "ip link set lo up && echo ready && exec cat"
    holder = subprocess.Popen(
        [*unshare, "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert holder.stdout is not None
    assert holder.stderr is not None
    if holder.stdout.readline() == "ready\n":
        holder.stderr.close()
        return holder
    _, complaint = holder.communicate()
    raise LabError(complaint.strip() or "unshare failed")
