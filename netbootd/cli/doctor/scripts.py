"""What iPXE fetches: the entry script, by every URL it may be told, and the files that machines' scripts name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from netbootd.artifacts.tree import NotServed, Tree
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.plan import ChainPlan, GrubPlan, KernelPlan, Plan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Rendered, entry, script
from netbootd.cli.common import counted, human
from netbootd.cli.doctor.fetch import Reply, get, http_todo
from netbootd.cli.doctor.line import Line, fail, ok, skipped, warn
from netbootd.cli.doctor.patient import Patient
from netbootd.cli.doctor.together import together
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac

_STAND_IN = Mac.parse("02:00:00:00:00:01")  # for a profile that nobody has
_MOST = 64  # files
_SKEW = 60.0  # seconds
_SHOWN = 6
_PATIENCE = 6.0  # seconds for all of them


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a script names, and whose."""

    url: str
    whose: str


def entry_script(patient: Patient, site: Site, offered: str = "") -> Iterator[Line]:
    """The first script, as iPXE is told to fetch it; ``offered`` is what it was told by another machine's netbootd."""
    by_address = replace(site, public_url=None).entry_url()
    wanted = (by_address, site.entry_url(), offered if urlsplit(offered).scheme else by_address)
    for url in dict.fromkeys(wanted):
        reply = get(url)
        yield _entry(url, reply, "public_url" if url != by_address else "")
        if patient.server is not None and reply.header("Date"):
            yield _skew(reply)
    tls = patient.config.tls
    if tls is not None and patient.server is None:
        reply = get(f"https://{site.address}:{tls.port}/ipxe.cfg", verify=False)
        yield _entry(f"https://{site.address}:{tls.port}/ipxe.cfg", reply, "http.tls")


def on_disk(patient: Patient, site: Site) -> Iterator[Line]:
    """The entry script, where nobody runs to be asked for it."""
    text = entry(patient.loaded.world, site).text
    yield ok("script.entry", f"{site.entry_url()}", f"would be {len(text)} bytes; nobody serves it yet")


def artifacts(patient: Patient, site: Site) -> Iterator[Line]:
    """Everything that scripts of machines and profiles have fetched, asked for by HEAD where a daemon runs."""
    wanted = files(patient, site)
    base = f"{site.base_url}/{site.artifacts}/"
    own = [each for each in wanted if each.url.startswith(base)]
    strange = [each for each in wanted if not each.url.startswith((base, f"{site.base_url}/"))]
    if not own:
        yield skipped("artifacts", "artifacts", "no profile names a file under artifacts")
    else:
        yield from _of_disk(own, base, patient)
    replies = together([partial(get, each.url, "HEAD") for each in strange[:_SHOWN]], _PATIENCE)
    for each, reply in zip(strange, replies, strict=False):
        yield _foreign(each, reply or Reply(error="no answer"))


def files(patient: Patient, site: Site) -> tuple[Wanted, ...]:
    """Each once, as every machine's script names them once it is armed, and every profile's that no machine has."""
    found: dict[str, Wanted] = {}
    for whose, rendered in _rendered(patient, site):
        for url in _urls(rendered.plan):
            found.setdefault(url, Wanted(url, whose))
    return tuple(found.values())[:_MOST]


def _rendered(patient: Patient, site: Site) -> Iterator[tuple[str, Rendered]]:
    world = replace(patient.loaded.world, stage=lambda _mac: Stage.ARMED)
    seen: set[str] = set()
    for machine in world.fleet.machines:
        facts = Facts(
            mac=machine.macs[0] if machine.macs else _STAND_IN,
            uuid=machine.uuid,
            serial=machine.serial,
            ip=machine.ip,
        )
        rendered = script(facts, world, site, machine=machine if machine.only_by_secret else None)
        seen.add(rendered.profile)
        yield machine.name, rendered
    for profile in world.fleet.profiles.values():
        if profile.name not in seen:
            machine = Machine((_STAND_IN,), profile.name, profile.name, origin=profile.origin)
            alone = replace(world, fleet=Snapshot((profile,), (machine,)))
            yield f"profile {profile.name}", script(Facts(mac=_STAND_IN), alone, site)


def _urls(plan: Plan | None) -> tuple[str, ...]:
    match plan:
        case KernelPlan():
            return (plan.kernel.url, *(each.url for each in plan.initrds))
        case GrubPlan():
            return (plan.program, plan.image)
        case ChainPlan():
            return (plan.url,)
    return ()


def _entry(url: str, reply: Reply, setting: str) -> Line:
    tried = f"{setting} {url}".strip()
    if reply.error or reply.status != 200:
        return fail("script.entry", tried, reply.error or f"answers {reply.status}", _entry_todo(url, setting, reply))
    if not reply.body.startswith(b"#!ipxe"):
        return fail("script.entry", tried, "answers with something that is no iPXE script", "Who answers there?")
    return ok("script.entry", tried, f"an iPXE script of {len(reply.body)} bytes")


def _entry_todo(url: str, setting: str, reply: Reply) -> str:
    if setting == "public_url" and "certificate" in reply.error:
        return "iPXE trusts few authorities: renew the certificate, or let machines come by plain HTTP (no public_url)."
    if setting == "public_url":
        host = urlsplit(url).hostname
        return (
            f"Machines are sent there by http.public_url: {host} must lead to netbootd from their network, by the DNS"
            " server that DHCP gives them. Or take http.public_url out of the settings."
        )
    return http_todo(url, reply)


def _skew(reply: Reply) -> Line:
    """The daemon's clock against this machine's."""
    try:
        off = parsedate_to_datetime(reply.header("Date")).timestamp() - time.time()
    except ValueError:
        return skipped("clock.skew", "clock", "netbootd's HTTP Date cannot be read")
    if abs(off) > _SKEW:
        told = f"netbootd's differs from this machine's by {abs(off):.0f} s"
        return warn("clock.skew", "clock", told, "Let both follow NTP: certificates and tokens depend on the time.")
    return ok("clock.skew", "clock", f"netbootd's is this machine's, to {max(1, round(abs(off)))} s")


def _of_disk(own: list[Wanted], base: str, patient: Patient) -> Iterator[Line]:
    tree = Tree(patient.config.artifacts, patient.loaded.world.bundles)
    asked = own if patient.running else []
    replies = dict(zip(asked, together([partial(get, each.url, "HEAD") for each in asked], _PATIENCE), strict=True))
    good, total, absent = 0, 0, dict[tuple[str, str], list[str]]()
    setting = "public_url" if patient.config.public_url and patient.running else ""
    unheard = [(each, reply) for each in asked if (reply := replies.get(each)) and reply.error]
    for each in own:
        path = unquote(each.url.removeprefix(base))
        size, why = _size(tree, path)
        if size is None:
            absent.setdefault((each.whose, why), []).append(path)
        elif (reply := replies.get(each)) and reply.error:
            continue
        elif line := _wrong(each, path, size, reply):
            yield line
        else:
            good, total = good + 1, total + size
    if unheard:
        first, reply = unheard[0]
        others = f", and so for {counted(len(unheard) - 1, 'file')} more" if unheard[1:] else ""
        yield fail("artifacts", first.url, f"{reply.error}{others}", _entry_todo(first.url, setting, reply))
    kept = patient.config.artifacts
    yield from (_absent(whose, why, paths, kept) for (whose, why), paths in absent.items())
    if good:
        how = "each answered by HTTP with the size it has on disk" if patient.running else "on disk"
        yield ok("artifacts", "artifacts", f"{counted(good, 'file')}, {human(total)}, {how}")


def _absent(whose: str, why: str, paths: list[str], kept: Path) -> Line:
    tried = f"artifact {paths[0]} ({whose})"
    others = f", and so are {len(paths) - 1} more" if paths[1:] else ""
    todo = f"Put it at {kept / paths[0]}, or correct its name in the profile."
    return fail("artifacts", tried, f"{why}{others}", todo)


def _wrong(each: Wanted, path: str, size: int, reply: Reply | None) -> Line | None:
    tried = f"artifact {path} ({each.whose})"
    if size == 0:
        return fail("artifacts", tried, "is empty", "Was it cut off while it was copied? Put it there again.")
    if reply is None:
        return None
    if reply.status != 200:
        todo = "Reload netbootd, and see who may read the file."
        return fail("artifacts", tried, f"HTTP answers {reply.status}", todo)
    if reply.header("Content-Length") != str(size):
        told = f"HTTP says {reply.header('Content-Length')} bytes, on disk it has {size}"
        return fail("artifacts", tried, told, "Is the daemon's artifacts directory another? Name its settings with -c.")
    return None


def _size(tree: Tree, path: str) -> tuple[int | None, str]:
    try:
        with tree.open(path) as opened:
            return opened.size, ""
    except NotServed as refused:
        return None, refused.reason.value
    except OSError as error:
        return None, error.strerror or str(error)


def _foreign(each: Wanted, reply: Reply) -> Line:
    tried = f"{each.url} ({each.whose})"
    if reply.error or reply.status >= 400:
        told = f"{reply.error or f'answers {reply.status}'}, asked from here"
        return warn("artifacts.elsewhere", tried, told, "Machines fetch it from there: can they?")
    return ok("artifacts.elsewhere", tried, f"answers {reply.status}")
