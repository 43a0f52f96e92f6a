"""What README, documentation and examples tell a reader to write is what hepsieve takes."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from hepsieve.cli import _spread_data, app
from hepsieve.config import load_task

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TASKS = sorted((ROOT / "examples").glob("*.yaml"))


def commands(page: Path) -> list[str]:
    """Its lines with a command, in code or in the comments of a task."""
    return re.findall(r"^(?:    |#   )hepsieve (?!--)(.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_there_are_commands_to_look_at() -> None:
    assert len(commands(PAGES[0])) > 20


@pytest.mark.parametrize("page", [*PAGES, *TASKS], ids=lambda page: page.name)
def test_each_command_and_its_options_are_known(page: Path) -> None:
    known: Any = typer.main.get_command(app)
    for line in commands(page):
        name, *arguments = shlex.split(line, comments=True)
        known.commands[name].make_context(name, _spread_data(arguments))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_that_is_linked_is_there(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_tasks_among_the_examples_are_read(path: Path) -> None:
    assert load_task(path).chosen()


def test_the_readmes_task_is_read_with_what_it_adds_later(tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    task, more = re.findall(r"```yaml\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), flags=re.DOTALL)
    whole, added = yaml.load(task), yaml.load(more)
    for section, settings in added.items():
        whole[section] |= settings
    text = StringIO()
    yaml.dump(whole, text)
    for name, written in (("first", task), ("both", text.getvalue())):
        path = tmp_path / f"{name}.yaml"
        path.write_text(written, encoding="utf-8")
        assert load_task(path).task == "dimuon"
    assert load_task(path).data.objects.keys() == {"mu1", "mu2"}
