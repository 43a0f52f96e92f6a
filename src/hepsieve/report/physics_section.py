"""What an analysis may expect at the given yields: counts behind the cut, significances, bins of the score."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

from hepsieve.evaluate.cut import percentage, threshold_text
from hepsieve.evaluate.physics_results import ClassYield, Expected, Physics, Yields
from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.report.physics_figures import score_stack, significance_curve
from hepsieve.report.picture import Picture, picture
from hepsieve.report.sections import Table
from hepsieve.report.summary import UNKNOWN, Cell, cell, column_cells, number


@dataclass(frozen=True, kw_only=True)
class PhysicsSection:
    """What the section's template shows.

    Attributes:
        model: whose pictures and bins are shown.
        yields: what is expected before the cut, and how it was given.
        models: counts and significances of every model.
        cut_note: how the cut was chosen.
        pictures: the significance against the cut, and the binned score.
        bins: expected events in every bin.
        bins_note: how the bins were found.
        uncertain: whether some figures take an uncertainty of the background into account.
    """

    model: str
    yields: Table
    models: Table
    cut_note: str
    pictures: tuple[Picture, ...]
    bins: Table
    bins_note: str
    uncertain: bool


def physics_section(evaluation: Evaluation) -> PhysicsSection | None:
    """What is expected of every model, the best one in full; None where the task gave no yields."""
    known = evaluation.physics
    if not known:
        return None
    name = evaluation.best if evaluation.best in known else next(iter(known))
    best = known[name]
    return PhysicsSection(
        model=name,
        yields=_yields_table(best.yields, evaluation.classes),
        models=_models_table(known),
        cut_note=_cut_note(best),
        pictures=(_curve_picture(name, best), _bins_picture(name, best, evaluation)),
        bins=_bins_table(best, evaluation.classes),
        bins_note=_bins_note(best),
        uncertain=any(one.yields.background_uncertainty > 0 for one in known.values()),
    )


def physics_sentence(evaluation: Evaluation) -> str:
    """What the best model expects, in a sentence for a terminal; empty where the task gave no yields.

    Its figures are those of the page.
    """
    physics = evaluation.physics.get(evaluation.best)
    if physics is None:
        return ""
    uncertainty = percentage(physics.yields.background_uncertainty)
    parts = [f"significance {cell(physics.significance, digits=2)}"]
    if physics.significance_with_uncertainty is not None:
        parts.append(f"with {uncertainty} on the background {cell(physics.significance_with_uncertainty, digits=2)}")
    bins = len(physics.bins)
    parts.append(
        f"in {bins} {'bin' if bins == 1 else 'bins'} of the score {cell(physics.binned_significance, digits=2)}"
    )
    return (
        f"{evaluation.best} expects {counted(physics.signal)} signal and {counted(physics.background)} background "
        f"events behind score ≥ {threshold_text(physics.cut.threshold.value or 0.0)}: {'; '.join(parts)}"
    )


def counted(expected: Expected) -> str:
    """Expected events with their statistical error, to two digits of it.

    >>> counted(Expected(events=123.456, error=4.32, effective_events=800))
    '123.5 ± 4.3'
    """
    if not expected.error > 0:
        return number(expected.events, 0 if expected.events == round(expected.events) else 2)
    places = max(1 - floor(log10(expected.error)), 0)
    return f"{number(expected.events, places)} ± {number(expected.error, places)}"


def _count_cell(expected: Expected) -> Cell:
    value, plus_minus, error = counted(expected).partition(" ± ")
    return Cell(value=value, interval=f"± {error}" if plus_minus else "")


def _yields_table(yields: Yields, classes: tuple[str, str]) -> Table:
    rows = []
    for name, one in ((classes[1], yields.signal), (classes[0], yields.background)):
        rows.append((Cell(value=name), Cell(value=_plain(one.events)), Cell(value=_given(one, yields))))
    return Table(columns=("class", "expected events", "from"), rows=tuple(rows))


def _given(one: ClassYield, yields: Yields) -> str:
    match one.given_as:
        case "events":
            return "the configuration"
        case "weights":
            return "the sum of the events' weights"
        case "cross_section":
            efficiency = "" if one.efficiency == 1 else f" × {percentage(one.efficiency or 1.0)}"
            return f"{one.cross_section or 0:.6g} fb × {yields.luminosity or 0:.6g} fb⁻¹{efficiency}"


def _plain(events: float) -> str:
    """Five digits, or all of a whole number."""
    return number(events, 0 if events == round(events) else max(4 - floor(log10(events)), 0))


def _models_table(known: dict[str, Physics]) -> Table:
    every = list(known.values())
    relative = max(one.yields.background_uncertainty for one in every)
    figures: dict[str, list[Quantity | None]] = {"significance": [one.significance for one in every]}
    if relative > 0:
        figures[f"± {percentage(relative)} background"] = [one.significance_with_uncertainty for one in every]
    figures["AMS"] = [one.ams for one in every]
    figures["all bins"] = [one.binned_significance for one in every]
    if relative > 0:
        figures[f"all bins, ± {percentage(relative)}"] = [one.binned_with_uncertainty for one in every]
    cells = {title: column_cells(quantities, digits=2) for title, quantities in figures.items()}
    rows = [
        (
            Cell(value=name),
            Cell(value=threshold_text(one.cut.threshold.value or 0.0)),
            _count_cell(one.signal),
            _count_cell(one.background),
            *(column[k] for column in cells.values()),
        )
        for k, (name, one) in enumerate(known.items())
    ]
    return Table(columns=("model", "cut: score ≥", "signal", "background", *cells), rows=tuple(rows))


def _cut_note(physics: Physics) -> str:
    cut = physics.cut
    where = "out-of-fold scores" if cut.set_on == "out-of-fold" else "the validation part"
    spread = ""
    if cut.threshold.low is not None and cut.threshold.high is not None:
        low, high = threshold_text(cut.threshold.low), threshold_text(cut.threshold.high)
        spread = f"; 95 % of these lie between {low} and {high}"
    return (
        f"The cut, score ≥ {threshold_text(cut.threshold.value or 0.0)}, is the mean rank of the best cuts of "
        f"{number(cut.resamples, 0)} resamples of {where}{spread}. The single best cut there is "
        f"{threshold_text(cut.luckiest)}: it follows the fluctuations of these events. Behind the cut stand "
        f"{number(cut.background_events, 0)} background events of {where}."
    )


def _curve_picture(name: str, physics: Physics) -> Picture:
    curve, relative = physics.curve, physics.yields.background_uncertainty
    known = f"known to {percentage(relative)}" if relative > 0 else "taken as known"
    return picture(
        significance_curve(physics),
        f"The expected significance of {name} against the cut on its score, with its 95 % band and the chosen cut.",
        title="Significance against the cut",
        note=f"Asimov, at the yields, the background {known}, from the test part's counts behind each cut; band: 95 %, "
        "pointwise. The cut was not chosen on this curve.",
        numbers={
            "cut": list(curve.threshold),
            "significance": list(curve.value),
            "low": list(curve.low),
            "high": list(curve.high),
        },
    )


def _bins_picture(name: str, physics: Physics, evaluation: Evaluation) -> Picture:
    bins = physics.bins
    background, signal = evaluation.classes
    return picture(
        score_stack(physics, evaluation.classes, simulated=evaluation.data.origin == "simulated"),
        f"Expected {background} and {signal} events in {len(bins)} bins of {name}'s score, and their significance.",
        title="Bins of the score",
        note="Test events, scaled to the yields, stacked. Hatched: their statistical uncertainty. Below: bin by bin.",
        numbers={
            "score low": [one.low for one in bins],
            "score high": [one.high for one in bins],
            "signal [events]": [one.signal.events for one in bins],
            "signal error [events]": [one.signal.error for one in bins],
            "background [events]": [one.background.events for one in bins],
            "background error [events]": [one.background.error for one in bins],
            "significance": [one.significance for one in bins],
        },
    )


def _bins_table(physics: Physics, classes: tuple[str, str]) -> Table:
    return Table(
        columns=("score", classes[1], classes[0], "effective test events", "significance"),
        rows=tuple(
            (
                Cell(value=f"{_end(one.low)} – {_end(one.high)}"),
                _count_cell(one.signal),
                _count_cell(one.background),
                Cell(value=f"{number(one.signal.effective_events, 0)}, {number(one.background.effective_events, 0)}"),
                Cell(value=UNKNOWN if one.significance is None else number(one.significance, 3)),
            )
            for one in physics.bins[::-1]
        ),
    )


def _end(score: float) -> str:
    return f"{score:.0f}" if score in (0, 1) else threshold_text(score)


def _bins_note(physics: Physics) -> str:
    where = "out-of-fold scores" if physics.cut.set_on == "out-of-fold" else "validation events"
    together = cell(physics.binned_significance, digits=2)
    text = f"Found on {where}, counted on test. All bins together, in quadrature: significance {together}"
    if physics.binned_with_uncertainty is not None:
        text += (
            f"; with {percentage(physics.yields.background_uncertainty)} on the background, independent in every bin, "
            f"{cell(physics.binned_with_uncertainty, digits=2)}"
        )
    return f"{text}."
