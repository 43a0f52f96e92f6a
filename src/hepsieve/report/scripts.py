"""The page's scripts: each stands inline, and the page's policy lets exactly these run and no other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

PAGE = "page.js"
"""The script of every page: colour scheme, current section, downloads, tables that sort, printing."""
BEHIND_CUT = "behind_cut.js"
"""What the explorer's script computes with; it comes before it."""
EXPLORER = "explorer.js"
"""The script of the threshold explorer."""
_REST = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def script(name: str) -> str:
    """The text of a script below ``templates``, to stand in a ``<script>`` element as it is.

    Raises:
        ValueError: if the text would end the element or hide what follows it.
    """
    text = resources.files("hepsieve.report").joinpath("templates", name).read_text(encoding="utf-8")
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"{name}: must hold neither </script nor <!--, which a page reads as markup")
    return text


def digest(text: str) -> str:
    """The source expression that lets this inline script run: base64 of its SHA-256, as CSP 3 wants it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def policy(names: Sequence[str] = (PAGE,)) -> str:
    """The Content-Security-Policy of a page with these scripts: nothing is loaded, nothing else runs."""
    return f"{_REST}; script-src {' '.join(digest(script(name)) for name in names)}"
