"""A trained run to what its models learned from beside the training events, for the evaluation to keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepsieve.config import TaskConfig
from hepsieve.evaluate.learned_results import SimulatedEvents
from hepsieve.manifest import NAME, sha256
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.train.run import Fitted, Run
from hepsieve.train.start import start_of


def learned_beside(run: Run, config: TaskConfig) -> dict[str, Any]:
    """The simulated events and the runs started from, by the fields of a ``DataSummary``."""
    models = _single(run)
    starts = {
        name: None if isinstance(fitted.config, EnsembleConfig) else start_of(fitted.config, config.train)
        for name, fitted in models.items()
    }
    started = {name: str(start) for name, start in starts.items() if start is not None}
    return {"simulated": _simulated(run, models), "started_from": started}


def facts_beside(run: Run, config: TaskConfig) -> dict[str, Any]:
    """The same for a manifest: the fingerprint of the simulated events, and by run the sha256 of its own manifest."""
    found = learned_beside(run, config)
    runs = sorted(set(found["started_from"].values()))
    started = {"started_from": {one: sha256(Path(one) / NAME) for one in runs}} if runs else {}
    simulated = found["simulated"]
    return {**started, **({} if simulated is None else {"simulated_fingerprint": simulated.fingerprint})}


def _single(run: Run) -> dict[str, Fitted]:
    """The models of a run and those of its ensembles, which may be none of the run's own."""
    of_ensembles = {one.name: one for fitted in run.models.values() for one in fitted.combined}
    return {**of_ensembles, **run.models}


def _simulated(run: Run, models: Mapping[str, Fitted]) -> SimulatedEvents | None:
    events, mixings = run.parts.simulated, {name: fitted.mixing for name, fitted in models.items()}
    known = {name: mixing for name, mixing in mixings.items() if mixing is not None}
    if events is None or not known:
        return None
    return SimulatedEvents(
        n=len(events),
        n_signal=None if events.kind == "regression" else int((events.target > 0.5).sum()),
        sources=events.origin.sources,
        fingerprint=events.origin.fingerprint,
        weights={name: mixing.weight for name, mixing in known.items()},
        by=next(iter(known.values())).by,
        tried={
            name: {f"{weight:g}": figure for weight, figure in mixing.tried.items()}
            for name, mixing in known.items()
            if mixing.tried
        },
    )
