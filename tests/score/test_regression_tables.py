"""Tables scored by a regression: the prediction in the numbers of the files, and its width."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from numpy.typing import NDArray

from hepsieve.config import DataConfig, PrepareConfig
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig
from hepsieve.prepare.pipeline import Preparation
from hepsieve.progress import Silent
from hepsieve.score.bundle import Bundle, Part, Schema
from hepsieve.score.files import score_files

MASS = {"name": "mass", "range": (50, 250), "full": 200, "unit": "GeV"}


class First:
    """A model that predicts its first input, with a width of a tenth of it."""

    framework, parameters = "none", 0

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return inputs[:, 0].astype(np.float64)

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.scores(inputs) / 10

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def bundle() -> Bundle:
    train = Events.from_arrays(np.array([[0.0, 1], [1, 0]]), np.array([0.0, 1]), names=("a", "b"))
    fit = Preparation.fit(train, PrepareConfig(scale="none"))
    schema = Schema(
        task="toy",
        classes=("background", "signal"),
        features=("a", "b"),
        units=("", ""),
        data=DataConfig.model_validate({"target": MASS}),
        model="first",
        config=MLPConfig(loss="gaussian"),
    )
    return Bundle(schema=schema, members=(Part(folder=Path(), preparation=fit, model=First()),), shape=(2,))


def test_a_table_gets_predictions_and_widths(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("b,mass,a\n1,70,0.25\n2,,0.5\n")
    score_files(bundle(), [path], tmp_path / "out.csv", column="score_first", progress=Silent())
    table = pyarrow.csv.read_csv(tmp_path / "out.csv")
    assert table.column_names == ["b", "mass", "a", "score_first", "score_first_width"]
    np.testing.assert_allclose(table["score_first"].to_numpy(), [100, 150])  # 50 + 200 · a
    np.testing.assert_allclose(table["score_first_width"].to_numpy(), [5, 10])  # 200 · a / 10
    assert table["mass"].to_pylist() == [70, None]


def test_columns_that_are_there_already(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("a,b,score_width\n1,2,3\n")
    with pytest.raises(DataError, match=r"new\.csv: has a column 'score_width' already"):
        score_files(bundle(), [path], tmp_path / "out.csv", column="score", progress=Silent())
    assert not (tmp_path / "out.csv").exists()
