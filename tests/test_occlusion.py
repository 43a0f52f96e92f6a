"""Maps of what models look at: those of the definition, of the crystals that matter, from validation images alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from hepsieve.config import ExplainConfig, PrepareConfig, TaskConfig
from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.events import Events
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, TreesConfig
from hepsieve.occlusion import PATCH, SMALL, occlusion_maps
from hepsieve.prepare import Split, fit_preparation, split
from hepsieve.progress import Silent
from hepsieve.train.run import Fitted, Member, Run
from hepsieve.train.trained import Trained

SIZE = (7, 6)
STEPS = PrepareConfig()


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """A model whose logit is a weighted sum of its inputs, and which counts what it scores."""

    weights: NDArray[np.float64]
    calls: list[int]
    framework: str = "torch"
    parameters: int = 100

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        self.calls.append(len(inputs))
        return np.asarray(expit(inputs.reshape(len(inputs), -1) @ self.weights))

    def widths(self, inputs: NDArray[np.float32]) -> None:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def images(n: int = 120) -> Events:
    rng = np.random.default_rng(4)
    pixels = np.zeros((n, *SIZE, 2))
    hit = rng.random((n, *SIZE)) < 0.1
    pixels[hit, 0] = rng.exponential(0.2, hit.sum())
    pixels[..., 1] = rng.normal(5, 1, (n, *SIZE))
    return Events.from_arrays(pixels, np.arange(n) % 2, names=("energy", "time"))


def a_run(parts: Split, models: dict[str, ModelConfig], *, parameters: int = 100) -> Run:
    """Linear models with weights of their own, a different one for each fold."""
    fitted = {}
    for number, (name, config) in enumerate(models.items()):
        members = []
        for fold in range(parts.folds or 1):
            preparation = fit_preparation(parts.train[fold::3], STEPS, config)
            rng = np.random.default_rng([number, fold])
            weights = 0.3 * rng.normal(size=int(np.prod(preparation.shape)))
            model = Linear(weights=weights, calls=[], parameters=parameters)
            trained = Trained(model=model, history=(), best_epoch=1, seconds=0)
            members.append(Member(preparation=preparation, trained=trained))
        fitted[name] = Fitted(name=name, config=config, members=tuple(members))
    return Run(parts=parts, models=fitted, seed=1)


def task(maps: int = 200) -> TaskConfig:
    return TaskConfig(task="toy", models={"cnn": CNNConfig()}, explain=ExplainConfig(maps=maps))


def by_definition(run: Run, name: str, label: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hide every square of every image of the class, and score it from its raw pixels."""
    events, fitted = run.parts.validation, run.models[name]
    drops = []
    for number in np.flatnonzero(events.target == label):
        image = events.features[[number]]
        member = fitted.members[0 if run.parts.fold is None else run.parts.fold[number]]
        before = logit(member.scores(image, events.names))[0]
        fallen: dict[tuple[int, int], list[float]] = {place: [] for place in np.ndindex(*SIZE)}
        for row in range(SIZE[0] - PATCH + 1):
            for column in range(SIZE[1] - PATCH + 1):
                hidden = image.copy()
                hidden[:, row : row + PATCH, column : column + PATCH] = 0
                after = logit(member.scores(hidden, events.names))[0]
                for place in np.ndindex(PATCH, PATCH):
                    fallen[row + place[0], column + place[1]].append(before - after)
        drops.append(np.array([np.mean(fallen[place]) for place in np.ndindex(*SIZE)]).reshape(SIZE))
    stacked = np.array(drops)
    return stacked.mean(axis=0), stacked.std(axis=0, ddof=1) / np.sqrt(len(stacked))


@pytest.mark.parametrize("folds", [None, 3])
def test_maps_are_those_of_the_definition(folds: int | None) -> None:
    models: dict[str, ModelConfig] = {
        "cnn": CNNConfig(channels=("energy",)),
        "time": CNNConfig(channels=("time",)),
        "dense": MLPConfig(),
        "trees": TreesConfig(shower_shapes=True),
    }
    run = a_run(split(images(), folds=folds, seed=1), models)
    maps = occlusion_maps(run, task(), progress=Silent())
    assert [(one.model, one.label) for one in maps] == [(m, k) for m in ("cnn", "time", "dense") for k in (0, 1)]
    for one in maps:
        assert one.label is not None
        mean, error = by_definition(run, one.model, one.label)
        assert one.images == (run.parts.validation.target == one.label).sum()
        np.testing.assert_allclose(one.drop, mean, atol=1e-5)
        np.testing.assert_allclose(one.error, error, atol=1e-5)
        assert np.abs(mean).max() > 0.01
        assert OcclusionMap.model_validate_json(one.model_dump_json()) == one
    assert run.parts.test.openings == ()


def test_squares_without_energy_are_not_scored() -> None:
    run = a_run(split(images(), seed=1), {"cnn": CNNConfig()})
    occlusion_maps(run, task(), progress=Silent())
    model = run.models["cnn"].members[0].trained.model
    assert isinstance(model, Linear)
    energy = run.parts.validation.features[..., 0] > 0
    windows = np.lib.stride_tricks.sliding_window_view(energy, (PATCH, PATCH), axis=(1, 2)).any(axis=(3, 4))
    assert sum(model.calls) == windows.sum() + len(energy)
    assert windows.mean() < 0.8


def test_fewer_images_where_a_model_is_large_or_fewer_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split(images(), seed=1)

    def taken(config: ModelConfig, *, parameters: int, maps: int = 200) -> list[int]:
        run = a_run(parts, {"one": config}, parameters=parameters)
        return [one.images for one in occlusion_maps(run, task(maps), progress=Silent())]

    assert taken(CNNConfig(), parameters=100) == [12, 12]
    assert taken(CNNConfig(), parameters=100, maps=5) == [5, 5]
    assert taken(CNNConfig(), parameters=100, maps=0) == []
    # The package has a function of the module's name.
    monkeypatch.setattr(sys.modules["hepsieve.occlusion"], "MOST_PASSES", 240)
    small = taken(CNNConfig(), parameters=SMALL)
    assert 5 <= small[0] == small[1] < 12
    assert taken(MLPConfig(), parameters=100 * SMALL) == small
    assert taken(CNNConfig(), parameters=4 * SMALL) == []  # half as many, which are too few
    assert taken(CNNConfig(), parameters=10_000 * SMALL) == []


def test_equal_seeds_give_equal_maps_and_test_images_count_for_nothing() -> None:
    parts = split(images(), seed=1)
    run = a_run(parts, {"cnn": CNNConfig()})
    first = occlusion_maps(run, task(6), progress=Silent())
    other = replace(run, parts=replace(parts, test=split(images(90), seed=1).test))
    assert occlusion_maps(other, task(6), progress=Silent()) == first
    seeded = task(6).model_copy(update={"seed": 2})
    assert occlusion_maps(run, seeded, progress=Silent()) != first


def test_tables_have_no_maps() -> None:
    table = Events.from_arrays(np.random.default_rng(1).normal(size=(60, 3)), np.arange(60) % 2)
    run = a_run(split(table, seed=1), {"dense": MLPConfig()})
    assert occlusion_maps(run, task(), progress=Silent()) == ()
