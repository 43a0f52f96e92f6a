"""Event weights as a section of a page: what the samples are worth, and what training makes of negative weights."""

from __future__ import annotations

from typing import assert_never

from hepsieve.evaluate.weight_results import Policy, Weighed, WeightSummary
from hepsieve.report.sections import Table
from hepsieve.report.summary import Cell, number, percent

POLICIES: dict[Policy, str] = {
    "keep": "keeps them as they are",
    "abs": "takes their moduli",
    "drop": "leaves their events out",
}


def weights_section(summary: WeightSummary | None) -> dict[str, object]:
    """The section's part of a page's context; ``weights`` is None where all weights are 1."""
    if summary is None:
        return {"weights": None}
    return {
        "weights": weights_table(summary),
        "weights_say": weights_sentence(summary),
        "weights_policy": policy_sentence(summary),
        "weights_trained": trained_table(summary) if summary.negative else None,
    }


def weights_table(summary: WeightSummary) -> Table:
    """Events, sum of weights, effective number and negative weights by part and class, signal first."""
    rows = [
        _row(f"{part} {one.name}".rstrip(), one) for part, weighed in summary.parts.items() for one in weighed[::-1]
    ]
    return Table(columns=("part", *_COLUMNS), rows=tuple(rows))


def trained_table(summary: WeightSummary) -> Table:
    """The training part before and after the policy for negative weights."""
    pairs = list(zip(summary.parts["train"], summary.trained, strict=True))[::-1]
    rows = []
    for before, after in pairs:
        rows.append(_row(f"{before.name} as recorded".lstrip(), before))
        rows.append(_row(f"{after.name} as trained with".lstrip(), after))
    return Table(columns=("train", *_COLUMNS), rows=tuple(rows))


def weights_sentence(summary: WeightSummary | None) -> str:
    """What the weights cost, in a sentence or two; empty where they cost little."""
    if summary is None:
        return ""
    told = [
        f"{part} {one.name}".rstrip() + f": {_whole(one.events)} count as {_whole(one.effective)}"
        for part, one in summary.few()
    ]
    few = f"Weights: events that count as fewer than half their number ({', '.join(told)})." if told else ""
    test = [one for one in summary.parts.get("test", ()) if one.negative]
    shares = ", ".join(f"{percent(one.negative_share)} of the weight{_of(one)}" for one in test)
    negative = f"Negative weights: {shares} in test; training {POLICIES[summary.policy]}." if shares else ""
    if not negative and summary.negative:
        negative = f"Some weights are negative; training {POLICIES[summary.policy]}."
    return " ".join(line for line in (few, negative) if line)


def policy_sentence(summary: WeightSummary) -> str:
    """The policy for negative weights in training, and what its effect is."""
    if not summary.negative:
        return "No weight is negative."
    setting = f"Training {POLICIES[summary.policy]} (train.negative_weights: {summary.policy})"
    match summary.policy:
        case "keep":
            effect = "the sum of weights, and with it what is learned on average, stays; the loss fluctuates more"
        case "abs":
            effect = "every event is learned from, but regions that negative weights thin out are taken for too full"
        case "drop":
            effect = "the positive events of regions that negative weights thin out are taken for too many"
        case _:
            assert_never(summary.policy)
    return f"{setting}: {effect}. Every quoted figure uses the weights as recorded, negative ones too."


def _of(one: Weighed) -> str:
    return f" of {one.name}" if one.name else ""


_COLUMNS = ("events", "sum of weights", "effective events", "negative", "share of negative weight")


def _row(title: str, one: Weighed) -> tuple[Cell, ...]:
    effective = Cell(
        value=_whole(one.effective), interval=f"({percent(one.effective / one.events)})" if one.events else ""
    )
    return (
        Cell(value=title),
        Cell(value=_whole(one.events)),
        Cell(value=number(one.total, 0) if abs(one.total) >= 100 else f"{one.total:.4g}".replace("-", "−")),
        effective,
        Cell(value=_whole(one.negative)),
        Cell(value=percent(one.negative_share) if one.negative else "–"),
    )


def _whole(value: float) -> str:
    return number(value, 0)
