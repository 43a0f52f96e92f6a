"""Each example of a search in the documentation is one that a task takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hepsieve.config import built_in_tasks, load_task
from hepsieve.tune.space import Space

EXAMPLES = re.findall(
    r"```yaml\n(.*?)```",
    (Path(__file__).parents[1] / "docs" / "tuning.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_section_of_a_task(tmp_path: Path, example: str) -> None:
    own = YAML(typ="safe", pure=True).load(example)
    assert list(own) == ["tune"]
    task = built_in_tasks()["higgs"].read_text(encoding="utf-8")
    before, _, _ = task.partition("# hepsieve tune higgs\n")
    path = tmp_path / "higgs.yaml"
    path.write_text(before + example, encoding="utf-8")
    space = Space.of(load_task(path))
    assert {parameter.path for parameter in space.parameters} == set(own["tune"]["space"])
    for key in ("method", "folds", "metric", "trials"):
        if key in own["tune"]:
            assert getattr(space.tune, key) == own["tune"][key]


def test_there_are_examples_of_each_axis() -> None:
    assert len(EXAMPLES) == 5
    together = "".join(EXAMPLES)
    for axis in ("{choice:", "{int:", "{float:", "{log:", "step:", "when:"):
        assert axis in together
