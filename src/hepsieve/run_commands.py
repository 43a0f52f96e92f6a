"""What `hepsieve run` and `hepsieve tune` do, without the terminal: arguments in, a value to show out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from hepsieve.answers import Finished
from hepsieve.cache import default_cache
from hepsieve.config import TaskConfig, load_task
from hepsieve.engines import EngineOptions, open_jobs
from hepsieve.errors import ConfigError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.folder import REPORT, new_run_name
from hepsieve.overrides import with_files, with_seed
from hepsieve.portfolio_run import TimeBudget, run_portfolio
from hepsieve.processes import cores
from hepsieve.progress import Progress
from hepsieve.tuned_run import require_tune
from hepsieve.tuned_run import tune_task as search_and_judge
from hepsieve.workflow import choose_models
from hepsieve.workflow import run_task as carry_out


def run_task(
    task: str,
    *,
    data: Sequence[Path],
    settings: Sequence[str],
    models: Sequence[str] | None,
    budget: str | None = None,
    began: float | None = None,
    out: Path | None,
    engine: EngineOptions | None = None,
    jobs: int | None,
    seed: int | None,
    progress: Progress,
) -> Finished:
    """The whole task, from data to report; without an engine on processes of this machine.

    With a budget, whose clock ``began`` (by `time.monotonic`), a portfolio of models is trained as far as it goes,
    instead of the task's own.
    """
    config = load_task(task, settings=with_seed(settings, seed))
    time = None if budget is None else TimeBudget.of(budget, began=monotonic() if began is None else began)
    if time is None:
        config = choose_models(config, models)
    elif engine is not None and engine.name != "local":
        raise ConfigError(f"--budget {budget}: is spent on this machine; leave --engine {engine.name} out")
    if data:
        config = with_files(config, data)
    folder = out if out is not None else Path("runs") / new_run_name(config.task)
    command, workers = ["hepsieve", *sys.argv[1:]], jobs if jobs is not None else cores()
    cache = default_cache()
    if time is not None:
        evaluation = run_portfolio(
            config, time, models=models, out=folder, cache=cache, jobs=workers, command=command, progress=progress
        )
    else:
        with open_jobs(engine, workers) as shared:
            evaluation = carry_out(config, out=folder, cache=cache, jobs=shared, command=command, progress=progress)
    return Finished(evaluation=evaluation, report=folder / REPORT, more=_how_to_get_more(config, evaluation))


def tune_task(
    task: str,
    *,
    data: Sequence[Path],
    settings: Sequence[str],
    models: Sequence[str] | None,
    out: Path | None,
    engine: EngineOptions | None,
    jobs: int | None,
    dry_run: bool,
    seed: int | None,
    progress: Progress,
) -> Finished | str:
    """A search over a task's settings, and the run of its winner; or what would be given to a batch system."""
    named = [] if models is None else [f"tune.models=[{', '.join(models)}]"]
    config = load_task(task, settings=with_seed([*settings, *named], seed), tuning=True)
    if data:
        config = with_files(config, data)
    tune = require_tune(config)
    options = engine
    if options is None and jobs is not None:
        options = EngineOptions(name="local", jobs=jobs)
    if dry_run:
        if options is None or options.name != "slurm":
            raise ConfigError("--dry-run: prints the script of a batch system's jobs; say --engine slurm --jobs N")
        from hepsieve.engines.slurm import job_script  # loads dask

        return job_script(options, threads=tune.threads)
    folder = out if out is not None else Path("runs") / new_run_name(config.task)
    evaluation = search_and_judge(
        config,
        engine=options,
        out=folder,
        cache=default_cache(),
        command=["hepsieve", *sys.argv[1:]],
        progress=progress,
    )
    return Finished(evaluation=evaluation, report=folder / REPORT, more=_how_to_get_more(config, evaluation))


def _how_to_get_more(config: TaskConfig, evaluation: AnyEvaluation) -> str:
    if config.data.files or config.simulate is None or evaluation.data.origin != "simulated":
        return ""
    real = "" if config.data.catalog is None else f"; real ones: hepsieve fetch {config.data.catalog}, or --data FILE"
    return f"more simulated events: --set simulate.rows={10 * config.simulate.rows}{real}"
