"""GRUB's script language, as far as EVE's menus use it: text to statements.

Words keep their pieces, because quoting decides what becomes of a variable: unquoted its value is split at blanks.
Loops, ``case``, pipes and redirections are refused: no menu of EVE's has them, and without loops a script ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TEXT_LIMIT = 128 * 1024
DEPTH_LIMIT = 40
"""Blocks in one another."""


class MenuError(ValueError):
    """A menu that cannot be followed here; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """``$name``, ``$1``, ``$@`` ..."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    pieces: tuple[Literal | Variable, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Words, and the block behind them where there is one (``menuentry ... { }``)."""

    words: tuple[Word, ...]
    block: Script | None = None


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what to do, in order."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    body: Script


Statement = Command | If | Function
Script = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A token that is not a word: "\\n", ";", "{", "}"."""

    text: str


_Token = Word | _Mark
_END, _LINE, _THEN, _OPEN, _CLOSE = (_Mark(text) for text in ("", "\n", ";", "{", "}"))
_MARKS = {each.text: each for each in (_LINE, _THEN, _OPEN, _CLOSE)}
_UNKNOWN = frozenset({"case", "do", "done", "esac", "for", "select", "until", "while", "[[", "]]"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])|\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])\}")
_BLANKS = re.compile(r"(?:[ \t\r]|\\\r?\n|#[^\n]*)+")
_PLAIN = re.compile(r"[^{}|&$;<> \t\r\n'\"\\]+")
_SINGLE = re.compile(r"'([^']*)'")
_IN_DOUBLE = re.compile(r'[^"$\\]+')


def parse(text: str) -> Script:
    """The statements of a script.  Raises `MenuError`."""
    if len(text) > TEXT_LIMIT:
        raise MenuError("it is longer than a menu can be")
    parser = _Parser(_tokens(text))
    script = parser.script(frozenset())
    if parser.next is not _END:
        raise MenuError(f"a {parser.said()} where none can stand")
    return script


class _Parser:
    """A recursive descent with one token in view."""

    def __init__(self, tokens: Iterator[_Token]) -> None:
        self._tokens = tokens
        self._depth = 0
        self.next: _Token = _END
        self._step()

    def said(self) -> str:
        return repr(_plain(self.next) or (self.next.text if isinstance(self.next, _Mark) else "word"))

    def script(self, ends: frozenset[str]) -> Script:
        """Statements up to a keyword of ``ends`` or to the end of the text."""
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise MenuError("blocks too deep in one another")
        statements: list[Statement] = []
        while not self._at_end(ends):
            if self.next is _LINE or self.next is _THEN:
                self._step()
            else:
                statements.append(self._statement())
        self._depth -= 1
        return tuple(statements)

    def _at_end(self, ends: frozenset[str]) -> bool:
        return self.next is _END or self.next is _CLOSE or _plain(self.next) in ends

    def _statement(self) -> Statement:
        match _plain(self.next):
            case "if":
                return self._if()
            case "function":
                return self._function()
            case "then" | "elif" | "else" | "fi" as word:
                raise MenuError(f"a {word!r} without its 'if'")
            case word if word in _UNKNOWN:
                raise MenuError(f"it uses {word!r}, which is not known here")
        return self._command()

    def _if(self) -> If:
        branches: list[tuple[Script, Script]] = []
        while _plain(self.next) in ("if", "elif"):
            self._step()
            condition = self.script(frozenset({"then"}))
            self._expect("then")
            branches.append((condition, self.script(frozenset({"elif", "else", "fi"}))))
        otherwise: Script = ()
        if _plain(self.next) == "else":
            self._step()
            otherwise = self.script(frozenset({"fi"}))
        self._expect("fi")
        return If(tuple(branches), otherwise)

    def _function(self) -> Function:
        self._step()
        name = _plain(self.next)
        if not _NAME.fullmatch(name):
            raise MenuError("a function without a name")
        self._step()
        while self.next is _LINE:
            self._step()
        return Function(name, self._block())

    def _command(self) -> Command:
        words: list[Word] = []
        while isinstance(self.next, Word):
            words.append(self.next)
            self._step()
        if self.next is _OPEN:
            if not words:
                raise MenuError("a block without a command")
            return Command(tuple(words), self._block())
        return Command(tuple(words))

    def _block(self) -> Script:
        if self.next is not _OPEN:
            raise MenuError(f"a {self.said()} where a block should begin")
        self._step()
        script = self.script(frozenset())
        if self.next is not _CLOSE:
            raise MenuError("a '{' without its '}'")
        self._step()
        return script

    def _expect(self, keyword: str) -> None:
        if _plain(self.next) != keyword:
            raise MenuError(f"an 'if' without its {keyword!r}")
        self._step()

    def _step(self) -> None:
        self.next = next(self._tokens, _END)


def _plain(token: _Token) -> str:
    """The text of an unquoted word, which may be a keyword."""
    if isinstance(token, Word) and len(token.pieces) == 1:
        piece = token.pieces[0]
        if isinstance(piece, Literal) and not piece.quoted:
            return piece.text
    return ""


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if blanks := _BLANKS.match(text, at):
            at = blanks.end()
        elif mark := _MARKS.get(text[at]):
            yield mark
            at += 1
        elif text[at] in "|&<>":
            raise MenuError(f"it uses {text[at]!r}, which is not known here")
        else:
            pieces, at = _word(text, at)
            yield Word(tuple(pieces))


def _word(text: str, at: int) -> tuple[list[Literal | Variable], int]:
    pieces: list[Literal | Variable] = []
    while at < len(text) and text[at] not in " \t\r\n;{}|&<>":
        if plain := _PLAIN.match(text, at):
            pieces.append(Literal(plain[0]))
            at = plain.end()
        elif single := _SINGLE.match(text, at):
            pieces.append(Literal(single[1], True))
            at = single.end()
        elif text[at] == '"':
            at = _double(text, at + 1, pieces)
        elif text[at] == "$":
            variable, at = _variable(text, at + 1, quoted=False)
            pieces.append(variable)
        elif text[at] == "\\" and at + 1 < len(text):
            pieces.append(Literal(text[at + 1], True) if text[at + 1] != "\n" else Literal("", False))
            at += 2
        else:
            raise MenuError(f"a {text[at]!r} that nothing closes")
    return pieces, at


def _double(text: str, at: int, pieces: list[Literal | Variable]) -> int:
    """Inside double quotes a backslash means something before ``$``, ``"``, itself and a line's end only."""
    pieces.append(Literal("", True))
    while at < len(text) and text[at] != '"':
        if plain := _IN_DOUBLE.match(text, at):
            pieces.append(Literal(plain[0], True))
            at = plain.end()
        elif text[at] == "$":
            variable, at = _variable(text, at + 1, quoted=True)
            pieces.append(variable)
        else:
            kept = {"$": "$", '"': '"', "\\": "\\", "\n": ""}.get(text[at + 1 : at + 2])
            pieces.append(Literal("\\" if kept is None else kept, True))
            at += 1 if kept is None else 2
    if at >= len(text):
        raise MenuError("a '\"' that nothing closes")
    return at + 1


def _variable(text: str, at: int, *, quoted: bool) -> tuple[Variable, int]:
    found = _VARIABLE.match(text, at)
    if not found:
        raise MenuError("a '$' without a name")
    return Variable(found[1] or found[2], quoted), found.end()
