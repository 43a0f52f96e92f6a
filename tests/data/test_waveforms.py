"""Waveforms read from every format, with the targets in the same file or in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.data.waveform_files import COUNT, ORIGIN, SCALE, SEPARATION, pulses, regression, separations

from hepsieve import stages
from hepsieve.config import DataConfig
from hepsieve.data import arrays as arrays_module
from hepsieve.data.measured import Use
from hepsieve.data.open import holds_arrays, open_arrays
from hepsieve.data.read import has_targets, read_files, require_catalog
from hepsieve.data.write import write_events
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, Origin

N = 40


def line_for(paths: list[Path], data: DataConfig = SEPARATION, *, use: Use = "learn") -> str:
    """The one line; with a cache, nothing may be left in it."""
    lines = set()
    for cache in (None, paths[0].parent / "no-cache"):
        with pytest.raises((DataError, ConfigError)) as caught:
            read_files(paths, data, cache=cache, use=use)
        lines.add(str(caught.value))
        assert cache is None or not any(cache.glob("*"))
    assert len(lines) == 1
    line = lines.pop()
    assert "\n" not in line
    return line


def write_arrays(path: Path, **arrays: Any) -> Path:
    """An archive or HDF5 file of arrays."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize("cached", [False, True])
def test_a_regression_comes_back_as_it_was(
    tmp_path: Path, ending: str, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_module, "BLOCK_BYTES", 7 * 200 * 4)  # several blocks, the last one shorter
    events, path = regression(N).replace(weight=np.arange(N, dtype=np.float32) - 3), tmp_path / f"2s2.{ending}"
    assert write_events(events, path) == (path,)
    data = SEPARATION.model_copy(update={"spectators": ("drift time", "electrons")})
    for _ in range(2):
        back = read_files([path], data, cache=tmp_path / "cache" if cached else None)
        for name in ("features", "target", "weight", "spectators"):
            np.testing.assert_array_equal(getattr(back, name), getattr(events, name))
        assert (back.names, back.units, back.scale, back.kind) == (("light",), ("phd",), SCALE, "regression")
        assert (back.origin.kind, back.origin.sources) == ("simulated", ("toy pulses", path.name))
        assert back.origin.details["seed"] == "4"
        assert isinstance(back.features, np.memmap) == cached


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize("names", [("waveforms", "d"), ("X", "y"), ("x", "target"), ("features", "label")])
@pytest.mark.parametrize("deep", [False, True])
def test_arrays_by_many_names_with_and_without_their_channel(
    tmp_path: Path, ending: str, names: tuple[str, str], deep: bool
) -> None:
    waveforms, d = pulses(N), separations(N)
    arrays = {names[0]: waveforms if deep else waveforms[..., 0], names[1]: d[:, None] if deep else d}
    events = read_files([write_arrays(tmp_path / f"a.{ending}", **arrays)], SEPARATION)
    np.testing.assert_array_equal(events.features, waveforms)
    np.testing.assert_array_equal(events.target, d.astype(np.float32))
    assert (events.names, events.units, events.scale, events.origin.kind) == (("light",), ("phd",), SCALE, "real")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_waveforms_and_targets_in_two_files(tmp_path: Path, deep: bool, swapped: bool) -> None:
    paths = [tmp_path / "1s2.npy", tmp_path / "whatever.npy"]
    np.save(paths[0], pulses(N) if deep else pulses(N)[..., 0])
    np.save(paths[1], separations(N)[:, None] if deep else separations(N))
    events = read_files(paths[::-1] if swapped else paths, SEPARATION, cache=tmp_path / "cache")
    np.testing.assert_array_equal(events.features, pulses(N))
    np.testing.assert_array_equal(events.target, separations(N).astype(np.float32))
    assert events.origin.sources == tuple(path.name for path in (paths[::-1] if swapped else paths))
    assert events.origin.details["1s2.npy"].startswith(f"{N} rows, ")
    assert "rows" not in events.origin.details["whatever.npy"]
    assert "number type" not in events.origin.details


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [0, 2, 1, 3], [1, 0, 3, 2]])
def test_several_files_each_with_its_targets(tmp_path: Path, order: list[int]) -> None:
    paths = [tmp_path / name for name in ("a.npy", "a-d.npy", "b.npy", "b-d.npy")]
    for k in (0, 1):
        np.save(paths[2 * k], pulses(5 + k, seed=k))
        np.save(paths[2 * k + 1], np.full(5 + k, 0.25 * (k + 1)))
    events = read_files([paths[k] for k in order], SEPARATION)
    np.testing.assert_array_equal(events.features, np.concatenate([pulses(5, seed=0), pulses(6, seed=1)]))
    assert events.target.tolist() == [0.25] * 5 + [0.5] * 6


def test_files_of_other_columns_are_called_by_their_names(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("2s2.npy", "2s2-d.npy", "2s2_electrons.npy", "w.npy")]
    columns: list[NDArray[Any]] = [pulses(N), separations(N), np.arange(N), np.ones(N) * 2]
    for path, values in zip(paths, columns, strict=True):
        np.save(path, values)
    data = SEPARATION.model_copy(update={"spectators": ("electrons",), "weight": "w"})
    events = read_files(paths, data)
    assert (events.target[5], events.spectator("electrons")[5], events.weight[5]) == (np.float32(35 / 800), 5, 2)
    classes = read_files(paths, COUNT.model_copy(update={"spectators": ("electrons", "d"), "weight": "w"}))
    assert (classes.kind, classes.target.tolist()) == ("classification", [1] * N)
    np.testing.assert_array_equal(classes.spectator("d"), separations(N))
    np.savez(tmp_path / "both.npz", X=pulses(N), d=separations(N))
    np.save(tmp_path / "d.npy", separations(N))
    line = line_for([tmp_path / "both.npz", tmp_path / "d.npy"])
    assert line == f"{tmp_path / 'd.npy'}: d stands in {tmp_path / 'both.npz'} too; give one of them"


def test_a_target_file_with_one_row_fewer(tmp_path: Path) -> None:
    x, y = tmp_path / "1s2.npy", tmp_path / "d.npy"
    np.save(x, pulses(N))
    np.save(y, separations(N - 1))
    told = f"{x} has 40 waveforms, but {y} 39 entries; which belongs to which can't be told"
    assert line_for([x, y]) == told
    path = write_arrays(tmp_path / "a.npz", waveforms=pulses(N), d=separations(N - 1))
    assert line_for([path]).startswith(f"{path}: waveforms has 40 waveforms, but d 39 entries")


def test_targets_outside_their_range(tmp_path: Path) -> None:
    x, y, d = tmp_path / "x.npy", tmp_path / "d.npy", separations(N)
    d[17] = 1.2
    np.save(x, pulses(N))
    np.save(y, d)
    told = "the target d is 1.2, outside 0 to 1; mend it, or see data.target.range"
    assert line_for([x, y]) == f"{y}[17]: {told}"
    path = write_arrays(tmp_path / "a.h5", X=pulses(N), d=d)
    assert line_for([path]) == f"{path}: d[17]: {told}"
    wide = DataConfig.model_validate({"catalog": "xenon", "target": {"name": "d", "range": (0, 2), "full": 60}})
    np.testing.assert_allclose(read_files([x, y], wide).target, d / 2, rtol=1e-6)


def test_rounded_ends_of_a_range_are_inside(tmp_path: Path) -> None:
    x, y = tmp_path / "x.npy", tmp_path / "d.npy"
    np.save(x, pulses(2))
    np.save(y, np.array([0.3, 0.0], np.float32))  # the float32 nearest to 0.3 is 1.2e-8 above it
    data = DataConfig.model_validate({"catalog": "xenon", "target": {"name": "d", "range": (0, 0.3)}})
    assert read_files([x, y], data).target.tolist() == [1, 0]


def test_a_missing_target_is_refused_only_where_one_learns(tmp_path: Path) -> None:
    x, y, d = tmp_path / "x.npy", tmp_path / "d.npy", separations(N)
    d[3] = np.nan
    np.save(x, pulses(N))
    np.save(y, d)
    assert line_for([x, y]).startswith(f"{y}[3]: the target d is missing (NaN); a regression learns from known values")
    found = read_files([x, y], SEPARATION, use="apply").target
    np.testing.assert_array_equal(found, d.astype(np.float32))
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        alone = read_files([x], SEPARATION, cache=cache, use="apply")
        assert (len(alone), bool(np.isnan(alone.target).all()), alone.scale) == (N, True, SCALE)
    line = line_for([x])
    assert line.startswith(
        f"{x}: no targets d for the array (looked for d, y, target, label, labels); name their array"
    )
    assert line.endswith("or give them as a .npy file of their own (--data X.npy --data y.npy)")


def test_a_class_per_file_and_a_value_that_only_one_kind_has(tmp_path: Path) -> None:
    one, two = tmp_path / "1s2.npz", tmp_path / "2s2.npz"
    np.savez(one, waveforms=pulses(10, seed=1))
    np.savez(two, waveforms=pulses(12, seed=2), d=separations(12))
    data = COUNT.model_copy(update={"spectators": ("d",)})
    events = read_files([one, two], data)
    assert events.target.tolist() == [0] * 10 + [1] * 12
    assert np.isnan(events.spectator("d")[:10]).all()
    np.testing.assert_array_equal(events.spectator("d")[10:], separations(12))
    lacking = data.model_copy(update={"spectators": ("d", "electrons")})
    assert line_for([one, two], lacking).startswith(f"{one}: no array electrons in any file (a spectator; or ")
    kept = read_files([one, two], lacking.model_copy(update={"unshared": "drop"}))
    assert (kept.spectator_names, kept.origin.dropped) == (("d",), ("electrons",))
    assert read_files([one, two], lacking, use="apply").spectator_names == ("d",)
    assert "no labels for waveforms" in line_for([one], DataConfig(catalog="xenon"))


def test_classes_are_nothing_to_regress(tmp_path: Path) -> None:
    np.save(tmp_path / "1s2.npy", pulses(N))
    data = SEPARATION.model_copy(update={"file_labels": {"1s2.npy": 0}})
    line = line_for([tmp_path / "1s2.npy"], data, use="apply")
    assert line.startswith("data.file_labels: gives the class 0 to 1s2.npy, but the task regresses d")
    events = Events.from_arrays(pulses(4), np.array([0, 1, 0, 1]), names=("light",), origin=ORIGIN)
    write_events(events, tmp_path / "both.npz")
    assert "no targets d for waveforms" in line_for([tmp_path / "both.npz"])
    write_events(regression(4), tmp_path / "2s2.npz")
    assert "no labels for waveforms" in line_for([tmp_path / "2s2.npz"], DataConfig(catalog="xenon"))
    assert read_files([tmp_path / "2s2.npz"], COUNT).target.tolist() == [1] * 4


def test_a_file_of_another_scale(tmp_path: Path) -> None:
    write_events(regression(4), tmp_path / "a.npz")
    other = DataConfig.model_validate({"catalog": "xenon", "target": {"name": "d", "unit": "mm", "full": 20}})
    line = line_for([tmp_path / "a.npz"], other)
    assert line.startswith(
        f"{tmp_path / 'a.npz'}: its targets are d from 0 to 30 mm, but data.target says d from 0 to "
    )


@pytest.mark.parametrize("kind", ["int16", "uint16", "int32", "float64", ">f4", "float16"])
@pytest.mark.parametrize("ending", ["npy", "npz", "h5"])
def test_other_number_types_are_converted_and_said(tmp_path: Path, kind: str, ending: str) -> None:
    counts, path = np.round(np.abs(pulses(6)) * 100).astype(kind), tmp_path / f"2s2.{ending}"
    if ending == "npy":
        np.save(path, counts)
    else:
        write_arrays(path, waveforms=counts)
    events = read_files([path], COUNT if ending != "h5" else COUNT.model_copy(update={"file_labels": {path.name: 1}}))
    assert events.features.dtype == np.float32
    np.testing.assert_array_equal(events.features, counts.astype(np.float32))
    said = events.origin.details.get("number type")
    # The bytes in another order are the same numbers.
    assert said == (None if kind == ">f4" else f"{kind} in {path.name}: converted to float32")


def test_what_is_not_finite_is_left_to_the_audit(tmp_path: Path) -> None:
    waveforms = pulses(5).astype(np.float64)
    waveforms[2, 3, 0], waveforms[1, 0, 0] = np.nan, 1e300
    read = read_files([write_arrays(tmp_path / "2s2.npz", X=waveforms)], COUNT)
    assert np.isnan(read.features[2, 3, 0])
    assert np.isposinf(read.features[1, 0, 0])
    assert (~np.isfinite(read.features)).sum() == 2


def test_waveforms_of_unequal_length(tmp_path: Path) -> None:
    ragged = np.empty(3, dtype=object)
    ragged[:] = [np.ones(200), np.ones(210), np.ones(190)]
    np.save(tmp_path / "2s2.npy", ragged, allow_pickle=True)
    np.savez(tmp_path / "2s2.npz", waveforms=ragged)
    for path, array in (("2s2.npy", "the array"), ("2s2.npz", "waveforms")):
        line = line_for([tmp_path / path], COUNT)
        assert line.startswith(f"{tmp_path / path}: {array} holds objects, as waveforms of unequal length are stored, ")
    with h5py.File(tmp_path / "2s2.h5", "w") as file:
        file.create_dataset("waveforms", shape=(3,), dtype=h5py.vlen_dtype(np.float32))
    assert "waveforms is of type object, rows of unequal length" in line_for([tmp_path / "2s2.h5"], COUNT)
    a, b = tmp_path / "1s2.npy", tmp_path / "other" / "2s2.npy"
    b.parent.mkdir()
    np.save(a, pulses(3))
    np.save(b, pulses(3, samples=210))
    line = line_for([a, b], COUNT)
    assert line == (f"{b}: the array holds waveforms of 210 samples, but {a} of 200 samples; all must be of one length")


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((4, 30), "has shape (4, 30); waveforms are (waveforms, samples, channels), or (waveforms, samples), of 64 "),
        ((4, 1, 200), "has shape (4, 1, 200); waveforms are"),
        ((4, 200, 1, 1), "has shape (4, 200, 1, 1); waveforms are"),
        ((4, 200, 2), "has 2 channels, but xenon has 1 channel (light); "),
        ((0, 200), "has shape (0, 200); waveforms are"),
    ],
)
def test_arrays_of_another_shape(tmp_path: Path, shape: tuple[int, ...], told: str) -> None:
    path = write_arrays(tmp_path / "2s2.npz", X=np.ones(shape, np.float32))
    assert line_for([path], COUNT).startswith(f"{path}: X {told}")


def test_without_a_task_the_name_or_the_shape_says_it(tmp_path: Path) -> None:
    shapes = {
        "deep": ("X", (6, 200, 1), 3),
        "named": ("waveforms", (6, 200), 3),
        "image": ("X", (6, 32, 32), 4),
        "wide": ("X", (6, 200, 200), 4),
    }
    for name, (array, shape, dimensions) in shapes.items():
        path = write_arrays(tmp_path / f"{name}.npz", **{array: np.ones(shape, np.float32), "y": np.arange(6) % 2})
        events = read_files([path], DataConfig())
        assert (events.features.ndim, events.names) == (dimensions, ("x0",))
    np.save(tmp_path / "table.npy", np.ones((6, 200)))
    assert not holds_arrays(tmp_path / "table.npy", DataConfig())
    assert holds_arrays(tmp_path / "table.npy", SEPARATION)
    path = write_arrays(tmp_path / "a.h5", X=np.ones((6, 200)), y=np.arange(6) % 2)
    assert "X has shape (6, 200), which is a table; HDF5 files are read as images only, or" in line_for(
        [path], DataConfig()
    )
    assert line_for([tmp_path / "image.npz"]).startswith(f"{tmp_path / 'image.npz'}: X has shape (6, 32, 32); ")


def test_what_is_no_waveform(tmp_path: Path) -> None:
    table, path, d = tmp_path / "a.csv", tmp_path / "x.npy", tmp_path / "d.npy"
    table.write_text("d,a\n0.1,2\n")
    np.save(path, pulses(3))
    np.save(d, separations(3))
    assert line_for([table]) == f"{table}: a table, but xenon (data.catalog) is a data set of waveforms"
    assert line_for([path, table]) == f"{path} holds waveforms, and {table} a table; they can't be read as one"
    assert line_for([d]) == f"{d}: one number a row, and no waveforms that they belong to; give their file too"
    assert "no waveforms (looked for waveforms, X" in line_for([write_arrays(tmp_path / "a.npz", light=pulses(3))])


def test_damaged_and_impossible_files(tmp_path: Path) -> None:
    path, d = tmp_path / "x.npy", tmp_path / "d.npy"
    np.save(path, pulses(N))
    np.save(d, separations(N))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert line_for([path, d]).startswith(f"{path}: declares {len(whole)} bytes, but has {len(whole) - 10}; it is cut ")
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 200, 1)}
        )
        stream.write(b"\0" * 64)
    assert "declares 800000000000128 bytes, but has 192" in line_for([path, d])
    path.write_bytes(whole)
    content = d.read_bytes()
    d.write_bytes(content[:-8])
    assert line_for([path, d]).startswith(f"{d}: declares {len(content)} bytes, but has {len(content) - 8}")
    np.save(d, np.array(["a"] * N))
    assert line_for([path, d]) == f"{d}: is of type <U1, not one number a waveform"


def test_a_notebook_reads_both_files_and_waveforms_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "2s2.npy", pulses(N))
    np.save(tmp_path / "d.npy", separations(N))
    events = stages.read(tmp_path / "2s2.npy", tmp_path / "d.npy", task="s2-separation")
    assert (events.kind, events.features.shape) == ("regression", (N, 200, 1))
    alone = stages.read(tmp_path / "2s2.npy", task="s2-separation", use="apply")
    assert np.isnan(alone.target).all()


def test_a_file_alone_is_written_with_its_targets_beside(tmp_path: Path) -> None:
    events = regression(N)
    written = write_events(events, tmp_path / "2s2.npy")
    assert written == (tmp_path / "2s2.npy", tmp_path / "2s2-d.npy")
    np.testing.assert_array_equal(np.load(written[0], mmap_mode="r"), events.features)
    np.testing.assert_array_equal(np.load(written[1]), events.target)
    back = read_files(written, SEPARATION)
    np.testing.assert_array_equal(back.target, events.target)
    assert (back.origin.kind, back.origin.sources) == ("simulated", ("toy pulses", "2s2.npy", "2s2-d.npy"))
    assert back.origin.details["note"] == "e⁻"


@pytest.mark.parametrize("name", ["2s2-d.npy", "truth.npy"])
def test_a_target_beside_says_what_it_measures(tmp_path: Path, name: str) -> None:
    events = regression(N)
    waveforms, written = write_events(events, tmp_path / "2s2.npy")
    paths = [waveforms, written.rename(tmp_path / name)]
    in_mm = DataConfig.model_validate(
        {"catalog": "xenon", "target": {"name": "d", "unit": "mm", "range": (0, 30), "full": 30}}
    )
    # The file holds shares, whatever range the files of others have.
    np.testing.assert_array_equal(read_files(paths, in_mm).target, events.target)
    other = DataConfig.model_validate({"catalog": "xenon", "target": {"name": "d", "unit": "mm", "full": 20}})
    assert ": its targets are d from 0 to 30 mm, but data.target says d from 0 to 20 mm; " in line_for(paths, other)
    # Somebody else's numbers are in the range that the task gives.
    np.save(paths[1], 30 * separations(N))
    np.testing.assert_allclose(read_files(paths, in_mm).target, separations(N), rtol=1e-6)


def test_of_single_pulses_there_is_no_target_to_write(tmp_path: Path) -> None:
    single = regression(N).replace(target=np.zeros(N, np.float32))
    assert write_events(single, tmp_path / "1s2.npy") == (tmp_path / "1s2.npy",)
    alone = read_files([tmp_path / "1s2.npy"], SEPARATION, use="apply")
    assert (alone.origin.kind, bool(np.isnan(alone.target).all())) == ("simulated", True)
    classes = Events.from_arrays(pulses(4), np.ones(4), names=("light",), origin=ORIGIN)
    assert write_events(classes, tmp_path / "a.npy") == (tmp_path / "a.npy",)
    both = classes.replace(target=np.array([0, 1, 0, 1], np.float32))
    with pytest.raises(DataError, match=r"b\.npy: a \.npy file holds waveforms alone, not which of them are signal"):
        write_events(both, tmp_path / "b.npy")
    with pytest.raises(DataError, match=r"can't write waveforms as \.parquet; use \.h5, \.hdf5, \.npz or \.npy"):
        write_events(both, tmp_path / "b.parquet")
    assert not (tmp_path / "b.npy").exists()


def test_channels_keep_their_order_in_a_file_alone(tmp_path: Path) -> None:
    two = np.concatenate([pulses(3), -pulses(3)], axis=2)
    events = Events.from_arrays(two, np.ones(3), names=("top", "bottom"), units=("phd", "V"), origin=ORIGIN)
    write_events(events, tmp_path / "a.npy")
    back = read_files([tmp_path / "a.npy"], DataConfig(file_labels={"a.npy": 1}))
    assert (back.names, back.units) == (("top", "bottom"), ("phd", "V"))
    np.testing.assert_array_equal(back.features, two)


@pytest.mark.parametrize(("word", "other"), [(b"simulated", b"imagined!"), (b'"names"', b'"nomen"'), (b"]", b"}")])
def test_a_word_on_the_origin_that_is_damaged(tmp_path: Path, word: bytes, other: bytes) -> None:
    path = tmp_path / "1s2.npy"
    write_events(regression(3).replace(target=np.zeros(3, np.float32)), path)
    content = path.read_bytes()
    assert word in content
    path.write_bytes(content.replace(word, other))
    assert "what hepsieve wrote about its origin is damaged" in line_for([path], use="apply")


def test_a_long_word_on_the_origin_has_no_room(tmp_path: Path) -> None:
    events = regression(3)
    long = events.replace(origin=Origin(kind="simulated", sources=("toy" * 4000,)))
    with pytest.raises(
        DataError, match=r"a\.npy: no room in a \.npy file to say where the events come from; use \.npz"
    ):
        write_events(long, tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["npz", "h5", "npy"])
def test_the_same_waveforms_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        write_events(regression(30), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_file_says_what_there_is_to_learn(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", pulses(3))
    write_events(regression(3), tmp_path / "b.npz")
    assert not has_targets(tmp_path / "a.npy", SEPARATION)
    assert has_targets(tmp_path / "b.npz", SEPARATION)
    assert not has_targets(tmp_path / "b.npz", DataConfig(catalog="xenon"))


def test_the_task_of_a_file_is_guessed_by_its_name_or_length(tmp_path: Path) -> None:
    np.save(tmp_path / "deep.npy", pulses(3))
    np.save(tmp_path / "long.npy", np.zeros((3, 5000)))
    np.save(tmp_path / "table.npy", np.zeros((3, 200)))
    write_arrays(tmp_path / "named.npz", waveforms=np.zeros((3, 200)))
    for name in ("deep.npy", "long.npy", "named.npz"):
        require_catalog(tmp_path / name, SEPARATION)
    with pytest.raises(DataError, match=r"table\.npy: the array has 200 columns; waveforms of xenon 5,000"):
        require_catalog(tmp_path / "table.npy", SEPARATION)


def test_only_a_block_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "BLOCK_BYTES", 4 * 200 * 4)
    for ending in ("npy", "npz", "h5"):
        write_events(regression(10), tmp_path / f"a.{ending}")
        opened = open_arrays(tmp_path / f"a.{ending}", SEPARATION)[0]
        largest = max(len(block.values) for block in opened.blocks([]))
        assert largest == (4 if ending != "h5" else 10)  # a chunk of an HDF5 file is read as a whole
