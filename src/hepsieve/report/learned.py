"""Sentences on what models learned from beside the training events of the data."""

from __future__ import annotations

from pathlib import PurePath

from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.report.summary import number


def learned_sentences(evaluation: AnyEvaluation) -> tuple[str, ...]:
    """How many simulated events with which weight, and which runs models started from; empty without either."""
    data = evaluation.data
    told = []
    if (simulated := data.simulated) is not None:
        weights = ", ".join(f"{name} {weight:g}" for name, weight in simulated.weights.items())
        if len(set(simulated.weights.values())) == 1:
            weights = f"{next(iter(simulated.weights.values())):g}"
        told.append(
            f"Learned from {number(data.n_train, 0)} genuine and {number(simulated.n, 0)} simulated events "
            f"({', '.join(simulated.sources)}) with total weight {weights}, that of the genuine ones being 1 in each "
            "class. Simulated events stopped, chose and judged nothing."
        )
        for name, tried in simulated.tried.items():
            figures = ", ".join(f"{weight}: {value:.4f}" for weight, value in tried.items())
            told.append(
                f"The weight for {name} was chosen by {simulated.by.upper()} on genuine validation events ({figures})."
            )
    for name, run in data.started_from.items():
        told.append(
            f"{name} began with what the model of the run {PurePath(run).name} had learned, and sees events as it did."
        )
    return tuple(told)
