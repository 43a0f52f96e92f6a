"""What a regression's page says of single bins, of importances and of what moves the predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hepsieve.evaluate.regression_results import Profile, ProfileBin, RegressionEvaluation
from hepsieve.evaluate.results import Quantity
from hepsieve.report.features import importance_points
from hepsieve.report.leaderboard_sentences import only_some
from hepsieve.report.map_section import map_section
from hepsieve.report.picture import Picture, picture
from hepsieve.report.plotted import importance_numbers
from hepsieve.report.sections import Table
from hepsieve.report.slice_figures import ABOVE, BELOW, flagged
from hepsieve.report.summary import Cell, column_cells, metric_title, number

_FIGURES = ("bias", "resolution", "rmse")


@dataclass(frozen=True, kw_only=True)
class ProfileTable:
    """All figures of one model along a column."""

    title: str
    table: Table


def looks_section(evaluation: RegressionEvaluation) -> dict[str, Any]:
    """What the templates about bins, importances and maps need."""
    return {
        "bins": tuple(_profile_table(profile) for profile in evaluation.models[evaluation.best].profiles),
        "bins_say": bins_sentence(evaluation),
        "importances": importance_picture(evaluation),
        **map_section(evaluation),
    }


def bins_sentence(evaluation: RegressionEvaluation) -> str:
    """Which bins of the best model differ from the rest, and what was corrected for; empty where nothing was compared.

    A bin of the target nearly always differs in bias, as predictions lean towards the middle.
    """
    profiles = evaluation.models[evaluation.best].profiles
    tests = max((profile.tests for profile in profiles), default=0)
    if not tests:
        return ""
    corrected = (
        f"significant at 5 % after Holm's correction for {number(tests, 0)} comparisons, those of all bins, columns "
        "and figures of this model together"
    )
    if not any(one.differs for profile in profiles for one in profile.bins):
        return (
            f"No bin of {evaluation.best} has a figure that differs from that of all other test events ({corrected})."
        )
    counted = [
        f"{sum(bool(one.differs) for one in profile.bins)} of {len(profile.bins)} bins of {profile.column}"
        for profile in profiles
    ]
    return (
        f"Figures of {evaluation.best} that differ significantly from those of all other test events: in "
        f"{', in '.join(counted)}. They are marked {ABOVE} or {BELOW}: {corrected}."
    )


def importance_picture(evaluation: RegressionEvaluation) -> Picture | None:
    """By how much the RMSE of every model grows when something is shuffled; None where nothing was."""
    ranking = evaluation.ranking
    if ranking is None or not any(ranking.importances.values()):
        return None
    worth = {model: figures for model, figures in ranking.importances.items() if figures}
    return picture(
        importance_points(worth, best=evaluation.best, lost="RMSE gained on validation, share of full scale"),
        "The RMSE that each model gains on validation when something that it sees is shuffled, with 95 % intervals.",
        note=f"{only_some(evaluation)}Shuffled among the validation events: features or shapes, or, of a single "
        "channel that a network sees, one window of samples (or one region of pixels) at a time.",
        numbers=importance_numbers(worth, lost="RMSE gained [full scale]"),
    )


def _profile_table(profile: Profile) -> ProfileTable:
    further = dict.fromkeys(name for one in profile.bins for name in one.metrics)
    names = (*_FIGURES, *further)
    columns = {name: column_cells([_figure(one, name) for one in profile.bins]) for name in names}
    rows = tuple(
        (
            Cell(value=f"{one.low:.4g}–{one.high:.4g}"),
            Cell(value=number(one.n, 0)),
            *(flagged(columns[name][k], one.differs.get(name)) for name in names),
        )
        for k, one in enumerate(profile.bins)
    )
    axis = f"{profile.column} [{profile.unit}]" if profile.unit else profile.column
    return ProfileTable(
        title=f"By {profile.column}", table=Table(columns=(axis, "events", *map(metric_title, names)), rows=rows)
    )


def _figure(one: ProfileBin, name: str) -> Quantity | None:
    match name:
        case "bias":
            return one.bias
        case "resolution":
            return one.resolution
        case "rmse":
            return one.rmse
        case _:
            return one.metrics.get(name)
