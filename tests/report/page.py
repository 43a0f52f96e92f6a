"""A page's tags and words, for tests of what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hepsieve.report.scripts import script

_NUMBERS = re.compile(r'<script type="application/json"[^<>]*>[^<>]*</script>')


def without_own_scripts(text: str, names: tuple[str, ...] = ("page.js",)) -> str:
    """The page without the project's own scripts, each of which stands in it once, and without blocks of numbers.

    A block that held markup would stay.
    """
    for name in names:
        own = f"<script>{script(name)}</script>"
        assert text.count(own) == 1, name
        text = text.replace(own, "")
    return _NUMBERS.sub("", text)


class Page(HTMLParser):
    def __init__(self, text: str, scripts: tuple[str, ...] = ("page.js",)) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(without_own_scripts(text, scripts))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    @property
    def sections(self) -> list[str | None]:
        return [attributes["id"] for tag, attributes in self.tags if tag == "section"]
