"""Text out of templates, with no way for a value to become a command.

Jinja2, sandboxed and strict.  Every value that a template emits passes `_emit`: a line break, another control
character, ``${`` or a command separator in a value ends the rendering with an error that names the template; an
undefined or unknown value likewise.  The literal text of a template is its author's and is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import (
    DictLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from netbootd.boot.facts import NotKnown, unsafe
from netbootd.wire.mac import Mac

_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+@%-]+")


class RenderError(ValueError):
    """A template cannot be rendered; says which, where and why."""


class UnknownFact(RenderError, NotKnown):
    """It would write what is not known of the machine."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A template that does not parse: where and why."""

    name: str
    line: int
    reason: str


class Templates:
    """A set of templates by name, compiled when first used."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._names = tuple(sources)
        self._small: dict[str, Template] = {}  # as many as the settings hold
        self._env = _Sandbox(
            loader=DictLoader(dict(sources)),
            undefined=StrictUndefined,
            autoescape=False,
            finalize=_emit,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._env.filters.update(
            hexhyp=_mac_filter("hexhyp"),
            hexraw=_mac_filter("hexraw"),
            urlpath=_urlpath,
            uristring=_uristring,
            grub=_grub,
            grubfile=_grubfile,
            default=_default,
            d=_default,
        )
        self._env.tests["none"] = _is_none

    def render(self, name: str, **values: object) -> str:
        """The text of template ``name``.  Raises `RenderError`."""
        try:
            return self._env.get_template(name).render(_shown(values))
        except TemplateNotFound as error:
            raise RenderError(f"template {error.name!r} does not exist") from None
        except Exception as error:
            raise _kind(error)(f"template {name}: {_told(error)}") from None

    def expand(self, text: str, where: str, **values: object) -> str:
        """A small template out of the settings, such as an argument's value.  Raises `RenderError`."""
        try:
            small = self._small.get(text) or self._small.setdefault(text, self._env.from_string(text))
            return small.render(_shown(values))
        except Exception as error:
            raise _kind(error)(f"{where}: {_told(error)}") from None

    def has(self, name: str) -> bool:
        """Whether there is a template of this name."""
        return name in self._names

    def faults(self) -> tuple[Fault, ...]:
        """Every template that does not parse, for ``check``."""
        return tuple(fault for name in self._names if (fault := self._fault(name)))

    def _fault(self, name: str) -> Fault | None:
        try:
            self._env.get_template(name)
        except TemplateSyntaxError as error:
            return Fault(error.name or name, error.lineno, error.message or "syntax error")
        return None


class _Unknown(Undefined):
    """A fact that is None.  It can be asked for; whatever would make text of it fails (``"NODE-" ~ machine.serial``
    must not become NODE-None on every machine without one)."""

    __slots__ = ()
    __str__ = __iter__ = __len__ = __contains__ = Undefined._fail_with_undefined_error

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, _Unknown)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Gives `_Unknown` for every None that a template gets hold of."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return _known(super().getattr(obj, attribute), attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return _known(super().getitem(obj, argument), str(argument))


def _known(value: Any, name: str) -> Any:
    if value is not None:
        return value
    hint = f"{name} is not known and would be written; ask with 'if', or give it a 'default'"
    return _Unknown(hint=hint, name=name, exc=_NotWritten)


class _NotWritten(UndefinedError, NotKnown):
    """As Jinja2 wants to raise it."""


def _shown(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: _known(value, name) for name, value in values.items()}


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, _Unknown)


def _emit(value: Any) -> Any:
    """The gate every emitted value passes (Jinja2's ``finalize``)."""
    if isinstance(value, Undefined):
        return value  # complains by itself, with the name
    if value is None:
        raise NotKnown("a value that is not known (None) would be written; ask with 'if', or give it a 'default'")
    text = str(value)
    if why := unsafe(text):
        raise ValueError(f"{text[:60]!r} may not be written: {why}")
    return text


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """Jinja2's ``default``, but for what is not known as well: facts of a machine are None rather than undefined."""
    return instead if value is None or isinstance(value, Undefined) or (boolean and not value) else value


def _kind(error: Exception) -> type[RenderError]:
    return UnknownFact if isinstance(error, NotKnown) else RenderError


def _told(error: Exception) -> str:
    line = f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
    text = error.message if isinstance(error, TemplateError) else str(error)
    return f"{line}{text or type(error).__name__}"


def _mac_filter(form: str) -> Any:
    def convert(value: Mac | str) -> str:
        mac = value if isinstance(value, Mac) else Mac.parse(str(value))
        return str(getattr(mac, form))

    return convert


def _urlpath(value: object) -> str:
    return quote(str(value))


def _uristring(value: object) -> str:
    return quote(str(value), safe="")


def _grub(value: object) -> str:
    """One word of a GRUB script: what is not plain stands in single quotes, in which GRUB expands nothing."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def _grubfile(url: object) -> str:
    """A URL as GRUB names a file: ``(http,192.0.2.1:8080)/artifacts/kernel``; ports since 2.12."""
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "tftp"):
        raise ValueError(f"GRUB cannot fetch {str(url)[:80]}: it speaks http and tftp")
    return _grub(f"({parts.scheme},{parts.netloc}){parts.path}" + (f"?{parts.query}" if parts.query else ""))
