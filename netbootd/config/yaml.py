"""YAML as people mean it: tables that know their lines, and texts that stay as they were written.

YAML 1.1 takes ``52:54:00:12:34:56`` for a number to the base 60, ``0123`` for 83, ``1e5`` for 100000.0 and ``no`` for
false.  Here a plain scalar is true, false, null or a text, and whoever wants a number reads it out of the text.  A key
given twice, which PyYAML settles silently in favour of the second, is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from netbootd.config.problems import Place, Problems

LIMIT = 64 * 1024 * 1024
"""Octets of one file: room for half a million machines."""

_DEPTH = 20
_DEEPEST = 200  # a file nested deeper is not even composed
_CONSTANTS: dict[str, bool | None] = {  # the core schema's spellings, YAML 1.2 section 10.3.2
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TOGGLES = frozenset({"yes", "no", "on", "off"})
_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class Toggle(str):
    """A bare ``yes``, ``no``, ``on`` or ``off``: a word to some readers of YAML, true or false to others."""

    __slots__ = ()


class Table(dict[str, Any]):
    """A mapping, and where it and each of its keys stand."""

    __slots__ = ("file", "line", "lines")

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {}

    def part(self, keys: Iterable[str]) -> Table:
        """Those of its keys alone."""
        part = Table(self.file, self.line)
        wanted = set(keys)
        for key in filter(wanted.__contains__, self):
            part[key], part.lines[key] = self[key], self.lines[key]
        return part


class Items(list[Any]):
    """A sequence, and where each of its items stands."""

    __slots__ = ("file", "lines")

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.lines: list[int] = []


def read(path: Path, problems: Problems) -> Any:
    """The value of a file: a Table, Items, text, True, False or None (also when it could not be read)."""
    file = str(path)
    try:
        text = _text(path)
        root = _compose(text)
    except OSError as error:
        problems.error(Place(file, None), f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        problems.error(Place(file, None), f"is not UTF-8 text (octet {error.start})")
    except yaml.MarkedYAMLError as error:
        problems.error(Place(file, _error_line(error)), _told(error))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problems.error(Place(file, None), f"is not YAML: {' '.join(str(error).split())}")
    else:
        return _Builder(file, problems).value(root) if root is not None else None
    return None


def _text(path: Path) -> str:
    if path.is_dir():
        raise OSError(0, "it is a directory")
    with path.open("rb") as file:
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(0, f"it is larger than {LIMIT // 2**20} MiB")
    return data.decode("utf-8-sig")


class _PythonLoader(Reader, Scanner, Parser, Composer, BaseResolver):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


def _compose(text: str) -> Node | None:
    """By libyaml where PyYAML was built with it (ten times faster); the parser in Python explains errors better."""
    try:
        loader = _fast_loader()
        _refuse_deep(loader(text))
        return _composed(loader(text))
    except yaml.YAMLError:
        return _composed(_PythonLoader(text))


def _refuse_deep(parser: Any) -> None:
    """Raises ValueError before the composer recurses: libyaml's does so in C, and ended the process at depth 40 000."""
    depth = 0
    try:
        while parser.check_event():
            match parser.get_event():
                case yaml.CollectionStartEvent():
                    depth += 1
                case yaml.CollectionEndEvent():
                    depth -= 1
            if depth > _DEEPEST:
                raise ValueError("nested too deep")
    finally:
        parser.dispose()


def _fast_loader() -> Any:
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # absent from a PyYAML without libyaml
    except ImportError:
        return _PythonLoader

    class CLoader(CParser, BaseResolver):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            BaseResolver.__init__(self)

    return CLoader


def _composed(loader: Any) -> Node | None:
    try:
        root: Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()


def _error_line(error: yaml.MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else None


_HINTS = (
    ("\\t", "a tab: YAML is indented with blanks"),
    ("mapping values are not allowed", "a value with ': ' in it wants quotes, or the indentation is off"),
    ("found character '%'", "a value that begins with '%' wants quotes"),
    ("found character '@'", "a value that begins with '@' wants quotes"),
    ("found character '`'", "a value that begins with '`' wants quotes"),
    ("alias", "a value that begins with '*' wants quotes"),
    ("expected a single document", "one document only, without a second '---'"),
    ("expected <block end>", "the indentation differs from the lines above"),
    ("unexpected end of stream", "a quote is not closed"),
    ("flow sequence", "a bracket is not closed"),
    ("flow mapping", "a bracket is not closed"),
    ("did not find expected key", "the indentation differs from the lines above"),
)


def _told(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    reason = " ".join(part for part in (error.context, error.problem) if part) or "syntax error"
    where = f"column {mark.column + 1}: " if mark else ""
    hint = next((f" ({hint})" for sign, hint in _HINTS if sign in reason), "")
    return f"is not YAML: {where}{reason}{hint}"


class _Builder:
    """Turns composed nodes into values; an aliased node is built once and shared."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._built: dict[int, Any] = {}
        self._open: set[int] = set()

    def value(self, node: Node, depth: int = 0, line: int | None = None) -> Any:
        """``line``: where the key before it stands, which says more than where a table's own first key does."""
        if id(node) in self._built:
            return self._built[id(node)]
        if depth > _DEPTH or id(node) in self._open:
            self._fault(node, "", "is nested too deep, or holds itself")
            return None
        self._open.add(id(node))
        built = self._built[id(node)] = self._build(node, depth, line or _line(node))
        self._open.discard(id(node))
        return built

    def _build(self, node: Node, depth: int, line: int) -> Any:
        if node.tag not in _TAGS:
            self._fault(node, "", f"the tag {node.tag} means nothing here; a value that begins with '!' wants quotes")
            return None
        match node:
            case ScalarNode() if "\0" in node.value:
                self._fault(node, "", "holds a NUL, which no name or path can")
                return None
            case ScalarNode():
                return _scalar(node)
            case SequenceNode():
                return self._items(node, depth)
            case MappingNode():
                return self._table(node, depth, line)
        raise AssertionError(f"a node of no known kind: {node!r}")

    def _items(self, node: SequenceNode, depth: int) -> Items:
        items = Items(self._file)
        for child in node.value:
            items.append(self.value(child, depth + 1))
            items.lines.append(_line(child))
        return items

    def _table(self, node: MappingNode, depth: int, line: int) -> Table:
        table = Table(self._file, line)
        inherited: list[Any] = []
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self._fault(key, "", "a key must be a word; a value that begins with '{' or '[' wants quotes")
            elif key.value == "<<" and not key.style:
                inherited.append(self.value(child, depth + 1))
            else:
                self._put(table, key, self.value(child, depth + 1, _line(key)))
        for parent in inherited:
            self._inherit(table, parent, node)
        return table

    def _put(self, table: Table, key: ScalarNode, value: Any) -> None:
        if key.value in table:
            self._fault(key, key.value, f"is given twice; the first is on line {table.lines[key.value]}")
            return
        table[key.value] = value
        table.lines[key.value] = _line(key)

    def _inherit(self, table: Table, parent: Any, node: Node) -> None:
        """YAML's merge key: ``<<: *name`` takes over what the table does not say itself."""
        for each in parent if isinstance(parent, Items) else (parent,):
            if not isinstance(each, Table):
                self._fault(node, "<<", "takes over a mapping, or a list of them")
                continue
            for key, value in each.items():
                if key not in table:
                    table[key] = value
                    table.lines[key] = each.lines[key]

    def _fault(self, node: Node, key: str, message: str) -> None:
        self._problems.error(Place(self._file, _line(node), key), message)


def _scalar(node: ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # quoted or a block: meant as text
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return Toggle(text) if text.lower() in _TOGGLES else text


def _line(node: Node) -> int:
    line: int = node.start_mark.line + 1
    return line


def line_of(value: Any, path: tuple[str | int, ...], default: int | None = None) -> int | None:
    """The line of what ``path`` leads to, or of the deepest part of it that was written down."""
    line = getattr(value, "line", default)
    for step in path:
        match value:
            case Table() if step in value:
                line, value = value.lines[str(step)], value[str(step)]
            case Items() if isinstance(step, int) and step < len(value):
                line, value = value.lines[step], value[step]
            case _:
                break
    return line
