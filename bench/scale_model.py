"""docs/scaling.md: what ``bench scale`` measured, a small model fitted to it, and what it expects far away.

``python -m bench.scale_model`` measures, and writes docs/scaling.json and the page; with ``--stored`` the page alone,
from the stored measurements.
"""

# ruff: noqa: E501 -- sentences of the page

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from bench.__main__ import machine
from bench.scale import MEBI, Measurements, Shared, measurements, overhead, speed_up

DOCS = Path(__file__).parents[1] / "docs"
# Of a cluster: assumed, not measured.
WORKERS, EVENTS, CORES_A_NODE, DISK = 1_000, 10**9, 64, 5e9
EPOCHS, BYTES_OF_A_GIGABYTE = 20, 1e9


class Stored(BaseModel):
    """Measurements, and where they were made."""

    model_config = ConfigDict(frozen=True)

    machine: str
    measured: Measurements


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a number of trials takes.

    Attributes:
        start: seconds until workers have begun and loaded the learning library.
        overhead: seconds of a worker for each trial, beside its training.
        task: seconds of the scheduler for each piece of work.
        fixed: seconds of an epoch that do not depend on the number of events.
        event: seconds of an epoch for each event.
        stored: bytes of one event's inputs.
    """

    start: float
    overhead: float
    task: float
    fixed: float
    event: float
    stored: float

    def epoch(self, events: float) -> float:
        """Seconds of one epoch on one core."""
        return self.fixed + self.event * events

    def trial(self, events: float, epochs: int) -> float:
        """Seconds of one trial on one core."""
        return self.overhead + epochs * self.epoch(events)

    def wall(self, trials: int, workers: int, seconds: float) -> float:
        """Seconds of so many trials of so many seconds each: whoever is slower, the workers or their scheduler.

        The workers take trials in rounds; in the last round some of them may have nothing to do.
        """
        rounds = -(-trials // workers)
        return self.start + max(rounds * seconds, trials * self.task)


def fitted(found: Measurements) -> Model:
    """The model of these measurements: a straight line through the epochs, medians of the rest."""
    dask = [one for one in found.scans if one.engine == "dask"]
    line = np.polynomial.Polynomial.fit([one.rows for one in found.grown], [one.seconds for one in found.grown], 1)
    fixed, event = line.convert().coef
    return Model(
        start=float(np.median([one.start for one in dask])),
        overhead=float(np.median([overhead(one) for one in found.empty if one.engine == "dask"])),
        task=1 / found.pieces,
        fixed=max(0.0, float(fixed)),
        event=float(event),
        stored=float(np.median([one.stored for one in found.grown])),
    )


def page(stored: Stored) -> str:
    """The whole page in Markdown."""
    found, model = stored.measured, fitted(stored.measured)
    return (
        "\n\n".join(
            [
                "# More workers, more events",
                "What was measured on two cores, and what follows from it for a thousand workers and a billion events. "
                "Everything here is written by `python -m bench.scale_model`, from the measurements in "
                f"[scaling.json](scaling.json). Machine: {stored.machine}.",
                "## Measured",
                _scans(found),
                _beside(found),
                _memory(found),
                "## The model",
                _formula(model),
                _predicted(found, model),
                f"## A thousand workers ({WORKERS:,})",
                _thousand(model),
                f"## A billion events ({EVENTS:,})",
                _billion(found, model),
            ]
        )
        + "\n"
    )


def _table(columns: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [columns, ["---"] * len(columns), *rows])


def _scans(found: Measurements) -> str:
    rows = [
        [one.engine, f"{one.workers}", f"{one.start:.1f}", f"{one.wall:.1f}", f"{sum(one.trainings):.1f}"]
        for one in found.scans
    ]
    columns = ["engine", "workers", "start, s", "first training to last result, s", "in trainings, s"]
    ratios = " and ".join(f"{speed_up(found, engine):.2f} on {engine}" for engine in ("local", "dask"))
    return (
        f"The twelve networks of `hepsieve run hepmass --models scan`, {found.rows:,} events, epochs: {found.epochs}, one "
        f"thread for each worker. Two workers are so many times as fast: {ratios}; 1.7 is aimed at.\n\n"
        + _table(columns, rows)
    )


def _beside(found: Measurements) -> str:
    rows = [[one.engine, f"{one.workers}", f"{overhead(one):.3f}"] for one in found.empty]
    return (
        f"What a trial takes of its worker beside the training, from {len(found.empty[0].trainings)} almost empty ones; "
        "less than 1 s is aimed at:\n\n"
        + _table(["engine", "workers", "seconds a trial"], rows)
        + f"\n\nOf pieces of work with nothing to do at all, Dask's scheduler and two workers get through {found.pieces:,.0f} "
        "a second."
    )


def _memory(found: Measurements) -> str:
    rows = [[f"{one.rows:,}", f"{one.before:.0f}", f"{one.most:.0f}", f"{one.seconds:.3f}"] for one in found.grown]
    return (
        "Memory of a worker that is no file's (`RssAnon`), before and at most during a training of one network on more "
        "and more events, and the seconds of an epoch:\n\n"
        + _table(["events", "before, MiB", "most, MiB", "epoch, s"], rows)
    )


def _formula(model: Model) -> str:
    return (
        "    wall(trials, workers, events) = start + max(⌈trials / workers⌉ · t(events), trials · scheduler)\n"
        "    t(events)                     = overhead + epochs · (fixed + events · event)\n\n"
        f"start {model.start:.1f} s, overhead {model.overhead:.3f} s, scheduler {1000 * model.task:.2f} ms, fixed "
        f"{model.fixed:.3f} s, event {1e6 * model.event:.2f} µs; {model.stored:.0f} bytes of inputs for an event."
    )


def _predicted(found: Measurements, model: Model) -> str:
    rows = []
    for one in found.scans:
        expected = _expected(found, model, one)
        rows.append([one.engine, f"{one.workers}", f"{one.wall:.1f}", f"{expected:.1f}", f"{expected / one.wall:.2f}"])
    return (
        "Against the scans, whose trainings take on average what they took one at a time on the same engine:\n\n"
        + _table(["engine", "workers", "measured, s", "model, s", "ratio"], rows)
        + "\n\nWhat is missing for two workers is what they take from each other (memory bandwidth, a core for the scheduler), "
        "and that the twelve networks are of unequal size."
    )


def _expected(found: Measurements, model: Model, shared: Shared) -> float:
    alone = next(one for one in found.scans if one.engine == shared.engine and one.workers == 1)
    mean = float(np.mean(alone.trainings)) + model.overhead
    return model.wall(len(alone.trainings), shared.workers, mean) - model.start


def _thousand(model: Model) -> str:
    shortest = WORKERS * model.task
    events = 1e6
    trial = model.trial(events, EPOCHS)
    wall = model.wall(10 * WORKERS, WORKERS, trial)
    used = 10 * trial / wall
    nodes = -(-WORKERS // CORES_A_NODE)
    volume = events * model.stored / BYTES_OF_A_GIGABYTE
    return "\n".join(
        [
            f"- **Scheduler.** It is busy all the time when trials take less than {shortest:.1f} s each; a trial of "
            f"{trial:.0f} s (a million events, {EPOCHS} epochs) asks for {WORKERS / trial:.1f} pieces a second of the "
            f"{1 / model.task:,.0f} that were measured. Two workers were measured, so what a thousand connections cost the "
            "scheduler is not in this figure.",
            f"- **Wall time.** {10 * WORKERS:,} such trials: {_duration(wall)}, with the workers at trials "
            f"{100 * used:.0f} % of the time. The twelve networks of the scan occupy twelve workers, whoever else is there: "
            "more workers than trials are of no use, and a search keeps no more than `tune.at_once` of them busy, so set "
            "that to their number for `random`, `grid` and the first rung of `halving`. TPE chooses the trials of one "
            "round without the figures of the others, and learns less from each the more there are.",
            f"- **Data.** No array is sent. Workers map the same files: {volume:.2f} GB for a million events, read once by "
            f"each machine. With {CORES_A_NODE} workers on a machine (assumed) {nodes} machines read {nodes * volume:.1f} "
            f"GB, {_duration(nodes * volume * BYTES_OF_A_GIGABYTE / DISK)} from a shared disk of "
            f"{DISK / BYTES_OF_A_GIGABYTE:.0f} GB/s (assumed).",
            "- **Untested**: more than two workers, more than one machine, HTCondor.",
        ]
    )


def _billion(found: Measurements, model: Model) -> str:
    grown = found.grown
    slope = max(0.0, (grown[-1].most - grown[-2].most) * MEBI / (grown[-1].rows - grown[-2].rows))
    volume = EVENTS * model.stored
    epoch = model.epoch(EVENTS)
    trial = model.trial(EVENTS, EPOCHS)
    nodes = -(-WORKERS // CORES_A_NODE)
    return "\n".join(
        [
            f"- **Data volume.** {volume / BYTES_OF_A_GIGABYTE:,.0f} GB of inputs, which workers map. Their own "
            f"memory was {grown[0].most:.0f} MiB at {grown[0].rows:,} events and {grown[-1].most:.0f} MiB at "
            f"{grown[-1].rows:,}; between the two largest samples it grew by {slope:.1f} bytes an event, which would be "
            f"{slope * EVENTS / BYTES_OF_A_GIGABYTE:.1f} GB. A machine whose page cache holds the inputs reads them once, any "
            "other one once an epoch: "
            f"{_duration(volume / DISK)} for one machine with the shared disk to itself, "
            f"{_duration(nodes * volume / DISK)} for {nodes} machines that share it.",
            f"- **Wall time.** An epoch of the network measured takes {_duration(epoch)} on one core, a trial of {EPOCHS} "
            f"epochs {_duration(trial)}; {WORKERS:,} of them on {WORKERS:,} workers take no less. Search on fewer events: a "
            f"hundredth takes {_duration(model.trial(EVENTS / 100, EPOCHS))}. Then train the winner on all of them, with "
            "`train.processes` or, for trees, on shards (`shards`), where the workers share one training.",
            f"- **What decides.** Reading asks for {model.stored / model.event / 1e6:,.0f} MB/s for each core at work; "
            f"{WORKERS:,} cores that start from the disk need {WORKERS * model.stored / model.event / 1e9:,.0f} GB/s in all "
            f"when nothing is cached, those of one machine {CORES_A_NODE * model.stored / model.event / 1e9:,.1f} GB/s.",
            "- **The scheduler** sees trials, not events: its load does not depend on how many there are.",
            "- **Untested**: files of this size. The straight line is drawn through the sizes in the table above.",
        ]
    )


def _duration(seconds: float) -> str:
    """Seconds in the unit that suits them.

    >>> _duration(5), _duration(600), _duration(86_400)
    ('5.0 s', '10.0 minutes', '24.0 hours')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def main() -> None:
    """Measure, unless told not to, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale_model", description=__doc__)
    parser.add_argument("--stored", action="store_true", help="write the page again, from docs/scaling.json")
    file = DOCS / "scaling.json"
    if not parser.parse_args().stored:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        stored = Stored(machine=machine(), measured=measurements())
        file.write_text(stored.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (DOCS / "scaling.md").write_text(page(Stored.model_validate_json(file.read_text("utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
