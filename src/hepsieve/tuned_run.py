"""A search over a task's settings, then one run: its winner beside the same model as the task has it, judged once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hepsieve import folder as files
from hepsieve.config import TaskConfig, dump_task
from hepsieve.engines import Engine, EngineOptions, Jobs, open_engine
from hepsieve.errors import ConfigError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.folder import record
from hepsieve.models.config import ModelConfig, Network, TrainConfig
from hepsieve.models.network import OWN
from hepsieve.prepare import Split
from hepsieve.processes import cores
from hepsieve.progress import Progress
from hepsieve.train.run import Run
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.so_far import SoFar
from hepsieve.tune.space import Space
from hepsieve.tune.study_folder import study_folder
from hepsieve.tune.trial_values import Point, Study, Tried
from hepsieve.tune.trials import Trials
from hepsieve.tune_config import TuneConfig
from hepsieve.tuning_told import Told
from hepsieve.workflow import Trained, carry_out, train_models

TUNED = "-tuned"
"""What the winner's name ends with."""


def tune_task(
    config: TaskConfig,
    *,
    engine: EngineOptions | None,
    out: Path,
    cache: Path,
    command: Sequence[str],
    progress: Progress,
) -> AnyEvaluation:
    """Search, train the winner and the untuned model beside it, and judge both on the test part, once.

    No trial sees a test event. The study is kept in the cache until the run folder is there: the same task on the same
    data goes on with it, also after a kill, and ends with the same winner. More trials or more time go on with it too.

    Args:
        config: the task, with a section ``tune``.
        engine: what carries out the trials; processes of this machine if not given.
        out: the run folder, which must not exist yet.
        cache: where prepared events, studies and unfinished trainings are kept.
        command: what the user typed, for the record.
        progress: shows every long step.

    Raises:
        ConfigError: if there is nothing to search, or the space does not fit the task.
        TrainingError: if every trial fails.
    """
    tune = require_tune(config)
    space = Space.of(config)  # all of it is checked before anything is read
    options = engine if engine is not None else EngineOptions(name="local", jobs=min(tune.at_once, cores()))
    studies = cache / "studies"
    with ExitStack() as held, open_engine(options, threads=tune.threads) as workers:
        search = _Search(
            config=config,
            tune=tune,
            space=space,
            engine=workers,
            # A training on this machine is best watched in this process.
            jobs=1 if options.name == "local" else workers,
            studies=studies,
            progress=progress,
            held=held,
        )
        evaluation = carry_out(config, search, out=out, cache=cache, jobs=workers, command=command, progress=progress)
        for place in search.places:
            shutil.rmtree(place, ignore_errors=True)  # the run folder has it
    return evaluation


def require_tune(config: TaskConfig) -> TuneConfig:
    """The section ``tune`` of a task.

    Raises:
        ConfigError: if it is missing, or has no space; or trials would have several weights of simulated events.
    """
    if config.tune is None or not (config.tune.space or config.tune.models):
        raise ConfigError(
            f"task {config.task}: nothing to search; give it a section tune with a space, such as "
            "{models.trees.max_depth: {int: [3, 9]}}"
        )
    _require_one_weight(config)
    return config.tune


def _require_one_weight(config: TaskConfig) -> None:
    """A trial is one training: several weights of simulated events are tried by the search itself."""
    simulation, path = config.train.simulation, "train.simulation.weight"
    several = () if simulation is None else simulation.weights
    assert config.tune is not None
    if len(several) > 1 and path not in config.tune.space:
        raise ConfigError(
            f"{path}: a trial has one weight, and here are {', '.join(f'{one:g}' for one in several)}; name one, or "
            f"let the search choose: {path}: {{choice: [{', '.join(f'{one:g}' for one in several)}]}} in tune.space"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """What trains the models of a tuned run."""

    config: TaskConfig
    tune: TuneConfig
    space: Space
    engine: Engine
    jobs: Jobs
    studies: Path
    progress: Progress
    held: ExitStack
    places: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __call__(self, parts: Split, folder: Path, unfinished: Unfinished) -> Trained:
        """Search, then train the untuned model and the winner."""
        # Loading optuna takes a third of a second, which other commands need not wait.
        from hepsieve.tune.importance import importance

        study = self._searched(parts, folder)
        base, task = self.space.at(study.best.point)
        tuned = f"{base}{TUNED}"
        (folder / files.TUNED).write_text(dump_task(task), encoding="utf-8")
        run = Run(parts=parts, models={}, seed=self.config.seed)
        models: dict[str, ModelConfig] = {}
        for name, whose in ((base, self.config), (tuned, task)):
            config = whose.model_copy(update={"models": {name: whose.trained((base,))[base]}})
            found = train_models(config, parts, folder, unfinished, self.jobs, self.progress)
            run = Run(parts=parts, models={**run.models, **found.models}, seed=run.seed)
            models[name] = _with_its_own(config.trained()[name], whose.train, self.config.train)
        told = Told(
            study=study,
            space=self.space,
            folds=parts.folds if parts.folds is not None else self.tune.folds,
            importance=importance(self.space, study),
            untuned=base,
            tuned=tuned,
            notes=(*self.notes, *_not_of_the_task(study.best.point, self.config, task, tuned)),
        )
        config = self.config.model_copy(update={"models": models})
        return Trained(run=run, config=config, by="hepsieve tune", finish=lambda judged: told.beside(judged.evaluation))

    def _searched(self, parts: Split, folder: Path) -> Study:
        """All trials; what fails, and how the search went on, is written into the run's log."""
        from hepsieve.tune.journal import JOURNAL
        from hepsieve.tune.study import run_study

        seed = self.config.seed if self.tune.seed is None else self.tune.seed
        title = f"tuning {self.config.task}"
        # Nobody else may begin it again while its winner is trained.
        place = self.held.enter_context(study_folder(self.studies, self.config, parts))
        self.places.append(place)
        with self.progress.task(title, self.space.most_trials) as advance:
            so_far = SoFar(self.space, workers=self.engine.workers)

            def heard(tried: Tried) -> None:
                if tried.error:
                    record(folder, "trial failed", f"trial {tried.number}: {tried.error}")
                advance(1, so_far.after(tried))

            def noted(note: str) -> None:
                record(folder, "search", note)
                self.notes.append(f"{note[:1].upper()}{note[1:]}.")

            study = run_study(
                self.space,
                self.tune,
                place,
                Trials(parts, self.config, folder=place, engine=self.engine, progress=self.progress),
                seed=seed,
                workers=self.engine.workers,
                on_trial=heard,
                on_note=noted,
            )
        (folder / files.STUDY).mkdir()
        shutil.copyfile(place / JOURNAL, folder / files.STUDY / files.JOURNAL)
        return study


def _not_of_the_task(point: Point, config: TaskConfig, task: TaskConfig, tuned: str) -> tuple[str, ...]:
    """That the record of the run has settings of the task which the winner does not share, and no model can carry."""
    apart = []
    for path in point:
        section, _, rest = path.partition(".")
        key = rest.split(".")[0]
        if section in ("prepare", "train") and key not in OWN:
            mine, others = (getattr(getattr(one, section), key) for one in (task, config))
            apart += [path] if mine != others else []
    if not apart:
        return ()
    return (
        f"What config.yaml and the page say of {', '.join(apart)} is the task's own; the settings of {tuned} are in "
        "tuned.yaml.",
    )


def _with_its_own(model: ModelConfig, settings: TrainConfig, common: TrainConfig) -> ModelConfig:
    """A network with the settings in which its training differed from the task's, where it can have them itself."""
    if not isinstance(model, Network):
        return model
    own = model.own(settings)
    differing = {name: getattr(own, name) for name in OWN if getattr(own, name) != getattr(model.own(common), name)}
    return model.model_copy(update=differing)
