"""The commands that train: `hepsieve run` and `hepsieve tune`."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated, Literal

import typer

from hepsieve.cli_options import AllCores, Data, EngineName, Interface, Json, Quiet, Scheduler, Seed, Settings, Task


def run(
    task: Task,
    *,
    data: Data = None,
    setting: Settings = None,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these of the task's models, or of its portfolio.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="10m", help="Train a portfolio of models for so long, and combine the best of them."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; must not exist yet.")] = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    interface: Interface = None,
    jobs: AllCores = None,
    seed: Seed = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Do everything, from data (or the simulator) to the report.

    Example: hepsieve run higgs --data HIGGS.csv.gz --set train.epochs=20 --models trees,mlp-torch
    """
    began = monotonic()  # the libraries that are loaded next are part of a budget
    from hepsieve import run_commands
    from hepsieve.console import Bars, show, show_results
    from hepsieve.engines import EngineOptions

    with Bars(quiet=quiet) as bars:
        finished = run_commands.run_task(
            task,
            data=data or [],
            settings=setting or [],
            models=models.split(",") if models is not None else None,
            budget=budget,
            began=began,
            out=out,
            engine=EngineOptions.chosen(engine, scheduler=scheduler, jobs=jobs, interface=interface),
            jobs=jobs,
            seed=seed,
            progress=bars,
        )
    if json:
        show(finished.evaluation.to_json())
    else:
        show_results(finished)


def tune(
    task: Task,
    *,
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many trials; the task's number if not given, else 20.")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="10m", help="After which no more trials are begun.")] = None,
    method: Annotated[
        Literal["tpe", "random", "grid", "halving"] | None,
        typer.Option(help="How trials are chosen; the task's method if not given."),
    ] = None,
    data: Data = None,
    setting: Settings = None,
    models: Annotated[str | None, typer.Option(metavar="A,B", help="Only these of the task's models.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; must not exist yet.")] = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Workers to share the trials among; the same results.")
    ] = None,
    interface: Interface = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what a batch system would be given.")] = False,
    seed: Seed = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Search for better settings on validation, then train and judge the winner; what was interrupted goes on.

    Example: hepsieve tune higgs --data HIGGS.csv.gz --trials 20
    """
    from hepsieve import run_commands
    from hepsieve.console import Bars, show, show_results, show_table
    from hepsieve.engines import EngineOptions

    chosen = EngineOptions.chosen(engine, scheduler=scheduler, jobs=jobs, interface=interface)
    wanted = {"trials": trials, "time": time, "method": method}
    with Bars(quiet=quiet) as bars:
        answer = run_commands.tune_task(
            task,
            data=data or [],
            settings=[*(setting or []), *(f"tune.{key}={value}" for key, value in wanted.items() if value is not None)],
            models=models.split(",") if models is not None else None,
            out=out,
            engine=chosen,
            jobs=jobs,
            dry_run=dry_run,
            seed=seed,
            progress=bars,
        )
    if isinstance(answer, str):
        show(answer)
    elif json:
        show(answer.evaluation.to_json())
    else:
        if (trials_shown := answer.trials) is not None:
            show_table(trials_shown.rows(), note=trials_shown.note(), only=trials_shown.shown())
        show_results(answer)
