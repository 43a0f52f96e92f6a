"""The stages for notebooks: read, audit, split, train, evaluate, each one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from hepsieve.audit import Audit
from hepsieve.audit import audit as audit_events
from hepsieve.cache import default_cache
from hepsieve.calibrate import calibrated
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
from hepsieve.data.objects import with_objects
from hepsieve.data.read import read_files
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError
from hepsieve.evaluate.image_results import ImageSummary
from hepsieve.evaluate.results import Evaluation, ModelEvaluation, WorkingPoint
from hepsieve.evaluate_config import CalibrateOption
from hepsieve.events import Events
from hepsieve.judge import judge, pictured, require_reachable_cuts
from hepsieve.models.config import MLPConfig, ModelConfig, Network, TrainConfig
from hepsieve.models.variants import GridConfig, SearchConfig
from hepsieve.occlusion import occlusion_maps as maps_of
from hepsieve.pictured import inspected_waveforms
from hepsieve.prepare import Split
from hepsieve.prepare import split as split_events
from hepsieve.progress import Silent
from hepsieve.report.summary import results_table
from hepsieve.sample import LARGE
from hepsieve.sample_simulated import learned_with
from hepsieve.shown import Images, Maps, Roc, SliceTable, Waveforms, html_table, openings, text_table
from hepsieve.simulate import simulate as simulate_process
from hepsieve.sliced import require_slices
from hepsieve.train.run import Run
from hepsieve.tune import train_and_search
from hepsieve.waveforms import are_waveforms

Model = ModelConfig


def read(
    *files: str | Path,
    task: str | None = None,
    label: str | int | None = None,
    use: Literal["learn", "apply"] = "learn",
) -> Events:
    """The events of some files.

    Args:
        files: CSV, Parquet, ROOT, .npy or .npz files with the same columns; or HDF5, .npy or .npz files with images of
            the same size and channels, or waveforms of the same length and channels, whose targets may come as a .npy
            file of their own. Events of files that together exceed 100 MB stay on disk, in the cache folder
            (HEPSIEVE_CACHE), and are memory-mapped.
        task: a built-in task or task file that knows the columns; without it a .npy file of waveforms is a table,
            unless it has the shape (n, samples, channels).
        label: the label column, where no task says it.
        use: to ``apply`` a regression the targets may be missing, and are NaN then; to ``learn`` they must be known.

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
    return read_files(paths, data, cache=default_cache() if large else None, use=use)


def simulate(
    task: str,
    rows: int,
    *,
    seed: int = 1,
    jobs: Jobs = 1,
    engine: Literal["geant4", "fast"] | None = None,
    pulses: Literal["one", "two", "both"] | None = None,
    separation: tuple[float, float] | None = None,
) -> Events:
    """Events from a task's physics simulator; of two classes half are signal.

    Args:
        task: a built-in task or task file.
        rows: events in all.
        seed: equal seeds give equal events.
        jobs: processes, or an engine, to share the work; a script then guards its main part with
            ``if __name__ == "__main__":``.
        engine: of ``egamma``, what makes showers; the task's own when not given.
        pulses: of the tasks about xenon, how many pulses a waveform has; the task's own when not given.
        separation: of two pulses, from where to where in mm; likewise.

    Raises:
        ConfigError: if the task has no simulator.
        HepsieveError: if a number or the engine can't be used.
    """
    config = load_task(task)
    if config.simulate is None:
        raise ConfigError(f"task {task} has no simulator")
    own = config.simulate
    events = simulate_process(
        own.process,
        rows,
        seed=seed,
        jobs=jobs,
        engine=engine if engine is not None else own.engine,
        pulses=pulses if pulses is not None else own.pulses,
        separation=separation if separation is not None else own.separation,
    )
    return with_objects(events, config.data)


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
    models: Model | Mapping[str, Model | GridConfig | SearchConfig],
    parts: Split,
    *,
    backend: str | None = None,
    prepare: PrepareConfig | None = None,
    settings: TrainConfig | None = None,
    calibrate: CalibrateOption = "auto",
    simulated: Events | None = None,
    simulated_weight: float | tuple[float, ...] = 1.0,
    jobs: Jobs = 1,
    seed: int = 1,
) -> Run:
    """Train one model or several on the training part.

    Args:
        models: a configuration such as ``MLP(widths=[300, 300])``, or several by name; grids and searches among them
            are named too, and give models named after them. Searches come last.
        parts: the divided events.
        backend: ``torch`` or ``keras``, for networks.
        prepare: steps between raw features and inputs; standardises when not given.
        settings: how networks are trained.
        calibrate: as ``evaluate.calibrate`` of a task: ``auto`` divides the logits of networks by a temperature where
            that helps significantly on validation; ``temperature`` and ``isotonic`` calibrate every model, ``none``
            none. Regressions pass it by.
        simulated: simulated events, which are learned from beside the training part and never judged on; those that
            stand in the parts themselves are left out.
        simulated_weight: their total weight over that of the training part, in each class; of several, each model is
            trained with each, and the one that is best on validation is kept.
        jobs: processes, or an engine, to share the trainings of small folds among; a script then guards its main part
            with ``if __name__ == "__main__":``.
        seed: for initial weights, shuffling and dropout.
    """
    if seed < 0:
        raise ConfigError(f"seed is {seed}; take a number from 0")
    if calibrate not in get_args(CalibrateOption):
        raise ConfigError(f"calibrate is {calibrate!r}; take one of {', '.join(get_args(CalibrateOption))}")
    given: dict[str, Model | GridConfig | SearchConfig] = (
        dict(models) if isinstance(models, Mapping) else {models.kind: models}
    )
    if not given:
        raise ConfigError("hs.train takes a model, as hs.MLP(widths=[100]), or several in a dictionary by name")
    if settings is not None and settings.folds not in (None, parts.folds):
        raise ConfigError(
            f"the events were divided into {parts.folds or 'no'} folds, but settings.folds is "
            f"{settings.folds}; say it in hs.split(events, folds=…) and leave it out of the settings"
        )
    settings = settings if settings is not None else TrainConfig()
    if simulated is not None:
        parts, settings = learned_with(simulated, parts, settings, weight=simulated_weight)
    named, searches = _taken_apart(given)
    if backend is not None:
        if searches:
            raise ConfigError(f"backend {backend!r}: write it in the model of the search {next(iter(searches))!r}")
        named = {name: _on_backend(model, backend) for name, model in named.items()}
    run = train_and_search(
        named,
        searches,
        parts,
        prepare=prepare if prepare is not None else PrepareConfig(),
        settings=settings,
        jobs=jobs,
        seed=seed,
    )
    return calibrated(run, calibrate, progress=Silent())


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
        return f"{html_table(results_table(self.evaluation))}<p>{escape(openings(self.evaluation))}</p>"

    def __repr__(self) -> str:
        """The table as text."""
        return f"{text_table(results_table(self.evaluation))}\n{openings(self.evaluation)}"


def evaluate(
    run: Run,
    *,
    classes: tuple[str, str] = ("background", "signal"),
    working_points: Mapping[str, CutConfig] = MappingProxyType({}),
    slice_by: str | None = None,
    slice_bins: int | None = None,
    slice_of: Literal["events", "signal"] = "events",
    signal_yield: float | None = None,
    background_yield: float | None = None,
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
        slice_of: ``signal`` puts only signal events into slices, each beside all background events.
        signal_yield: expected signal events before any cut; with ``background_yield`` it gives the significance
            (``evaluation.physics``).
        background_yield: expected background events.

    Raises:
        ConfigError: if the events are too few for a working point, the column to slice by has too many values, or one
            yield is missing or not positive.
    """
    if run.parts.train.scale is not None:
        raise ConfigError(f"the target {run.parts.train.scale.name} is a number: use hs.evaluate_regression")
    given = {"signal_yield": signal_yield, "background_yield": background_yield}
    if (signal_yield, background_yield) != (None, None):
        for name, value in given.items():
            if value is None or not 0 < value < inf:
                raise ConfigError(f"{name} is {value}; give both expected yields, as positive numbers, or neither")
    config = TaskConfig(
        task="notebook",
        classes=classes,
        models={name: fitted.config for name, fitted in run.models.items()},
        evaluate=EvaluateConfig(
            working_points=dict(working_points),
            slice_by=slice_by,
            slice_bins=slice_bins,
            slice_of=slice_of,
            signal_yield=signal_yield,
            background_yield=background_yield,
        ),
    )
    require_reachable_cuts(run.parts, config)
    require_slices(run.parts, config)
    return Result(evaluation=judge(run, config, reason="hepsieve.evaluate", progress=Silent()).evaluation)


def look(events: Events, *, classes: tuple[str, str] = ("background", "signal"), seed: int = 1) -> Images | Waveforms:
    """Images or waveforms: means and a few examples; of training events, as ``hs.look(parts.train)``.

    Args:
        events: images or waveforms.
        classes: what background and signal are called; a regression has none.
        seed: chooses the examples.

    Raises:
        ConfigError: if the events are a table.
    """
    if are_waveforms(events):
        task = TaskConfig(task="notebook", classes=classes, models={"any": MLPConfig()}, seed=seed)
        if (waveforms := inspected_waveforms(events, task)) is None:
            raise ConfigError(f"nothing to look at: {len(events)} waveforms, all of whose samples are equal")
        return Waveforms(summary=waveforms, n=len(events))
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


def _taken_apart(
    given: Mapping[str, Model | GridConfig | SearchConfig],
) -> tuple[dict[str, ModelConfig], dict[str, SearchConfig]]:
    """The models, those of grids one by one, and the searches."""
    named: dict[str, ModelConfig] = {}
    searches: dict[str, SearchConfig] = {}
    for name, model in given.items():
        match model:
            case GridConfig():
                named |= model.models(name)
            case SearchConfig():
                searches[name] = model
            case _:
                named[name] = model
    return named, searches


def _on_backend(model: ModelConfig, backend: str) -> ModelConfig:
    if not isinstance(model, Network):
        raise ConfigError(f"backend {backend!r}: a {model.kind} model has no choice of backend")
    if backend not in ("torch", "keras"):
        raise ConfigError(f"backend {backend!r}; use 'torch' or 'keras'")
    return type(model).model_validate({**model.model_dump(), "backend": backend})
