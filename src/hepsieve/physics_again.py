"""A finished run's stored scores at other yields: nothing is trained, and no event is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate.physics_results import Physics
from hepsieve.evaluate.results import Scored
from hepsieve.folder import OUT_OF_FOLD, PREDICTIONS, TEST_OPENED, VALIDATION, RunFolder, record
from hepsieve.yields import expectation_of

YIELD_SETTINGS = (
    "evaluate.signal_yield",
    "evaluate.background_yield",
    "evaluate.yields",
    "evaluate.background_uncertainty",
    "evaluate.score_bins",
)
HOW = "--set evaluate.signal_yield=100 --set evaluate.background_yield=1000, or evaluate.yields"


def physics_again(run: RunFolder, config: TaskConfig, model: str) -> Physics:
    """What may be expected from a model of a finished run at the yields of ``config``.

    The cut and the bins are found on the stored scores of validation or out-of-fold events, and the counts come from
    those of the test events; looking at them again is recorded.

    Args:
        run: the verified run.
        config: its configuration with other settings in ``evaluate``.
        model: the model's name.

    Raises:
        ConfigError: if no yields are given, or ones that need the weights of all events.
        HepsieveError: if the run did not keep its validation scores.
    """
    yields = config.evaluate.yields
    if yields is not None and (yields.signal.weights or yields.background.weights):
        raise ConfigError(
            f"{run.path}: yields from weights need all events, of which a run folder keeps some only; give "
            "evaluate.yields.signal.events and evaluate.yields.background.events, or run the task again"
        )
    folds = run.evaluation.data.folds is not None
    held_out = run.path / (OUT_OF_FOLD if folds else VALIDATION)
    if not held_out.is_file():
        raise ConfigError(
            f"{run.path}: no {held_out.name}, written by an earlier version; run the task with {HOW} instead"
        )
    expected = expectation_of(config, (0.0, 0.0), (0.0, 0.0), folds=folds)
    if expected is None:
        raise ConfigError(f"{run.path}: no expected yields; give {HOW}")
    validation, test = (_scored(path, model) for path in (held_out, run.path / PREDICTIONS))
    record(run.path, TEST_OPENED, f"hepsieve export: {model} at other yields")
    return expected.physics(validation, test, expected.cut(validation))


def _scored(path: Path, model: str) -> Scored:
    columns = ("target", f"score_{model}", "weight")
    table = pyarrow.parquet.read_table(path, columns=list(columns))
    target, score, weight = (np.asarray(table[name], dtype=np.float64) for name in columns)
    return Scored(target=target, score=score, weight=weight)
