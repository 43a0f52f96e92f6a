"""A search tries each point once, the same for equal seeds, and finds good ones in fewer trainings than a grid."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import optuna
import pytest
from pydantic import ValidationError

from hepsieve.config import PrepareConfig, TaskConfig
from hepsieve.errors import ConfigError, TrainingError
from hepsieve.events import Events, TargetScale
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, Monitor, TrainConfig, TreesConfig, WaveCNNConfig
from hepsieve.models.predictor import Predictor
from hepsieve.models.variants import GridConfig, RangeConfig, SearchConfig
from hepsieve.prepare import AnyPreparation, split
from hepsieve.train.run import Fitted, Member, Run
from hepsieve.train.trained import Trained
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune import Search, Trial, search, train_and_search
from hepsieve.tune.chooser import Chooser
from hepsieve.tune.search import validation_figure

# The space that a first try at the waveforms went through.
OVER: dict[str, tuple[Any, ...]] = {
    "batch_size": (4, 32, 128),
    "filters": (16, 32, 64),
    "kernel": (3, 5, 9),
    "optimizer": ("adam", "sgd", "rmsprop"),
}
WAVES = SearchConfig(model={"kind": "wave-cnn"}, over=OVER, trials=16)


def loss_of(config: ModelConfig, seed: int) -> float:
    """Effects of each setting and of pairs of them, none of which is known: whoever looks for the least must try."""
    assert isinstance(config, WaveCNNConfig)
    values = (config.batch_size, config.filters, config.kernel, config.optimizer)
    places = [OVER[name].index(value) for name, value in zip(OVER, values, strict=True)]
    rng = np.random.default_rng(seed)
    alone, pairs = rng.normal(size=(4, 3)), rng.normal(size=(4, 4, 3, 3)) / 5
    total = sum(alone[k, place] for k, place in enumerate(places))
    return float(total + sum(pairs[k, j, a, b] for k, a in enumerate(places) for j, b in enumerate(places) if k < j))


def fitted(name: str, config: ModelConfig, *losses: float | None) -> Fitted:
    """A model whose only epoch of each training had this validation loss."""
    members = [
        Member(
            preparation=cast(AnyPreparation, None),
            trained=Trained(
                model=cast(Predictor, None),
                history=(EpochRecord(model=name, epoch=1, seconds=0.0, validation_loss=loss),),
                best_epoch=1,
                seconds=0.0,
            ),
        )
        for loss in losses
    ]
    return Fitted(name=name, config=config, members=tuple(members))


def searched(
    config: SearchConfig, *, seed: int, loss: Callable[[ModelConfig, int], float] = loss_of, problem: int | None = None
) -> Search:
    def fit(name: str, model: ModelConfig) -> Fitted:
        return fitted(name, model, loss(model, seed if problem is None else problem))

    return search("search", config, fit, monitor="loss", seed=seed)


def test_a_search_finds_what_a_grid_finds_in_a_fifth_of_its_trainings() -> None:
    every = [WAVES.at(point) for point in product(*OVER.values())]
    ranks, by_chance = [], []
    for seed in range(12):
        grid = sorted(loss_of(model, seed) for model in every)
        found = searched(WAVES, seed=seed)
        assert len(found.trials) == len(found.models) == 16 < len(grid) / 5
        configs = [model.config for model in found.models.values()]
        assert found.best.figure == min(loss_of(c, seed) for c in configs if isinstance(c, WaveCNNConfig))
        ranks.append(grid.index(found.best.figure))
        by_chance.append(min(np.random.default_rng(seed).choice(81, size=16, replace=False)))
    # The least of 16 ranks drawn from 0 to 80 is (81 + 1) / (16 + 1) - 1 = 3.8 in the mean.
    assert np.median(ranks) <= 1
    assert np.mean(ranks) < np.mean(by_chance)


def test_a_search_depends_on_its_seed_alone() -> None:
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - of whoever calls: neither used nor moved
    first, again = (searched(WAVES, seed=3, problem=1) for _ in range(2))
    np.testing.assert_equal(np.random.get_state(legacy=False), before)  # noqa: NPY002
    assert first.trials == again.trials
    own = searched(WAVES.model_copy(update={"seed": 3}), seed=4, problem=1)
    assert own.trials == first.trials
    assert searched(WAVES, seed=4, problem=1).trials != first.trials


def test_each_point_is_tried_once_until_none_is_left() -> None:
    small = SearchConfig(
        model={"kind": "wave-cnn"}, over={"filters": RangeConfig(low=3, high=5), "kernel": (3, 5)}, trials=50
    )
    trials = searched(small, seed=1, loss=lambda model, seed: 1.0).trials
    assert sorted(trial.point for trial in trials) == [(f, k) for f in (3, 4, 5) for k in (3, 5)]


def test_numbers_of_a_range_lie_in_it_and_have_three_digits() -> None:
    space = {"rate": RangeConfig(low=1e-4, high=1e-1, log=True), "filters": RangeConfig(low=8, high=64)}
    chooser = Chooser(space, startup=40, seed=1)
    points = []
    for _ in range(40):
        point = chooser.next()
        assert point is not None
        points.append(point)
        chooser.tell(0.0)
    rates, filters = zip(*points, strict=True)
    assert all(1e-4 <= rate <= 1e-1 and rate == float(f"{rate:.3g}") for rate in rates)
    assert 10 < sum(rate < 10**-2.5 for rate in rates) < 30  # half of the decades
    assert all(isinstance(number, int) and 8 <= number <= 64 for number in filters)
    config = SearchConfig(model={"kind": "wave-cnn"}, over={"learning_rate": space["rate"]}, trials=3)
    names = [trial.name for trial in searched(config, seed=1, loss=lambda model, seed: 1.0).trials]
    assert len(set(names)) == 3
    assert all(name.startswith("search-0_0") for name in names)


def test_a_failed_trial_is_on_record_and_the_search_goes_on() -> None:
    def fit(name: str, model: ModelConfig) -> Fitted:
        if cast(WaveCNNConfig, model).optimizer == "sgd":
            raise TrainingError(f"{name}: epoch 1, batch 3: the loss is nan")
        return fitted(name, model, loss_of(model, 1))

    heard: list[Trial] = []
    found = search("search", WAVES, fit, monitor="loss", seed=1, on_trial=heard.append)
    failed = [trial for trial in found.trials if trial.error]
    assert failed
    assert all(trial.point[3] == "sgd" and trial.figure is None for trial in failed)
    assert failed[0].error == f"{failed[0].name}: epoch 1, batch 3: the loss is nan"
    assert set(found.models) == {trial.name for trial in found.trials if not trial.error}
    assert len(found.trials) == 16
    assert tuple(heard) == found.trials

    def never(name: str, model: ModelConfig) -> Fitted:
        raise TrainingError(f"{name}: the loss is nan")

    with pytest.raises(
        TrainingError, match=r"^search: each of 16 trainings failed; the first: search-\S+: the loss is"
    ):
        search("search", WAVES, never, monitor="loss", seed=1)


def test_values_that_do_not_go_together_are_a_failed_trial() -> None:
    # Each is good with the first of the others, but 20 nodes that lose 10 from layer to layer make two layers only.
    over: dict[str, tuple[Any, ...]] = {"widths.step": (-4, -10), "widths.layers": (2, 3)}
    config = SearchConfig(model={"kind": "mlp", "widths": {"first": 20}}, over=over, trials=4)
    trials = searched(config, seed=1, loss=lambda model, seed: 1.0).trials
    assert len(trials) == 4
    failed = {trial.point: trial.error for trial in trials if trial.error}
    assert list(failed) == [(-10, 3)]
    assert failed[-10, 3].startswith("with the values -10, 3: widths.")


def test_the_figure_is_that_of_the_best_epoch_in_the_mean_of_the_trainings() -> None:
    config = TreesConfig()
    assert validation_figure(fitted("trees", config, 0.2, 0.4), "loss") == pytest.approx(0.3)
    record = EpochRecord(model="a", epoch=1, seconds=0.0, validation_auc=0.9, validation_accuracy=0.75)
    last = record.model_copy(update={"validation_auc": 0.1})
    one = fitted("a", config, 0.0).members[0]
    trained = Trained(model=one.trained.model, history=(record, last), best_epoch=1, seconds=0.0)
    model = Fitted(name="a", config=config, members=(Member(preparation=one.preparation, trained=trained),))
    assert validation_figure(model, "auc") == pytest.approx(0.1)
    assert validation_figure(model, "accuracy") == 0.25
    with pytest.raises(TrainingError, match=r"^a: its training tells no validation rmse; set train\.monitor=loss$"):
        validation_figure(model, "rmse")


def test_optuna_is_silent_and_its_level_stays(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        searched(WAVES, seed=1)
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


TREES: dict[str, tuple[Any, ...]] = {
    "max_depth": (1, 2, 4, 8),
    "learning_rate": (0.01, 0.1, 0.5, 1.0),
    "min_child_weight": (1, 30),
}
COMMON = {"kind": "trees", "rounds": 12, "patience": 12}


def events(n: int = 600) -> Events:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(n, 3))
    return Events.from_arrays(features, features[:, 0] * features[:, 1] + 0.3 * rng.normal(size=n) > 0)


def run(
    models: dict[str, ModelConfig], searches: dict[str, SearchConfig], *, monitor: Monitor = "loss", **others: Any
) -> Run:
    parts, settings = split(events(), seed=1), TrainConfig(epochs=2, monitor=monitor)
    return train_and_search(models, searches, parts, prepare=PrepareConfig(), settings=settings, seed=1, **others)


def test_searches_go_with_other_models_and_find_good_trees_in_fewer_trainings() -> None:
    grid = GridConfig(model=COMMON, over=TREES).models("grid")
    config = SearchConfig(model=COMMON, over=TREES, trials=10)
    heard: list[Trial] = []
    found = run({**grid, "boost": TreesConfig(rounds=3)}, {"search": config}, on_trial=heard.append)
    assert list(found.models) == [*grid, "boost", *(trial.name for trial in heard)]
    assert len(heard) == 10
    figures = {name: validation_figure(model, "loss") for name, model in found.models.items()}
    for trial in heard:
        # The same point gives the same model, whoever chose it.
        assert figures[trial.name] == figures[trial.name.replace("search", "grid")] == trial.figure
    ranked = sorted(figures[name] for name in grid)
    assert ranked.index(min(figures[trial.name] for trial in heard)) < len(grid) / 4
    assert found.parts.test.openings == ()


def test_an_interrupted_search_takes_over_what_was_finished(tmp_path: Path) -> None:
    config = SearchConfig(model=COMMON, over=TREES, trials=6)
    taken: list[str] = []
    kept = Unfinished(folder=tmp_path, taken=taken.append)

    def stop(trial: Trial) -> None:
        if len(list(tmp_path.glob("*"))) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run({}, {"search": config}, unfinished=kept, on_trial=stop)
    assert taken == []
    again = run({}, {"search": config}, unfinished=kept)
    whole = run({}, {"search": config})
    assert list(again.models) == list(whole.models)
    assert taken == list(whole.models)[:4]


def test_the_grid_of_the_first_try_is_one_network_for_each_point() -> None:
    over = {**OVER, "kernel": (3,)}
    models = GridConfig(model={"kind": "wave-cnn", "epochs": 10}, over=over).models("scan")
    assert len(models) == 27
    network = models["scan-32-16-3-sgd"]
    assert isinstance(network, WaveCNNConfig)
    assert (network.batch_size, network.filters, network.kernel) == (32, 16, 3)
    settings = network.own(TrainConfig(optimizer="adam"))
    assert (settings.optimizer, settings.batch_size, settings.epochs) == ("sgd", 32, 10)


def test_networks_of_a_search_train_on_waveforms() -> None:
    rng = np.random.default_rng(2)
    distance = rng.random(60)
    time = np.arange(64)
    pulses = [np.exp(-(((time - 20) / 3) ** 2)) + np.exp(-(((time - 20 - 30 * d) / 3) ** 2)) for d in distance]
    waves = Events.from_arrays(
        np.stack(pulses)[..., np.newaxis], distance, names=("light",), scale=TargetScale(name="d", unit="mm", full=30)
    )
    over = {"batch_size": (16, 32), "filters": (2, 4), "kernel": (3,), "optimizer": ("adam", "sgd", "rmsprop")}
    config = SearchConfig(model={"kind": "wave-cnn", "dense": 4, "pool": 8}, over=over, trials=3)
    found = train_and_search(
        {}, {"search": config}, split(waves, seed=1), prepare=PrepareConfig(), settings=TrainConfig(epochs=1), seed=1
    )
    assert len(found.models) == 3
    # All look at the same prepared waveforms, which are made once.
    assert len({id(model.members[0].preparation) for model in found.models.values()}) == 1


def test_what_a_search_cannot_get_is_refused_before_any_training() -> None:
    def stop(record: EpochRecord) -> None:
        raise AssertionError("something was trained")

    models: dict[str, ModelConfig] = {"trees": TreesConfig()}
    lacks = SearchConfig(model=COMMON, over={"without": ([], ["x9"])})
    with pytest.raises(ConfigError, match=r"^models.search-x9.without: no feature 'x9'; the data have x0, x1, x2$"):
        run(models, {"search": lacks}, on_epoch=stop)
    kinds = SearchConfig(model={"kind": "mlp"}, over={"loss": ("squared", "cross_entropy")})
    with pytest.raises(ConfigError, match=r"^models.search.over.loss: validation losses of models that differ in it"):
        run(models, {"search": kinds}, on_epoch=stop)
    trees = SearchConfig(model=COMMON, over=TREES, trials=3)
    with pytest.raises(ConfigError, match=r"^models.search: the training of trees tells no validation auc for the"):
        run(models, {"search": trees}, monitor="auc", on_epoch=stop)


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "auc"])
def test_a_search_goes_by_what_its_models_tell(monitor: Monitor) -> None:
    config = SearchConfig(model={"kind": "adaboost"}, over={"estimators": (15, 25)}, trials=2)
    heard: list[Trial] = []
    found = run({}, {"search": config}, monitor=monitor, on_trial=heard.append)
    assert set(found.models) == {"search-15", "search-25"}
    for trial in heard:
        last = found.models[trial.name].members[0].trained.history[-1]
        figures = (last.validation_loss, 1 - (last.validation_accuracy or 0), 1 - (last.validation_auc or 0))
        assert trial.figure == dict(zip(("loss", "accuracy", "auc"), figures, strict=True))[monitor]
    if monitor != "auc":
        trees = run({}, {"search": SearchConfig(model=COMMON, over=TREES, trials=2)}, monitor=monitor)
        assert len(trees.models) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"over": {"filters": {"low": 3, "high": 3}}}, "3 to 3 does not rise"),
        ({"over": {"learning_rate": {"low": 0, "high": 0.1, "log": True}}}, "there are no decades from 0"),
        ({"over": {"filters": 3}}, "give a list of values, or a range such as {low: 1, high: 9}"),
        ({"over": {"filters": []}}, "give a list of values, or a range such as {low: 1, high: 9}"),
        ({"over": {"filters": [3, 3]}}, "over.filters: a value stands there twice"),
        ({"over": {"train_on": [{"x": [1]}]}}, "over.train_on: figures on different events can't be compared"),
        ({"over": {"filter": [3]}}, "a model of kind wave-cnn has no setting 'filter'; did you mean 'filters'?"),
        ({"over": {"dropout": {"low": 0.1, "high": 1.5}}}, "with the values 1.5: dropout: input should be less than 1"),
        ({"model": {"filters": 3}}, "model: say its kind, such as mlp or trees"),
        ({"trials": 0}, "Input should be greater than 0"),
    ],
)
def test_what_is_no_search_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        SearchConfig.model_validate({"model": {"kind": "wave-cnn"}, "over": {"filters": [2, 3]}, **changes})


def test_a_task_names_its_searches() -> None:
    models = {
        "trees": COMMON,
        "search": {"kind": "search", "model": COMMON, "over": {"max_depth": {"low": 1, "high": 9}}},
        "later": {"kind": "search", "model": COMMON, "over": {"max_depth": [1, 2]}, "on_request": True},
    }
    task = TaskConfig.model_validate({"task": "toy", "models": models})
    assert (list(task.trained()), list(task.searches())) == (["trees"], ["search"])
    assert list(task.chosen(["later", "trees"])) == ["later", "trees"]
    assert task.searches(["trees"]) == {}
    assert TaskConfig.model_validate(task.model_dump()) == task
    with pytest.raises(ConfigError, match="no model 'search-3' in task toy; it has trees, search, later"):
        task.chosen(["search-3"])
    with pytest.raises(ValidationError, match="model 'search-3' could be one of those of the search 'search'; rename"):
        TaskConfig.model_validate({"task": "toy", "models": {**models, "search-3": COMMON}})
