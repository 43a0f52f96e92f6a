"""A search gives the same trials for any workers and after any interruption, and finds more than chance does."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tune.searches import SMALL, Workers, figure_of, searched, space_of

from hepsieve.config import TaskConfig
from hepsieve.errors import MissingExtra, TrainingError, WorkerLost
from hepsieve.tune.space import Space
from hepsieve.tune.study import run_study
from hepsieve.tune.trial_values import Proposal, TrialOutcome, Tried

METHODS = ("tpe", "random", "halving")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process wrote outlives its kill; only a power cut needs more."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.mark.parametrize("method", METHODS)
def test_trials_do_not_depend_on_the_workers(method: str, tmp_path: Path) -> None:
    space = space_of(method=method, trials=14, startup=4)
    first = searched(space, tmp_path / "1", number=1)
    for number, seed in ((2, 1), (5, 2)):
        again = searched(space, tmp_path / str(number), Workers(number, seed=seed), number=number)
        assert again == first
    assert [trial.number for trial in first.trials] == list(range(14))
    assert len({str(trial.point) for trial in first.trials}) == 14
    assert searched(space, tmp_path / "other", seed=2).trials != first.trials


def test_the_first_trials_are_what_the_task_has(tmp_path: Path) -> None:
    study = searched(space_of(trials=3), tmp_path)
    net = {"models.net.dropout": 0.0, "models.net.activation": "relu", "train.learning_rate": 1e-3}
    assert [trial.point for trial in study.trials[:2]] == [
        {"model": "net", **net},
        {"model": "trees", "models.trees.max_depth": 6},
    ]
    # Of a model whose own settings the space does not hold there is no such trial.
    deeper = space_of({"models.trees.max_depth": {"int": [7, 9]}}, trials=2, method="random")
    assert all(trial.point["models.trees.max_depth"] >= 7 for trial in searched(deeper, tmp_path / "deeper").trials)


def test_a_grid_may_have_more_points_than_can_be_listed(tmp_path: Path) -> None:
    axes = {"models.trees.rounds": {"int": [1, 10**9]}, "models.trees.max_bin": {"int": [2, 60000]}}
    study = searched(space_of(axes, method="grid", trials=2), tmp_path)
    assert [trial.point["models.trees.max_bin"] for trial in study.trials] == [2, 3]


def test_halving_stops_the_worse_and_trains_the_rest_to_the_end(tmp_path: Path) -> None:
    workers = Workers(3)
    study = searched(space_of(method="halving", trials=27, startup=27, at_once=1), tmp_path, workers)
    assert {trial.state for trial in study.trials} == {"finished", "stopped"}
    reached: list[list[float]] = [[], []]  # figures at each rung; one at a time, trials reach it in their order
    for trial in study.trials:
        for rung, (_, figure) in enumerate(trial.rungs):
            better = sum(other > figure for other in reached[rung])
            reached[rung].append(figure)
            assert (len(trial.rungs) > rung + 1 or trial.state == "finished") == (
                better < max(1, len(reached[rung]) // 3)
            )
    assert len(reached[0]) == 27
    assert len(reached[1]) < 27 / 2
    for trial in study.trials:
        shares = [share for share, _ in trial.rungs]
        assert shares == [1 / 9, 1 / 3][: len(shares)]
        assert trial.state != "finished" or len(shares) == 2
        assert trial.state != "stopped" or trial.figure == trial.rungs[-1][1]
    assert study.best.figure == max(trial.figure or 0 for trial in study.trials if trial.state == "finished")
    # Nothing is trained that was stopped, and every step once.
    assert (
        len(workers.trained)
        == len(set(workers.trained))
        == sum(len(trial.rungs) + (trial.state == "finished") for trial in study.trials)
    )


def test_the_first_of_a_rung_go_on_if_nothing_was_better(tmp_path: Path) -> None:
    """By hand, with 3 for 1: the first alone is the best; a later one is, if it is in the best third by then."""
    figures = [0.5, 0.4, 0.6, 0.7, 0.65, 0.8]
    space = space_of(SMALL, method="halving", trials=6, startup=9, at_once=1, models=["net"])
    study = searched(space, tmp_path, Workers(1, figure=lambda proposal: figures[proposal.number]), number=1)
    # 0.5: alone. 0.4: below 0.5. 0.6: the best of three. 0.7: best of four. 0.65: of five one goes on. 0.8: of six two.
    assert [bool(len(trial.rungs) > 1) for trial in study.trials] == [True, False, True, True, False, True]


def test_grids_try_every_point_in_order(tmp_path: Path) -> None:
    space = space_of(SMALL, method="grid")
    study = searched(space, tmp_path)
    assert [trial.point for trial in study.trials] == list(space.points())
    assert len(study.trials) == 3 + 1 + 3  # gelu and relu with three dropouts each, tanh with none
    assert study.notes == ()  # all of it is what was asked for
    more = searched(space_of(SMALL, method="grid", trials=9), tmp_path / "more")
    assert more.notes == ("The space has no more than 7 points, and each was tried.",)
    few = searched(space_of(SMALL, method="grid", trials=3), tmp_path / "few")
    assert few.trials == study.trials[:3]
    assert few.notes == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_space_that_is_used_up_ends_the_search(method: str, tmp_path: Path) -> None:
    space = space_of(SMALL, method=method, trials=50, startup=3)
    study = searched(space, tmp_path)
    found = sorted(str(trial.point) for trial in study.trials)
    assert found == sorted(str(point) for point in space.points())
    assert study.notes == ("The space has no more than 7 points, and each was tried.",)


class Killed(BaseException):
    """What a kill is to the search: nothing more is written."""


@pytest.mark.parametrize("method", ["tpe", "halving", "grid"])
def test_a_search_killed_at_every_event_ends_the_same(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between two lines of the journal, and between a line and what follows from it."""
    space = space_of(SMALL if method == "grid" else None, method=method, trials=4, startup=2, at_once=2)
    whole = searched(space, tmp_path / "whole", Workers(2))
    from optuna.storages.journal import JournalFileBackend

    append, at = JournalFileBackend.append_logs, 0
    left: list[int] = []  # what may still happen before the kill

    def counted(self: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        tick()
        append(self, logs)
        tick()

    def tick(_: object = None) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    class Mortal(Workers):
        def __call__(self, proposal: Proposal) -> Future[TrialOutcome]:
            tick()
            future = super().__call__(proposal)
            tick()
            return future

    monkeypatch.setattr(JournalFileBackend, "append_logs", counted)
    kills = 0
    for at in range(1, 400):
        folder = tmp_path / str(at)
        workers = Mortal(2, seed=at)
        left[:] = [at]
        try:
            searched(space, folder, workers, on_trial=tick)
        except Killed:
            kills += 1
        else:
            break
        left[:] = [10**9]
        assert searched(space, folder, workers, on_trial=tick) == whole
        assert len(workers.trained) == len(set(workers.trained))
    assert kills > 4 * 4


@pytest.mark.parametrize("method", ["tpe", "halving"])
def test_a_search_killed_again_and_again_ends_the_same(method: str, tmp_path: Path) -> None:
    space = space_of(method=method, trials=12, startup=4)
    whole = searched(space, tmp_path / "whole")
    workers = Workers(3, seed=5)
    told: set[int] = set()

    def hear(tried: Tried) -> None:
        if tried.number not in told:
            told.add(tried.number)
            raise Killed

    for _ in range(12):
        with pytest.raises(Killed):
            searched(space, tmp_path / "cut", workers, on_trial=hear)
    assert searched(space, tmp_path / "cut", workers, on_trial=hear) == whole
    assert len(workers.trained) == len(set(workers.trained))


def test_more_trials_go_on_with_the_same_study(tmp_path: Path) -> None:
    notes: list[str] = []
    few = searched(space_of(trials=5, startup=3), tmp_path / "a")
    workers = Workers(2)
    more = searched(space_of(trials=9, startup=3), tmp_path / "a", workers, on_note=notes.append)
    assert more == searched(space_of(trials=9, startup=3), tmp_path / "b")
    assert more.trials[:5] == few.trials
    assert sorted(number for number, _ in workers.trained) == [5, 6, 7, 8]
    assert notes == ["study: goes on after 5 trials"]


def test_failed_trials_are_kept_with_their_reason_and_the_search_goes_on(tmp_path: Path) -> None:
    def figure(proposal: Proposal) -> float:
        match proposal.number % 4:
            case 0:
                return float("nan")
            case 1:
                return float("inf")
            case 2:
                raise TrainingError("epoch 1, batch 3: the loss is nan")
            case _:
                return figure_of(proposal)

    study = searched(space_of(trials=12, startup=2), tmp_path, Workers(2, figure=figure))
    assert [trial.state for trial in study.trials] == ["failed", "failed", "failed", "finished"] * 3
    assert [trial.error for trial in study.trials[:4]] == [
        "its figure is nan",
        "its figure is inf",
        "epoch 1, batch 3: the loss is nan",
        "",
    ]
    assert all(trial.figure is None for trial in study.trials if trial.state == "failed")
    assert study.best.state == "finished"
    # What failed is known: nothing is done again.
    workers = Workers(2)
    assert searched(space_of(trials=12, startup=2), tmp_path, workers) == study
    assert workers.trained == []


@pytest.mark.parametrize(
    ("error", "says"),
    [(WorkerLost("the process died"), "the process died"), (MemoryError(), "out of memory")],
)
def test_lost_workers_fail_their_trial(error: Exception, says: str, tmp_path: Path) -> None:
    def try_out(proposal: Proposal) -> Future[TrialOutcome]:
        future: Future[TrialOutcome] = Future()
        if proposal.number == 1:
            future.set_exception(error)
        else:
            future.set_result(TrialOutcome(figure=0.5, epochs=1, seconds=1.0))
        return future

    space = space_of(trials=3)
    study = run_study(space, space.tune, tmp_path, try_out, seed=1, workers=1)
    assert [trial.error for trial in study.trials] == ["", says, ""]
    assert study.best.number == 0  # of equal ones the first


def test_what_no_other_trial_could_do_better_ends_the_search(tmp_path: Path) -> None:
    def try_out(proposal: Proposal) -> Future[TrialOutcome]:
        future: Future[TrialOutcome] = Future()
        future.set_exception(MissingExtra("xgboost is not installed"))
        return future

    space = space_of(trials=3)
    with pytest.raises(MissingExtra):
        run_study(space, space.tune, tmp_path, try_out, seed=1, workers=1)


def test_a_search_without_any_figure_names_the_first_reason(tmp_path: Path) -> None:
    def figure(proposal: Proposal) -> float:
        raise TrainingError(f"no room for trial {proposal.number}")

    with pytest.raises(TrainingError, match=r"^each of 3 trials failed; the first: no room for trial 0$"):
        searched(space_of(trials=3), tmp_path, Workers(1, figure=figure))


def test_a_search_of_which_nothing_came_to_its_end_does_not_say_that_all_failed(tmp_path: Path) -> None:
    """The first goes on as the best so far and fails later; the others are worse, and stopped."""

    def figure(proposal: Proposal) -> float:
        if proposal.share > 0.2:
            raise TrainingError("the loss is nan")
        return 0.9 - 0.1 * proposal.number

    space = space_of(SMALL, method="halving", trials=3, at_once=1, models=["net"])
    says = r"^none of 3 trials came to its end: 1 failed, the others were stopped early; the first: the loss is nan$"
    with pytest.raises(TrainingError, match=says):
        searched(space, tmp_path, Workers(1, figure=figure), number=1)


def test_values_that_do_not_go_together_fail_without_a_training(tmp_path: Path) -> None:
    """Whitening needs principal components, which one of the choices has none of."""
    space = Space.of(
        TaskConfig.model_validate(
            {
                "task": "toy",
                "models": {"net": {"kind": "mlp"}},
                "tune": {
                    "method": "grid",
                    "space": {"prepare.whiten": {"choice": [False, True]}, "prepare.pca": {"choice": [None, 3]}},
                },
            }
        )
    )
    workers = Workers(1, figure=lambda proposal: 0.5)
    study = searched(space, tmp_path, workers)
    assert [trial.state for trial in study.trials] == ["finished", "finished", "failed", "finished"]
    assert study.trials[2].error == "net: whiten gives principal components unit variance; say how many in pca"
    assert [number for number, _ in workers.trained] == [0, 1, 3]


def test_an_early_end_is_an_end(tmp_path: Path) -> None:
    """A training that stops by itself before its share is up has its last figure, and goes on to no rung."""

    class Early(Workers):
        def _carried_out(self, proposal: Proposal) -> TrialOutcome:
            return replace(super()._carried_out(proposal), ended=proposal.share > 0.2)

    study = searched(space_of(method="halving", trials=6), tmp_path, Early(2))
    finished = [trial for trial in study.trials if trial.state == "finished"]
    assert finished
    assert all([share for share, _ in trial.rungs] == [1 / 9] for trial in finished)


def test_time_ends_a_search_and_counts_on_when_it_is_resumed(tmp_path: Path) -> None:
    now = 0.0

    def clock() -> float:
        return now

    def hear(tried: Tried) -> None:
        nonlocal now
        now += 10

    space = space_of(time=35, at_once=2)
    study = searched(space, tmp_path, on_trial=hear, clock=clock)
    # Two at once; 0 s, 10, 20, 30 s begin one more each, at 40 s none does: those that run are finished.
    assert len(study.trials) == 5
    assert study.notes == ("The time was over after 5 trials.",)
    workers = Workers(2)
    again = searched(space, tmp_path, workers, clock=clock)
    assert again == study
    assert workers.trained == []


def test_more_time_goes_on_with_the_same_study(tmp_path: Path) -> None:
    now = 0.0
    ends: set[int] = set()

    def hear(tried: Tried) -> None:
        nonlocal now
        now += 0 if tried.number in ends else 10
        ends.add(tried.number)

    few = searched(space_of(time=25, at_once=1), tmp_path / "a", on_trial=hear, clock=lambda: now)
    assert len(few.trials) == 3  # begun at 0, 10 and 20 s
    now = 1000.0  # when nobody searched counts for nothing
    more = searched(space_of(time=45, at_once=1), tmp_path / "a", on_trial=hear, clock=lambda: now)
    # The journal says that 20 s were spent when the third was written down: then at 20, 30 and 40 s.
    assert len(more.trials) == 6
    assert more.trials == searched(space_of(trials=6, at_once=1), tmp_path / "b").trials


def test_figures_lead_to_better_ones_than_chance(tmp_path: Path) -> None:
    axes = {
        "models.net.dropout": {"float": [0, 0.5]},
        "models.net.weight_decay": {"log": [1e-4, 1]},
        "models.net.learning_rate": {"log": [1e-5, 1e-1]},
    }

    def figure(proposal: Proposal) -> float:
        point = proposal.point
        rate, decay = (np.log10(point[f"models.net.{name}"]) for name in ("learning_rate", "weight_decay"))
        return float(1 - (point["models.net.dropout"] - 0.2) ** 2 - 0.02 * (rate + 2.5) ** 2 - 0.01 * (decay + 1) ** 2)

    late: dict[str, list[float]] = {"tpe": [], "random": []}
    for seed in range(5):
        for method, found in late.items():
            space = space_of(axes, method=method, trials=25, startup=6)
            study = searched(space, tmp_path / f"{method}{seed}", Workers(2, figure=figure), seed=seed)
            found.append(float(np.mean([trial.figure for trial in study.trials[15:] if trial.figure])))
    # If figures were of no use, all 5 pairs were won in 1 / 32 = 3 % of all cases.
    assert all(one > other for one, other in zip(late["tpe"], late["random"], strict=True))
    assert np.mean(late["tpe"]) - np.mean(late["random"]) > 0.02
