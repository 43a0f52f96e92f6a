"""A page runs its own scripts alone: the policy names each by the hash of exactly what stands in the page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from hepsieve.report.html import render
from hepsieve.report.scripts import policy, script

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')


@pytest.mark.usefixtures("undrawn")
def test_the_policy_allows_exactly_the_scripts_that_stand_in_the_page(make_run: Callable[..., Path]) -> None:
    page = render(make_run())
    inline = _INLINE.findall(page)
    (found,) = _POLICY.findall(page)
    allowed = found.partition("script-src ")[2].split()
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    assert allowed == [f"'sha256-{one}'" for one in hashes]
    assert inline[0] == script("page.js")
    assert "unsafe-inline" not in found.replace("style-src 'unsafe-inline'", "")
    assert found.startswith("default-src 'none';")


@pytest.mark.usefixtures("undrawn")
def test_every_other_script_element_holds_data(make_run: Callable[..., Path]) -> None:
    openings = re.findall(r"<script[^>]*>", render(make_run()))
    assert set(openings) == {"<script>", '<script type="application/json" class="numbers">'}


@pytest.mark.parametrize("text", ["a = '</script>'", "a = '</SCRIPT '", "a = '<!--'"])
def test_a_script_that_would_end_its_element_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "bad.js").write_text(text, encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    script.cache_clear()
    with pytest.raises(ValueError, match=r"bad\.js: must hold neither"):
        policy(("bad.js",))
    script.cache_clear()
