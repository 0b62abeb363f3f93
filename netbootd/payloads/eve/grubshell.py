"""GRUB's script language at work: variables, words, functions and conditions, every one of them bounded.

The commands are given from outside.  A script may come from anywhere, so whatever it does ends in a status or in
`MenuError`: no loops, and limits for statements, calls in one another and characters made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from netbootd.payloads.eve.grubsyntax import (
    Command,
    Function,
    If,
    Literal,
    MenuError,
    Script,
    Statement,
    Variable,
    Word,
)

STEP_LIMIT = 10_000
"""Statements.  The longest of EVE's own menus takes a few hundred."""
CALL_LIMIT = 40
CHARACTER_LIMIT = 500_000

Builtin = Callable[["Shell", tuple[str, ...], Script | None], bool]
"""A command: its arguments and its block to its status."""

_FLOW = frozenset({"break", "continue", "exit", "return", "setparams", "shift"})


class Shell:
    """One run.  What is ignored is noted once."""

    def __init__(self, commands: Mapping[str, Builtin], exported: Mapping[str, str]) -> None:
        self._commands = commands
        self._functions: dict[str, Script] = {}
        self._contexts: list[dict[str, str]] = [dict(exported)]
        self._exported: list[set[str]] = [set(exported)]
        self._args: tuple[str, ...] = ()
        self._status = True
        self._steps = STEP_LIMIT
        self._characters = CHARACTER_LIMIT
        self._calls = 0
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    @property
    def variables(self) -> dict[str, str]:
        """Those of the innermost context."""
        return dict(self._contexts[-1])

    @property
    def contexts(self) -> int:
        """How many files loaded by ``configfile`` are open in one another, and one more."""
        return len(self._contexts)

    def note(self, text: str) -> None:
        self._notes[text] = None

    def spend(self, characters: int) -> None:
        """Raises `MenuError` when the script has made too much text."""
        self._characters -= characters
        if self._characters < 0:
            raise MenuError("it makes more text than a menu can need")

    def get(self, name: str) -> str:
        return self._contexts[-1].get(name, "")

    def set(self, name: str, value: str) -> None:
        self.spend(len(value))
        self._contexts[-1][name] = value

    def export(self, name: str) -> None:
        self._contexts[-1].setdefault(name, "")
        self._exported[-1].add(name)

    def unset(self, name: str) -> None:
        self._contexts[-1].pop(name, None)
        self._exported[-1].discard(name)

    @contextmanager
    def context(self) -> Iterator[None]:
        """A context of its own: exported variables go in and, by EVE's patch 0001 to GRUB, come out again."""
        with self._call():
            inner = {name: value for name, value in self._contexts[-1].items() if name in self._exported[-1]}
            self._contexts.append(inner)
            self._exported.append(set(inner))
            yield
            variables, exported = self._contexts.pop(), self._exported.pop()
            for name in sorted(exported):
                self._contexts[-1][name] = variables[name]
                self._exported[-1].add(name)

    def run(self, script: Script) -> bool:
        """The status of the last statement.  Raises `MenuError`."""
        with self._call():
            self._status = True
            for statement in script:
                self._steps -= 1
                if self._steps < 0:
                    raise MenuError("it has more to do than a menu can have")
                self._status = self._statement(statement)
            return self._status

    @contextmanager
    def _call(self) -> Iterator[None]:
        self._calls += 1
        if self._calls > CALL_LIMIT:
            raise MenuError("calls too deep in one another")
        yield
        self._calls -= 1

    def _statement(self, statement: Statement) -> bool:
        match statement:
            case Function(name, body):
                self._functions[name] = body
                return True
            case If(branches, otherwise):
                for condition, then in branches:
                    if self.run(condition):
                        return self.run(then)
                return self.run(otherwise)
            case Command(words, block):
                return self._command(tuple(field for word in words for field in self._fields(word)), block)

    def _command(self, fields: tuple[str, ...], block: Script | None) -> bool:
        inverted = False
        while fields and fields[0] == "!":
            inverted, fields = not inverted, fields[1:]
        return not fields or self._named(fields[0], fields[1:], block) is not inverted

    def _named(self, name: str, args: tuple[str, ...], block: Script | None) -> bool:
        if command := self._commands.get(name):
            return command(self, args, block)
        if name in self._functions:
            return self._function(self._functions[name], args)
        variable, equals, value = name.partition("=")
        if equals and variable:
            self.set(variable, value)
            return True
        if name in _FLOW:
            raise MenuError(f"it uses {name!r}, which is not known here")
        self.note(f"its command {name[:40]!r} is not known here and was left out")
        return False

    def _function(self, body: Script, args: tuple[str, ...]) -> bool:
        outer, self._args = self._args, args
        status = self.run(body)
        self._args = outer
        return status

    def _fields(self, word: Word) -> list[str]:
        """A word's fields: unquoted variables are split at blanks, and what is empty and unquoted is nothing."""
        fields: list[str] = []
        open_field: str | None = None
        for piece in word.pieces:
            parts = [piece.text] if isinstance(piece, Literal) else self._values(piece)
            self.spend(sum(map(len, parts)))
            for number, part in enumerate(parts):
                if number and open_field is not None:
                    fields.append(open_field)
                    open_field = None
                if part or piece.quoted:
                    open_field = (open_field or "") + part
        return fields if open_field is None else [*fields, open_field]

    def _values(self, variable: Variable) -> list[str]:
        match variable.name:
            case "@" if variable.quoted:
                return list(self._args)
            case "@" | "*":
                value = " ".join(self._args)
            case "#":
                value = str(len(self._args))
            case "?":
                value = "0" if self._status else "1"
            case digits if digits.isdecimal():
                value = self._arg(digits)
            case name:
                value = self.get(name)
        return [value] if variable.quoted else value.split()

    def _arg(self, digits: str) -> str:
        number = int(digits) if len(digits) < 4 else 0
        return self._args[number - 1] if 0 < number <= len(self._args) else ""
