"""The stages for notebooks: read, audit, split, train, evaluate, each one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hepsieve.audit import Audit
from hepsieve.audit import audit as audit_events
from hepsieve.cache import default_cache
from hepsieve.config import (
    LEAST_MAPS,
    CutConfig,
    DataConfig,
    EvaluateConfig,
    ExplainConfig,
    PrepareConfig,
    TaskConfig,
    load_task,
)
from hepsieve.data.read import read_files
from hepsieve.errors import ConfigError
from hepsieve.evaluate.image_results import ImageSummary
from hepsieve.evaluate.results import Evaluation, ModelEvaluation, WorkingPoint
from hepsieve.events import Events
from hepsieve.judge import judge, pictured, require_reachable_cuts, require_slices
from hepsieve.models.config import MLPConfig, ModelConfig, Network, TrainConfig
from hepsieve.occlusion import occlusion_maps as maps_of
from hepsieve.prepare import Split
from hepsieve.prepare import split as split_events
from hepsieve.progress import Silent
from hepsieve.report.summary import results_table
from hepsieve.sample import LARGE
from hepsieve.shown import Images, Maps, Roc, SliceTable, html_table, text_table
from hepsieve.simulate import simulate as simulate_process
from hepsieve.train.run import Run
from hepsieve.train.run import train as train_models

Model = ModelConfig


def read(*files: str | Path, task: str | None = None, label: str | int | None = None) -> Events:
    """The events of some files.

    Args:
        files: CSV, Parquet, ROOT, .npy or .npz files with the same columns; or HDF5, .npy or .npz files with images of
            the same size and channels. Events of files that together exceed 100 MB stay on disk, in the cache folder
            (HEPSIEVE_CACHE), and are memory-mapped.
        task: a built-in task or task file that knows the columns.
        label: the label column, where no task says it.

    Raises:
        DataError: naming file, row and column of what can't be read.
        HepsieveError: if the events of large files can't be written to the cache folder.
    """
    if not all(isinstance(file, str | Path) for file in files):
        raise ConfigError("hs.read takes the files one by one: hs.read('a.csv', 'b.csv')")
    data = load_task(task).data if task is not None else DataConfig()
    if label is not None:
        data = data.model_copy(update={"label": label})
    paths = [Path(file) for file in files]
    large = sum(path.stat().st_size for path in paths if path.is_file()) > LARGE
    return read_files(paths, data, cache=default_cache() if large else None)


def simulate(
    task: str, rows: int, *, seed: int = 1, jobs: int = 1, engine: Literal["geant4", "fast"] | None = None
) -> Events:
    """Events from a task's physics simulator, half of them signal.

    Args:
        task: a built-in task or task file.
        rows: events in all.
        seed: equal seeds give equal events.
        jobs: processes to share the work; a script then guards its main part with ``if __name__ == "__main__":``.
        engine: of ``egamma``, what makes showers; the task's own when not given.

    Raises:
        ConfigError: if the task has no simulator.
        HepsieveError: if a number or the engine can't be used.
    """
    config = load_task(task)
    if config.simulate is None:
        raise ConfigError(f"task {task} has no simulator")
    chosen = engine if engine is not None else config.simulate.engine
    return simulate_process(config.simulate.process, rows, seed=seed, jobs=jobs, engine=chosen)


def audit(events: Events, *, classes: tuple[str, str] = ("background", "signal")) -> Audit:
    """What is wrong with these events, as findings."""
    return audit_events(events, TaskConfig(task="notebook", models={"any": MLPConfig()}).audit, classes=classes)


def split(
    events: Events,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    folds: int | None = None,
    file_order_blocks: int | None = None,
    seed: int,
) -> Split:
    """Divide events into training, validation and test, once the audit has nothing against them.

    Args:
        events: the whole sample.
        validation: share of all events; not used with ``folds``.
        test: share of all events.
        folds: cross-validate what is not test: every model is then trained once for each fold, and the mean is used.
        file_order_blocks: cut each class into so many consecutive blocks and divide each of them in these shares.
        seed: equal seeds give equal parts.

    Raises:
        AuditStop: if the audit finds what no result could survive.
        DataError: if a part would lack a class.
    """
    audit(events).require_clean()
    return split_events(
        events, validation=validation, test=test, folds=folds, file_order_blocks=file_order_blocks, seed=seed
    )


def train(
    models: Model | Mapping[str, Model],
    parts: Split,
    *,
    backend: str | None = None,
    prepare: PrepareConfig | None = None,
    settings: TrainConfig | None = None,
    jobs: int = 1,
    seed: int = 1,
) -> Run:
    """Train one model or several on the training part.

    Args:
        models: a configuration such as ``MLP(widths=[300, 300])``, or several by name.
        parts: the divided events.
        backend: ``torch`` or ``keras``, for networks.
        prepare: steps between raw features and inputs; standardises when not given.
        settings: how networks are trained.
        jobs: processes to share the trainings of small folds among; a script then guards its main part with
            ``if __name__ == "__main__":``.
        seed: for initial weights, shuffling and dropout.
    """
    if seed < 0:
        raise ConfigError(f"seed is {seed}; take a number from 0")
    named: dict[str, ModelConfig] = dict(models) if isinstance(models, Mapping) else {models.kind: models}
    if not named:
        raise ConfigError("hs.train takes a model, as hs.MLP(widths=[100]), or several in a dictionary by name")
    if settings is not None and settings.folds not in (None, parts.folds):
        raise ConfigError(
            f"the events were divided into {parts.folds or 'no'} folds, but settings.folds is "
            f"{settings.folds}; say it in hs.split(events, folds=…) and leave it out of the settings"
        )
    if backend is not None:
        named = {name: _on_backend(model, backend) for name, model in named.items()}
    return train_models(
        named,
        parts,
        prepare=prepare if prepare is not None else PrepareConfig(),
        settings=settings if settings is not None else TrainConfig(),
        jobs=jobs,
        seed=seed,
    )


@dataclass(frozen=True, kw_only=True)
class Result:
    """An evaluation that shows itself as a table."""

    evaluation: Evaluation

    @property
    def roc(self) -> Roc:
        """The ROC curves, to plot."""
        return Roc(evaluation=self.evaluation)

    @property
    def slices(self) -> SliceTable:
        """The AUC in each slice of the test part, as a table and to plot; empty without ``slice_by``."""
        return SliceTable(evaluation=self.evaluation)

    @property
    def best(self) -> ModelEvaluation:
        """The figures of the model that validation prefers."""
        return self.evaluation.models[self.evaluation.best]

    @property
    def working_points(self) -> tuple[WorkingPoint, ...]:
        """The cuts of the best model, and what they keep of the test part."""
        return self.evaluation.working_points[self.evaluation.best]

    def _repr_html_(self) -> str:
        return f"{html_table(results_table(self.evaluation))}<p>{escape(_openings(self.evaluation))}</p>"

    def __repr__(self) -> str:
        """The table as text."""
        return f"{text_table(results_table(self.evaluation))}\n{_openings(self.evaluation)}"


def evaluate(
    run: Run,
    *,
    classes: tuple[str, str] = ("background", "signal"),
    working_points: Mapping[str, CutConfig] = MappingProxyType({}),
    slice_by: str | None = None,
    slice_bins: int | None = None,
) -> Result:
    """Open the test part, once for this call, and judge every model of the run.

    Args:
        run: the trained models.
        classes: what background and signal are called.
        working_points: cuts by name, such as ``{"tight": hs.Cut(no_background=True)}``; set on validation (or
            out-of-fold) scores, measured on the test part.
        slice_by: a column (or a shower shape of images), for each value of which the AUC is quoted by itself
            (``evaluation.slices``).
        slice_bins: into how many bins a column of many values is cut.

    Raises:
        ConfigError: if the events are too few for a working point, or the column to slice by has too many values.
    """
    config = TaskConfig(
        task="notebook",
        classes=classes,
        models={name: fitted.config for name, fitted in run.models.items()},
        evaluate=EvaluateConfig(working_points=dict(working_points), slice_by=slice_by, slice_bins=slice_bins),
    )
    require_reachable_cuts(run.parts, config)
    require_slices(run.parts, config)
    return Result(evaluation=judge(run, config, reason="hepsieve.evaluate", progress=Silent()).evaluation)


def look(events: Events, *, classes: tuple[str, str] = ("background", "signal"), seed: int = 1) -> Images:
    """The mean image of each class and a few examples; of training events, as ``hs.look(parts.train)``.

    Args:
        events: images.
        classes: what background and signal are called.
        seed: chooses the examples.

    Raises:
        ConfigError: if the events are no images.
    """
    return Images(summary=_pictured(events, classes, seed), classes=classes)


def occlusion_maps(
    run: Run, *, images: int = 100, classes: tuple[str, str] = ("background", "signal"), seed: int = 1
) -> Maps:
    """What every model that sees pixels looks at: how its scores of validation images change when crystals are hidden.

    Args:
        run: the trained models.
        images: of how many images of each class the mean is taken, at most; large networks get fewer.
        classes: what background and signal are called.
        seed: draws the images.

    Raises:
        ConfigError: if the events are no images.
    """
    summary = _pictured(run.parts.train, classes, seed)
    if images < LEAST_MAPS:
        raise ConfigError(f"images is {images}; a mean map needs at least {LEAST_MAPS}")
    config = TaskConfig(
        task="notebook",
        models={name: fitted.config for name, fitted in run.models.items()},
        explain=ExplainConfig(maps=images),
        seed=seed,
    )
    return Maps(maps=maps_of(run, config, progress=Silent()), classes=classes, images=summary)


def _pictured(events: Events, classes: tuple[str, str], seed: int) -> ImageSummary:
    images = pictured(events, classes=classes, seed=seed)
    if images is None:
        raise ConfigError(f"these events are no images: their features have shape {events.features.shape}")
    return images


def _openings(evaluation: Evaluation) -> str:
    times = evaluation.test_openings
    warning = "" if times == 1 else "; a model that was chosen after looking is no longer judged on unseen events"
    return (
        f"{evaluation.data.n_test} test events, opened {times} time{'s' if times > 1 else ''}{warning}; "
        f"best by validation: {evaluation.best}"
    )


def _on_backend(model: ModelConfig, backend: str) -> ModelConfig:
    if not isinstance(model, Network):
        raise ConfigError(f"backend {backend!r}: a {model.kind} model has no choice of backend")
    if backend not in ("torch", "keras"):
        raise ConfigError(f"backend {backend!r}; use 'torch' or 'keras'")
    return type(model).model_validate({**model.model_dump(), "backend": backend})
