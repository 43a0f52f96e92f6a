"""What one model gets of the events: its features, the parameter values it may see, balanced and prepared."""

from __future__ import annotations

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.prepare import Split, split
from hepsieve.train.inputs import inputs_of, require_inputs
from hepsieve.train.run import train

MASSES = np.array([500, 750, 1000], np.float32)


def events(n: int = 600, *, spectators: bool = False) -> Events:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    features[:, 2] = MASSES[rng.integers(0, 3, n)]
    made = Events.from_arrays(features, rng.random(n) < 0.5, names=("a", "b", "mass"))
    if not spectators:
        return made
    return made.replace(spectators=features[:, 2:].astype(np.float64), spectator_names=("seen",))


def parts(**settings: bool) -> Split:
    return split(events(**settings), seed=1)


def inputs(config: ModelConfig, divided: Split, **settings: str) -> tuple[tuple[str, ...], int, int]:
    got = inputs_of(
        config,
        divided.train,
        divided.validation,
        prepare=PrepareConfig(),
        settings=TrainConfig().model_copy(update=settings),
        seed=1,
        impute=False,
    )
    return got.preparation.features, len(got.train), len(got.validation)


def test_a_model_without_a_feature_never_sees_it() -> None:
    divided = parts()
    assert inputs(MLPConfig(without=("mass",)), divided)[0] == ("a", "b")
    run = train(
        {"all": TreesConfig(rounds=2), "less": TreesConfig(rounds=2, without=("mass", "a"))},
        divided,
        prepare=PrepareConfig(features=("b", "mass")),
        settings=TrainConfig(),
        seed=1,
    )
    assert run.models["all"].members[0].preparation.features == ("b", "mass")
    less = run.models["less"]
    assert less.members[0].preparation.features == ("b",)
    spoiled = divided.validation.features.copy()
    spoiled[:, 2] = 1e6
    before, after = less.scores(divided.validation), less.score_features(spoiled, divided.validation.names)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("column", ["mass", "seen"])
def test_a_model_learns_from_the_named_values_only(column: str) -> None:
    divided = parts(spectators=True)
    config = TreesConfig(rounds=2, train_on={column: (500, 1000)})
    kept = [int(np.isin(part.features[:, 2], (500, 1000)).sum()) for part in (divided.train, divided.validation)]
    assert inputs(config, divided)[1:] == (kept[0], kept[1])
    assert 0 < kept[0] < len(divided.train)


def test_events_of_other_values_move_nothing_in_the_training() -> None:
    divided = parts()
    hidden = divided.train.features[:, 2] == 750
    features = divided.train.features.copy()
    features[hidden, :2] = 1e6
    spoiled = Split(
        train=divided.train.replace(features=features),
        validation=divided.validation,
        test=divided.test,
        test_rows=divided.test_rows,
        train_rows=divided.train_rows,
    )
    net = MLPConfig(widths=(4,), epochs=2, train_on={"mass": (500, 1000)})
    before, after = (
        train({"net": net}, some, prepare=PrepareConfig(), settings=TrainConfig(), seed=1)
        .models["net"]
        .scores(divided.validation)
        for some in (divided, spoiled)
    )
    np.testing.assert_array_equal(before, after)


def test_balance_is_of_what_the_model_learns_from() -> None:
    divided = parts()
    own = divided.train[np.flatnonzero(divided.train.features[:, 2] == 750)]
    fewer = int(min((own.target == 0).sum(), (own.target == 1).sum()))
    config = TreesConfig(train_on={"mass": (750,)})
    assert inputs(config, divided, balance="undersample")[1] == 2 * fewer


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        (MLPConfig(without=("mas",)), ConfigError, "models.net.without: no feature 'mas'; the data have a, b, mass"),
        (MLPConfig(without=("a", "b", "mass")), ConfigError, "models.net.without: no feature is left for the model"),
        (MLPConfig(train_on={"m": (1,)}), ConfigError, "models.net.train_on: no column 'm'; the data have a, b, mass"),
        (
            MLPConfig(train_on={"mass": (600,)}),
            ConfigError,
            "models.net.train_on.mass: no training event has 600; there are 500, 750, 1000",
        ),
    ],
)
def test_what_a_model_cannot_get_is_refused_before_any_training(
    config: MLPConfig, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as raised:
        require_inputs({"good": TreesConfig(), "net": config}, parts(), PrepareConfig())
    assert str(raised.value) == said
