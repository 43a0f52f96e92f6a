"""The test part taken apart by a column that a task names: which column it may be, and what each slice gives."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate import bin_edges, binned_slices, require_few, slices
from hepsieve.evaluate.results import Slices, WorkingPoint
from hepsieve.evaluate.signal_slices import signal_slices, tightest, told_from
from hepsieve.evaluate.slice_metrics import Quoted
from hepsieve.evaluate.slices import MOST_VALUES, distinct
from hepsieve.events import Events
from hepsieve.prepare import Split
from hepsieve.pulse_shapes import LIGHT, PULSE_SHAPES
from hepsieve.shapes import quantities, quantity, quantity_unit
from hepsieve.shower_shapes import ENERGY_SHAPES, TIME_SHAPES, are_images
from hepsieve.waveforms import are_waveforms


def require_slices(parts: Split, config: TaskConfig) -> None:
    """Refuse a column to slice by that is not there, or has too many values; the test part stays sealed.

    Raises:
        ConfigError: naming the column, and what the data have.
    """
    name, train = config.evaluate.slice_by, parts.train
    if name is None:
        return
    known = quantities(train)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "name it in data.spectators to carry it along"
        if name in (*ENERGY_SHAPES, *TIME_SHAPES) and are_images(train):
            hint = "shower shapes are measured in the channels that data.features leaves; set evaluate.slice_by=null"
        if name in PULSE_SHAPES and are_waveforms(train):
            hint = f"pulse shapes are measured in the channel {LIGHT!r}; set evaluate.slice_by=null"
        if name in train.names and are_images(train):
            hint = "a channel has a value for every pixel; take a measure of the whole image"
        if name in train.names and are_waveforms(train):
            hint = "a channel has a value for every sample; take a measure of the whole waveform"
        raise ConfigError(f"evaluate.slice_by: no column {name!r} among {', '.join(known) or 'none'}; {hint}")
    if config.evaluate.slice_bins is None:
        require_few(_sliced_values(train, name, config), name)


def sliced(
    train: Events,
    test: Events,
    scores: Mapping[str, NDArray[np.float64]],
    config: TaskConfig,
    *,
    restricted: Mapping[str, Mapping[str, tuple[float, ...]]],
    points: Mapping[str, tuple[WorkingPoint, ...]],
    best: str,
) -> Slices | None:
    """The test part by a column; None where it was not asked for, or other data come without it.

    Args:
        train: the training part, on which bins are cut.
        test: the opened test events.
        scores: their scores by model.
        config: the task; its ``evaluate`` section says by which column.
        restricted: by model, the columns of which it learned from some values only, and these.
        points: by model, its working points, whose efficiencies are quoted where signal alone is taken apart.
        best: the model about which ``says`` tells.
    """
    column = config.evaluate.slice_by
    if column is None or column not in quantities(test):
        return None
    trained_on = {name: columns[column] for name, columns in restricted.items() if column in columns}
    values, learned = quantity(test, column), _sliced_values(train, column, config)
    arrays = (values, test.target.astype(np.float64), test.weight.astype(np.float64), scores)
    unit = quantity_unit(test, column)
    bins, few = config.evaluate.slice_bins, distinct(learned)
    # Bins that were cut on test events would depend on what they are to judge.
    edges = bin_edges(learned, bins) if bins is not None and len(few) > MOST_VALUES else None
    of_signal = config.evaluate.slice_of == "signal"
    at = distinct(values[test.target > 0.5] if of_signal else values)
    if len(at) > MOST_VALUES:  # too late to refuse them: the test part is open
        at = few
    quoted = Quoted(
        signal_efficiencies=config.evaluate.signal_efficiencies,
        background_efficiencies=config.evaluate.background_efficiencies,
        points=points,
        resamples=config.evaluate.resamples,
        seed=config.seed,
    )
    if of_signal:
        taken = signal_slices(
            *arrays, points=points, edges=edges, at=at, column=column, unit=unit, trained_on=trained_on, quoted=quoted
        )
        point = tightest(points[best], config.evaluate.background_efficiencies)
        return taken if point is None else taken.model_copy(update={"says": told_from(taken, best, point)})
    if edges is not None:
        return binned_slices(*arrays, edges=edges, column=column, unit=unit, trained_on=trained_on, quoted=quoted)
    return slices(*arrays, at=at, column=column, unit=unit, trained_on=trained_on, quoted=quoted)


def _sliced_values(train: Events, column: str, config: TaskConfig) -> NDArray[np.floating]:
    """The column of the training events that are taken apart."""
    values = quantity(train, column)
    return values[train.target > 0.5] if config.evaluate.slice_of == "signal" else values
