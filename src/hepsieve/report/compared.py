"""Models against the best one, in words and as a figure of paired differences."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.choose import less_is_better, metric_word
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.results import Comparison, Quantity
from hepsieve.report.picture import Picture, picture
from hepsieve.report.style import MUTED, house_style, model_line, new_figure, plain_axes, shorten
from hepsieve.report.summary import chosen_after, compared_figure, decimals_for, number


def comparison_sentence(evaluation: AnyEvaluation) -> str:
    """Which models differ from the best one, after the correction; empty where there is nothing to compare."""
    told = [one for one in evaluation.comparisons if one.p_adjusted is not None]
    figure = compared_figure(evaluation)
    if not evaluation.comparisons:
        return ""
    if not told:
        return f"Too few test events to compare the {figure}s with that of {evaluation.best}."
    tries = "" if len(told) == 1 else f" after correcting for {len(told)} comparisons"
    apart = [one for one in told if one.significant]
    if not apart:
        others = told[0].model if len(told) == 1 else "any other model"
        return f"No significant difference in test {figure} between {evaluation.best} and {others}{tries} (5 %)."
    sides = {"below": [one for one in apart if not _higher(one)], "above": [one for one in apart if _higher(one)]}
    words = [f"{_names(side)} significantly {where}" for where, side in sides.items() if side]
    rest = [one.model for one in told if not one.significant]
    unclear = f"; no significant difference for {rest[0] if len(rest) == 1 else f'the other {len(rest)}'}"
    return f"Test {figure} against {evaluation.best}{tries} (5 %): {', '.join(words)}{unclear if rest else ''}."


def chosen_section(evaluation: AnyEvaluation) -> dict[str, str]:
    """What the page says about the choice of the best model."""
    return {
        "chosen_after": chosen_after(evaluation),
        "selection_says": selection_says(evaluation),
        "selection_how": selection_how(evaluation),
    }


def selection_says(evaluation: AnyEvaluation) -> str:
    """What choosing the best model gives by itself, beside its lead; empty where there was nothing to choose."""
    return "" if evaluation.selection is None else evaluation.selection.says


def selection_how(evaluation: AnyEvaluation) -> str:
    """By how much the figure that chose the best model flatters it, for the page."""
    found = evaluation.selection
    if found is None:
        return ""
    side = "below" if less_is_better(found.by) else "above"
    places = decimals_for(Quantity(value=None, low=0.0, high=found.expected_over_mean_high), digits=2)
    mean, high = (number(value, places) for value in (found.expected_over_mean, found.expected_over_mean_high))
    return (
        f"If all {found.n_models} were equally good, the {metric_word(found.by)} of the one that is chosen would lie "
        f"{mean} (up to {high}) {side} their mean by luck alone, on the events that choose."
    )


def comparison_family(evaluation: AnyEvaluation) -> str:
    """What is compared and what is corrected for, for the page."""
    n, best, figure = len(evaluation.comparisons), evaluation.best, compared_figure(evaluation)
    how = "DeLong's covariance" if figure == "AUC" else "a paired bootstrap"
    compared = f"Every other model is compared with {best}"
    corrected = (
        f" The p-values hold after Holm's correction for these {n} comparisons: if no model differed from {best}, any "
        "would be called significant in one run of twenty at most. Differences among the others and in other metrics "
        "are not tested here."
    )
    if n == 1:
        compared, corrected = f"{evaluation.comparisons[0].model} is compared with {best}", ""
    return (
        f"{compared} on the same test events: the paired difference of the {figure}s with its 95 % interval "
        f"({how}), narrower than the two intervals alone would suggest.{corrected} What is best was chosen on "
        "validation, so that no model was picked for its luck on these events."
    )


def difference_picture(evaluation: AnyEvaluation) -> Picture | None:
    """The differences as a picture with its words; None where none is known, or the leaderboard shows them."""
    known = any(one.difference.value is not None for one in evaluation.comparisons)
    if evaluation.leaderboard is not None or not known:
        return None
    return picture(
        difference_points(evaluation),
        f"The test {compared_figure(evaluation)} of every other model minus that of {evaluation.best}, with 95 % "
        "intervals.",
        title=f"Differences from {evaluation.best}",
        note="Paired on the same test events. Hollow: no significant difference.",
    )


@house_style()
def difference_points(evaluation: AnyEvaluation) -> Figure:
    """The AUC (RMSE) of every other model minus that of the best, with 95 % intervals; hollow if not significant."""
    shown = [one for one in evaluation.comparisons if one.difference.value is not None]
    order = list(evaluation.models)
    figure = new_figure(420, 74 + 26 * len(shown))
    axes = figure.add_subplot()
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    for row, one in enumerate(shown):
        colour, quantity = str(model_line(order.index(one.model))["color"]), one.difference
        if quantity.low is not None and quantity.high is not None:
            axes.plot([quantity.low, quantity.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        face = colour if one.significant else "none"
        axes.plot([quantity.value or 0.0], [row], marker="o", markersize=8, color=colour, markerfacecolor=face)
    axes.set_yticks(range(len(shown)), [shorten(one.model, 28) for one in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(f"{compared_figure(evaluation)} on the test part, minus that of {shorten(evaluation.best, 28)}")
    axes.tick_params(axis="y", length=0)
    plain_axes(axes)
    return figure


def _higher(comparison: Comparison) -> bool:
    return comparison.difference.value is not None and comparison.difference.value > 0


def _names(comparisons: list[Comparison]) -> str:
    """Up to three names, and how many there are."""
    if len(comparisons) > 3:
        return f"{len(comparisons)} models lie"
    names = [one.model for one in comparisons]
    return f"{names[0]} lies" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} lie"
