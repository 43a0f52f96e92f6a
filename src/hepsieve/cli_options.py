"""What the options of several commands have in common: their types, their names and what they say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Task = Annotated[str, typer.Argument(metavar="TASK|FILE.yaml", help="A built-in task, or a task file.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Data = Annotated[list[Path] | None, typer.Option("--data", metavar="FILE…", help="Data files instead of the task's.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting on top, as train.epochs=5.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random; the task's own when not given.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes to simulate with; any number, same events.")]
AllCores = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes, or the engine's workers; all cores if not given.")
]
EngineName = Annotated[
    Literal["local", "dask", "slurm"] | None,
    typer.Option("--engine", help="Who shares the work: processes of this machine, a Dask cluster, or Slurm's jobs."),
]
SimulateEngines = Annotated[
    list[str] | None,
    typer.Option(
        "--engine",
        metavar="[geant4|fast|local|dask|slurm]",
        help="What makes the showers of egamma (the task says, else fast); or who shares the work; twice for both.",
    ),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="A Dask cluster that runs already, such as tcp://127.0.0.1:8786.")
]
Interface = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The network for --engine dask or slurm; this machine's own if not given."),
]
EngineJobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Workers; any number, same events. 1, or all cores with an engine."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
