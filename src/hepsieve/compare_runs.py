"""Finished runs to a comparison of their models on the test events that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from hepsieve.differences import differing
from hepsieve.errors import ConfigError, DataError, HepsieveError, IntegrityError
from hepsieve.evaluate.regression_results import Predicted, RegressionEvaluation
from hepsieve.evaluate.results import Evaluation, Scored
from hepsieve.evaluate.run_comparison import Compared, compare_predictions, compare_scores
from hepsieve.evaluate.run_comparison_results import ComparedModel, ComparedRun, RunComparison
from hepsieve.folder import PREDICTIONS, TEST_COMPARED, RunFolder, open_run, openings, record
from hepsieve.progress import Progress, Silent
from hepsieve.shown import RunsCompared

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stored:
    """The test events of a run and what some of its models made of them, by rising row of the data."""

    row: Rows
    target: Floats
    weight: Floats
    scores: Mapping[str, Floats]

    def taken(self, rows: Rows) -> _Stored:
        at = np.searchsorted(self.row, rows)
        scores = {name: values[at] for name, values in self.scores.items()}
        return _Stored(row=rows, target=self.target[at], weight=self.weight[at], scores=scores)


def compare(*runs: str | Path, models: Sequence[str] = (), every: bool = False, by: str | None = None) -> RunsCompared:
    """Models of finished runs on the test events that all runs share; what comes back shows itself as a table.

    Args:
        runs: run folders of the same task and data.
        models: only models of these names; of several runs the best of each when not given, of one run all.
        every: take every model of every run.
        by: the metric in which pairs are compared; the AUC (RMSE) when not given.

    Raises:
        ConfigError: if there are no two models of these names, or no such metric.
        DataError: if the runs share no test events, or are not about the same ones.
        IntegrityError: if a run was changed.
    """
    comparison = compare_runs([Path(run) for run in runs], models=models, every=every, by=by, progress=Silent())
    return RunsCompared(comparison=comparison)


def compare_runs(
    paths: Sequence[Path],
    *,
    models: Sequence[str] = (),
    every: bool = False,
    by: str | None = None,
    progress: Progress,
) -> RunComparison:
    """Compare models of finished runs, each verified, on the test events that stand in every run's test part.

    These events were unseen by all of the models. Looking at what is stored about them opens no test part; but whoever
    takes the winner from here has chosen on test events: the comparison says so, and each run's log keeps that it was
    made. See ``compare`` for the arguments.

    Args:
        paths: run folders.
        models: names of models.
        every: take every model of every run.
        by: the metric.
        progress: shows every long step.
    """
    runs = _opened(paths, progress)
    _require_alike(runs)
    chosen = {name: _chosen(run, models, every=every or len(runs) == 1) for name, run in runs.items()}
    _require_models(runs, models, chosen)
    stored = _shared({name: _read(run, chosen[name]) for name, run in runs.items()}, runs)
    several = len(runs) > 1
    labels = {(f"{name}/{model}" if several else model): (name, model) for name in runs for model in chosen[name]}
    with progress.task("comparing"):
        try:
            compared = _compare(runs, stored, labels, by)
        except DataError as error:
            told = " and ".join(str(run.path) for run in runs.values())
            raise DataError(f"{told}: {len(next(iter(stored.values())).row)} shared test events: {error}") from None
    _record(runs)
    first, any_stored = next(iter(runs.values())), next(iter(stored.values()))
    evaluation, n = first.evaluation, len(any_stored.row)
    regression = isinstance(evaluation, RegressionEvaluation)
    settings = differing({run.path: run.config for run in runs.values()})
    return RunComparison(
        task=evaluation.task,
        kind=evaluation.kind,
        classes=() if isinstance(evaluation, RegressionEvaluation) else evaluation.classes,
        target=evaluation.target if isinstance(evaluation, RegressionEvaluation) else None,
        origin=evaluation.data.origin,
        fingerprint=evaluation.data.fingerprint,
        runs={name: _described(run, settings[run.path]) for name, run in runs.items()},
        models={
            label: ComparedModel(
                run=name,
                model=model,
                best=model == runs[name].evaluation.best,
                metrics=dict(compared.models[label].metrics),
                roc=compared.models[label].roc,
            )
            for label, (name, model) in labels.items()
        },
        n_events=n,
        n_signal=None if regression else int((any_stored.target > 0.5).sum()),
        by=by or ("rmse" if regression else "auc"),
        pairs=compared.pairs,
        selection=compared.selection,
        warnings=_warnings(runs),
    )


def _opened(paths: Sequence[Path], progress: Progress) -> dict[str, RunFolder]:
    """The runs by names that tell them apart: folder names, or whole paths where these are equal."""
    if not paths:
        raise ConfigError("name the run folders to compare")
    resolved = [path.resolve() for path in paths]
    if twice := [path for path, place in zip(paths, resolved, strict=True) if resolved.count(place) > 1]:
        raise ConfigError(f"{twice[0]} stands there twice; a run can't be compared with itself")
    names = [place.name for place in resolved]
    opened = {}
    with progress.task("verifying the runs", len(paths)) as advance:
        for path, place in zip(paths, resolved, strict=True):
            opened[place.name if names.count(place.name) == 1 else str(path)] = open_run(path)
            advance(1, place.name)
    return opened


def _require_alike(runs: Mapping[str, RunFolder]) -> None:
    """Refuse runs that are not about the same question on the same data."""
    (_, first), *others = runs.items()
    for _, other in others:
        told = f"{first.path} and {other.path}"
        one, two = first.evaluation, other.evaluation
        if one.kind != two.kind:
            raise DataError(f"{told}: a {one.kind} and a {two.kind} have no figure in common; compare runs of one kind")
        if isinstance(one, Evaluation) and isinstance(two, Evaluation) and one.classes != two.classes:
            what = "the classes are swapped" if one.classes == two.classes[::-1] else "other classes"
            raise DataError(f"{told}: {what}, {_pair(one.classes)} and {_pair(two.classes)}; train with the same ones")
        if isinstance(one, RegressionEvaluation) and isinstance(two, RegressionEvaluation) and one.target != two.target:
            of_runs = [f"{t.name} of which 1 is {t.full:g} {t.unit}".strip() for t in (one.target, two.target)]
            raise DataError(f"{told}: other targets, {of_runs[0]} and {of_runs[1]}; train with the same one")
        if one.task != two.task:
            raise DataError(f"{told}: other tasks, {one.task} and {two.task}; compare runs of one task")
        if one.data.fingerprint != two.data.fingerprint:
            raise DataError(
                f"{told}: other data (fingerprints {one.data.fingerprint[:8]} and {two.data.fingerprint[:8]}); "
                "models can be compared on the same events only"
            )


def _pair(classes: tuple[str, str]) -> str:
    return f"[{classes[0]}, {classes[1]}]"


def _chosen(run: RunFolder, models: Sequence[str], *, every: bool) -> tuple[str, ...]:
    known = tuple(run.evaluation.models)
    if models:
        return tuple(name for name in known if name in models)
    return known if every else (run.evaluation.best,)


def _require_models(
    runs: Mapping[str, RunFolder], models: Sequence[str], chosen: Mapping[str, tuple[str, ...]]
) -> None:
    known = {model: None for run in runs.values() for model in run.evaluation.models}
    if unknown := [name for name in models if name not in known]:
        raise ConfigError(f"--model {unknown[0]}: no run has it; there are {', '.join(known)}")
    if without := [name for name, taken in chosen.items() if not taken]:
        there = ", ".join(runs[without[0]].evaluation.models)
        raise ConfigError(f"{runs[without[0]].path}: none of the models {', '.join(models)}; it has {there}")
    if sum(map(len, chosen.values())) < 2:
        raise ConfigError(f"{next(iter(runs.values())).path}: one model alone; name another run, or more models")


def _read(run: RunFolder, models: Sequence[str]) -> _Stored:
    """What ``predictions.parquet`` holds of these models."""
    path = run.path / PREDICTIONS
    try:
        columns = ["row", "target", "weight", *(f"score_{model}" for model in models)]
        table = pa.parquet.read_table(path, columns=columns)
        row = np.asarray(table["row"], dtype=np.int64)
        values = {name: np.asarray(table[name], dtype=np.float64) for name in columns[1:]}
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise IntegrityError(f"{path}: can't be read; run the task again") from None
    order = np.argsort(row, kind="stable")
    return _Stored(
        row=row[order],
        target=values["target"][order],
        weight=values["weight"][order],
        scores={model: values[f"score_{model}"][order] for model in models},
    )


def _shared(stored: Mapping[str, _Stored], runs: Mapping[str, RunFolder]) -> dict[str, _Stored]:
    """The events that stand in every run's test part, once they are known to be the same ones."""
    rows: Rows = reduce(np.intersect1d, [one.row for one in stored.values()])
    (name, first), *others = stored.items()
    if not len(rows):
        other = next((n for n, one in others if not len(np.intersect1d(first.row, one.row))), others[-1][0])
        raise DataError(
            f"{runs[name].path} and {runs[other].path}: no event is in both test parts; run the task with the same seed"
        )
    shared = {run: one.taken(rows) for run, one in stored.items()}
    for other, one in shared.items():
        for what in ("target", "weight"):
            values, theirs = getattr(shared[name], what), getattr(one, what)
            if not np.array_equal(values, theirs):
                at = int(np.argmax(values != theirs))
                found = f"the {what} of row {rows[at]} is {values[at]:g} in one and {theirs[at]:g} in the other"
                told = f"{runs[name].path} and {runs[other].path}"
                raise DataError(f"{told}: {found}; run the task with the same data section")
    return shared


def _compare(
    runs: Mapping[str, RunFolder], stored: Mapping[str, _Stored], labels: Mapping[str, tuple[str, str]], by: str | None
) -> Compared:
    first = next(iter(runs.values()))
    quoted, seed = first.config.evaluate, first.config.seed
    arrays = next(iter(stored.values()))
    target, weight = arrays.target, arrays.weight
    scores = {label: stored[run].scores[model] for label, (run, model) in labels.items()}
    if isinstance(first.evaluation, RegressionEvaluation):
        return compare_predictions(
            {label: Predicted(target=target, prediction=one, weight=weight) for label, one in scores.items()},
            by=by or "rmse",
            tolerances=quoted.tolerances,
            resamples=quoted.resamples,
            seed=seed,
        )
    return compare_scores(
        {label: Scored(target=target, score=one, weight=weight) for label, one in scores.items()},
        by=by or "auc",
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        resamples=quoted.resamples,
        seed=seed,
    )


def _record(runs: Mapping[str, RunFolder]) -> None:
    """Write to each run's log what its test figures were compared with."""
    for name, run in runs.items():
        others = ", ".join(other for other in runs if other != name) or "its own models"
        with suppress(HepsieveError):  # the runs of others may be compared too
            record(run.path, TEST_COMPARED, f"hepsieve compare: {others}")


def _described(run: RunFolder, settings: Mapping[str, object]) -> ComparedRun:
    evaluation, board = run.evaluation, run.evaluation.leaderboard
    return ComparedRun(
        path=str(run.path),
        created=str(run.manifest.get("created", "")),
        n_test=evaluation.data.n_test,
        test_openings=_openings(run),
        models=tuple(evaluation.models),
        best=evaluation.best,
        settings=dict(settings),
        ensemble=None if board is None else board.ensemble,
        budget=None if board is None else board.budget,
    )


def _openings(run: RunFolder) -> int:
    return max(openings(run.path), run.evaluation.test_openings)


def _warnings(runs: Mapping[str, RunFolder]) -> tuple[str, ...]:
    """Runs whose test part was looked at more than once."""
    return tuple(
        f"{name} opened its test part {_openings(run)} times: what was chosen after looking is no longer judged on "
        "unseen events"
        for name, run in runs.items()
        if _openings(run) > 1
    )
