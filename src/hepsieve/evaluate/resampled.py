"""Several models on the same events turned into figures whose resamples are paired: every draw serves all models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap, bootstrap_events
from hepsieve.evaluate.confusion import THRESHOLD, confusion
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import efficiency_quantities, loss_quantities
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Scratch
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.residuals import FIGURES, ResidualFigures, Residuals, tolerance_accuracies
from hepsieve.evaluate.results import Quantity, RocCurve, Scored
from hepsieve.evaluate.roc import roc_curve, roc_vertices, thin


@dataclass(frozen=True, kw_only=True, eq=False)
class Resampled:
    """What one model reaches, and the same figures of resampled events.

    Attributes:
        metrics: the figures with their 95 % intervals.
        replicas: by metric, shape (resamples,); row for row of the same draw as those of the other models.
        roc: the curve with its band; None of a regression.
    """

    metrics: Mapping[str, Quantity]
    replicas: Mapping[str, Floats]
    roc: RocCurve | None = None


class _Ordered:
    """One model's events in the order of its scores, and where they stand in the order of another model's scores."""

    def __init__(
        self, scored: Scored, reference: Scored, efficiencies: Sequence[float], rates: Sequence[float]
    ) -> None:
        self.ranked = Ranked.of(scored.target, scored.score, scored.weight)
        self.vertices = roc_vertices(self.ranked)
        self.shown = thin(self.vertices[0], self.vertices[1])
        self.figures = Figures(
            self.ranked,
            signal_efficiencies=efficiencies,
            background_efficiencies=rates,
            cut=THRESHOLD,
            grid=self.vertices[0][self.shown],
        )
        self._scratch = Scratch()
        self._places = [_places(scored, reference, label) for label in (0, 1)]

    def __call__(self, background: Floats, signal: Floats) -> Floats:
        """The figures for weights in the order of the reference's scores, and the accuracy behind them."""
        own = [
            np.take(weight, places, out=self._scratch(f"own {label}", len(places)), mode="clip")
            for label, (weight, places) in enumerate(zip((background, signal), self._places, strict=True))
        ]
        found = self.figures(*own)
        lost, kept = (found[self.figures.names.index(f"{side}_behind_cut")] for side in ("background", "signal"))
        b, s = (float(np.einsum("i->", weight)) for weight in own)
        accuracy = (b * (1 - lost) + s * kept) / (b + s) if b > 0 and s > 0 else np.nan
        return np.append(found, accuracy)


def _places(scored: Scored, reference: Scored, label: int) -> Rows:
    """For the class's events in the order of one's scores their places in the order of the other's; as ``Ranked``."""
    of_class = scored.target == 1 if label else scored.target != 1
    own, other = (np.argsort(-one.score[of_class], kind="stable") for one in (scored, reference))
    inverse = np.empty(len(other), dtype=np.int64)
    inverse[other] = np.arange(len(other))
    return np.asarray(inverse[own])


def resampled_scores(
    scored: Mapping[str, Scored],
    *,
    signal_efficiencies: Sequence[float] = (0.3, 0.5, 0.7),
    background_efficiencies: Sequence[float] = (0.01, 0.1),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> dict[str, Resampled]:
    """AUC, accuracy, losses and efficiencies of each model, as in a run, from one stratified bootstrap of all.

    Among the replicas those of a ``background_rejection@x`` are one over the background efficiency, infinite where none
    is left.

    Args:
        scored: scores by model, of the same events in the same order.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        resamples: how many times to draw.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        DataError: if a class has no events, or no positive total weight.
    """
    reference = next(iter(scored.values()))
    models = {
        name: _Ordered(one, reference, signal_efficiencies, background_efficiencies) for name, one in scored.items()
    }
    first = next(iter(models.values()))
    ends = np.cumsum([len(one.figures.names) + len(one.shown) + 1 for one in models.values()])[:-1]
    together = bootstrap(
        first.ranked,
        lambda background, signal: np.concatenate([one(background, signal) for one in models.values()]),
        resamples=resamples,
        seed=seed,
        threads=threads,
    )
    return {
        name: _of_scores(one, replicas, signal_efficiencies, background_efficiencies)
        for (name, one), replicas in zip(models.items(), np.split(together, ends, axis=1), strict=True)
    }


def _of_scores(one: _Ordered, replicas: Floats, efficiencies: Sequence[float], rates: Sequence[float]) -> Resampled:
    figures, names = one.figures, one.figures.names
    losses = loss_quantities(one.ranked, figures, replicas)
    cuts = efficiency_quantities(
        one.ranked, figures, replicas, signal_efficiencies=efficiencies, background_efficiencies=rates
    )
    accuracy = confusion(one.ranked, ("background", "signal"))[1].accuracy
    columns = {name: replicas[:, k] for k, name in enumerate(names)}
    with np.errstate(divide="ignore"):
        inverted = {name: 1 / column for name, column in columns.items() if name.startswith("background_rejection@")}
    curves = replicas[:, len(names) : -1]
    curves = curves[np.isfinite(curves).all(axis=1)]
    no_band = np.zeros(replicas.shape[1] - len(names) - 1)
    band = np.quantile(curves, [0.025, 0.975], axis=0) if len(curves) else (no_band, no_band + 1)
    return Resampled(
        metrics={"auc": losses["auc"], "accuracy": accuracy, **losses, **cuts},
        replicas={**columns, **inverted, "accuracy": replicas[:, -1]},
        roc=roc_curve(one.ranked, (band[0], band[1]), rows=one.shown),
    )


def resampled_predictions(
    predicted: Mapping[str, Predicted],
    *,
    tolerances: Sequence[float] = (0.1,),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> dict[str, Resampled]:
    """The figures of each model of a regression, as in a run, from one bootstrap of all.

    Args:
        predicted: predictions by model, of the same events in the same order.
        tolerances: at which the tolerance accuracy is quoted.
        resamples: how many times to draw.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    ordered = {name: Residuals.of(one) for name, one in predicted.items()}
    measures = {name: ResidualFigures(one.residual, one.weight) for name, one in ordered.items()}
    weight = next(iter(predicted.values())).weight

    def measure(drawn: Floats) -> Floats:
        return np.concatenate([measures[name](drawn[one.order]) for name, one in ordered.items()])

    together = bootstrap_events(weight, measure, resamples=resamples, seed=seed, threads=threads)
    found = {}
    for k, (name, one) in enumerate(predicted.items()):
        replicas = together[:, k * len(FIGURES) : (k + 1) * len(FIGURES)]
        quantities = measures[name].quantities(replicas)
        found[name] = Resampled(
            metrics={**quantities, **tolerance_accuracies(one, tolerances)},
            replicas={figure: replicas[:, column] for column, figure in enumerate(FIGURES)},
        )
    return found
