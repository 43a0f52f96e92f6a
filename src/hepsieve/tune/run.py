"""Models and searches of a task to one Run: first the models that are known, then each search adds its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

from hepsieve.config import PrepareConfig
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.variants import SearchConfig, title
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.train.inputs import Inputs, require_inputs
from hepsieve.train.run import Fitted, Run, train
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.search import Trial, search


def train_and_search(
    models: Mapping[str, ModelConfig],
    searches: Mapping[str, SearchConfig],
    parts: Split,
    *,
    prepare: PrepareConfig,
    settings: TrainConfig,
    seed: int,
    impute: bool = False,
    jobs: Jobs = 1,
    unfinished: Unfinished | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Run:
    """Train the models, and then those that the searches choose, on the same parts; the test part stays sealed.

    Args:
        models: configurations by name.
        searches: spaces of configurations by name.
        parts: the divided events.
        prepare: steps between raw features and inputs.
        settings: how networks are trained, and which figure the searches go by.
        seed: of every training, and of searches that have none of their own.
        impute: replace values that are not finite by the training part's medians.
        jobs: processes, or an engine, to share the trainings of small folds among.
        unfinished: where trainings are kept until their run is finished, and taken from if it was interrupted: a search
            that goes on chooses the same points again.
        progress: where to show that it moves.
        on_epoch: hears of every finished epoch.
        on_trial: hears of every trial of a search.

    Raises:
        ConfigError: if a model asks for columns or values that the events don't have, or a search compares losses of
            different kinds or goes by a figure that its models don't tell.
        TrainingError: if a training fails that no search chose, or all of a search.
    """
    for name, space in searches.items():
        _require_comparable(name, space, settings)
        _require_told(name, space, settings)
    corners = {title(name, point): space.at(point) for name, space in searches.items() for point in space.corners()}
    # A search whose models the data can't feed is refused before anything is trained.
    require_inputs(corners, parts, prepare, settings)

    def trained(chosen: Mapping[str, ModelConfig], prepared: dict[Hashable, Inputs] | None = None) -> Run:
        return train(
            chosen,
            parts,
            prepare=prepare,
            settings=settings,
            seed=seed,
            impute=impute,
            jobs=jobs,
            unfinished=unfinished,
            prepared=prepared,
            progress=progress,
            on_epoch=on_epoch,
        )

    run = trained(models) if models else Run(parts=parts, models={}, seed=seed)
    for name, space in searches.items():
        inputs: dict[Hashable, Inputs] = {}

        def fit(called: str, config: ModelConfig, inputs: dict[Hashable, Inputs] = inputs) -> Fitted:
            return trained({called: config}, inputs).models[called]

        found = search(name, space, fit, monitor=settings.monitor, seed=seed, on_trial=on_trial)
        run = replace(run, models={**run.models, **found.models})
    return run


def _require_comparable(name: str, space: SearchConfig, settings: TrainConfig) -> None:
    """Losses of different kinds are in different units."""
    kinds = [setting for setting in ("loss", "huber_delta") if setting in space.over]
    if kinds and settings.monitor == "loss":
        raise ConfigError(
            f"models.{name}.over.{kinds[0]}: validation losses of models that differ in it can't be compared; set "
            "train.monitor to another figure, or leave it out"
        )


def _require_told(name: str, space: SearchConfig, settings: TrainConfig) -> None:
    """The AUC is the only figure that not all models tell of every epoch: trees leave it out."""
    if settings.monitor == "auc" and any(isinstance(space.at(point), TreesConfig) for point in space.corners()):
        raise ConfigError(
            f"models.{name}: the training of trees tells no validation auc for the search to go by; set train.monitor "
            "to loss or accuracy"
        )
