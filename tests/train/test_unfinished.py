"""An interrupted run goes on where it was, with the bytes of one that nobody interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.events import Events
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.prepare import Preparation, Split, split
from hepsieve.progress import Silent
from hepsieve.train import unfinished
from hepsieve.train.dispatch import train_model
from hepsieve.train.inputs import Inputs
from hepsieve.train.run import Run, train
from hepsieve.train.trained import OnEpoch, Part
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished

MODELS: dict[str, ModelConfig] = {
    "trees": TreesConfig(rounds=5),
    "boost": AdaBoostConfig(estimators=3),
    "net": MLPConfig(widths=(4,), dropout=0.2),
    "wide": MLPConfig(widths=(5,)),
}


def parts(*, folds: int | None = None, seed: int = 1) -> Split:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(400, 3))
    return split(Events.from_arrays(features, features[:, 0] + rng.normal(size=400) > 0), folds=folds, seed=seed)


class Interruption:
    """Ctrl-C at a moment: in the first epoch of a model."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, record: EpochRecord) -> None:
        if record.model == self.model:
            raise KeyboardInterrupt


def fit(
    divided: Split, folder: Path | None, heard: OnEpoch = lambda record: None, *, jobs: int = 1, epochs: int = 3
) -> tuple[Run, list[str]]:
    """The run, and what it took over."""
    taken: list[str] = []
    run = train(
        MODELS,
        divided,
        prepare=PrepareConfig(),
        settings=TrainConfig(epochs=epochs, batch_size=50),
        seed=1,
        jobs=jobs,
        unfinished=None if folder is None else Unfinished(folder=folder, taken=taken.append),
        on_epoch=heard,
    )
    return run, taken


@pytest.mark.parametrize(("folds", "jobs"), [(None, 1), (3, 1), (3, 2)])
def test_what_was_finished_is_taken_over_and_the_rest_is_trained(tmp_path: Path, folds: int | None, jobs: int) -> None:
    divided = parts(folds=folds)
    whole: list[EpochRecord] = []
    expected, _ = fit(divided, None, whole.append)
    with pytest.raises(KeyboardInterrupt):
        fit(divided, tmp_path, Interruption("net"), jobs=jobs)
    records: list[EpochRecord] = []
    run, taken = fit(divided, tmp_path, records.append, jobs=jobs)
    first = ["trees", "boost"] if folds is None else ["trees, fold 1 of 3", "boost, fold 1 of 3"]
    assert taken[:2] == first
    assert len(taken) == 2 or jobs > 1  # others may have ended while the first were told
    for name in MODELS:
        np.testing.assert_array_equal(
            run.models[name].scores(divided.validation), expected.models[name].scores(divided.validation)
        )
    without_times = [record.model_copy(update={"seconds": 0.0}) for record in records]
    assert without_times == [record.model_copy(update={"seconds": 0.0}) for record in whole]


def test_nothing_is_taken_over_where_anything_differs(tmp_path: Path) -> None:
    fit(parts(), tmp_path)
    assert fit(parts(seed=2), tmp_path)[1] == []  # other events to learn from
    assert fit(parts(), tmp_path, epochs=2)[1] == []
    assert fit(parts(), tmp_path)[1] == list(MODELS)


def test_a_damaged_training_is_done_again(tmp_path: Path) -> None:
    divided = parts()
    expected, _ = fit(divided, tmp_path)
    for file in tmp_path.rglob("weights.safetensors"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    run, taken = fit(divided, tmp_path)
    assert taken == ["trees", "boost"]
    np.testing.assert_array_equal(
        run.models["net"].scores(divided.validation), expected.models["net"].scores(divided.validation)
    )


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    kept = Unfinished(folder=tmp_path)
    train(MODELS, parts(), prepare=PrepareConfig(), settings=TrainConfig(epochs=1), seed=1, unfinished=kept)
    assert list(tmp_path.iterdir())
    kept.forget()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changed",
    ["threads", "versions", "code", "hardware", "model", "settings", "preparation", "seed", "fold", "events", "name"],
)
def test_every_condition_is_in_the_name(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    part = Part(rng.normal(size=(4, 2)).astype(np.float32), np.array([0, 1, 0, 1], np.float32), np.ones(4, np.float32))
    other = Part(part.inputs, 1 - part.target, part.weight)
    events = Events.from_arrays(part.inputs, part.target)
    fitted = {scale: Preparation.fit(events, PrepareConfig(scale=scale)) for scale in ("minmax", "none")}
    plain = Training(
        name="net",
        fold=None,
        folds=None,
        config=MLPConfig(),
        inputs=Inputs(preparation=fitted["none"], train=part, validation=part),
        settings=TrainConfig(),
        seed=1,
    )
    changes: dict[str, Training] = {
        "model": replace(plain, config=MLPConfig(dropout=0.1)),
        "settings": replace(plain, settings=TrainConfig(batch_size=3)),
        "preparation": replace(plain, inputs=replace(plain.inputs, preparation=fitted["minmax"])),
        "seed": replace(plain, seed=2),
        "fold": replace(plain, fold=1, folds=3),
        "events": replace(plain, inputs=replace(plain.inputs, validation=other)),
        "name": replace(plain, name="other"),
    }
    kept = Unfinished(folder=tmp_path)
    before = kept.checkpoint(plain).folder
    assert kept.checkpoint(replace(plain)).folder == before
    match changed:
        case "threads":
            monkeypatch.setattr(unfinished, "thread_count", lambda: 77)
        case "versions":
            monkeypatch.setattr(unfinished, "package_versions", lambda: {"torch": "0"})
        case "code":
            monkeypatch.setattr(unfinished, "our_code", lambda: "other")
        case "hardware":
            monkeypatch.setattr(unfinished, "hardware", lambda: "other")
        case _:
            plain = changes[changed]
    assert kept.checkpoint(plain).folder != before


def test_what_other_workers_shared_is_not_taken_over(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    events = Events.from_arrays(rng.normal(size=(40, 2)).astype(np.float32), (np.arange(40) % 2).astype(np.float32))
    preparation = Preparation.fit(events, PrepareConfig())
    part = Part(preparation(events), events.target, events.weight)
    training = Training(
        name="big",
        fold=None,
        folds=None,
        config=TreesConfig(rounds=2),
        inputs=Inputs(preparation=preparation, train=part, validation=part),
        settings=TrainConfig(),
        seed=1,
    )
    trained = train_model(
        "big", training.config, part, part, training.settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )
    kept = Unfinished(folder=tmp_path)
    kept.keep(training, trained, workers=2)
    assert kept.take(training, workers=3) is None
    assert kept.take(training) is None
    taken = kept.take(training, workers=2)
    assert taken is not None
    assert taken.history == trained.history
