"""Inputs in a folder: the same as in memory, found again, refused when they changed, and nobody's memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.events import Events, Origin
from hepsieve.models.config import CNNConfig, MLPConfig, TreesConfig, WaveCNNConfig
from hepsieve.models.config import TrainConfig as Settings
from hepsieve.prepare import Preparation
from hepsieve.train import stored_inputs
from hepsieve.train.inputs import Inputs, inputs_of
from hepsieve.train.stored_inputs import store_inputs
from hepsieve.train.trained import Part


def table(n: int = 50, *, kind: str = "classification", seed: int = 1) -> Inputs:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    target = (np.arange(n) % 2).astype(np.float32) if kind == "classification" else rng.random(n, np.float32)
    weight = rng.normal(1, 0.1, n).astype(np.float32)
    events = Events.from_arrays(features, (target > 0.5).astype(np.float32))
    part = Part(features, target, weight, "regression" if kind == "regression" else "classification")
    watched = Part(features[:7], target[:7], weight[:7], part.kind)
    return Inputs(preparation=Preparation.fit(events, PrepareConfig()), train=part, validation=watched)


def pictures(shape: tuple[int, ...]) -> Inputs:
    """Images or waveforms as a network gets them."""
    rng = np.random.default_rng(2)
    target = (np.arange(20) % 2).astype(np.float32)
    events = Events(
        features=rng.random((20, *shape), np.float32),
        target=target,
        weight=np.ones(20, np.float32),
        names=("energy",) if len(shape) == 3 else ("light",),
        units=("GeV",) if len(shape) == 3 else ("pe",),
        origin=Origin(kind="simulated"),
    )
    config = CNNConfig(filters=(2,)) if len(shape) == 3 else WaveCNNConfig(filters=2)
    return inputs_of(config, events, events, prepare=PrepareConfig(), settings=Settings(), seed=1, impute=False)


@pytest.mark.parametrize(
    "make",
    [
        table,
        lambda: table(kind="regression"),
        lambda: pictures((8, 8, 1)),
        lambda: pictures((64, 1)),
        lambda: table(100_000),
    ],
    ids=["table", "regression", "images", "waveforms", "many blocks"],
)
def test_what_is_opened_is_what_was_stored(make: Callable[[], Inputs], tmp_path: Path) -> None:
    inputs = make()
    opened = store_inputs(inputs, tmp_path).mapped()
    assert opened.preparation == inputs.preparation
    assert type(opened.preparation) is type(inputs.preparation)
    for part, other in ((inputs.train, opened.train), (inputs.validation, opened.validation)):
        assert other.kind == part.kind
        for array in ("inputs", "target", "weight"):
            mine, its = getattr(part, array), getattr(other, array)
            assert isinstance(its, np.memmap)
            assert its.shape == mine.shape
            assert its.tobytes() == mine.tobytes()
    assert opened.fingerprint == inputs.fingerprint
    # It is known without a second reading, and only of these very events.
    assert replace(opened, train=table(9).train).fingerprint != opened.fingerprint
    assert replace(opened).fingerprint == opened.fingerprint


def test_equal_inputs_are_written_once(tmp_path: Path) -> None:
    first = store_inputs(table(), tmp_path)
    written = {path: path.stat().st_ino for path in first.folder.iterdir()}
    assert store_inputs(table(), tmp_path) == first
    assert {path: path.stat().st_ino for path in first.folder.iterdir()} == written
    # The same bytes in other shapes are other inputs.
    plain = table()
    wide = replace(plain.train, inputs=plain.train.inputs.reshape(25, 6))
    others = [store_inputs(inputs, tmp_path) for inputs in (table(seed=2), replace(plain, train=wide))]
    assert len({first.folder, *(other.folder for other in others)}) == 3


def test_several_processes_may_store_the_same(tmp_path: Path) -> None:
    inputs = table(20_000)
    with ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(lambda _: store_inputs(inputs, tmp_path), range(4)))
    assert len(set(stored)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [stored[0].folder.name]


def remove(folder: Path) -> None:
    (folder / "train-weight.npy").unlink()


def shorten(folder: Path) -> None:
    file = folder / "validation-inputs.npy"
    file.write_bytes(file.read_bytes()[:-1])


def prepare_otherwise(folder: Path) -> None:
    file = folder / "preparation.json"
    file.write_text(file.read_text(encoding="utf-8").replace("x1", "x9"), encoding="utf-8")


def replace_manifest(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace("classification", "regression"), encoding="utf-8")


def rename(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize("change", [remove, shorten, prepare_otherwise, replace_manifest, rename])
def test_what_changed_is_refused_with_one_line_and_written_anew(change: Callable[[Path], None], tmp_path: Path) -> None:
    stored = store_inputs(table(), tmp_path)
    change(stored.folder)
    with pytest.raises(IntegrityError, match=r"changed since it was verified|not there; every worker") as refused:
        stored.mapped()
    assert str(stored.folder) in str(refused.value)
    assert "\n" not in str(refused.value)
    anew = store_inputs(table(), tmp_path)
    assert anew.folder == stored.folder
    assert anew.mapped().train.target.tobytes() == table().train.target.tobytes()


def test_a_flipped_bit_is_found_when_a_run_takes_the_store_up(tmp_path: Path) -> None:
    stored = store_inputs(table(), tmp_path)
    file = stored.folder / "train-inputs.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert store_inputs(table(), tmp_path).mapped().train.inputs.tobytes() == table().train.inputs.tobytes()


def test_what_nobody_came_back_to_is_removed(tmp_path: Path) -> None:
    old, young = store_inputs(table(seed=1), tmp_path).folder, store_inputs(table(seed=2), tmp_path).folder
    half, begun = (tmp_path / f".part-{token}.{old.name}" for token in ("0a1b2c3d", "4e5f6071"))
    foreign = tmp_path / "notes"
    for folder in (half, begun, foreign):
        folder.mkdir()
    day = 24 * 3600.0
    for folder, days in ((old, 31), (young, 29), (half, 2), (foreign, 99)):
        for path in (*folder.iterdir(), folder):
            os.utime(path, times=(time.time() - days * day,) * 2)
    store_inputs(table(seed=3), tmp_path)
    assert [path.exists() for path in (old, young, half, begun, foreign)] == [False, True, False, True, True]
    store_inputs(table(seed=2), tmp_path)
    assert time.time() - young.stat().st_mtime < day  # taken up again, it stays


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    inputs = table(100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(HepsieveError, match="can't be written") as refused:
            store_inputs(inputs, tmp_path / "stores")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_others_keep_removing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_inputs, "_write", lambda inputs, folder: None)
    with pytest.raises(HepsieveError, match="other processes keep replacing it"):
        store_inputs(table(), tmp_path)


_TRAINED = """
import sys
from pathlib import Path
from threading import Event, Thread
import numpy as np
from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.prepare import Preparation
from hepsieve.progress import Silent
from hepsieve.train.dispatch import train_model
from hepsieve.train.inputs import Inputs
from hepsieve.train.stored_inputs import store_inputs
from hepsieve.train.trained import Part

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))

def train(inputs, found):
    over = Event()
    def watch():
        while not over.wait(0.0005):
            found.append(anonymous())
    thread = Thread(target=watch, daemon=True)
    thread.start()
    train_model(
        "net", MLPConfig(widths=(4,)), inputs.train, inputs.validation,
        TrainConfig(epochs=2, batch_size=500 if inputs.train.inputs.shape[1] > 99 else 10_000, balance="class_weights"),
        seed=1, progress=Silent(), on_epoch=lambda record: found.append(anonymous()),
    )
    over.set()
    thread.join()

def figures(n, q, below):
    features = spill.empty((n, q), np.float32)
    for rows in spill.blocks(features):
        features[rows] = np.random.default_rng(rows.start).normal(size=(rows.stop - rows.start, q))
    target, weight = spill.computed(n, lambda rows: np.arange(n)[rows] % 2, np.float32), spill.empty(n, np.float32)
    weight[:] = 1
    preparation = Preparation.fit(Events.from_arrays(features[:99], target[:99]), PrepareConfig(scale="none"))
    watched = slice(999 if q > 99 else None)
    parts = [Part(features[rows], target[rows], weight[rows]) for rows in (slice(None), watched)]
    inputs = Inputs(preparation=preparation, train=parts[0], validation=parts[1])
    before = anonymous()
    stored = store_inputs(inputs, below)
    written = anonymous() - before
    opened = stored.mapped()
    of_opening = anonymous() - before - written
    found = []
    train(opened, found)
    return written, of_opening, max(found) - before

below = Path(sys.argv[1])
figures(999, 512, below)  # the libraries are loaded
q = int(sys.argv[2])
for n in map(int, sys.argv[3:]):
    print(*figures(n, q, below))
"""


# With fewer events, what is gathered at once would be less too. Many columns: what is as large as the inputs would be
# seen. Many events, as many of them validation events: what has a number for each of them.
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads Linux's figures of memory")
@pytest.mark.parametrize(("columns", "few", "many", "most"), [(512, 6_000, 24_000, 6e6), (16, 300_000, 900_000, 25e6)])
def test_memory_does_not_grow_with_the_data(columns: int, few: int, many: int, most: float, tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _TRAINED, str(tmp_path / "stores"), *map(str, (columns, few, many))],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HEPSIEVE_CACHE": str(tmp_path)},
    ).stdout
    smaller, larger = ([int(figure) for figure in line.split()] for line in told.splitlines())
    for small, large in zip(smaller, larger, strict=True):
        assert large - small < most, told


def test_trees_and_networks_share_what_they_get_alike(tmp_path: Path) -> None:
    events = Events.from_arrays(np.random.default_rng(1).normal(size=(60, 3)), np.arange(60) % 2)
    folders = {
        store_inputs(
            inputs_of(config, events, events, prepare=PrepareConfig(), settings=Settings(), seed=1, impute=False),
            tmp_path,
        ).folder
        for config in (TreesConfig(), MLPConfig())
    }
    assert len(folders) == 1
