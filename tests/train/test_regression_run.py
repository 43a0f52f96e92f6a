"""Runs that predict numbers: what is refused, cross-validation, widths of ensembles, waveforms and their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, TargetScale
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig, WaveCNNConfig
from hepsieve.prepare import Preparation, Split, split
from hepsieve.train.inputs import inputs_of, require_inputs
from hepsieve.train.run import Run, mixture_width, train

SCALE = TargetScale(name="d", unit="mm", full=30.0)
GAUSS = MLPConfig(widths=(8,), loss="gaussian", epochs=3)
MODELS: dict[str, ModelConfig] = {
    "gauss": GAUSS,
    "keras": MLPConfig(widths=(4,), backend="keras", epochs=2),
    "trees": TreesConfig(rounds=30, max_depth=3, patience=5),
}


def table(n: int, *, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 3))
    target = 0.5 + 0.3 * x[:, 0] + rng.normal(0, 0.03, n)
    return Events.from_arrays(x, target, scale=SCALE, names=("a", "b", "c"))


def waveforms(n: int, *, seed: int = 0) -> Events:
    """Two pulses of light, ``target`` · 100 samples apart."""
    rng = np.random.default_rng(seed)
    target, time = rng.uniform(0, 1, n), np.arange(200)
    light = [
        np.exp(-(((time - centre[:, np.newaxis]) / 8) ** 2) / 2) for centre in (50 + 0 * target, 50 + 100 * target)
    ]
    noisy = sum(light) + rng.normal(0, 0.02, (n, 200))
    return Events.from_arrays(noisy[..., np.newaxis], target, names=("light",), units=("phd",), scale=SCALE)


def fit(parts: Split, models: dict[str, ModelConfig] | None = None, **settings: Any) -> Run:
    chosen = TrainConfig.model_validate({"batch_size": 50, "learning_rate": 0.01, "patience": None, **settings})
    return train(models or MODELS, parts, prepare=PrepareConfig(), settings=chosen, seed=1)


def rmse(scores: NDArray[np.float64], events: Events) -> float:
    return float(np.sqrt(np.mean((scores - events.target) ** 2)))


def test_every_model_predicts_shares_of_the_full_scale() -> None:
    parts = split(table(1500), seed=1)
    run, new = fit(parts, epochs=6), table(500, seed=9)
    for name, fitted in run.models.items():
        scores = fitted.scores(new)
        assert ((scores >= 0) & (scores <= 1)).all()
        assert rmse(scores, new) < 0.15, name  # the mean alone has 0.3 / sqrt(3) = 0.17
        assert (fitted.widths(new) is None) == (name != "gauss")
    assert run.models["gauss"].members[0].trained.history[0].validation_rmse is not None


def test_an_ensembles_width_is_that_of_the_mixture() -> None:
    parts = split(table(600), folds=3, seed=1)
    gauss, new = fit(parts, {"gauss": GAUSS}).models["gauss"], table(50, seed=9)
    means = np.array([member.scores(new.features, new.names) for member in gauss.members])
    each = [member.widths(new.features, new.names) for member in gauss.members]
    squares = np.array([width**2 for width in each if width is not None])
    # Variance = mean of the second moments minus the squared mean.
    expected = (squares + means**2).mean(axis=0) - means.mean(axis=0) ** 2
    width = gauss.widths(new)
    assert width is not None
    np.testing.assert_allclose(width, np.sqrt(expected), rtol=1e-9)


def test_mixed_widths_equal_those_of_drawn_numbers() -> None:
    means, widths = [np.array([0.2]), np.array([0.5])], [np.array([0.05]), np.array([0.1])]
    rng = np.random.default_rng(1)
    drawn = np.concatenate([rng.normal(m, w, 200_000) for m, w in zip(means, widths, strict=True)])
    # The standard deviation of 400,000 numbers is known to about 0.1 %.
    assert mixture_width(means, widths)[0] == pytest.approx(drawn.std(), rel=0.01)


def test_held_out_widths_are_of_the_training_that_did_not_see_the_event() -> None:
    parts = split(table(300), folds=3, seed=1)
    assert parts.fold is not None
    run = fit(parts, {"gauss": GAUSS, "trees": MODELS["trees"]})
    gauss = run.models["gauss"]
    found = gauss.held_out_widths(parts.validation, parts.fold)
    assert found is not None
    for number, member in enumerate(gauss.members):
        rows = np.flatnonzero(parts.fold == number)
        own = member.widths(parts.validation.features[rows], parts.validation.names)
        assert own is not None
        np.testing.assert_array_equal(found[rows], own)
    assert run.models["trees"].held_out_widths(parts.validation, parts.fold) is None
    plain = split(table(300), seed=1)
    alone = fit(plain, {"gauss": GAUSS}).models["gauss"]
    ours, theirs = alone.held_out_widths(plain.validation, None), alone.widths(plain.validation)
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours, theirs)


def test_nothing_is_prepared_for_widths_that_there_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split(table(100), seed=1)
    run = fit(parts, {"trees": TreesConfig(rounds=3), "gauss": GAUSS})

    def refuse(self: Preparation, features: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float32]:
        raise AssertionError("events were prepared")

    monkeypatch.setattr(Preparation, "apply", refuse)
    fold = np.zeros(len(parts.validation), np.int64)
    trees = run.models["trees"]
    assert trees.widths(parts.validation) is None
    assert trees.held_out_widths(parts.validation, None) is None
    assert trees.held_out_widths(parts.validation, fold) is None
    with pytest.raises(AssertionError, match="events were prepared"):
        run.models["gauss"].widths(parts.validation)


def test_networks_see_waveforms_and_trees_their_pulse_shapes() -> None:
    parts, new = split(waveforms(600), seed=1), waveforms(200, seed=9)
    models: dict[str, ModelConfig] = {
        "cnn": WaveCNNConfig(filters=4, kernel=5, pool=4, dense=32, epochs=8),
        "flat": MLPConfig(widths=(32,), epochs=8),
        "shapes": MLPConfig(widths=(32,), pulse_shapes=True, epochs=8),
        "trees": TreesConfig(rounds=60, max_depth=4, learning_rate=0.2, pulse_shapes=True),
    }
    run = fit(parts, models)
    for name, fitted in run.models.items():
        # The mean alone has 1 / sqrt(12) = 0.29.
        assert rmse(fitted.scores(new), new) < 0.12, name
    assert run.models["shapes"].members[0].preparation == run.models["trees"].members[0].preparation


def test_the_inputs_of_numbers_and_classes_differ_in_their_fingerprints() -> None:
    numbers = table(100).replace(target=(np.arange(100) % 2).astype(np.float32))
    found = []
    for events in (numbers, numbers.replace(scale=None)):
        parts = split(events, seed=1)
        found.append(
            inputs_of(
                GAUSS,
                events,
                parts.validation,
                prepare=PrepareConfig(),
                settings=TrainConfig(),
                seed=1,
                impute=False,
            )
        )
    assert [each.train.kind for each in found] == ["regression", "classification"]
    one, other = found[0], found[1]
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        (AdaBoostConfig(), {}, "models.m.loss: AdaBoost tells classes apart and predicts no number; take trees or mlp"),
        (TreesConfig(loss="huber"), {}, "models.m.loss: trees in a regression have squared; found huber"),
        (
            GAUSS,
            {"monitor": "auc"},
            "train.monitor: a regression has no auc to watch; take one of loss, rmse, ",
        ),
        (GAUSS, {"balance": "undersample"}, "train.balance: a regression has no classes for undersample; leave it out"),
        (MLPConfig(train_on={"light": (1,)}), {}, "models.m.train_on: no column 'light'; the data have none"),
        (WaveCNNConfig(), {"flips": ("rows",)}, "train.flips: waveforms are never mirrored, only images are; leave it"),
    ],
)
def test_what_can_not_be_learned_is_refused_before_any_training(
    model: ModelConfig, settings: dict[str, Any], said: str
) -> None:
    heard: list[EpochRecord] = []
    with pytest.raises(ConfigError) as raised:
        train(
            {"good": TreesConfig(pulse_shapes=True), "m": model},
            split(waveforms(100), seed=1),
            prepare=PrepareConfig(),
            settings=TrainConfig.model_validate(settings),
            seed=1,
            on_epoch=heard.append,
        )
    assert str(raised.value).startswith(said)
    assert heard == []


def test_values_that_no_event_has_together_are_one_line() -> None:
    events = table(200)
    kind = (np.arange(200) < 2).astype(np.float64)[:, np.newaxis]
    parts = split(events.replace(spectators=kind, spectator_names=("kind",)), seed=1)
    watched = parts.validation.replace(spectators=0 * parts.validation.spectators)  # type: ignore[operator]
    wanted = MLPConfig(train_on={"kind": (1,)})
    poor = Split(
        train=parts.train.replace(spectators=1 + 0 * parts.train.spectators),  # type: ignore[operator]
        validation=watched,
        test=parts.test,
        test_rows=parts.test_rows,
        train_rows=parts.train_rows,
    )
    with pytest.raises(DataError) as raised:
        require_inputs({"net": wanted}, poor, PrepareConfig())
    assert str(raised.value) == "models.net.train_on: no validation event has kind in 1; check the values"
