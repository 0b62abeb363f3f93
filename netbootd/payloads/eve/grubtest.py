"""GRUB's ``test`` and ``[``: strings, numbers and files, with ``!``, ``-a``, ``-o`` and parentheses."""

from __future__ import annotations

from collections.abc import Callable

from netbootd.payloads.eve.grubsyntax import MenuError

_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_FILES = ("-d", "-e", "-f", "-s")


def holds(args: tuple[str, ...], is_file: Callable[[str], bool]) -> bool:
    """Whether the condition is true.  Raises `MenuError` where it is none."""
    if len(args) > 64:
        raise MenuError("a condition longer than any can be")
    test = _Test(list(args), is_file)
    result = test.either()
    if test.rest:
        raise MenuError("a ')' without its '('")
    return result


class _Test:
    """``-a`` binds closer than ``-o``."""

    def __init__(self, rest: list[str], is_file: Callable[[str], bool]) -> None:
        self.rest = rest
        self._is_file = is_file

    def either(self) -> bool:
        result = self._both()
        while self.rest and self.rest[0] == "-o":
            self.rest.pop(0)
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._one()
        while self.rest and self.rest[0] not in ("-o", ")"):
            if self.rest[0] == "-a":
                self.rest.pop(0)
            result = self._one() and result
        return result

    def _one(self) -> bool:
        inverted = False
        while self.rest and self.rest[0] == "!":
            inverted = not inverted
            self.rest.pop(0)
        return self._primary() is not inverted

    def _primary(self) -> bool:
        match self.rest:
            case [left, operator, right, *rest] if operator in _STRINGS:
                result = _STRINGS[operator](left, right)
            case [left, operator, right, *rest] if operator in _NUMBERS:
                result = _NUMBERS[operator](_number(left), _number(right))
            case ["-n", text, *rest]:
                result = text != ""
            case ["-z", text, *rest]:
                result = text == ""
            case [operator, path, *rest] if operator in _FILES:
                result = self._is_file(path)
            case ["(", *rest]:
                self.rest = rest
                return self._grouped()
            case [text, *rest]:
                result = text != ""
            case _:
                return False
        self.rest = rest
        return result

    def _grouped(self) -> bool:
        result = self.either()
        if not self.rest:
            raise MenuError("a '(' without its ')'")
        self.rest.pop(0)
        return result


def _number(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 18:
        return 0
    return -int(digits) if text.startswith("-") else int(digits)
