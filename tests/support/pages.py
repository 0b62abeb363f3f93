"""A browser without a screen: opens a page of the admin site, reads its HTML, and sends its forms as a browser does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from tests.support.fleet import Api

FORM = "application/x-www-form-urlencoded"
_VOID = {"meta", "link", "input", "br", "img", "hr", "path", "circle", "rect", "line", "use"}


@dataclass
class Element:
    """A tag with what is in it."""

    tag: str
    attrs: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All words in it, with one blank between."""
        said = (each if isinstance(each, str) else each.text for each in self.children)
        return " ".join(" ".join(said).split())

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """Everything below that has this tag and these attributes; ``class_`` is one of its classes."""
        return [each for each in self._below() if _is(each, tag, attrs)]

    def one(self, tag: str = "", **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of {tag} {attrs}"
        return found[0]

    def _below(self) -> Iterator[Element]:
        for each in self.children:
            if isinstance(each, Element):
                yield each
                yield from each._below()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


@dataclass
class Page:
    """An answer, and its HTML."""

    status: int
    headers: Mapping[str, str]
    root: Element

    @property
    def text(self) -> str:
        return self.root.text

    @property
    def title(self) -> str:
        return self.root.one("title").text if self.root.all("title") else ""

    def form(self, action: str) -> Element:
        (found,) = [each for each in self.root.all("form") if each.attrs.get("action") == action]
        return found


async def opened(api: Api, target: str, **headers: str) -> Page:
    """As a browser opens it."""
    reply = await api.ask("GET", target, **{"Accept": "text/html,*/*;q=0.8", **headers})
    return _page(reply.status, reply.headers, str(reply.body))


async def sent(api: Api, page: Page, action: str, said: Mapping[str, str] | None = None, **headers: str) -> Page:
    """A form of this page, with whatever was typed into it."""
    return await posted(api, action, filled(page, action) | dict(said or {}), **headers)


def filled(page: Page, action: str) -> dict[str, str]:
    """What the form holds by itself."""
    inputs = page.form(action).all("input")
    return {each.attrs["name"]: each.attrs.get("value", "") for each in inputs}


async def posted(api: Api, action: str, said: Mapping[str, str], **headers: str) -> Page:
    """A form, wherever it came from."""
    own = {"Accept": "text/html", "Content_Type": FORM, "Origin": "http://localhost", **headers}
    reply = await api.ask("POST", action, urlencode(said), **own)
    return _page(reply.status, reply.headers, str(reply.body))


def _page(status: int, headers: Mapping[str, str], text: str) -> Page:
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return Page(status, headers, parser.root)


def _is(element: Element, tag: str, attrs: Mapping[str, str]) -> bool:
    if tag and element.tag != tag:
        return False
    for key, value in attrs.items():
        if key == "class_":
            if value not in element.attrs.get("class", "").split():
                return False
        elif element.attrs.get(key.replace("_", "-")) != value:
            return False
    return True
