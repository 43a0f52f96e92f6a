"""Trained models and validation events to what each model loses when a feature or a region is shuffled among events."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from types import EllipsisType

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve.evaluate.importance import permutation_importance, permutation_rmse
from hepsieve.evaluate.quantity import Quantity
from hepsieve.events import Events, FloatArray, IntArray
from hepsieve.occlusion import cost
from hepsieve.prepare import ImagePreparation, ShapePreparation, WaveformPreparation
from hepsieve.progress import Progress
from hepsieve.regions import regions_of
from hepsieve.shapes import as_table
from hepsieve.train.run import Fitted, Run

# More events would narrow intervals that already are narrower than what they are read for.
MOST_SHUFFLED = 20_000
MOST_LARGE_SHUFFLED = 2_000
FEWEST_LARGE_SHUFFLED = 60
MOST_VALUES = 20_000_000
"""Pixels or samples of shuffled images or waveforms that a small network has to look at."""
_OF_CHANNELS = (ImagePreparation, WaveformPreparation)
Index = tuple[slice | int | EllipsisType, ...]


@dataclass(frozen=True, kw_only=True)
class _Shuffle:
    """What is exchanged between events: its name, and where it stands in the array of all."""

    name: str
    place: Index


def importances(
    run: Run, *, permutations: int, seed: SeedSequence, progress: Progress
) -> dict[str, dict[str, Quantity]]:
    """For every model and everything it sees, the AUC lost on validation (of regressions: the RMSE gained).

    Of tables these are the features. A model that sees images or waveforms has its channels shuffled if it gets
    several; a single channel is all that it has, and is cut into nine regions, each of which is exchanged between
    events by itself. One that learned from shapes has these.

    Args:
        run: trained models; cross-validated events are scored by the training that did not see them.
        permutations: how often each is shuffled; 0 gives nothing.
        seed: draws events and shuffles; models that get equally many events see the same shuffles.
        progress: shows one step per model and feature.
    """
    if permutations == 0:
        return {}
    validation = run.parts.validation
    drawing, shuffling = seed.spawn(2)
    drawn = np.random.default_rng(drawing).permutation(len(validation))
    shuffles = {name: _shuffles(fitted, validation) for name, fitted in run.models.items()}
    found: dict[str, dict[str, Quantity]] = {}
    with progress.task("shuffling features", sum(map(len, shuffles.values()))) as advance:
        for name, places in shuffles.items():
            fitted = run.models[name]
            rows = np.sort(drawn[: _events(fitted, validation, len(places) * permutations)])
            events = validation[rows]
            fold = None if run.parts.fold is None else run.parts.fold[rows]
            rng = np.random.default_rng([*shuffling.generate_state(2), len(rows)])
            orders = np.stack([rng.permutation(len(events)) for _ in range(permutations)])
            seen = _seen(fitted, events)
            score = _held_out_scores(fitted, seen.features, seen.names, fold)
            quantity = permutation_rmse if validation.kind == "regression" else permutation_importance
            found[name] = {}
            for one in places:
                shuffled = _shuffled_scores(fitted, seen, fold, one.place, orders)
                found[name][one.name] = quantity(events.target, score, shuffled, events.weight)
                advance(1, f"{name}: {one.name}")
    return found


def _shuffles(fitted: Fitted, events: Events) -> tuple[_Shuffle, ...]:
    preparation = fitted.members[0].preparation
    if isinstance(preparation, ShapePreparation):
        return tuple(
            _Shuffle(name=name, place=(..., preparation.table.features.index(name)))
            for name in preparation.table.features
        )
    if isinstance(preparation, _OF_CHANNELS) and preparation.channels == 1:
        size = events.features.shape[1:-1]
        return tuple(_Shuffle(name=one.name, place=(slice(None), *one.place)) for one in regions_of(size))
    return tuple(_Shuffle(name=name, place=(..., events.names.index(name))) for name in preparation.features)


def _events(fitted: Fitted, validation: Events, passes: int) -> int:
    """How many events a model is judged on: a function of it and their size alone, never of a clock."""
    if not isinstance(fitted.members[0].preparation, _OF_CHANNELS):
        return MOST_SHUFFLED
    copies = fitted.members[0].copies
    looks = cost(fitted) * (1 if copies is None else copies.number)
    values = MOST_VALUES / looks / prod(validation.features.shape[1:])
    return int(np.clip(values / passes, FEWEST_LARGE_SHUFFLED, MOST_LARGE_SHUFFLED))


def _seen(fitted: Fitted, events: Events) -> Events:
    """The events with what is shuffled as their features."""
    preparation = fitted.members[0].preparation
    if not isinstance(preparation, ShapePreparation):
        return events
    table, names = as_table(preparation.of_channels(events)), preparation.table.features
    columns = [table.names.index(name) for name in names]
    return table.replace(features=table.features[:, columns], names=names, units=tuple(table.units[k] for k in columns))


def _held_out_scores(
    fitted: Fitted, features: FloatArray, names: tuple[str, ...], fold: IntArray | None
) -> NDArray[np.float64]:
    """Scores of what ``_seen`` gives, each by a training that did not learn from the event."""
    scores = np.empty(len(features))
    for number, member in enumerate(fitted.members):
        rows = np.arange(len(features)) if fold is None else np.flatnonzero(fold == number)
        preparation = member.preparation
        if isinstance(preparation, ShapePreparation):
            scores[rows] = member.trained.model.scores(preparation.table.apply(features[rows], names))
        else:
            scores[rows] = member.scores(features[rows], names)
    return scores


def _shuffled_scores(
    fitted: Fitted, seen: Events, fold: IntArray | None, place: Index, orders: IntArray
) -> NDArray[np.float64]:
    """Scores with what stands there exchanged between the events, shape (repeats, n)."""
    if seen.features.ndim > 2:  # one repeat at a time: all of them may be too many for the memory
        return np.stack([_scores_in_order(fitted, seen, fold, place, order[np.newaxis])[0] for order in orders])
    return _scores_in_order(fitted, seen, fold, place, orders)


def _scores_in_order(
    fitted: Fitted, seen: Events, fold: IntArray | None, place: Index, orders: IntArray
) -> NDArray[np.float64]:
    # All these repeats at once: a model's call costs more than its events do.
    features = np.concatenate([seen.features] * len(orders))
    features[place] = seen.features[orders.ravel()][place]
    scores = _held_out_scores(fitted, features, seen.names, None if fold is None else np.tile(fold, len(orders)))
    return scores.reshape(len(orders), -1)
