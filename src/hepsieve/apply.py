"""A finished run on other events: the efficiencies of its stored cuts, and how far its features have drifted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepsieve.data.read_arrays import CONVERTED
from hepsieve.evaluate.application import Application, apply_points
from hepsieve.evaluate.drift import FeatureDrift, Table, drift
from hepsieve.evaluate.results import Evaluation, Scored
from hepsieve.events import Events
from hepsieve.prepare import AnyPreparation
from hepsieve.progress import Progress
from hepsieve.shapes import as_table
from hepsieve.train.run import Run


def apply(
    run: Run,
    evaluation: Evaluation,
    events: Events,
    *,
    scores: Mapping[str, NDArray[np.float64]] | None = None,
    progress: Progress,
) -> Application:
    """Cut other events where the run's evaluation says, and compare their features with the training events'.

    Args:
        run: the trained models; ``run.parts.train`` is what the features are compared with.
        evaluation: the run's stored evaluation, with its working points.
        events: the other events, of one class or both, with the run's features.
        scores: their scores by model, where they are known already.
        progress: shows one step per model.

    Raises:
        DataError: if there are no events, or a class has no positive total weight.
    """
    points = {}
    with progress.task("applying the working points", len(run.models)) as advance:
        for name, fitted in run.models.items():
            score = fitted.scores(events) if scores is None else scores[name]
            points[name] = apply_points(evaluation.working_points.get(name, ()), _scored(events, score))
            advance(1, name)
    signal = int((events.target > 0.5).sum())
    return Application(
        task=evaluation.task,
        classes=evaluation.classes,
        origin=events.origin.kind,
        sources=events.origin.sources,
        fingerprint=events.origin.fingerprint,
        n_signal=signal,
        n_background=len(events) - signal,
        best=evaluation.best,
        working_points=points,
        drift=feature_drift(run, events, classes=evaluation.classes),
        remarks=remarks_on(events),
    )


def remarks_on(events: Events) -> tuple[str, ...]:
    """What was done to events when they were read."""
    return (events.origin.details[CONVERTED],) if CONVERTED in events.origin.details else ()


def feature_drift(run: Run, events: Events, *, classes: tuple[str, str] | None = None) -> tuple[FeatureDrift, ...]:
    """The features of other events beside those of the training events, strongest drift first.

    Only features that models see, with what they see in place of missing values; of images and waveforms their shapes.

    Args:
        run: the trained models.
        events: the other events, with the run's features.
        classes: the names of background and signal, to compare each with its own; without them all are compared.
    """
    # Models may go without some features, or channels; the one with most of them has most to compare.
    preparations = [fitted.members[0].preparation for fitted in run.models.values()]
    preparation = max(preparations, key=lambda one: len(one.features))
    new, train = (_seen(sample, preparation) for sample in (events, run.parts.train))
    tables = [
        Table(features=one.features, weight=one.weight, target=None if classes is None else one.target)
        for one in (new, train)
    ]
    return drift(*tables, names=train.names, units=train.units, classes=classes or ("", ""))


def _seen(events: Events, preparation: AnyPreparation) -> Events:
    units = tuple(events.units[events.names.index(name)] for name in preparation.features)
    seen = events.replace(features=preparation.filled(events), names=preparation.features, units=units)
    return seen if events.features.ndim == 2 else as_table(seen)


def _scored(events: Events, scores: NDArray[np.float64]) -> Scored:
    return Scored(target=events.target.astype(np.float64), score=scores, weight=events.weight.astype(np.float64))
