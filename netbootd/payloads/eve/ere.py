"""POSIX extended regular expressions as GRUB's ``regexp`` takes them, in time proportional to pattern and text.

A bundle's menu brings its own patterns, and a backtracking matcher could be made to run for ever by one of them.
This one keeps the set of all places it may be at and never goes back.  Counted repetition ``{m,n}`` is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PATTERN_LIMIT = 256
TEXT_LIMIT = 256


class PatternError(ValueError):
    """Not a pattern this module reads, or one beyond its limits."""


@dataclass(frozen=True, slots=True)
class _Set:
    """Consume one character: one of ``chars``, or with ``negated`` any but them."""

    chars: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class _Split:
    """Go on at both places, the first preferred."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class _Save:
    """Remember this position: 2n where group n opens, 2n+1 where it closes."""

    slot: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """``^`` or ``$``."""

    end: bool


_Step = _Set | _Split | _Save | _Edge
_ANY = _Set(frozenset(), negated=True)
_CLASSES = {
    "alpha": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digit": "0123456789",
    "alnum": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "xdigit": "0123456789abcdefABCDEF",
    "space": " \t\n\r\f\v",
    "blank": " \t",
}


def search(pattern: str, text: str) -> tuple[str, ...] | None:
    """The text matched first and what its groups matched ("" for one that took no part), or None.

    Raises `PatternError`.
    """
    if len(pattern) > PATTERN_LIMIT or len(text) > TEXT_LIMIT:
        raise PatternError("too long a pattern, or too long a text for it")
    steps, groups = _Compiler(pattern).compiled()
    saved = _run(steps, text, 2 * (groups + 1))
    if saved is None:
        return None
    return tuple(text[saved[n] : saved[n + 1]] if saved[n + 1] >= 0 else "" for n in range(0, len(saved), 2))


class _Compiler:
    """A recursive descent over the pattern; each part becomes steps that jump relative to their own start."""

    def __init__(self, pattern: str) -> None:
        self._rest = pattern
        self._groups = 0
        self._depth = 0

    def compiled(self) -> tuple[list[_Step], int]:
        body = self._alternatives()
        if self._rest:
            raise PatternError("a ')' without its '('")
        return [_Save(0), *_moved(body, 1), _Save(1)], self._groups

    def _alternatives(self) -> list[_Step]:
        body = self._branch()
        while self._took("|"):
            other = self._branch()
            jump = len(body) + 2 + len(other)
            body = [_Split(1, len(body) + 2), *_moved(body, 1), _Split(jump, jump), *_moved(other, len(body) + 2)]
        return body

    def _branch(self) -> list[_Step]:
        steps: list[_Step] = []
        while self._rest and self._rest[0] not in "|)":
            steps += _moved(self._repeated(self._atom()), len(steps))
        return steps

    def _repeated(self, atom: list[_Step]) -> list[_Step]:
        while self._rest and self._rest[0] in "*+?{":
            mark, self._rest = self._rest[0], self._rest[1:]
            size = len(atom)
            match mark:
                case "*":
                    atom = [_Split(1, size + 2), *_moved(atom, 1), _Split(0, size + 2)]
                case "+":
                    atom = [*atom, _Split(0, size + 1)]
                case "?":
                    atom = [_Split(1, size + 1), *_moved(atom, 1)]
                case _:
                    raise PatternError("counted repetition is not known here")
        return atom

    def _atom(self) -> list[_Step]:
        char, self._rest = self._rest[0], self._rest[1:]
        match char:
            case "(":
                return self._group()
            case "[":
                return [self._bracket()]
            case ".":
                return [_ANY]
            case "^" | "$":
                return [_Edge(char == "$")]
            case "*" | "+" | "?" | "{":
                raise PatternError(f"{char!r} repeats nothing")
            case "\\" if not self._rest:
                raise PatternError("it ends in a backslash")
            case "\\":
                char, self._rest = self._rest[0], self._rest[1:]
                if char.isalnum():
                    raise PatternError(f"'\\{char}' is not known here")
        return [_Set(frozenset(char))]

    def _group(self) -> list[_Step]:
        self._groups += 1
        self._depth += 1
        if self._depth > 20:
            raise PatternError("groups too deep in one another")
        slot = 2 * self._groups
        body = self._alternatives()
        if not self._took(")"):
            raise PatternError("a '(' without its ')'")
        self._depth -= 1
        return [_Save(slot), *_moved(body, 1), _Save(slot + 1)]

    def _bracket(self) -> _Set:
        negated = self._took("^")
        chars: set[str] = set()
        first = True
        while first or not self._rest.startswith("]"):
            first = False
            chars |= self._member()
        self._rest = self._rest[1:]
        return _Set(frozenset(chars), negated)

    def _member(self) -> set[str]:
        if self._rest.startswith("[:"):
            name, colon, after = self._rest[2:].partition(":]")
            if not colon or name not in _CLASSES:
                raise PatternError("a character class that is not known here")
            self._rest = after
            return set(_CLASSES[name])
        if not self._rest:
            raise PatternError("a '[' without its ']'")
        low, self._rest = self._rest[0], self._rest[1:]
        if len(self._rest) > 1 and self._rest[0] == "-" and self._rest[1] != "]":
            high, self._rest = self._rest[1], self._rest[2:]
            if ord(high) > 0x7F:
                raise PatternError("a range beyond ASCII")
            return {chr(code) for code in range(ord(low), ord(high) + 1)}
        return {low}

    def _took(self, char: str) -> bool:
        if not self._rest.startswith(char):
            return False
        self._rest = self._rest[1:]
        return True


def _moved(steps: list[_Step], by: int) -> list[_Step]:
    return [_Split(s.first + by, s.second + by) if isinstance(s, _Split) else s for s in steps]


_Saved = tuple[int, ...]
_Threads = dict[int, _Saved]


def _run(steps: list[_Step], text: str, slots: int) -> _Saved | None:
    """Pike's simulation: threads in order of preference, at most one at each step."""
    best: _Saved | None = None
    threads: _Threads = {}
    for at in range(len(text) + 1):
        if best is None:
            _follow(steps, threads, (0, (-1,) * slots), at, len(text))
        onward: _Threads = {}
        for place, saved in threads.items():
            if place == len(steps):
                best = saved
                break
            step = steps[place]
            if isinstance(step, _Set) and at < len(text) and (text[at] in step.chars) is not step.negated:
                _follow(steps, onward, (place + 1, saved), at + 1, len(text))
        threads = onward
        if best is not None and not threads:
            break
    return best


def _follow(steps: list[_Step], threads: _Threads, start: tuple[int, _Saved], at: int, end: int) -> None:
    """Add every place that can be reached without a character, the preferred first."""
    waiting = [start]
    seen: set[int] = set()
    while waiting:
        place, saved = waiting.pop()
        if place in threads or place in seen:
            continue
        seen.add(place)
        if place == len(steps) or isinstance(steps[place], _Set):
            threads[place] = saved
            continue
        waiting.extend(_onward(steps[place], place, saved, at, end))


def _onward(step: _Step, place: int, saved: _Saved, at: int, end: int) -> Iterator[tuple[int, _Saved]]:
    match step:
        case _Split(first, second):
            yield second, saved
            yield first, saved
        case _Save(slot):
            yield place + 1, (*saved[:slot], at, *saved[slot + 1 :])
        case _Edge(is_end):
            if at == (end if is_end else 0):
                yield place + 1, saved
