"""The configuration: what it accepts, and how it says what it does not accept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepsieve.config import built_in_tasks, dump_task, load_task
from hepsieve.errors import ConfigError
from hepsieve.models.config import MLPConfig, Steps, Taper

MINIMAL = "task: mine\nmodels:\n  net: {kind: mlp}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", list(built_in_tasks()))
def test_built_in_tasks_load_and_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = load_task(name)
    assert config.task == name
    assert load_task(write(tmp_path, dump_task(config))) == config


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("task: a\ntask: b\n", "2:1", "duplicate key"),
        ("task: mine\nmodels:\n  net: {kind: mlp, widhts: [3]}\n", "3:20", "did you mean 'widths'?"),
        ("task: mine\nmodles:\n  net: {kind: mlp}\n", "2:1", "did you mean 'models'?"),
        (MINIMAL + "train:\n  epohcs: 3\n", "5:3", "did you mean 'epochs'?"),
        (MINIMAL + "train:\n  epochs: many\n", "5:3", "valid integer"),
        (MINIMAL + "train:\n  epochs: 1.5\n", "5:3", "valid integer"),
        (MINIMAL + "train:\n  epochs: .inf\n", "5:3", "train.epochs"),
        (MINIMAL + "split: {test: 0.9}\n", "4:1", "leave nothing to train on"),
        ("task: !!python/object:os.system x\n", "1:7", "tag"),
        ("task: !secret x\n", "1:7", "tag"),
        ("task: &a x\nmodels: *a\n", "1:7", "anchors"),
        ("task: [\n", "2:1", "expected"),
        ("", "1:1", "empty"),
        ("- a\n", "1:1", "mapping"),
        ("task: mine\n", "1:1", "'models' is missing"),
        ("task: mine\nmodels:\n  net: {kind: mpl}\n", "3:3", "'mlp'"),
        ("task: mine\nmodels:\n  ../net: {kind: mlp}\n", "2:1", "letters"),
        (MINIMAL + "train:\n  schedule: {kind: cosine, fnal: 1}\n", "5:28", "did you mean 'final'?"),
    ],
)
def test_a_mistake_gets_one_line_with_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_task(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{place}: ")
    assert says in message
    assert "\n" not in message


def test_unknown_tasks_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'higgs'"):
        load_task("higs")
    with pytest.raises(ConfigError, match="no such file"):
        load_task("nowhere.yaml")


def test_settings_go_on_top_and_are_named_in_errors(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    config = load_task(path, settings=["train.epochs=5", "models.net.widths=[4, 2]", "train.learning_rate=1e-2"])
    assert (config.train.epochs, config.train.learning_rate) == (5, 0.01)
    assert config.models["net"] == MLPConfig(widths=(4, 2))
    with pytest.raises(ConfigError, match=r"^--set train\.epoch=5: unknown key 'train\.epoch'; did you mean 'epochs'"):
        load_task(path, settings=["train.epoch=5"])
    with pytest.raises(ConfigError, match=r"^--set epochs: write key=value"):
        load_task(path, settings=["epochs"])
    with pytest.raises(ConfigError, match="is a value, not a section"):
        load_task(path, settings=["task.name=x"])


def test_yaml_reads_numbers_and_words_as_they_are_meant(tmp_path: Path) -> None:
    text = MINIMAL + "classes: [no, yes]\ntrain: {learning_rate: 1e-3}\n"
    config = load_task(write(tmp_path, text))
    assert config.classes == ("no", "yes")
    assert config.train.learning_rate == 0.001


def test_relative_files_start_from_the_task_file(tmp_path: Path) -> None:
    config = load_task(write(tmp_path, MINIMAL + "data: {files: [a.csv, /b.csv]}\n"))
    assert config.data.files == (tmp_path / "a.csv", Path("/b.csv"))


def test_runs_to_start_from_and_simulated_files_lie_beside_the_task_file(tmp_path: Path) -> None:
    text = """\
task: toy
models:
  net: {kind: mlp, start_from: runs/a}
  scan: {kind: grid, model: {kind: trees, start_from: runs/b}, over: {max_depth: [2, 3]}}
  look: {kind: search, model: {kind: mlp, start_from: runs/c}, over: {learning_rate: {low: 1.0e-4, high: 1.0e-2}}}
train: {start_from: runs/d, simulation: {files: [made.root]}}
portfolio: {models: {trees: {kind: trees, start_from: runs/e}}}
"""
    config = load_task(write(tmp_path, text))
    portfolio, simulation = config.portfolio, config.train.simulation
    assert portfolio is not None
    assert simulation is not None
    models = {**config.trained(("net", "scan")), **portfolio.models}
    starts = {name: getattr(model, "start_from", None) for name, model in models.items()}
    scan, there = tmp_path / "runs" / "b", tmp_path / "runs"
    assert starts == {"net": there / "a", "scan-2": scan, "scan-3": scan, "trees": there / "e"}
    assert getattr(config.searches(("look",))["look"].at((0.001,)), "start_from", None) == there / "c"
    assert (config.train.start_from, simulation.files) == (there / "d", (tmp_path / "made.root",))
    here = load_task(write(tmp_path, text), settings=["train.start_from=runs/d", "models.scan.model.start_from=runs/b"])
    assert here.train.start_from == Path("runs/d").resolve()
    assert getattr(here.trained(("scan",))["scan-2"], "start_from", None) == Path("runs/b").resolve()
    with pytest.raises(ConfigError, match=r"over\.start_from: all of them begin with one run"):
        load_task(write(tmp_path, text.replace("max_depth: [2, 3]", "start_from: [runs/a, runs/b]")))


def test_widths_can_be_given_in_three_ways() -> None:
    # 600 to 8 in 5 layers: 600, 452, 304, 156, 8; the last becomes the output.
    assert MLPConfig(widths=Taper(first=600, last=8, layers=5)).hidden() == (600, 452, 304, 156)
    assert MLPConfig(widths=Steps(first=25, step=-5, layers=2)).hidden() == (25, 20)
    assert MLPConfig(widths=(28, 14, 7)).hidden() == (28, 14, 7)
    with pytest.raises(ValueError, match="no node"):
        Steps(first=10, step=-5, layers=3)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), text)
        with pytest.raises(ConfigError, match=r"^[^\n]*$"):  # 80 random characters are never a whole task
            load_task(path)


@pytest.mark.parametrize(("former", "balance"), [("balanced", "class_weights"), ("none", "none")])
def test_the_former_spelling_of_balance_is_understood(former: str, balance: str) -> None:
    assert load_task("higgs", settings=[f"train.class_weight={former}"]).train.balance == balance
    with pytest.raises(ConfigError, match="class_weight"):
        load_task("higgs", settings=[f"train.class_weight={former}", "train.balance=none"])
    with pytest.raises(ConfigError, match=r"or .undersample."):
        load_task("higgs", settings=["train.class_weight=heavy"])


def test_a_working_point_can_not_take_a_name_that_is_used() -> None:
    with pytest.raises(ConfigError, match="choose another name"):
        load_task("hnl", settings=["evaluate.working_points.best_significance={threshold: 0.5}"])
