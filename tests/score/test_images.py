"""Files of images scored: a row for each image with its number, its class and its score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from tests.data.image_files import classes, showers, write_h5

from hepsieve.config import DataConfig, PrepareConfig
from hepsieve.data import arrays as arrays_module
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.models.image_config import CNNConfig
from hepsieve.prepare.images import ImagePreparation
from hepsieve.progress import Silent
from hepsieve.score.bundle import Bundle, Part, Schema
from hepsieve.score.files import score_files
from hepsieve.score.one_file import ScoredFile, Selection

FLAT = PrepareConfig.model_validate({"scale": "none", "image": {"energy": "none", "mask_time": False}})


class MeanEnergy:
    """A model whose score is the mean over all pixels of its first channel."""

    framework, parameters = "none", 0

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(inputs[..., 0].mean(axis=(1, 2), dtype=np.float64))

    def widths(self, inputs: NDArray[np.float32]) -> None:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def bundle(channels: tuple[str, ...] = ("energy",), *, catalog: str | None = "egamma", impute: bool = False) -> Bundle:
    names = ("energy", "time")
    train = Events.from_arrays(showers(8), classes(8), names=names)
    fit = ImagePreparation.fit(train, FLAT, channels=channels, impute=impute)
    schema = Schema(
        task="toy",
        classes=("photon", "electron"),
        features=channels,
        units=("50 GeV", "ns")[: len(channels)],
        data=DataConfig(catalog=catalog, features=None if catalog else names),
        model="mean",
        config=CNNConfig(),
    )
    return Bundle(
        schema=schema,
        members=(Part(folder=Path(), preparation=fit, model=MeanEnergy()),),
        shape=(32, 32, len(channels)),
    )


def score(path: Path, output: Path, model: Bundle | None = None, selection: Selection | None = None) -> ScoredFile:
    model = bundle() if model is None else model
    return score_files(model, [path], output, column="score", selection=selection, progress=Silent())[0]


def mean_energy(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """The expected score, image by image."""
    return np.array([sum(float(pixel[0]) for row in image for pixel in row) / 1024 for image in images])


@pytest.mark.parametrize("ending", ["h5", "npz"])
@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_every_image_gets_a_row(tmp_path: Path, ending: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "BLOCK_BYTES", 10 * 32 * 32 * 2 * 4)
    path = tmp_path / f"new.{ending}"
    if ending == "h5":
        write_h5(path, showers(35), classes(35))
        with h5py.File(path, "a") as file:
            file["run"], file["other"] = np.arange(100, 135), np.zeros((2, 2))
    else:
        np.savez(path, X=showers(35), y=classes(35), run=np.arange(100, 135), other=np.zeros((2, 2)))
    scored = score(path, tmp_path / output)
    assert (scored.rows, scored.read, scored.left_out) == (35, 35, ("other",))
    read = pyarrow.csv.read_csv if output == "out.csv" else pyarrow.parquet.read_table
    table = read(tmp_path / output)
    assert table.column_names == ["row", "label", "run", "score"]
    assert table["row"].to_pylist() == list(range(35))
    assert table["label"].to_pylist() == classes(35).tolist()
    assert table["run"].to_pylist() == list(range(100, 135))
    np.testing.assert_allclose(table["score"].to_numpy(), mean_energy(showers(35)), rtol=1e-6)


def test_what_is_not_carried_along_is_named(tmp_path: Path) -> None:
    path, n = tmp_path / "new.npz", np.arange(3)
    np.savez(path, X=showers(3), y=classes(3), short=np.zeros(2), row=n, label=n, run=n)
    scored = score(path, tmp_path / "out.parquet")
    assert scored.left_out == ("short", "row", "label")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["row", "label", "run", "score"]
    assert table["label"].to_pylist() == classes(3).tolist()
    np.savez(path, x_train=showers(3), y_train=classes(3), x_test=showers(2), y_test=classes(2), run=np.arange(3))
    assert score(path, tmp_path / "out.parquet").left_out == ("run",)


def test_only_what_passes_keeps_its_number(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "new.h5", showers(30), classes(30))
    expected = mean_energy(showers(30))
    cut = float(np.median(expected))
    scored = score(path, tmp_path / "out.parquet", selection=Selection(name="half", threshold=cut))
    assert (scored.rows, scored.read) == (15, 30)
    assert (
        pyarrow.parquet.read_table(tmp_path / "out.parquet")["row"].to_pylist()
        == np.flatnonzero(expected >= cut).tolist()
    )


def test_images_need_no_label(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "new.h5", showers(3), None)
    np.save(tmp_path / "new.npy", showers(3)[..., 0])
    for file in (path, tmp_path / "new.npy"):
        score(file, tmp_path / "out.parquet")
        table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert table.column_names == ["row", "score"]
        np.testing.assert_allclose(table["score"].to_numpy(), mean_energy(showers(3)), rtol=1e-6)


def test_rows_of_training_and_test_images_are_counted_on(tmp_path: Path) -> None:
    first, second = showers(4, seed=1), showers(3, seed=2)
    np.savez(tmp_path / "a.npz", x_train=first, y_train=np.ones(4), x_test=second, y_test=np.zeros(3))
    score(tmp_path / "a.npz", tmp_path / "out.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table["row"].to_pylist() == list(range(7))
    assert table["label"].to_pylist() == [1, 1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(table["score"].to_numpy(), mean_energy(np.concatenate([first, second])), rtol=1e-6)


def test_several_files_keep_their_names(tmp_path: Path) -> None:
    paths = [write_h5(tmp_path / f"{k}.hdf5", showers(4, seed=k), None) for k in (1, 2)]
    scored = score_files(bundle(), paths, tmp_path / "out", column="score", progress=Silent())
    assert [file.path for file in scored] == [tmp_path / "out" / f"{k}.parquet" for k in (1, 2)]
    for k, file in enumerate(scored, start=1):
        found = pyarrow.parquet.read_table(file.path)["score"].to_numpy()
        np.testing.assert_allclose(found, mean_energy(showers(4, seed=k)), rtol=1e-6)


@pytest.mark.genuine
def test_the_genuine_images_are_scored(genuine: Callable[[str], Path], tmp_path: Path) -> None:
    path = genuine("egamma/electron-photon.npz")
    score(path, tmp_path / "out.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    with np.load(path) as arrays:
        images = np.concatenate([arrays["x_train"], arrays["x_test"]])[..., None]
        labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    assert table["label"].to_pylist() == labels.tolist()
    np.testing.assert_allclose(table["score"].to_numpy(), mean_energy(images), rtol=1e-5)
    with pytest.raises(DataError, match=r"x_train has 1 channel \(energy\), no channel time; "):
        score(path, tmp_path / "none.parquet", bundle(("energy", "time")))


def line_for(path: Path, output: Path, model: Bundle | None = None) -> str:
    before = set(output.parent.iterdir())
    with pytest.raises(DataError) as caught:
        score(path, output, model)
    assert set(output.parent.iterdir()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["hdf", "npy", "txt"])
def test_scores_go_into_known_files_only(tmp_path: Path, ending: str) -> None:
    path = write_h5(tmp_path / "new.h5", showers(3), None)
    told = f"can't write .{ending}; use .csv, .parquet, .root, .npz or .h5"
    assert told in line_for(path, tmp_path / f"out.{ending}")


def test_a_pixel_that_is_no_number(tmp_path: Path) -> None:
    images = showers(25)
    images[17, 3, 4, 0] = np.nan
    path = write_h5(tmp_path / "new.h5", images, classes(25))
    line = line_for(path, tmp_path / "out.csv")
    assert line.startswith(
        f"{path}: X[17]: energy is nan in pixel [3, 4]; this model was trained on finite values only"
    )
    score(path, tmp_path / "out.csv", bundle(impute=True))
    found = pyarrow.csv.read_csv(tmp_path / "out.csv")["score"].to_numpy()
    assert np.isfinite(found).all()
    assert score(path, tmp_path / "time.csv", bundle(("time",))).rows == 25


def test_images_of_another_size(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "new.h5", showers(3, size=(31, 32)), None)
    assert f"{path}: X holds images of 31 × 32" in line_for(path, tmp_path / "out.csv")
    line = line_for(path, tmp_path / "out.csv", bundle(catalog=None))
    assert line.startswith(f"{path}: X: images of 31 × 32")


def test_labels_that_belong_to_other_images(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "new.h5", showers(3), classes(2))
    assert "X has 3 images, but y 2 entries" in line_for(path, tmp_path / "out.csv")


def test_a_label_of_another_name_is_asked_for_only_in_training(tmp_path: Path) -> None:
    model = bundle()
    named = model.schema.model_copy(update={"data": DataConfig(catalog="egamma", label="truth")})
    path = write_h5(tmp_path / "new.h5", showers(3), classes(3))
    score(path, tmp_path / "out.parquet", dataclasses.replace(model, schema=named))
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet").column_names == ["row", "y", "score"]


def test_a_table_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("energy\n1\n")
    for model in (bundle(), bundle(catalog=None)):
        line = line_for(path, tmp_path / "out.csv", model)
        assert line == f"{path}: holds a table, but this model of task toy scores images"
