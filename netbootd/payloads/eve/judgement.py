"""What EVE's installer would make of a machine's arguments, before a machine is given them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator

from netbootd.boot.args import Arg, Layer
from netbootd.boot.finding import Finding, Severity
from netbootd.payloads.eve import config_partition
from netbootd.payloads.eve.arguments import ARGUMENTS, FLAGS, Argument, Kind, Release, argument
from netbootd.payloads.eve.bundle import Bundle

ZEDEDA = (".zededa.net", ".zededa.com")
ROOT_CERTIFICATE = "root-certificate.pem"

_INTENT = frozenset(
    {
        "eve_install_disk",
        "eve_install_zfs_with_raid_level",
        "eve_nuke_disks",
        "eve_persist_disk",
        "eve_reboot_after_install",
    }
)
"""Whoever writes one of these means to install."""
_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret(?!mem)|token|private.?key|onboard.?key|onboard.*\.pem", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"-----BEGIN|PRIVATE.?KEY")


def judge(
    args: tuple[Arg, ...],
    bundle: Bundle | None = None,
    *,
    config_files: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Findings on a whole command line, those of EVE's own menu included, in the order of the arguments.

    An argument that destroys must be named by the machine itself (its layer says so).
    ``config_files``: the names of the configuration files of its own that the node gets.
    """
    return (
        *(finding for arg in args for finding in _of_one(arg, bundle)),
        *_twice(args),
        *_disks(args),
        *_configuration(args, bundle, config_files),
        *_ending(args),
    )


def _of_one(arg: Arg, bundle: Bundle | None) -> Iterator[Finding]:
    known = argument(arg.key)
    if why := _fault(arg, known):
        yield _on(arg, Severity.ERROR, why)
    elif known is None:
        if arg.layer is not Layer.PAYLOAD:
            yield from _unknown(arg)
    else:
        if arg.layer is not Layer.PAYLOAD:
            yield from _age(arg, known, bundle)
        yield from _danger(arg, known)


def _fault(arg: Arg, known: Argument | None) -> str:
    """Why EVE's installer would misread this argument, or nobody should see it."""
    if known and known.kind is not Kind.VALUE:
        right = arg.value in (None, known.truth)
        return "" if right else "EVE takes it as set whatever its value; write true, or false to leave it out"
    if hidden := next((flag for flag in sorted(FLAGS) if flag in arg.word), None):
        return f"EVE would find the word {hidden!r} inside it and take it as a flag"
    if arg.key != "eve_soft_serial" and "eve_soft_serial=" in arg.word:
        return "EVE would find the soft serial inside it, wherever it stands"
    if _SECRET.search(arg.key) or _SECRET_VALUE.search(arg.value or ""):
        return "it looks like a secret: anyone on the network and on the node can read the command line"
    return _value_fault(arg, known) if arg.key.startswith("eve_") else ""


def _value_fault(arg: Arg, known: Argument | None) -> str:
    value = arg.value or ""
    if any(c in value for c in " =\"'"):
        return "EVE reads neither blanks, quotes nor '=' inside a value"
    if known and known.grammar and not known.grammar.pattern.fullmatch(value):
        return known.grammar.why
    return ""


def _unknown(arg: Arg) -> Iterator[Finding]:
    if not arg.key.startswith("eve_"):
        return
    near = difflib.get_close_matches(arg.key, [each.name for each in ARGUMENTS], 1, 0.8)
    if near:
        yield _on(arg, Severity.ERROR, f"EVE has no such argument; is {near[0]} meant?")
    else:
        yield _on(arg, Severity.WARNING, "no release of EVE that netbootd knows reads it")


def _age(arg: Arg, known: Argument, bundle: Bundle | None) -> Iterator[Finding]:
    """Numbers are a hint: long-term lines carry changes out of their order, so this only warns."""
    release = bundle.release if bundle else None
    if known.removed and (release is None or _is_gone(known, release, bundle)):
        what = f"is called {known.now}" if known.now else "is gone"
        yield _on(arg, Severity.WARNING, f"it {what} from {_said(known.removed)} on{_here(bundle)}")
    elif release is not None and release < known.since:
        before = f"; until then it was called {known.before}" if known.before else ""
        yield _on(arg, Severity.WARNING, f"EVE reads it from {_said(known.since)} on{before}{_here(bundle)}")


def _is_gone(known: Argument, release: Release, bundle: Bundle | None) -> bool:
    lts = bundle is not None and bundle.version.endswith("-lts")
    return release >= (known.removed_lts if lts and known.removed_lts else known.removed)


def _here(bundle: Bundle | None) -> str:
    return f", and this bundle is {bundle.version}" if bundle and bundle.version else ""


def _danger(arg: Arg, known: Argument) -> Iterator[Finding]:
    if arg.layer is Layer.PAYLOAD:
        yield from _of_the_menu(arg, known)
    elif known.destroys and arg.layer is Layer.MACHINE:
        yield _on(arg, Severity.INFO, f"{known.destroys}, once the machine is armed")
    elif known.destroys:
        why = f"{known.destroys}; only a machine's own arguments may name it, not a profile's or a rule's"
        yield _on(arg, Severity.ERROR, why)


def _of_the_menu(arg: Arg, known: Argument) -> Iterator[Finding]:
    """Some boards choose disks, or wipe them, by EVE's own defaults: nobody should learn that afterwards."""
    if known.destroys:
        yield _on(arg, Severity.WARNING, f"nobody asked for it, and {known.destroys}; set it yourself, or to false")
    elif arg.key in ("eve_install_disk", "eve_persist_disk"):
        yield _on(arg, Severity.INFO, f"the board chooses {arg.value}")


def _twice(args: tuple[Arg, ...]) -> Iterator[Finding]:
    for key, count in Counter(arg.key for arg in args if arg.key.startswith("eve_")).items():
        if count > 1:
            whose = ", ".join(dict.fromkeys(arg.origin for arg in args if arg.key == key))
            yield Finding(
                Severity.ERROR, f"{key}: EVE reads one value, and it is given {count} ({whose})", f"args.{key}"
            )


def _disks(args: tuple[Arg, ...]) -> Iterator[Finding]:
    given = {arg.key: arg for arg in args}
    persist = given.get("eve_persist_disk")
    asked = {"eve_install_skip_zfs_checks", "eve_install_zfs_with_raid_level"} & given.keys()
    if persist and 0 < (persist.value or "").count(",") < 2 and not asked:
        yield _on(persist, Severity.WARNING, "EVE makes a ZFS pool of three disks or more, and falls back to ext4 here")
    intent = sorted(key for key, arg in given.items() if key in _INTENT and arg.layer is not Layer.PAYLOAD)
    if "eve_nuke_all_disks" in given and intent:
        why = f"it wipes every disk and installs nothing, and {', '.join(intent)} asks for an installation"
        yield _on(given["eve_nuke_all_disks"], Severity.ERROR, why)


def _configuration(args: tuple[Arg, ...], bundle: Bundle | None, own: Collection[str]) -> Iterator[Finding]:
    """What is missing is told by the list of files where the node has files of its own, else at the argument."""
    stock = [file.path for file in bundle.stock] if bundle else []
    for why in config_partition.lacks(own, {arg.key for arg in args}, stock) if own else ():
        yield Finding(Severity.WARNING, why, "config")
    if ROOT_CERTIFICATE not in own and (not own or ROOT_CERTIFICATE in stock):
        yield from _controller(args)
        if "server" in own:
            why = f"config has a server and the bundle's own {ROOT_CERTIFICATE}, which only ZEDEDA's controllers have"
            yield Finding(Severity.INFO, why, "config")


def _controller(args: tuple[Arg, ...]) -> Iterator[Finding]:
    for arg in args:
        host = (arg.value or "").partition(":")[0].lower()
        if arg.key == "eve_install_server" and not host.endswith(ZEDEDA):
            why = (
                f"a controller other than ZEDEDA's needs its {ROOT_CERTIFICATE}, v2tlsbaseroot-certificates.pem and "
                "onboard.cert.pem in the node's configuration too"
            )
            yield _on(arg, Severity.WARNING, why)


def _ending(args: tuple[Arg, ...]) -> Iterator[Finding]:
    if not any(arg.key == "eve_reboot_after_install" for arg in args):
        text = "without eve_reboot_after_install the node powers off when it is installed"
        yield Finding(Severity.INFO, text, "args.eve_reboot_after_install")


def _on(arg: Arg, severity: Severity, why: str) -> Finding:
    return Finding(severity, f"{arg.key} of {arg.origin}: {why}", f"args.{arg.key}")


def _said(release: Release) -> str:
    return ".".join(map(str, release))
