"""All events judged at once, each scored only by models that did not see it."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.metrics import Figures, efficiency_name, rejection_name, shown
from hepsieve.evaluate.quantities import efficiency_quantity, loss_quantities
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import OutOfFold, Quantity, Scored


def out_of_fold(
    scored: Scored,
    *,
    signal_efficiencies: Sequence[float] = (0.99,),
    background_efficiencies: Sequence[float] = (0.01,),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> OutOfFold:
    """The figures of out-of-fold scores, the cuts being set on the very events that they are measured on.

    What holds: the efficiency of one class behind a cut that the other class sets has, for this very cut,
    Clopper–Pearson's interval, as the events that count had no part in it. How far the cut itself would fall elsewhere
    in other events is in the bootstrap; the interval that is quoted holds both. ``signal_efficiency@0`` cuts above
    every background event. There the bootstrap falls short, as it never draws a higher score than the highest. But the
    background efficiency behind a cut at the highest of n independent background scores is above 1 − 0.025^(1/n) only
    once in forty (the highest of n uniform numbers lies below 1 − u with probability (1 − u)^n), which is
    Clopper–Pearson's upper end at 0 of n: so much background may be left where none is seen.

    Scores of several models are taken for scores of one: of the trainings of single folds, and, for the test events, of
    their mean, which is a little sharper.

    Args:
        scored: all events, each with a score of models that did not see it.
        signal_efficiencies: gives the background efficiency at each.
        background_efficiencies: gives the signal efficiency at each; that at 0 is always there.
        resamples: bootstrap resamples behind the intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        DataError: if a class has no events, or scores are not finite.
    """
    ranked = Ranked.of(scored.target, scored.score, scored.weight, what="out-of-fold scores")
    allowed = tuple(dict.fromkeys((*background_efficiencies, 0.0)))
    figures = Figures(ranked, signal_efficiencies=signal_efficiencies, background_efficiencies=allowed)
    replicas = bootstrap(ranked, figures, resamples=resamples, seed=seed, threads=threads)
    column = {name: replicas[:, k] for k, name in enumerate(figures.names)}
    losses = loss_quantities(ranked, figures, replicas)
    metrics: dict[str, Quantity] = {name: losses[name] for name in ("auc", "log_loss")}
    for x in signal_efficiencies:
        name = rejection_name(x)  # the figure itself is the background efficiency
        metrics[f"background_efficiency@{shown(x)}"] = efficiency_quantity(
            figures.nominal[name], ranked.background, column[name]
        )
    for name in map(efficiency_name, allowed):
        metrics[name] = efficiency_quantity(figures.nominal[name], ranked.signal, column[name])
    return OutOfFold(n_signal=len(ranked.signal), n_background=len(ranked.background), metrics=metrics)
