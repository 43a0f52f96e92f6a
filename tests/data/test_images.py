"""Images read from every format, their channels by name, their classes from arrays or whole files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from tests.data.image_files import EGAMMA, classes, showers, write_h5

from hepsieve import stages
from hepsieve.config import DataConfig
from hepsieve.data import array_file
from hepsieve.data import arrays as arrays_module
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, Origin

ENDINGS = ("h5", "hdf5", "npz")
ORIGIN = Origin(kind="simulated", sources=("fast shower 1",), details={"seed": "4", "note": "π → γγ"})


def line_for(paths: list[Path], data: DataConfig = EGAMMA) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        read_files(paths, data)
    message = str(caught.value)
    assert "\n" not in message
    assert any(str(path) in message for path in paths) or message.startswith("data.")
    return message


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=12, deadline=None)
@given(
    images=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.just(2)),
        elements=st.floats(width=32),
    ),
    weighted=st.booleans(),
    grouped=st.booleans(),
)
def test_images_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, ending: str, images: NDArray[np.float32], weighted: bool, grouped: bool
) -> None:
    n = len(images)
    events = Events.from_arrays(
        images,
        classes(n),
        weight=np.arange(n) - 1.5 if weighted else None,
        group=np.arange(n) // 3 + 2**60 if grouped else None,
        names=("time", "energy"),
        units=("ns", "50 GeV"),
        origin=ORIGIN,
    )
    path = tmp_path_factory.mktemp("images") / f"a.{ending}"
    write_events(events, path)
    back = read_files([path], DataConfig())
    for name in ("features", "target", "weight"):
        np.testing.assert_array_equal(getattr(back, name), getattr(events, name))
    assert (back.group is None) == (events.group is None)
    if back.group is not None and events.group is not None:
        np.testing.assert_array_equal(back.group, events.group)
    assert (back.names, back.units) == (events.names, events.units)
    assert (back.origin.kind, back.origin.sources) == ("simulated", ("fast shower 1", path.name))
    assert dict(back.origin.details) | dict(ORIGIN.details) == dict(back.origin.details)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_store_gives_what_reading_gives(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "BLOCK_BYTES", 40 * 32 * 32 * 2 * 4)  # several blocks, the last one shorter
    events = Events.from_arrays(showers(130), classes(130), names=("energy", "time"), origin=ORIGIN)
    write_events(events, path := tmp_path / f"a.{ending}")
    direct = read_files([path], EGAMMA)
    first, second = (read_files([path], EGAMMA, cache=tmp_path / "cache") for _ in range(2))
    for one in (direct, first, second):
        np.testing.assert_array_equal(one.features, events.features)
        np.testing.assert_array_equal(one.target, events.target)
        assert (one.names, one.units, one.origin) == (("energy", "time"), ("50 GeV", "ns"), direct.origin)
    assert isinstance(second.features, np.memmap)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_images_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    events = Events.from_arrays(showers(30), classes(30), origin=ORIGIN)
    for name in ("a", "b"):
        write_events(events, tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_file_per_class(tmp_path: Path) -> None:
    electrons = write_h5(tmp_path / "electrons.hdf5", showers(30, seed=1), np.ones(30))
    photons = write_h5(tmp_path / "photons.hdf5", showers(20, seed=2), np.zeros(20))
    events = read_files([electrons, photons], EGAMMA)
    assert events.target.tolist() == [1] * 30 + [0] * 20
    np.testing.assert_array_equal(events.features, np.concatenate([showers(30, seed=1), showers(20, seed=2)]))
    assert (events.names, events.units) == (("energy", "time"), ("50 GeV", "ns"))
    assert events.origin.kind == "real"


def test_a_class_that_only_the_file_name_says(tmp_path: Path) -> None:
    electrons = write_h5(tmp_path / "electrons.h5", showers(3), None)
    np.save(tmp_path / "photons.npy", showers(2))
    said = DataConfig(catalog="egamma", file_labels={"electrons.h5": 1, "photons.npy": 0})
    assert read_files([electrons, tmp_path / "photons.npy"], said).target.tolist() == [1, 1, 1, 0, 0]
    assert "no labels for X (looked for y, target, label, labels)" in line_for([electrons])
    assert "no labels for the array" in line_for([tmp_path / "photons.npy"])


def test_a_file_name_and_its_labels_must_agree(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "electrons.h5", showers(3), np.array([1, 1, 0]))
    line = line_for([path], DataConfig(catalog="egamma", file_labels={"electrons.h5": 1}))
    assert line == f"{path}: y[2] says 0, but the whole file should be of class 1 (data.file_labels)"


@pytest.mark.parametrize("names", [("X", "y"), ("features", "target"), ("x", "label")])
def test_archives_have_their_arrays_by_many_names(tmp_path: Path, names: tuple[str, str]) -> None:
    arrays: dict[str, Any] = {names[0]: showers(5), names[1]: classes(5)}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    events = read_files([tmp_path / "a.npz"], EGAMMA)
    np.testing.assert_array_equal(events.features, showers(5))
    assert events.target.tolist() == [0, 1, 0, 1, 0]


def test_training_and_test_images_follow_each_other(tmp_path: Path) -> None:
    first, second = showers(4, seed=1, channels=1)[..., 0], showers(3, seed=2, channels=1)[..., 0]
    arrays: dict[str, Any] = {"x_train": first, "y_train": np.ones(4), "x_test": second, "y_test": np.zeros(3)}
    np.savez(tmp_path / "a.npz", **arrays)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
    for path in (tmp_path / "a.npz", tmp_path / "a.h5"):
        events = read_files([path], EGAMMA)
        np.testing.assert_array_equal(events.features[..., 0], np.concatenate([first, second]))
        assert (events.target.tolist(), events.names) == ([1, 1, 1, 1, 0, 0, 0], ("energy",))


@pytest.mark.genuine
def test_the_genuine_images(genuine: Callable[[str], Path], tmp_path: Path) -> None:
    path = genuine("egamma/electron-photon.npz")
    events = read_files([path], EGAMMA, cache=tmp_path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(events.features[:100, ..., 0], arrays["x_train"])
        np.testing.assert_array_equal(events.features[100:, ..., 0], arrays["x_test"])
        np.testing.assert_array_equal(events.target, np.concatenate([arrays["y_train"], arrays["y_test"]]))
    assert events.features.shape == (200, 32, 32, 1)
    assert (events.names, events.units, events.origin.kind) == (("energy",), ("50 GeV",), "real")
    line = line_for([path], DataConfig(catalog="egamma", features=("energy", "time")))
    assert line.startswith(f"{path}: x_train has 1 channel (energy), no channel time; ")


@pytest.mark.parametrize(("wanted", "positions"), [(("energy",), [0]), (("time",), [1]), (("Time", "energy"), [1, 0])])
def test_channels_are_chosen_by_name(tmp_path: Path, wanted: tuple[str, ...], positions: list[int]) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    events = read_files([path], DataConfig(catalog="egamma", features=wanted))
    np.testing.assert_array_equal(events.features, showers(4)[..., positions])
    assert events.names == tuple(("energy", "time")[k] for k in positions)


def test_channels_are_spelled_as_in_the_catalog_or_else_the_file(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4, channels=3), classes(4))
    with h5py.File(path, "a") as file:
        file["X"].attrs["channels"] = ["Energy", "Time", "Depth"]
    events = read_files([path], DataConfig(catalog="egamma", features=("TIME", "depth", "ENERGY")))
    assert (events.names, events.units) == (("time", "Depth", "energy"), ("ns", "", "50 GeV"))
    np.testing.assert_array_equal(events.features, showers(4, channels=3)[..., [1, 2, 0]])
    assert read_files([path], DataConfig(features=("ENERGY",))).names == ("Energy",)
    less = write_h5(tmp_path / "b.h5", showers(3, channels=1), classes(3))
    wanted = DataConfig(catalog="egamma", features=("ENERGY", "DEPTH", "TIME"), unshared="drop")
    both = read_files([path, less], wanted)
    assert (both.names, both.origin.dropped) == (("energy",), ("Depth", "time"))
    line = line_for([path], DataConfig(catalog="egamma", features=("energy", "Energy")))
    assert line == "data.features: 'energy' and 'Energy' are the same channel; name it once"


@pytest.mark.parametrize("catalog", ["egamma", None])
def test_two_channels_of_one_name(tmp_path: Path, catalog: str | None) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=showers(3), y=classes(3), names=["energy", "energy"])
    line = line_for([path], DataConfig(catalog=catalog))
    assert line == f"{path}: X: 2 channels, but the array 'names' names energy, energy"
    np.savez(path, X=showers(3), y=classes(3), names=["Energy", "energy"])
    line = line_for([path], DataConfig(catalog=catalog))
    assert line.startswith(f"{path}: X: of its channels Energy, energy two are the same but for case")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_are_packed_as_numpy_does(tmp_path: Path, method: int) -> None:
    np.savez(tmp_path / "plain.npz", X=showers(3), y=classes(3))
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(tmp_path / "plain.npz") as plain, zipfile.ZipFile(path, "w", method) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    line = line_for([path])
    assert line.startswith(f"{path}: array 'X.npy' is neither stored nor deflated, but packed by method {method}; ")


def test_images_in_fortran_order_are_read_unless_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=np.asfortranarray(showers(5)), y=classes(5))
    np.testing.assert_array_equal(read_files([path], EGAMMA).features, showers(5))
    monkeypatch.setattr(array_file, "_FORTRAN_LIMIT", showers(5).nbytes - 1)
    line = line_for([path])
    assert line.startswith(f"{path}: X is in Fortran order and takes 0 MB")
    assert "write it in C order" in line


def test_what_does_not_fit_into_memory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object) -> bytes:
        raise MemoryError

    np.savez(tmp_path / "a.npz", X=showers(3), y=classes(3))
    monkeypatch.setattr(array_file, "_exactly", too_much)
    line = line_for([tmp_path / "a.npz"])
    assert line.endswith("its arrays need more memory than there is; divide them among several files")


@pytest.mark.parametrize("large", [False, True])
def test_a_notebook_keeps_large_files_on_disk(tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write_h5(tmp_path / f"{name}.h5", showers(10), classes(10)) for name in ("a", "b")]
    size = sum(path.stat().st_size for path in paths)
    monkeypatch.setattr(stages, "LARGE", size - 1 if large else size)
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    events = stages.read(*paths, task="egamma")
    np.testing.assert_array_equal(events.features, np.concatenate([showers(10), showers(10)]))
    assert isinstance(events.features, np.memmap) == large == (tmp_path / "cache").exists()


def test_without_a_catalog_channels_are_counted_or_named(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4, size=(5, 7), channels=3), classes(4))
    assert read_files([path], DataConfig()).names == ("x0", "x1", "x2")
    named = read_files([path], DataConfig(features=("a", "b", "c")))
    assert (named.names, named.features.shape) == (("a", "b", "c"), (4, 5, 7, 3))
    assert "3 channels (x0, x1, x2), no channel a" in line_for([path], DataConfig(features=("a", "b")))


def test_files_with_other_channels(tmp_path: Path) -> None:
    both = write_h5(tmp_path / "both.h5", showers(3), classes(3))
    energy = write_h5(tmp_path / "energy.h5", showers(3)[..., :1], classes(3))
    line = line_for([both, energy])
    assert line.startswith(f"{energy}: X has 1 channel (energy), no channel time, which {both} has; mend it, or set ")
    kept = read_files([both, energy], DataConfig(catalog="egamma", unshared="drop"))
    assert (kept.names, kept.origin.dropped) == (("energy",), ("time",))
    assert read_files([both, energy], DataConfig(catalog="egamma", features=("energy",))).origin.dropped == ()
    wanted = DataConfig(catalog="egamma", features=("energy", "time"))
    assert "1 channel (energy), no channel time" in line_for([energy], wanted)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 31, 32, 2), "holds images of 31 × 32 (shape (4, 31, 32, 2)), but those of egamma are 32 × 32"),
        ((4, 2, 32, 32), "holds images of 2 × 32"),
        ((4, 32, 32, 3), "has 3 channels, but egamma has 2 channels (energy, time)"),
        ((4, 1024), "has shape (4, 1024), which is a table; HDF5 files are read as images only"),
        ((4,), "has shape (4,); images are (images, height, width, channels)"),
        ((4, 32, 32, 2, 1), "has shape (4, 32, 32, 2, 1); images are"),
    ],
)
def test_arrays_of_another_shape(tmp_path: Path, shape: tuple[int, ...], expected: str) -> None:
    path = write_h5(tmp_path / "a.h5", np.ones(shape, np.float32), classes(4))
    assert f"{path}: X {expected}" in line_for([path])


def test_no_images_at_all(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("X", shape=(0, 32, 32, 2), dtype="f4")
    assert "X has shape (0, 32, 32, 2); images are" in line_for([tmp_path / "a.h5"])
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["pixels"] = showers(2)
    assert line_for([tmp_path / "b.h5"]).endswith("no images (looked for X, features, x, x_train); the file has pixels")


def test_images_of_two_sizes(tmp_path: Path) -> None:
    a = write_h5(tmp_path / "a.h5", showers(3, size=(4, 4)), classes(3))
    b = write_h5(tmp_path / "b.h5", showers(3, size=(4, 5)), classes(3))
    assert line_for([a, b], DataConfig()).startswith(f"{b}: X holds images of 4 × 5, but {a} of 4 × 4; ")


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_images_and_labels_of_different_number(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "h5":
        write_h5(path, showers(5), classes(4))
    else:
        np.savez(path, X=showers(5), y=classes(4))
    assert f"{path}: X has 5 images, but y 4 entries" in line_for([path])


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_a_label_that_is_no_class(tmp_path: Path, ending: str) -> None:
    path, labels = tmp_path / f"a.{ending}", np.array([0, 1, 0, 2, 1])
    if ending == "h5":
        write_h5(path, showers(5), labels)
    else:
        np.savez(path, X=showers(5), y=labels)
    expected = "y[3]: label 2 is neither 0 (background) nor 1 (signal); see data.label_values"
    assert line_for([path]) == f"{path}: {expected}"
    assert not (tmp_path / "cache").exists()
    read = read_files([path], DataConfig(catalog="egamma", label_values=(0, (1, 2))))
    assert read.target.tolist() == [0, 1, 0, 1, 1]


def test_labels_of_another_kind(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), np.eye(2)[[0, 1, 1, 0]])
    assert "y has shape (4, 2), not one number an image" in line_for([path])
    np.savez(tmp_path / "a.npz", X=showers(4), y=np.array(["e", "g", "e", "g"]))
    assert "y has shape (4,) and type <U1, not one number an image" in line_for([tmp_path / "a.npz"])
    path = write_h5(tmp_path / "b.h5", showers(3), np.array([0, np.nan, 1]))
    np.testing.assert_array_equal(read_files([path], EGAMMA).target, np.array([0, np.nan, 1], np.float32))


@pytest.mark.parametrize("kind", ["<f8", ">f4", "u1", "<i2", "<f2", "?"])
def test_other_numbers_become_float32(tmp_path: Path, kind: str) -> None:
    images = (100 * showers(6)).astype(kind)
    np.savez(tmp_path / "a.npz", X=images, y=classes(6))
    np.save(tmp_path / "a.npy", np.asfortranarray(images))
    h5 = write_h5(tmp_path / "a.h5", images, classes(6).astype("i1"))
    for path in (tmp_path / "a.npz", tmp_path / "a.npy", h5):
        read = read_files([path], DataConfig(catalog="egamma", file_labels={"a.npy": 1}))
        assert read.features.dtype == np.float32
        np.testing.assert_array_equal(read.features, images.astype(np.float32))


def test_what_is_not_finite_is_left_to_the_audit(tmp_path: Path) -> None:
    images = showers(4).astype(np.float64)
    images[2, 3, 4, 0], images[1, 0, 0, 1] = np.nan, 1e300
    read = read_files([write_h5(tmp_path / "a.h5", images, classes(4))], EGAMMA)
    assert np.isnan(read.features[2, 3, 4, 0])
    assert np.isposinf(read.features[1, 0, 0, 1])
    assert (~np.isfinite(read.features)).sum() == 2


def test_weights_groups_and_spectators_stand_beside(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    with h5py.File(path, "a") as file:
        file["w"], file["run"], file["pt"] = np.arange(4.0), np.array([7, 7, 8, 8]), np.linspace(1, 2, 4)
        file["short"] = np.zeros(3)
    events = read_files([path], DataConfig(catalog="egamma", weight="w", group="run", spectators=("pt",)))
    assert events.weight.tolist() == [0, 1, 2, 3]
    assert events.group is not None
    assert events.group.tolist() == [7, 7, 8, 8]
    np.testing.assert_array_equal(events.spectator("pt"), np.linspace(1, 2, 4))
    assert "no array wieght" in line_for([path], DataConfig(weight="wieght"))
    assert "X has 4 images, but short 3 entries" in line_for([path], DataConfig(spectators=("short",)))


def test_what_else_a_file_holds_does_no_harm(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    with h5py.File(path, "a") as file:
        file["note"], file["gone"] = "photons and electrons", h5py.SoftLink("/nowhere")
        file.create_group("more")["X"] = np.ones(3)
        file["time"] = np.dtype("f8")
        file.create_dataset("pairs", shape=(4,), dtype=[("a", "f4"), ("b", "f4")])
        opaque = h5py.h5t.create(h5py.h5t.OPAQUE, 8)
        h5py.h5d.create(file.id, b"opaque", opaque, h5py.h5s.create_simple((4,)))
        h5py.h5d.create(file.id, b"when", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((4,)))
    np.testing.assert_array_equal(read_files([path], EGAMMA).features, showers(4))
    for name in ("note", "gone", "more", "time", "pairs", "opaque", "when"):
        assert f"{path}: {name} " in line_for([path], DataConfig(catalog="egamma", weight=name))


def test_a_spectator_that_one_file_lacks(tmp_path: Path) -> None:
    paths = [write_h5(tmp_path / f"{name}.h5", showers(3), classes(3)) for name in ("a", "b")]
    with h5py.File(paths[0], "a") as file:
        file["pt"] = np.arange(3.0)
    line = line_for(paths, DataConfig(catalog="egamma", spectators=("pt",)))
    assert line == f"{paths[1]}: no array pt; the file has X, y"
    kept = read_files(paths, DataConfig(catalog="egamma", spectators=("pt",), unshared="drop"))
    assert (kept.spectator_names, kept.origin.dropped) == ((), ("pt",))
    assert "no array mass" in line_for(paths, DataConfig(catalog="egamma", spectators=("mass",), unshared="drop"))


def test_settings_that_only_tables_have(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    assert "data.label: 0 is a position" in line_for([path], DataConfig(label=0))
    told = line_for([path], DataConfig.model_validate({"group_consecutive": {"columns": ["a"]}}))
    assert told.startswith("data.group_consecutive: is about the columns of tables")


def test_images_and_tables_do_not_mix(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    table = tmp_path / "a.csv"
    table.write_text("label,a\n1,2\n")
    assert line_for([path, table]) == f"{path} holds images, and {table} a table; they can't be read as one"
    assert line_for([table]) == f"{table}: a table, but egamma (data.catalog) is a data set of images"
    assert "higgs is a table, not a data set of images" in line_for([path], DataConfig(catalog="higgs"))


def test_simulated_images_never_pass_for_data(tmp_path: Path) -> None:
    write_events(Events.from_arrays(showers(2), classes(2), names=("energy", "time"), origin=ORIGIN), tmp_path / "a.h5")
    real = write_h5(tmp_path / "b.h5", showers(2), classes(2))
    both = read_files([real, tmp_path / "a.h5"], EGAMMA)
    assert (both.origin.kind, both.origin.sources) == ("simulated", ("fast shower 1", "b.h5", "a.h5"))


def test_only_some_formats_take_images(tmp_path: Path) -> None:
    events = Events.from_arrays(showers(2), classes(2))
    for ending in ("parquet", "root", "h5.tmp"):
        with pytest.raises(DataError, match=r"can't write images as \.\w+; use \.h5, \.hdf5 or \.npz"):
            write_events(events, tmp_path / f"a.{ending}")
    with pytest.raises(DataError, match=r"a CSV file can't say .*; use \.h5"):
        write_events(events, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []
