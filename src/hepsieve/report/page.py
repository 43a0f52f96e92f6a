"""What all pages share: the templates, and how a page reaches its file."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from hepsieve.manifest import new_file
from hepsieve.report.scripts import PAGE, policy, script


def environment() -> Environment:
    """Where the pages' templates are; whatever is put into them is shown as text.

    A page names its scripts with ``scripts``; without, it has that of every page.
    """
    found = Environment(
        loader=PackageLoader("hepsieve.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(scripts=(PAGE,), contents=(), policy=policy, script=script)
    # Characters as they are: half as long as escapes, and the page is UTF-8.
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False}
    return found


def write_text(page: Path, text: str) -> None:
    """Write a page; whatever stood there is replaced by the whole page or stays.

    Raises:
        HepsieveError: if it can't be written.
    """
    with new_file(page) as file:
        # A file name that is no valid UTF-8 reaches Python as lone surrogates.
        file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
