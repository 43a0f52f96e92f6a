"""The commands: arguments in, one call, what it gives out; no logic lives here."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from hepsieve.cli_options import (
    Data,
    EngineJobs,
    EngineName,
    Interface,
    Jobs,
    Json,
    Quiet,
    RunPath,
    Scheduler,
    Seed,
    Settings,
    SimulateEngines,
    Task,
)
from hepsieve.cli_training import run, tune
from hepsieve.errors import HepsieveError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Separate signal from background in particle physics, with figures that hold on unseen data.",
)

INTERRUPTED = 130
# What fits into 80 columns; a pipe, --json and the report have everything.
FEATURES_SHOWN = ("feature", "mean", "std", "min", "25 %", "50 %", "75 %", "max")
SHAPES_SHOWN = ("feature", "class", "mean", "std", "25 %", "50 %", "75 %")
DRIFT_SHOWN = ("feature", "events", "outside the training range", "median shift", "KS distance", "far")
RUNS_BELOW = {"run": ("date (UTC)", "task"), "models": ("data",)}


def main() -> None:
    """Run the command; a user's mistake becomes one line and exit status 2."""
    from hepsieve.console import complain

    with suppress(ValueError):  # only the main thread may
        # A batch system's way to end a job: leave as tidily as after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Not in typer's standalone mode, which answers a mistake with a box of several lines.
        status = app(args=_spread_data(sys.argv[1:]), standalone_mode=False)
    except typer.TyperException as error:
        complain(" ".join(error.format_message().split()))
        sys.exit(2)
    except HepsieveError as error:
        complain(str(error))
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:  # typer turns Ctrl-C into this number
        again = "; the same command goes on where it was" if sys.argv[1:2] in (["run"], ["tune"], ["fetch"]) else ""
        complain(f"interrupted; nothing was left at the output path{again}")
    sys.exit(status)


def _spread_data(arguments: list[str]) -> list[str]:
    """Let ``--data`` take several files, as a shell's ``*.csv`` gives them; a task file ends the list."""
    spread: list[str] = []
    taken: int | None = None
    for argument in [*arguments, "--"]:
        if argument.startswith("-") or Path(argument).suffix in (".yaml", ".yml"):
            if taken == 0:
                raise HepsieveError("--data: name at least one file")
            taken = None
        if argument == "--data":
            taken = 0
        elif taken is not None:
            spread += ["--data", argument]
            taken += 1
        else:
            spread.append(argument)
    return spread[:-1]


@app.command()
def tasks(*, json: Json = False) -> None:
    """List the built-in tasks.

    Example: hepsieve tasks
    """
    from hepsieve import commands
    from hepsieve.console import show, show_table

    rows = commands.list_tasks()
    if json:
        show(commands.to_json(rows))
    else:
        show_table(rows)


@app.command()
def fetch(
    task: Annotated[
        str, typer.Argument(metavar="NAME|FILE.yaml", help="A built-in task, a public data set, or a task file.")
    ],
    *,
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL|DIR", help="Where to take the files from instead.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Get the public files of a task, verified; what was interrupted goes on where it was.

    Example: hepsieve fetch higgs --from ~/Downloads
    """
    from hepsieve import commands
    from hepsieve.console import Bars, show

    with Bars(quiet=quiet) as bars:
        told = commands.fetch_task(task, source=source, progress=bars)
    show(told)


@app.command()
def simulate(
    task: Task,
    *,
    rows: Annotated[int, typer.Option("-n", min=2, help="Events in all, half of them signal.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .parquet, .npz or .root file; images .npz or .h5; waveforms also .npy."),
    ],
    engine: SimulateEngines = None,
    scheduler: Scheduler = None,
    interface: Interface = None,
    setting: Settings = None,
    jobs: EngineJobs = None,
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:
    """Make events with the task's physics simulator.

    Example: hepsieve simulate higgs -n 2000 -o events.parquet -j 2
    """
    from hepsieve import commands
    from hepsieve.console import Bars, show

    with Bars(quiet=quiet) as bars:
        written = commands.simulate_task(
            task,
            rows=rows,
            output=output,
            jobs=jobs,
            seed=seed,
            engines=engine or [],
            scheduler=scheduler,
            interface=interface,
            settings=setting or [],
            progress=bars,
        )
    show("\n".join(map(str, written)))


@app.command()
def inspect(
    what: Annotated[str, typer.Argument(metavar="FILE|TASK", help="A data file, a built-in task or a task file.")],
    *,
    task: Annotated[str | None, typer.Option(help="The task that knows the file's columns.")] = None,
    setting: Settings = None,
    html: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Write all of it as a page, with histograms.")
    ] = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Describe and audit data: what is in it and what is wrong with it.

    Example: hepsieve inspect events.root --task higgs --html events.html
    """
    from hepsieve import commands
    from hepsieve.console import Bars, show, show_table

    with Bars(quiet=quiet) as bars:
        inspection = commands.inspect_data(what, task=task, settings=setting or [], page=html, jobs=jobs, progress=bars)
    if json:
        show(inspection.to_json())
        return
    show(inspection.title())
    if columns := inspection.columns():
        shown = SHAPES_SHOWN if "class" in columns[0] else FEATURES_SHOWN
        show_table(columns, only=shown, whole=shown[1:])
        show_table(inspection.missing(), note=inspection.missing_note())
        if note := inspection.pairs_note():  # of images there are none
            show_table(inspection.pairs(), note=note)
    show_table(inspection.findings(), note=inspection.findings_note())


app.command()(run)


app.command()(tune)


@app.command()
def evaluate(
    run: RunPath,
    *,
    data: Data = None,
    setting: Settings = None,
    html: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Write what a regression predicts for other data as a page.")
    ] = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Judge a finished run again, or on other data.

    Example: hepsieve evaluate runs/higgs-20260102T030405-0a1b --data other.root
    """
    from hepsieve import commands
    from hepsieve.console import Bars, show, show_results, show_table

    with Bars(quiet=quiet) as bars:
        judged = commands.evaluate_run(
            run, data=data or [], settings=setting or [], page=html, jobs=jobs, progress=bars
        )
    if json:
        show(judged.to_json())
        return
    if judged.finished is not None:
        show_results(judged.finished)
    if judged.application is not None:
        only, below, whole = judged.applied_shown()
        show_table(judged.applied(), note=judged.applied_note(), only=only, below=below, whole=whole)
        show_table(judged.drift(), note=judged.drift_note(), only=DRIFT_SHOWN)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders of one task on the same data.")],
    *,
    model: Annotated[list[str] | None, typer.Option(help="Models of this name; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All models of every run, not only the best.")] = False,
    metric: Annotated[str | None, typer.Option(help="What is compared, as log_loss; else the AUC or RMSE.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="PAGE", help="Write all of it as a page.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Compare models of several runs, paired on the test events that all of them share.

    Example: hepsieve compare runs/higgs-a runs/higgs-b --html compared.html
    """
    from hepsieve import commands
    from hepsieve.console import Bars, show, show_table

    with Bars(quiet=quiet) as bars:
        compared = commands.compare_models(
            runs, models=model or [], every=every, metric=metric, page=html, progress=bars
        )
    if json:
        show(compared.to_json())
    else:
        show_table(compared.models(), only=compared.models_shown())
        only, below = compared.pairs_shown()
        show_table(compared.pairs(), note=compared.note(), only=only, below=below, whole=only)


@app.command()
def score(
    run: RunPath,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files with the run's feature columns.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .csv, .parquet or .root file; for several files a folder.")
    ],
    model: Annotated[str | None, typer.Option(help="Which model; the run's best when not given.")] = None,
    working_point: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep only the rows that pass this cut of the run.")
    ] = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Workers to share several files among; the same files.")
    ] = None,
    interface: Interface = None,
    quiet: Quiet = False,
) -> None:
    """Add scores to new files, or select what passes a working point.

    Example: hepsieve score runs/higgs-20260102T030405-0a1b new.root -o scored.root
    """
    from hepsieve import model_commands
    from hepsieve.console import Bars, show
    from hepsieve.engines import EngineOptions

    with Bars(quiet=quiet) as bars:
        told = model_commands.score_files(
            run,
            files,
            output=output,
            model=model,
            working_point=working_point,
            jobs=jobs if jobs is not None else 1,
            engine=EngineOptions.chosen(engine, scheduler=scheduler, jobs=jobs, interface=interface),
            progress=bars,
        )
    show(told)


@app.command()
def report(run: RunPath) -> None:
    """Write the HTML page of a run again.

    Example: hepsieve report runs/higgs-20260102T030405-0a1b
    """
    from hepsieve import commands
    from hepsieve.console import show

    show(str(commands.write_report(run)))


@app.command()
def export(
    run: RunPath,
    *,
    to: Annotated[str, typer.Option(help="The format: keras, or pyhf.")],
    model: Annotated[
        str | None, typer.Option(help="Which model; the best one (of networks, for keras) when not given.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .keras or .json file.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="For pyhf, other yields, as evaluate.signal_yield=100."),
    ] = None,
) -> None:
    """Write a network for other programs, its preparation inside; or its score's bins as a pyhf workspace.

    Example: hepsieve export runs/higgs-20260102T030405-0a1b --to pyhf -o workspace.json
    """
    from hepsieve import model_commands
    from hepsieve.console import show

    for line in model_commands.export_model(run, to=to, model=model, output=output, settings=setting or []):
        show(line)


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Where the run folders are.")] = Path("runs"),
    *,
    html: Annotated[bool, typer.Option("--html", help="Write the list as runs.html too.")] = False,
    json: Json = False,
) -> None:
    """List the runs in a folder.

    Example: hepsieve runs
    """
    from hepsieve import commands
    from hepsieve.console import show, show_table

    log = commands.list_runs(folder)
    if html:
        show(str(commands.write_runs_page(log)))
    elif json:
        show(log.to_json())
    else:
        show_table(log.rows(), note=log.note(), only=log.shown(), below=RUNS_BELOW, whole=("run", log.figure_title))
