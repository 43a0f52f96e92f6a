"""The table of contents of a page: which of its sections are there, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section that a page may have.

    Attributes:
        id: of its element.
        name: in the table of contents.
        needs: what must be in the page's context, and not be empty, for the section to be there; empty for one that
            always is.
    """

    id: str
    name: str
    needs: str = ""


CLASSIFICATION = (
    Section(id="results", name="Results"),
    Section(id="leaderboard", name="Leaderboard", needs="leaderboard"),
    Section(id="explorer", name="Threshold explorer", needs="explorer"),
    Section(id="physics", name="What to expect", needs="physics"),
    Section(id="slices", name="Slices", needs="slices"),
    Section(id="asked", name="What was asked"),
    Section(id="data", name="Data"),
    Section(id="weights", name="Weights", needs="weights"),
    Section(id="description", name="At a glance", needs="glance"),
    Section(id="audit", name="Audit"),
    Section(id="images", name="Images", needs="images"),
    Section(id="waveforms", name="Waveforms", needs="waveforms"),
    Section(id="features", name="Features"),
    Section(id="correlations", name="Correlations"),
    Section(id="tuning", name="Tuning", needs="tuning"),
    Section(id="learning", name="Learning"),
    Section(id="roc", name="ROC"),
    Section(id="maps", name="Maps", needs="maps"),
    Section(id="scores", name="Scores"),
    Section(id="calibration", name="Calibration", needs="calibration"),
    Section(id="confusion", name="Confusion"),
    Section(id="working-points", name="Working points"),
    Section(id="overtraining", name="Overtraining"),
    Section(id="openings", name="Test openings"),
    Section(id="versions", name="Versions"),
    Section(id="again", name="Do it again"),
)
"""The page of a run that tells signal from background."""
REGRESSION = (
    Section(id="results", name="Results"),
    Section(id="leaderboard", name="Leaderboard", needs="leaderboard"),
    Section(id="limit", name="Limit", needs="limit"),
    Section(id="resolution", name="Resolution"),
    Section(id="against", name="Predictions"),
    Section(id="intervals", name="Intervals"),
    Section(id="pulls", name="Pulls", needs="pulls"),
    Section(id="asked", name="What was asked"),
    Section(id="data", name="Data"),
    Section(id="weights", name="Weights", needs="weights"),
    Section(id="description", name="At a glance", needs="glance"),
    Section(id="audit", name="Audit"),
    Section(id="waveforms", name="Waveforms", needs="waveforms"),
    Section(id="importances", name="Importances", needs="importances"),
    Section(id="tuning", name="Tuning", needs="tuning"),
    Section(id="learning", name="Learning"),
    Section(id="maps", name="Maps", needs="maps"),
    Section(id="overtraining", name="Overtraining"),
    Section(id="openings", name="Test openings"),
    Section(id="versions", name="Versions"),
    Section(id="again", name="Do it again"),
)
"""The page of a run that measures a target."""
INSPECTION = (
    Section(id="description", name="At a glance"),
    Section(id="audit", name="Audit"),
    Section(id="waveforms", name="Waveforms", needs="waveforms"),
    Section(id="histograms", name="Histograms", needs="histograms"),
    Section(id="data", name="Source"),
)
"""The page about data alone."""
APPLICATION = (
    Section(id="predictions", name="Predictions"),
    Section(id="kept", name="What the cuts keep", needs="kept"),
    Section(id="drift", name="Drift", needs="drift_says"),
)
"""The page of a regression applied to other events."""
COMPARISON = (
    Section(id="results", name="Results"),
    Section(id="pairs", name="Pairs"),
    Section(id="roc", name="ROC", needs="rocs"),
    Section(id="runs", name="Runs"),
)
"""The page that compares models of several runs."""


def contents(sections: Sequence[Section], context: Mapping[str, Any]) -> tuple[Section, ...]:
    """Those of the sections that this context fills.

    >>> [one.id for one in contents(APPLICATION, {"kept": [], "drift_says": "none"})]
    ['predictions', 'drift']
    """
    return tuple(section for section in sections if not section.needs or context[section.needs])
