"""The validation figures of scores that were calibrated on these very events, without flattery."""

from __future__ import annotations

from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.confusion import confusion
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import loss_quantities
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored


def held_out_figures(
    cross_fitted: Scored, *, own: Scored, resamples: int, seed: SeedSequence, threads: int | None = None
) -> dict[str, Quantity]:
    """AUC of a model's own scores; log loss, Brier score, ECE and accuracy of its cross-fitted calibrated scores.

    Isotonic regression raises the AUC of the events that it was fitted on, and cross-fitting mixes several scales: the
    order of events is judged by the scores before the calibration, which does not change it.

    Args:
        cross_fitted: each event's score calibrated by other events.
        own: the same events before the calibration.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    figures = {}
    for what, sample, child in zip(("fair", "own"), (cross_fitted, own), seed.spawn(2), strict=True):
        ranked = Ranked.of(sample.target, sample.score, sample.weight, what="validation part")
        measure = Figures(ranked)
        replicas = bootstrap(ranked, measure, resamples=resamples, seed=child, threads=threads)
        figures[what] = loss_quantities(ranked, measure, replicas)
        if what == "fair":
            figures[what]["accuracy"] = confusion(ranked, ("background", "signal"))[1].accuracy
    return {**figures["fair"], "auc": figures["own"]["auc"]}
