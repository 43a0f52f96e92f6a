"""Spaces: what they refuse, and that every point of theirs is one of the task's."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import optuna
import pytest
from tests.tune.searches import SMALL, space_of

from hepsieve.config import TaskConfig, built_in_tasks, dump_task, load_task
from hepsieve.errors import ConfigError
from hepsieve.models.config import Periodic, Piecewise, TabMConfig
from hepsieve.tune.quiet import quiet
from hepsieve.tune.space import Space
from hepsieve.tune_config import TuneConfig

TASK = """\
task: mine
models:
  net: {kind: mlp, epochs: 9}
  wide: {kind: mlp, widths: {first: 8, layers: 3}}
  trees: {kind: trees}
  scan: {kind: grid, model: {kind: mlp}, over: {batch_size: [8, 9]}}
tune:
"""
NESTED: dict[str, Any] = {
    "models.net.widths": {"choice": [[8], [8, 8], [4, 4, 4]]},
    "models.net.dropout": {"float": [0, 0.3], "step": 0.1, "when": {"models.net.widths": [[8, 8], [4, 4, 4]]}},
    "models.trees.max_depth": {"int": [2, 9], "step": 3},
    "models.trees.reg_lambda": {"log": [0.1, 100], "when": {"models.trees.max_depth": 8}},
    "train.schedule.kind": {"choice": ["cosine", "constant"]},
    "train.schedule.final": {"float": [0, 0.5], "when": {"train.schedule.kind": "cosine"}},
    "train.batch_size": {"int": [16, 512], "log": True, "when": {"train.schedule.kind": "cosine"}},
    "prepare.scale": {"choice": ["minmax", "none"], "when": {"model": "net"}},
}


@pytest.fixture
def optuna_study() -> optuna.Study:
    with quiet():
        return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))


def test_every_suggestion_is_in_the_space_and_keeps_its_conditions(optuna_study: optuna.Study) -> None:
    space = space_of(NESTED)
    seen: set[str] = set()
    for _ in range(300):
        point = space.suggest(optuna_study.ask())
        seen |= {f"{path}={value}" for path, value in point.items() if path != "model"}
        net = point["model"] == "net"
        assert ("models.net.widths" in point) == net
        assert ("models.net.dropout" in point) == (net and point["models.net.widths"] != [8])
        assert point.get("models.net.dropout", 0) in (0, 0.1, 0.2, 0.3)
        assert ("models.trees.max_depth" in point) == (not net)
        assert point.get("models.trees.max_depth", 2) in (2, 5, 8)
        assert ("models.trees.reg_lambda" in point) == (point.get("models.trees.max_depth") == 8)
        assert 0.1 <= point.get("models.trees.reg_lambda", 1) <= 100
        assert ("train.schedule.kind" in point) == net  # trees have no use for it
        assert ("train.batch_size" in point) == (point.get("train.schedule.kind") == "cosine")
        assert isinstance(point.get("train.batch_size", 16), int)
        assert ("prepare.scale" in point) == net
        assert all(value == float(f"{value:.4g}") for value in point.values() if isinstance(value, float))
        assert space.point_of(space.parameters_of(point)) == point
        name, task = space.at(point)
        assert list(task.models) == [name] == [point["model"]]
        assert task.tune is None
        assert TaskConfig.model_validate(task.model_dump()) == task
        for path, value in point.items():
            if path != "model":
                assert _at(task, path) == (tuple(value) if isinstance(value, list) else value)
    every = {"widths=[8]", "widths=[8, 8]", "dropout=0.0", "dropout=0.3", "max_depth=2", "max_depth=8", "kind=constant"}
    assert every <= {
        text.removeprefix(f"models.{text.split('.')[1]}.").removeprefix("train.schedule.") for text in seen
    }


def _at(task: TaskConfig, path: str) -> Any:
    value: Any = task
    for part in path.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def test_numbers_between_decades_are_drawn_by_decades(optuna_study: optuna.Study) -> None:
    space = space_of({"train.learning_rate": {"log": [1e-4, 1e-1]}}, models=["net"])
    rates = [space.suggest(optuna_study.ask())["train.learning_rate"] for _ in range(100)]
    assert 30 < sum(rate < 10**-2.5 for rate in rates) < 70  # half of them, ± 4 standard deviations of 5


def test_points_of_a_grid_are_all_different_and_conditions_leave_some_out() -> None:
    points = list(space_of(SMALL, method="grid").points())
    net = "models.net."
    assert points == [
        *({f"{net}activation": "relu", f"{net}dropout": rate} for rate in (0.0, 0.1, 0.2)),
        {f"{net}activation": "tanh"},
        *({f"{net}activation": "gelu", f"{net}dropout": rate} for rate in (0.0, 0.1, 0.2)),
    ]
    both = space_of({**SMALL, "models.trees.max_depth": {"choice": [3, 4]}}, method="grid")
    assert [point["model"] for point in both.points()] == ["net"] * 7 + ["trees"] * 2
    assert both.countable
    assert not space_of().countable
    big = space_of({"models.trees.rounds": {"int": [1, 10**9]}, "models.trees.max_bin": {"int": [2, 60000]}})
    assert len(list(islice(big.points(), 5))) == 5


def test_embeddings_of_inputs_are_drawn_with_the_settings_of_their_kind() -> None:
    net = "models.net."
    axes = {
        f"{net}members": {"choice": [1, 8]},
        f"{net}embedding.kind": {"choice": ["piecewise", "periodic"]},
        f"{net}embedding.bins": {"int": [4, 6], "when": {f"{net}embedding.kind": "piecewise"}},
        f"{net}embedding.linear": {"choice": [True, False], "when": {f"{net}embedding.kind": "piecewise"}},
        f"{net}embedding.sigma": {"choice": [0.1, 1.0], "when": {f"{net}embedding.kind": "periodic"}},
    }
    task = {"task": "toy", "models": {"net": {"kind": "tabm"}}, "tune": {"space": axes, "method": "grid"}}
    space = Space.of(TaskConfig.model_validate(task))
    models = [space.at(point)[1].models["net"] for point in space.points()]
    found = [(model.members, model.embedding) for model in models if isinstance(model, TabMConfig)]
    piecewise = [Piecewise(bins=bins, linear=linear) for bins in (4, 5, 6) for linear in (True, False)]
    assert found == [
        (members, embedding)
        for members in (1, 8)
        for embedding in (*piecewise, Periodic(sigma=0.1), Periodic(sigma=1.0))
    ]


def test_a_setting_of_an_embedding_that_the_task_has_not_is_refused() -> None:
    tune = {"space": {"models.net.embedding.bins": {"int": [2, 9]}}}
    task = TaskConfig.model_validate({"task": "toy", "models": {"net": {"kind": "tabm"}}, "tune": tune})
    with pytest.raises(ConfigError, match=r"needs a kind, which models\.net\.embedding\.kind in the task has not"):
        Space.of(task)


def test_models_that_are_not_tuned_this_time_take_their_settings_with_them() -> None:
    assert space_of(NESTED, models=["trees"]).paths == ("models.trees.max_depth", "models.trees.reg_lambda")
    assert space_of(NESTED).paths == ("model", *NESTED)


def test_one_value_of_each_setting_is_shown_as_a_word_or_a_number() -> None:
    space = space_of(
        {"models.net.widths": {"choice": [[8], {"first": 8, "layers": 3}]}, "prepare.pca": {"choice": [None, 3]}}
    )
    assert [space.shown(point) for point in space.points()] == [
        {"models.net.widths": widths, "prepare.pca": pca}
        for widths in ("8", "first: 8, layers: 3")
        for pca in (None, 3)
    ]


@pytest.mark.parametrize(
    ("tune", "place", "says"),
    [
        ("  space: {train.btch_size: {int: [16, 512]}}", "8:11", "no setting 'btch_size'; did you mean 'batch_size'?"),
        ("  space:\n    modles.net.dropout: {float: [0, 1]}", "9:5", "leads nowhere; did you mean 'models'?"),
        ("  space:\n    net.dropout: {float: [0, 1]}", "9:5", "did you mean 'models.net.dropout'?"),
        ("  space:\n    models.nett.dropout: {float: [0, 1]}", "9:5", "no model 'nett'; did you mean 'net'?"),
        ("  space:\n    models.scan.dropout: {float: [0, 1]}", "9:5", "scan is a grid or a search by itself"),
        ("  space:\n    models.net: {float: [0, 1]}", "9:5", "is a section; name a setting of it"),
        ("  space:\n    models.trees.schedule.kind: {choice: [cosine]}", "9:5", "there is no setting 'schedule'"),
        ("  space:\n    models.wide.widths.frist: {int: [2, 3]}", "9:32", "no setting 'frist'; did you mean 'first'?"),
        ("  space:\n    models.net.widths.first: {int: [2, 3]}", "9:31", "widths is a value in the task"),
        ("  models: [wide]\n  space:\n    train.batch_size: {float: [16, 512]}", "10:24", "write {int: [16, 512]}"),
        ("  models: [wide]\n  space:\n    train.batch_size: {log: [16, 512]}", "10:24", "[16, 512], log: true}"),
        ("  models: [wide]\n  space:\n    train.batch_size: {int: [0, 512]}", "10:24", "can't be 0: it should be"),
        ("  space:\n    train.batch_size: {int: [1.5, 512]}", "9:30", "should be a valid integer"),
        ("  space:\n    models.wide.dropout: {float: [0, 1]}", "9:27", "can't be 1.0: it should be less than 1"),
        ("  space:\n    models.trees.learning_rate: {log: [1e-5, 50]}", "9:34", "can't be 50.0: it should be less"),
        ("  space:\n    models.net.dropout: {float: [-1, 0.5]}", "9:26", "can't be -1.0: it should be greater"),
        ("  space:\n    models.net.backend:\n      choice: [torch, kers]", "10:23", "'kers': it should be 'torch' or"),
        ("  space:\n    models.trees.max_depth: {choice: ['3', 4]}", "9:39", "'3' would be read as 3; write that"),
        ("  space:\n    models.trees.shower_shapes: {int: [0, 1]}", "9:34", "0 would be read as False"),
        ("  space:\n    train.epochs: {log: [9, 1]}", "9:5", "log: 9 to 1 does not rise"),
        ("  space:\n    train.min_delta: {log: [0, 1]}", "9:5", "there are no decades from 0"),
        ("  space:\n    train.epochs: {int: [1, 9], step: 2, log: true}", "9:5", "give log or step"),
        ("  space:\n    train.epochs: {int: [1, 9], setp: 2}", "9:33", "did you mean 'step'?"),
        ("  space:\n    train.epochs: {choice: [1, 9, 1]}", "9:5", "1 stands there twice"),
        ("  space:\n    train.epochs: [1, 9]", "9:5", "write {choice: [...]}, {int: [16, 512]}, {float: [0, 0.5]} or"),
        ("  space:\n    split.test: {float: [0.1, 0.2]}", "9:5", "trials on different events can't be compared"),
        ("  space:\n    seed: {int: [1, 9]}", "9:5", "the best of several seeds is the luckiest"),
        ("  space:\n    train.folds: {int: [3, 9]}", "9:5", "tune.folds says how all of them are judged"),
        ("  space:\n    models.net.train_on: {choice: [{m: [1]}]}", "9:5", "learned from different events"),
        ("  space:\n    models.trees.shards: {int: [1, 3]}", "9:5", "it is where trees are trained, not how"),
        ("  space:\n    models.net.kind: {choice: [mlp, trees]}", "9:5", "another kind is another model"),
        ("  models: [net]\n  space:\n    train.epochs: {int: [1, 9]}", "10:5", "net has its own epochs (9); tune"),
        ("  models: [trees]\n  space:\n    train.epochs: {int: [1, 9]}", "10:5", "trees is no network"),
        ("  models: [wide, wied]\n  space:\n    train.epochs: {int: [1, 9]}", "8:18", "did you mean 'wide'?"),
        ("  models: [wide]\n  space:\n    train.flips: {choice: [[rows], []]}", "10:5", "does not look at images"),
        ("  space:\n    models.net.average: {int: [1, 9]}", "9:5", "judged by scores of the events themselves"),
        ("  space:\n    train.epochs: {int: [1, 9]}", "8:3", "says of no model that it is tuned"),
        ("  models: [net]\n  space: {}", "9:3", "names nothing to tune, such as models.trees.max_"),
        ("  models: [net]\n  space: {models.wide.dropout: {choice: [0]}}", "9:3", "there is nothing to tune for net"),
        ("  metric: rmse\n  models: [trees, wide]", "8:3", "a classification is tuned by auc, log_loss or accuracy"),
        ("  method: grid\n  space:\n    models.net.dropout: {float: [0, 0.5]}", "10:5", "give it a step, or a choice"),
        ("  time: soon", "8:3", "write seconds, or a time such as 45s, 10m or 1h30m"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_space_gets_one_line_with_its_place(tune: str, place: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(TASK + tune + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_task(path, tuning=True)
    message = str(caught.value)
    assert message.startswith(f"{path}:{place}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("{models.net.activaton: relu}", "no parameter above it is called 'models.net.activaton'; did you mean"),
        ("{models.net.dropout: 0.1}", "no parameter above it is called 'models.net.dropout'"),
        ("{models.net.activation: rleu}", "models.net.activation is never 'rleu'; it is relu or tanh"),
        ("{models.net.weight_decay: 0.1}", "models.net.weight_decay may have any value of a range"),
        ("{model: nett}", "model is never 'nett'"),
        ("{model: trees}", "can never hold"),
        ("{models.trees.max_depth: 3}", "can never hold"),
    ],
)
def test_a_condition_that_can_not_hold_is_refused(when: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(
        TASK
        + "  space:\n    models.net.activation: {choice: [relu, tanh]}\n    models.net.weight_decay: {float: [0, 1]}\n"
        + "    models.trees.max_depth: {choice: [3, 4]}\n"
        + f"    models.net.dropout: {{float: [0, 0.5], when: {when}}}\n"
        + "    models.net.batch_size: {choice: [3, 4]}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=rf"^{path}:12:\d+: tune\.space\.models\.net\.dropout") as caught:
        load_task(path, tuning=True)
    assert says in str(caught.value)


def test_spaces_are_set_by_path_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(TASK + "  space:\n    models.trees.max_depth: {int: [2, 8]}\n", encoding="utf-8")
    sets = ["tune.space.models.trees.max_depth={int: [3, 4]}", "tune.space.models.trees.rounds={choice: [5, 6]}"]
    tune = load_task(path, settings=[*sets, "tune.time=1h30m"], tuning=True).tune
    assert tune is not None
    assert {name: tuple(axis.values() or ()) for name, axis in tune.space.items()} == {
        "models.trees.max_depth": (3, 4),
        "models.trees.rounds": (5, 6),
    }
    assert tune.time == 5400
    for setting, says in (
        ("tune.space.models.trees.max_depth={int: [3, 40]}", "can't be 40: it should be less than or equal to 16"),
        ("tune.space.models.trees.max_depth.int=[3, 40]", "can't be 40"),
        ("tune.space.models.trees.max_dpth={int: [3, 4]}", "did you mean 'max_depth'?"),
        ("tune.space.models.trees.rounds={int: [9, 4]}", "9 to 4 does not rise"),
        ("tune.space={prepare.pca: {log: [3, 4]}}", "takes whole numbers"),
        ("tune.metric=mae", "a classification is tuned by"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_task(path, settings=[setting, *(["tune.models=[trees]"] if "pca" in setting else [])], tuning=True)
        assert str(caught.value).startswith(f"--set {setting}: tune.")
        assert says in str(caught.value)


def test_spaces_may_be_written_in_sections(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    nested = "  space:\n    models:\n      net:\n        dropout: {float: [0, 0.5]}\n"
    nested += "    prepare:\n      log: {choice: [[], [a]]}\n"
    path.write_text(TASK + nested, encoding="utf-8")
    assert Space.of(load_task(path, tuning=True)).paths == ("models.net.dropout", "prepare.log")
    path.write_text(TASK + nested.replace("0.5", "1.5"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"task\.yaml:11:19: tune\.space\.models\.net\.dropout\.float: can't be 1\.5"):
        load_task(path, tuning=True)
    path.write_text(TASK + nested + "    models.net.dropout: {choice: [0, 0.1]}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"task\.yaml:8:3: tune\.space: models\.net\.dropout stands there twice"):
        load_task(path, tuning=True)


def test_models_that_need_a_whole_cluster_are_not_tuned(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    big = TASK.replace("trees}", "trees, shards: 3}")
    path.write_text(big + "  space: {models.trees.max_depth: {int: [3, 9]}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tune\.space: a trial has one worker, but models\.trees\.shards needs a"):
        load_task(path, tuning=True)
    path.write_text(big + "  space: {models.net.dropout: {choice: [0, 0.1]}}\n", encoding="utf-8")
    assert load_task(path, tuning=True).tune is not None


def test_only_a_search_minds_its_space(tmp_path: Path) -> None:
    """Whoever runs a task with other models need not take its space out."""
    settings = ["models.mlp-torch.learning_rate=0.01"]
    assert load_task("higgs", settings=settings).tune is not None
    with pytest.raises(
        ConfigError, match=r"higgs\.yaml:\d+:5: tune\.space\.train\.learning_rate: would change nothing"
    ):
        load_task("higgs", settings=settings, tuning=True)
    with pytest.raises(ConfigError, match=r"^task higgs: tune\.space\.train\.learning_rate: would change nothing"):
        Space.of(load_task("higgs", settings=settings))


@pytest.mark.parametrize("name", list(built_in_tasks()))
def test_built_in_spaces_fit_and_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = load_task(name, tuning=True)
    path = tmp_path / "task.yaml"
    path.write_text(dump_task(config), encoding="utf-8")
    again = load_task(path, tuning=True)
    assert again.tune == config.tune
    assert Space.of(again).parameters == Space.of(config).parameters


def test_without_a_budget_there_are_twenty_trials_or_a_whole_grid() -> None:
    assert TuneConfig().most_trials == 20
    assert TuneConfig(method="grid").most_trials is None
    assert TuneConfig(time=5.0).most_trials is None
    assert TuneConfig(trials=7, time=5.0).most_trials == 7
