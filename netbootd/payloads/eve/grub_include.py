"""What is added to a bundle's own GRUB menu for one node, so that its kernel gets the node's arguments.

The menu keeps the kernel's arguments in variables, sources this text last and then puts them together.  Here the menu
is followed beforehand for the same machine.  What it would bring anyway is left to it; a variable is only set where a
word of it has to change, and what the menu knows nothing of goes behind all of it.  So each argument comes once:
the installer reads an argument that is given twice as two lines.

GRUB splits variables at blanks and writes a backslash before a quote, so an argument with either cannot get through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from netbootd.boot.args import Arg
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve import boards
from netbootd.payloads.eve.bundle import Bundle
from netbootd.payloads.eve.grubcommands import Smbios
from netbootd.payloads.eve.grubscript import Menu, MenuError, evaluate
from netbootd.payloads.eve.grubsyntax import Script
from netbootd.payloads.eve.kernel_line import ROOT_KEYS, arch_of

EXTRA, CONSOLE, TWEAKS, ROOTFS = "dom0_extra_args", "dom0_console", "dom0_platform_tweaks", "dom0_rootfs"
"""EVE's names, for a menu that cannot be followed."""
_UNFIT = " \t'\"\\"


@dataclass(frozen=True, slots=True)
class Group:
    """A variable of the menu and its words."""

    name: str
    words: tuple[str, ...]


def include(bundle: Bundle, machine: Smbios, args: tuple[Arg, ...], initrd: str, root: tuple[str, ...] = ()) -> str:
    """The text.  ``args`` are all that the kernel is to get but for its root; ``root`` are words for that in place of
    the menu's own, ``initrd`` is what GRUB is to load.  Raises `CannotBoot`."""
    for arg in args:
        if bad := next((c for c in arg.word if c in _UNFIT), None):
            what = "a blank" if bad in " \t" else f"a {bad}"
            raise CannotBoot(f"argument {arg.key} of {arg.origin}: {what} does not get through GRUB (route: grub)")
    try:
        return _after_the_menu(bundle, bundle.menu(), machine, args, initrd, root)
    except MenuError:
        return _unseen(bundle, machine, args, initrd, root)


def _after_the_menu(
    bundle: Bundle, menu: Script, machine: Smbios, args: tuple[Arg, ...], initrd: str, root: tuple[str, ...]
) -> str:
    groups = _groups(_followed(bundle, menu, machine))
    wanted = _wanted(groups, args, root)
    text = "".join(_lines(_changed(groups, wanted), initrd))
    given = Counter(_followed(bundle, menu, machine, text).kernel_args)
    if given != (meant := Counter(word for group in wanted for word in group.words)):
        raise CannotBoot(_out_of_reach(bundle, (given - meant) + (meant - given)))
    return text


def _followed(bundle: Bundle, menu: Script, machine: Smbios, config: str | None = None) -> Menu:
    files = [file.path for file in bundle.iso]
    return evaluate(
        menu,
        bundle.grub_include,
        machine,
        arch=arch_of(bundle),
        cmdline=bundle.cmdline,
        files=files,
        config=config,
    )


def _groups(menu: Menu) -> tuple[Group, ...]:
    groups = tuple(Group(name, tuple(menu.variables.get(name, "").split())) for name in menu.named)
    if not groups or tuple(word for group in groups for word in group.words) != menu.kernel_args:
        raise MenuError("its kernel's arguments are not made of variables")
    return groups


def _wanted(groups: tuple[Group, ...], args: tuple[Arg, ...], root: tuple[str, ...]) -> tuple[Group, ...]:
    """The groups as they should be: each key's words where the first of them stood, new ones at the end."""
    usual = _by_key(word for group in groups for word in group.words)
    own = _by_key(arg.word for arg in args)
    left = {key: words for key, words in own.items() if usual.get(key) != words}
    if root:
        left["root"] = own.get("root", ()) + tuple(word for word in root if _key(word) not in own)
    stays = (own.keys() | (frozenset() if root else ROOT_KEYS)) - left.keys()
    made = [replace(group, words=tuple(_replaced(group.words, left, stays))) for group in groups]
    behind = tuple(word for words in left.values() for word in words)
    return (*made[:-1], replace(made[-1], words=(*made[-1].words, *behind)))


def _replaced(words: tuple[str, ...], left: dict[str, tuple[str, ...]], stays: Collection[str]) -> Iterator[str]:
    """``left`` is what has not found its place yet."""
    for word in words:
        if _key(word) in left:
            yield from left.pop(_key(word))
        elif _key(word) in stays:
            yield word


def _by_key(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    keyed: dict[str, tuple[str, ...]] = {}
    for word in words:
        keyed[_key(word)] = (*keyed.get(_key(word), ()), word)
    return keyed


def _key(word: str) -> str:
    return word.partition("=")[0]


def _changed(groups: tuple[Group, ...], wanted: tuple[Group, ...]) -> Iterator[tuple[str, str]]:
    """Variables to set, each with its value in GRUB's words."""
    for old, new in zip(groups, wanted, strict=True):
        kept, more = new.words[: len(old.words)], new.words[len(old.words) :]
        if kept != old.words:
            yield new.name, _quoted(" ".join(new.words) or " ")
        elif more:
            yield new.name, f'"${old.name} {_escaped(" ".join(more))}"'


def _unseen(bundle: Bundle, machine: Smbios, args: tuple[Arg, ...], initrd: str, root: tuple[str, ...]) -> str:
    """By EVE's own names and usual values, for a menu that cannot be followed."""
    pieces = boards.pieces(arch_of(bundle), machine, bundle.cmdline, bundle.version, bundle.release)
    groups = (
        Group(CONSOLE, pieces.console),
        Group("", (*pieces.sizes, *pieces.flavor, *pieces.cmdline)),
        Group(TWEAKS, pieces.tweaks),
        Group(EXTRA, pieces.extra),
    )
    wanted = _wanted(groups, args, ())
    if any(not old.name and old != new for old, new in zip(groups, wanted, strict=True)):
        raise CannotBoot(_out_of_reach(bundle, Counter(groups[1].words) - Counter(wanted[1].words)))
    changed = dict(_changed(groups, wanted))
    if root:
        changed[ROOTFS] = _quoted(" ".join(root))
    return "".join(_lines(changed.items(), initrd))


def _lines(changed: Iterable[tuple[str, str]], initrd: str) -> Iterator[str]:
    yield "# netbootd: what this node's kernel gets beside what the menu gives it\n"
    for name, value in (*changed, ("initrd", _quoted(initrd))):
        yield f"set {name}={value}\nexport {name}\n"
    yield "set timeout=1\n"


def _out_of_reach(bundle: Bundle, words: Iterable[str]) -> str:
    keys = ", ".join(dict.fromkeys(map(_key, words)))
    return f"bundle {bundle.name}: its own menu leaves no way to set {keys}; leave that as it is, or take route: direct"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """For a place in double quotes, so that GRUB expands nothing in it."""
    return "".join(f"\\{c}" if c in '\\"$' else c for c in text)
