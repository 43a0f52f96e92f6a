"""A grid of models: its points, their names and order, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hepsieve.config import TaskConfig, load_task
from hepsieve.errors import ConfigError
from hepsieve.models.config import MLPConfig, Taper, TreesConfig
from hepsieve.models.mlp import parameter_count
from hepsieve.models.variants import GridConfig

SCAN: dict[str, Any] = {
    "kind": "grid",
    "model": {"kind": "mlp", "widths": {"first": 400, "last": 8, "layers": 3}},
    "over": {"widths.layers": [3, 5], "widths.first": [400, 600, 800], "batch_size": [10_000, 20_000]},
}
# Hidden widths fall linearly to 8, which one output replaces; 28 inputs.
PARAMETERS = {
    (3, 400): 93_609,
    (3, 600): 200_409,
    (3, 800): 347_209,
    (5, 400): 216_351,
    (5, 600): 474_501,
    (5, 800): 832_651,
}


def task(**models: dict[str, Any]) -> TaskConfig:
    return TaskConfig.model_validate({"task": "toy", "models": models})


def test_twelve_networks_have_the_reported_numbers_of_parameters() -> None:
    models = GridConfig.model_validate(SCAN).models("scan")
    assert list(models) == [
        f"scan-{layers}-{first}-{batch}" for layers in (3, 5) for first in (400, 600, 800) for batch in (10_000, 20_000)
    ]
    for name, model in models.items():
        _, layers, first, batch = name.split("-")
        assert isinstance(model, MLPConfig)
        assert model.widths == Taper(first=int(first), last=8, layers=int(layers))
        assert model.batch_size == int(batch)
        assert parameter_count(model, 28) == PARAMETERS[int(layers), int(first)]


def test_what_all_have_in_common_stays() -> None:
    grid = GridConfig(
        model={"kind": "trees", "rounds": 7, "without": ["mass"]}, over={"max_depth": (2, 3), "subsample": (0.5, 1.0)}
    )
    models = grid.models("t")
    assert list(models) == ["t-2-0_5", "t-2-1_0", "t-3-0_5", "t-3-1_0"]
    assert models["t-3-0_5"] == TreesConfig(rounds=7, without=("mass",), max_depth=3, subsample=0.5)
    # The grid's own model is not changed by making them.
    assert grid.model == {"kind": "trees", "rounds": 7, "without": ["mass"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"over": {}}, "at least 1 item"),
        ({"over": {"batch_size": []}}, "at least 1 item"),
        ({"over": {"batch_size": [100, 100]}}, "over.batch_size: a value stands there twice"),
        (
            {"over": {"batch_sise": [100, 200]}},
            "a model of kind mlp has no setting 'batch_sise'; did you mean 'batch_size'",
        ),
        ({"over": {"widths.frist": [100]}}, "frist"),
        ({"over": {"kind.of": [1]}}, "over.kind.of: kind of the model is a value, not a section"),
        ({"over": {"batch_size": [0]}}, "with the values 0: batch_size: input should be greater than 0; found 0"),
        ({"over": {"without": [["m.bb"], ["m-bb"]]}}, "would have one name"),
        ({"model": {}}, "kind"),
        ({"model": SCAN}, "kind"),
        ({"layers": 3}, "layers"),
    ],
)
def test_a_grid_that_makes_no_models_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GridConfig.model_validate({**SCAN, **change})


def test_a_task_file_with_a_bad_grid_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "toy.yaml"
    models = {"scan": {**SCAN, "over": {"batch_size": [100, 100]}}}
    file.write_text(f"task: toy\nmodels: {json.dumps(models)}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"over\.batch_size: a value stands there twice") as refused:
        load_task(file)
    assert str(refused.value).startswith(f"{file}:2:")
    assert "\n" not in str(refused.value)


def test_no_two_models_have_one_name() -> None:
    small = {**SCAN, "over": {"batch_size": [100, 200]}}
    with pytest.raises(ValidationError, match="scan-100 stands there twice"):
        task(**{"scan": small, "scan-100": {"kind": "trees"}})
    # A grid may be called as a model of another one could be, as long as none is.
    assert len(task(**{"scan": small, "scan-300": {"kind": "trees"}}).trained()) == 3


def test_a_grid_on_request_waits_to_be_asked_for() -> None:
    config = task(net={"kind": "mlp"}, scan={**SCAN, "on_request": True}, trees={"kind": "trees"})
    assert list(config.trained()) == ["net", "trees"]
    twelve = list(config.trained(["scan"]))
    assert len(twelve) == 12
    assert list(config.trained(["trees", "scan"])) == ["trees", *twelve]
    assert list(config.trained(["scan-5-600-10000"])) == ["scan-5-600-10000"]
    assert config.trained(["scan-5-600-10000"]) == {"scan-5-600-10000": config.trained(["scan"])["scan-5-600-10000"]}
    # Named twice it is trained once.
    assert list(config.trained(["scan-3-400-10000", "scan"]))[:2] == ["scan-3-400-10000", "scan-3-400-20000"]
    assert len(config.trained(["scan-3-400-10000", "scan"])) == 12


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    config = task(net={"kind": "mlp"}, scan={**SCAN, "on_request": True})
    with pytest.raises(ConfigError, match=r"no model 'scan-4-400-10000' in task toy; it has net, scan$"):
        config.trained(["scan-4-400-10000"])
    waiting = task(scan={**SCAN, "on_request": True})
    with pytest.raises(ConfigError, match="name what to train; task toy has scan"):
        waiting.trained()


def test_the_widths_of_a_grid_without_request_are_all_trained() -> None:
    assert len(task(scan=SCAN).trained()) == 12
