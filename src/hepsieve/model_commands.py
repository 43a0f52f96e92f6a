"""What the commands do with one model of a finished run: score files with it, or export it."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from hepsieve.config import load_task
from hepsieve.engines import EngineOptions, open_jobs
from hepsieve.errors import ConfigError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.results import Evaluation
from hepsieve.folder import CONFIG, MODELS, open_run
from hepsieve.physics_again import YIELD_SETTINGS, physics_again
from hepsieve.progress import Progress
from hepsieve.score.bundle import load_bundle
from hepsieve.score.export import export_keras
from hepsieve.score.files import describe
from hepsieve.score.files import score_files as add_scores
from hepsieve.score.one_file import Selection
from hepsieve.score.pyhf_export import check_workspace, export_pyhf

_NO_NETWORKS = ("trees", "adaboost", "ensemble")


def score_files(
    run: Path,
    files: Sequence[Path],
    *,
    output: Path,
    model: str | None,
    working_point: str | None = None,
    jobs: int = 1,
    engine: EngineOptions | None = None,
    progress: Progress,
) -> str:
    """New files with a score column, and only the rows that pass a working point if one is named, in one line.

    Several files are shared among ``jobs`` processes of this machine, or the workers of an engine.
    """
    finished = open_run(run)
    name = _model_name(run, finished.evaluation, model)
    selection = None if working_point is None else _selection(run, finished.evaluation, name, working_point)
    bundle = load_bundle(run / MODELS / name)
    column = f"score_{name}"
    # One file is no work to share, so nothing is started for it.
    with open_jobs(engine if len(files) > 1 else None, jobs) as shared:
        scored = add_scores(bundle, files, output, column=column, selection=selection, jobs=shared, progress=progress)
    return describe(scored, column, selection)


def export_model(
    run: Path, *, to: str, model: str | None, output: Path | None, settings: Sequence[str] = ()
) -> tuple[str, ...]:
    """A network as files for other programs, or the bins of a model's score as a pyhf workspace; what was written."""
    match to:
        case "keras":
            if settings:
                raise ConfigError(f"--set {settings[0]}: a network is exported as it is; settings go with --to pyhf")
            return tuple(map(str, _export_network(run, model, output)))
        case "pyhf":
            return _export_workspace(run, model, output, settings)
        case _:
            raise ConfigError(f"--to {to}: this version exports to keras and pyhf only")


def _export_network(run: Path, model: str | None, output: Path | None) -> tuple[Path, ...]:
    evaluation = open_run(run).evaluation
    networks = {name: result for name, result in evaluation.models.items() if result.kind not in _NO_NETWORKS}
    if model is None and not networks:
        raise ConfigError(f"{run}: no network among {', '.join(evaluation.models)}; Keras can't hold trees")
    chosen = model if model is not None else max(networks, key=lambda name: _validation_figure(evaluation, name))
    name = _model_name(run, evaluation, chosen)
    folder = run / MODELS / name
    return export_keras(load_bundle(folder), folder, output if output is not None else Path(f"{name}.keras"))


def _export_workspace(run: Path, model: str | None, output: Path | None, settings: Sequence[str]) -> tuple[str, ...]:
    if wrong := [setting for setting in settings if not setting.startswith(YIELD_SETTINGS)]:
        raise ConfigError(
            f"--set {wrong[0]}: only {', '.join(YIELD_SETTINGS)} can be set here; the run stays as it was"
        )
    finished = open_run(run)
    if not isinstance(finished.evaluation, Evaluation):
        raise ConfigError(f"{run}: a regression has no signal to expect; pyhf takes classifications only")
    name = _model_name(run, finished.evaluation, model)
    output = output if output is not None else Path(f"{name}.workspace.json")
    check_workspace(output)  # before the test part is looked at, which is recorded
    known = finished.evaluation.physics.get(name)
    if settings or known is None:
        known = physics_again(finished, load_task(run / CONFIG, settings=settings), name)
    return export_pyhf(known, task=finished.evaluation.task, model=name, output=output).lines()


def _model_name(run: Path, evaluation: AnyEvaluation, model: str | None) -> str:
    if model is None:
        return evaluation.best
    if model not in evaluation.models:
        raise ConfigError(f"{run}: no model {model!r}; it has {', '.join(evaluation.models)}")
    return model


def _selection(run: Path, evaluation: AnyEvaluation, model: str, working_point: str) -> Selection:
    """The stored threshold of a model's working point."""
    if not isinstance(evaluation, Evaluation):
        raise ConfigError(f"{run}: a regression has no working points; leave --working-point out")
    points = {point.name: point.threshold for point in evaluation.working_points.get(model, ())}
    if working_point not in points:
        raise ConfigError(
            f"{run}: {model} has no working point {working_point!r}; it has {', '.join(points) or 'none'}"
        )
    return Selection(name=working_point, threshold=points[working_point])


def _validation_figure(evaluation: AnyEvaluation, name: str) -> float:
    """Larger is better: the AUC on validation, or the RMSE with a minus."""
    auc = isinstance(evaluation, Evaluation)
    value = evaluation.models[name].validation["auc" if auc else "rmse"].value
    if value is None:
        return -inf
    return value if auc else -value
