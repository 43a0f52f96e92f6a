from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hepsieve.errors import MissingExtra
from hepsieve.models import extras
from hepsieve.models.config import AdaBoostConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, load_model, train_model

Toy = Callable[..., Part]
NEEDS = [
    (MLPConfig(backend="torch"), "torch is not installed; pip install 'hepsieve[torch]' brings it"),
    (MLPConfig(backend="keras"), "keras is not installed; pip install 'hepsieve[keras]' brings it"),
    (TreesConfig(), "xgboost is not installed; pip install 'hepsieve[trees]' brings it"),
]


@pytest.mark.parametrize(("config", "line"), NEEDS)
def test_a_missing_framework_says_how_to_get_it(
    config: ModelConfig, line: str, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    part = toy(50, seed=1)
    with pytest.raises(MissingExtra) as training:
        train_model("m", config, part, part, TrainConfig(), seed=1, progress=Silent(), on_epoch=lambda record: None)
    with pytest.raises(MissingExtra) as loading:
        load_model(config, tmp_path, (3,))
    assert str(training.value) == str(loading.value) == line


@pytest.mark.parametrize(
    "config",
    [
        MLPConfig(widths=(4,)),
        MLPConfig(widths=(4,), backend="keras"),
        TreesConfig(rounds=3),
        AdaBoostConfig(estimators=3),
    ],
    ids=str,
)
def test_parts_may_be_read_only_and_stay_as_they_are(config: ModelConfig, toy: Toy) -> None:
    train, validation = toy(100, seed=1), toy(50, seed=2)
    for array in (train.inputs, train.target, train.weight, validation.inputs, validation.target, validation.weight):
        array.setflags(write=False)
    settings = TrainConfig(epochs=1, device="cpu")
    trained = train_model(
        "m", config, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )
    assert trained.model.scores(validation.inputs).shape == (50,)


def test_importing_the_room_loads_no_backend() -> None:
    code = (
        "import sys, hepsieve.train; print([m for m in ('torch', 'keras', 'xgboost', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
