"""Files of waveforms scored: a row for each with its number, what stands beside it, and a prediction or a score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from tests.data.waveform_files import COUNT, SCALE, SEPARATION, pulses, regression, separations

from hepsieve.config import DataConfig, PrepareConfig
from hepsieve.data import arrays as arrays_module
from hepsieve.data.write import write_events
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.models.waveform_config import WaveCNNConfig
from hepsieve.prepare.waveforms import WaveformPreparation
from hepsieve.progress import Silent
from hepsieve.score.bundle import Bundle, Part, Schema
from hepsieve.score.files import describe, score_files
from hepsieve.score.one_file import NOTE, ScoredFile, Selection

FLAT = PrepareConfig.model_validate({"waveform": {"normalise": "none"}})


class Mean:
    """A model whose score is a multiple of the mean over all samples, with a width that grows with it."""

    framework, parameters = "none", 0

    def __init__(self, factor: float = 0.1, *, sure: bool = True) -> None:
        self.factor, self.sure = factor, sure

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.factor * np.asarray(inputs[..., 0].mean(axis=1, dtype=np.float64))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        return None if self.sure else 0.01 + self.scores(inputs)

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def bundle(
    data: DataConfig = SEPARATION, *, gaussian: bool = False, factors: tuple[float, ...] = (0.1,), impute: bool = False
) -> Bundle:
    train = Events.from_arrays(pulses(8), separations(8), names=("light",), scale=SCALE)
    fit = WaveformPreparation.fit(train, FLAT, impute=impute)
    schema = Schema(
        task="toy",
        classes=("1S2", "2S2"),
        features=("light",),
        units=("phd",),
        data=data.model_copy(update={"file_labels": {}}),
        model="mean",
        config=WaveCNNConfig(loss="gaussian" if gaussian else None),
        members=len(factors),
    )
    parts = tuple(Part(folder=Path(), preparation=fit, model=Mean(f, sure=not gaussian)) for f in factors)
    return Bundle(schema=schema, members=parts, shape=(200, 1))


def score(path: Path, output: Path, model: Bundle | None = None, selection: Selection | None = None) -> ScoredFile:
    model = bundle() if model is None else model
    return score_files(model, [path], output, column="score", selection=selection, progress=Silent())[0]


def expected(waveforms: NDArray[Any], factor: float = 0.1) -> NDArray[np.float64]:
    """The expected score, waveform by waveform."""
    return np.array([factor * sum(float(sample[0]) for sample in one) / len(one) for one in waveforms])


def columns_of(path: Path) -> dict[str, NDArray[Any]]:
    match path.suffix:
        case ".npz":
            with np.load(path) as arrays:
                return dict(arrays)
        case ".h5":
            with h5py.File(path) as file:
                return {name: file[name][:] for name in ("row", *sorted(set(file) - {"row"}))}
        case ".csv":
            table = pyarrow.csv.read_csv(path)
        case _:
            table = pyarrow.parquet.read_table(path)
    return {name: np.asarray(table[name]) for name in table.column_names}


@pytest.mark.parametrize("ending", ["h5", "npz"])
@pytest.mark.parametrize("output", ["out.csv", "out.parquet", "out.npz", "out.h5"])
def test_every_waveform_gets_its_prediction(
    tmp_path: Path, ending: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_module, "BLOCK_BYTES", 9 * 200 * 4)
    write_events(regression(40), path := tmp_path / f"new.{ending}")
    scored = score(path, tmp_path / output)
    assert (scored.rows, scored.read, scored.left_out) == (40, 40, ())
    found = columns_of(tmp_path / output)
    assert set(found) == {"row", "d", "drift time", "electrons", "score"}
    assert found["row"].tolist() == list(range(40))
    np.testing.assert_allclose(found["d"], separations(40), rtol=1e-6)
    np.testing.assert_allclose(found["electrons"], np.arange(40) * 1.5)
    np.testing.assert_allclose(found["score"], expected(pulses(40)), rtol=1e-5)


def test_a_model_that_says_how_sure_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", pulses(20)[..., 0])
    score(tmp_path / "new.npy", tmp_path / "out.npz", bundle(gaussian=True))
    found = columns_of(tmp_path / "out.npz")
    assert list(found) == ["row", "score", "score_width"]
    np.testing.assert_allclose(found["score_width"], 0.01 + found["score"])
    score(tmp_path / "new.npy", tmp_path / "two.npz", bundle(gaussian=True, factors=(0.1, 0.3)))
    both = columns_of(tmp_path / "two.npz")
    one, other = expected(pulses(20), 0.1), expected(pulses(20), 0.3)
    np.testing.assert_allclose(both["score"], (one + other) / 2, rtol=1e-5)
    # Mean of the variances, and the variance of two numbers: the square of half their distance.
    variance = ((0.01 + one) ** 2 + (0.01 + other) ** 2) / 2 + ((one - other) / 2) ** 2
    np.testing.assert_allclose(both["score_width"], np.sqrt(variance), rtol=1e-5)


def test_predictions_are_in_the_numbers_of_the_files(tmp_path: Path) -> None:
    target = {"name": "d", "range": (10, 40), "full": 30, "unit": "mm"}
    model = bundle(DataConfig.model_validate({"catalog": "xenon", "target": target}), gaussian=True)
    np.savez(tmp_path / "new.npz", X=pulses(5), d=np.full(5, 12.5))
    score(tmp_path / "new.npz", tmp_path / "out.parquet", model)
    found = columns_of(tmp_path / "out.parquet")
    np.testing.assert_allclose(found["score"], 10 + 30 * expected(pulses(5)), rtol=1e-5)
    np.testing.assert_allclose(found["score_width"], 30 * (0.01 + expected(pulses(5))), rtol=1e-5)
    assert found["d"].tolist() == [12.5] * 5


def test_two_kinds_of_waveforms_are_scored_and_cut(tmp_path: Path) -> None:
    model, waveforms = bundle(COUNT), pulses(30)
    np.savez(tmp_path / "new.npz", waveforms=waveforms, y=np.arange(30) % 2, other=np.zeros((2, 3)))
    cut = float(np.median(expected(waveforms)))
    for output in ("out.h5", "out.npz"):
        scored = score(tmp_path / "new.npz", tmp_path / output, model, Selection(name="half", threshold=cut))
        assert (scored.rows, scored.read, scored.left_out) == (15, 30, ("other",))
        found = columns_of(tmp_path / output)
        assert found["row"].tolist() == np.flatnonzero(expected(waveforms) >= cut).tolist()
        assert found["label"].tolist() == (found["row"] % 2).tolist()
    with h5py.File(tmp_path / "out.h5") as file:
        assert json.loads(file.attrs[NOTE])["threshold"] == cut
    nothing = score(tmp_path / "new.npz", tmp_path / "none.h5", model, Selection(name="all", threshold=9.0))
    assert (nothing.rows, columns_of(tmp_path / "none.h5")["row"].shape) == (0, (0,))


def test_counts_are_converted_and_said(tmp_path: Path) -> None:
    counts = np.round(np.abs(pulses(6)) * 100).astype("int16")
    np.save(tmp_path / "new.npy", counts)
    scored = score(tmp_path / "new.npy", tmp_path / "out.csv")
    np.testing.assert_allclose(columns_of(tmp_path / "out.csv")["score"], expected(counts), rtol=1e-5)
    assert scored.converted == "int16 in new.npy: converted to float32"
    assert (
        describe([scored], "score")
        == f"{tmp_path / 'out.csv'}: 6 rows with score; int16 in new.npy: converted to float32"
    )


def line_for(path: Path, output: Path, model: Bundle | None = None) -> str:
    before = set(output.parent.iterdir())
    with pytest.raises(DataError) as caught:
        score(path, output, model)
    assert set(output.parent.iterdir()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_waveforms_of_another_length(tmp_path: Path) -> None:
    np.save(path := tmp_path / "new.npy", pulses(3, samples=210))
    assert line_for(path, tmp_path / "out.csv") == (
        f"{path}: the array holds waveforms of 210 samples, but this model was trained on 200 samples; "
        "cut or pad them to that"
    )


def test_a_sample_that_is_no_number(tmp_path: Path) -> None:
    waveforms = pulses(25)
    waveforms[17, 30, 0] = np.inf
    np.save(path := tmp_path / "new.npy", waveforms)
    assert line_for(path, tmp_path / "out.csv") == (
        f"{path}: the array[17]: light is inf in sample 30; this model was trained on finite values only: remove such "
        "waveforms"
    )
    score(path, tmp_path / "out.csv", bundle(impute=True))
    assert np.isfinite(columns_of(tmp_path / "out.csv")["score"]).all()


def test_what_is_no_waveform_is_refused(tmp_path: Path) -> None:
    table, images = tmp_path / "a.csv", tmp_path / "b.npz"
    table.write_text("light\n1\n")
    np.savez(images, X=np.ones((3, 32, 32), np.float32))
    assert line_for(table, tmp_path / "out.csv") == (
        f"{table}: holds a table, but this model of task toy scores waveforms"
    )
    assert "X has shape (3, 32, 32); waveforms are" in line_for(images, tmp_path / "out.csv")
    free = replace(bundle(), schema=bundle().schema.model_copy(update={"data": DataConfig(features=("light",))}))
    assert line_for(images, tmp_path / "out.csv", free) == (
        f"{images}: holds images, but this model of task toy scores waveforms"
    )
    np.savez(tmp_path / "c.npz", waveforms=pulses(3), score=np.ones(3))
    assert "has an array 'score' already" in line_for(tmp_path / "c.npz", tmp_path / "out.csv")
    np.savez(tmp_path / "d.npz", waveforms=pulses(3), score_width=np.ones(3))
    model = bundle(gaussian=True)
    assert "has an array 'score_width' already" in line_for(tmp_path / "d.npz", tmp_path / "out.csv", model)
