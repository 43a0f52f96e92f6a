"""Judge one model from its scores on train, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence

from hepsieve.errors import DataError
from hepsieve.evaluate.best_cut import best_cut
from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.confusion import confusion
from hepsieve.evaluate.distributions import overtraining, score_distributions
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import efficiency_quantities, loss_quantities, significance_quantity
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.results import ConfusionFigures, ModelEvaluation, Overtraining, Quantity, Scored
from hepsieve.evaluate.roc import roc_curve, roc_vertices, thin
from hepsieve.evaluate.scan import scan
from hepsieve.evaluate.warnings import model_warnings


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One part's ranked events, their figures, and those of the bootstrap, shape (resamples, k)."""

    ranked: Ranked
    figures: Figures
    replicas: Floats

    def losses(self) -> dict[str, Quantity]:
        return loss_quantities(self.ranked, self.figures, self.replicas)

    def cuts(
        self, signal_efficiencies: Sequence[float], background_efficiencies: Sequence[float]
    ) -> dict[str, Quantity]:
        return efficiency_quantities(
            self.ranked,
            self.figures,
            self.replicas,
            signal_efficiencies=signal_efficiencies,
            background_efficiencies=background_efficiencies,
        )

    def replica(self, name: str) -> Floats:
        return self.replicas[:, self.figures.names.index(name)]


def evaluate_model(
    *,
    train: Scored,
    validation: Scored,
    test: Scored,
    classes: tuple[str, str],
    framework: str,
    kind: str,
    parameters: int,
    epochs: int,
    train_seconds: float,
    signal_efficiencies: Sequence[float] = (0.3, 0.5, 0.7),
    background_efficiencies: Sequence[float] = (0.01, 0.1),
    signal_yield: float | None = None,
    background_yield: float | None = None,
    significance_cut: float | None = None,
    resamples: int = 1000,
    rng_seed: int = 0,
    threads: int | None = None,
) -> ModelEvaluation:
    """Everything that is quoted about one model; equal arguments give equal results for any number of threads.

    Args:
        train: what the model was fitted on, for the overtraining check only.
        validation: what choices rest on: the best model, and the threshold of the significance.
        test: what every quoted metric is measured on.
        classes: the names of background and signal.
        framework: as shown in the report, such as ``PyTorch``.
        kind: as shown in the report, such as ``mlp``.
        parameters: how many numbers were fitted.
        epochs: epochs or boosting rounds.
        train_seconds: how long the fit took.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        signal_yield: expected signal events before the cut; with ``background_yield`` it gives the significance.
        background_yield: expected background events before the cut.
        significance_cut: the threshold of the significance; ``best_cut`` on validation if not given.
        resamples: bootstrap resamples behind the intervals.
        rng_seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        DataError: naming the part and the row if a score is not in [0, 1], a target is neither 0 nor 1 or a weight is
            not finite; naming the part and the class if a class has no positive total weight.
    """
    ranked = {
        name: _ranked(part, name) for name, part in (("train", train), ("validation", validation), ("test", test))
    }
    yields = (signal_yield, background_yield) if signal_yield is not None and background_yield is not None else None
    vertices = roc_vertices(ranked["test"])
    shown = thin(vertices[0], vertices[1])
    measures = {
        "train": Figures(ranked["train"]),
        "validation": Figures(ranked["validation"]),
        "test": Figures(
            ranked["test"],
            signal_efficiencies=signal_efficiencies,
            background_efficiencies=background_efficiencies,
            cut=_cut(ranked["validation"], yields, significance_cut, seed=rng_seed, threads=threads),
            grid=vertices[0][shown],
        ),
    }
    parts = {
        name: _Part(
            ranked=ranked[name],
            figures=measure,
            replicas=bootstrap(ranked[name], measure, resamples=resamples, seed=seed, threads=threads),
        )
        for (name, measure), seed in zip(measures.items(), SeedSequence(rng_seed).spawn(len(measures)), strict=True)
    }
    matrix, confused = confusion(ranked["test"], classes)
    losses = parts["test"].losses()
    cuts = parts["test"].cuts(signal_efficiencies, background_efficiencies)
    return ModelEvaluation(
        framework=framework,
        kind=kind,
        parameters=parameters,
        epochs=epochs,
        train_seconds=train_seconds,
        metrics={"auc": losses["auc"], **_calls(confused), **losses, **cuts, **_significance(parts["test"], yields)},
        validation={**parts["validation"].losses(), "accuracy": confusion(ranked["validation"], classes)[1].accuracy},
        per_class=confused.per_class,
        confusion=matrix,
        roc=roc_curve(ranked["test"], _band(parts["test"]), rows=shown),
        scores=score_distributions(ranked["train"], ranked["test"]),
        overtraining=_overtraining(parts["train"], parts["validation"], parts["test"]),
        thresholds=scan(ranked["test"]),
        warnings=model_warnings(ranked["test"], losses["auc"], losses["log_loss"]),
    )


def _cut(
    validation: Ranked,
    yields: tuple[float, float] | None,
    given: float | None,
    *,
    seed: int,
    threads: int | None,
) -> float | None:
    if yields is None or given is not None:
        return given if yields is not None else None
    cut = best_cut(validation, signal_yield=yields[0], background_yield=yields[1], seed=seed, threads=threads)
    return cut.threshold.value


def _calls(figures: ConfusionFigures) -> dict[str, Quantity]:
    """Accuracy, and the figures of signal, at threshold 0.5."""
    signal = figures.per_class[1]
    return {"accuracy": figures.accuracy, "precision": signal.precision, "recall": signal.recall, "f1": signal.f1}


def _overtraining(train: _Part, validation: _Part, test: _Part) -> Overtraining:
    compared = ("auc", "log_loss")
    return overtraining(
        train.ranked,
        test.ranked,
        train_auc=train.losses()["auc"],
        nominal={name: (train.figures.nominal[name], test.figures.nominal[name]) for name in compared},
        replicas={name: (train.replica(name), test.replica(name)) for name in compared},
        validation_loss=(validation.figures.nominal["log_loss"], validation.replica("log_loss")),
    )


def _significance(test: _Part, yields: tuple[float, float] | None) -> dict[str, Quantity]:
    if yields is None:
        return {}
    quantity = significance_quantity(
        test.ranked, test.figures, test.replicas, signal_yield=yields[0], background_yield=yields[1]
    )
    return {"significance": quantity}


def _band(test: _Part) -> tuple[Floats, Floats]:
    curves = test.replicas[:, len(test.figures.names) :]
    defined = curves[np.isfinite(curves).all(axis=1)]
    if not len(defined):
        return np.zeros(curves.shape[1]), np.ones(curves.shape[1])
    low, high = np.quantile(defined, [0.025, 0.975], axis=0)
    return low, high


def _ranked(part: Scored, name: str) -> Ranked:
    """The part's events in order, once they are known to be scored probabilities of two classes."""
    ranked = Ranked.of(part.target, part.score, part.weight, what=f"{name} part")
    for label, side in (("background", ranked.background), ("signal", ranked.signal)):
        total = float(side.weight.sum())
        if not total > 0:
            raise DataError(
                f"{name} part: {len(side)} {label} events of total weight {total:g}; "
                "no figure can be quoted without positive weight of both classes"
            )
        if side.score[-1] < 0 or side.score[0] > 1:
            found = side.score[-1] if side.score[-1] < 0 else side.score[0]
            raise DataError(
                f"{name} part: a {label} event has score {found:g}; scores are probabilities between 0 and 1"
            )
    return ranked
