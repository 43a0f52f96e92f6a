"""What an analysis may expect behind a model's score: yields, a cut, significances, bins. Frozen numbers only."""

from __future__ import annotations

from typing import Literal

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity


class ClassYield(Result):
    """Expected events of one class before any cut on the score, and how they were given.

    Attributes:
        events: expected events after the preselection.
        given_as: ``events``, ``cross_section`` (times efficiency and luminosity) or ``weights`` (their sum).
        cross_section: in fb.
        efficiency: of the preselection.
    """

    events: float
    given_as: Literal["events", "cross_section", "weights"] = "events"
    cross_section: float | None = None
    efficiency: float | None = None


class Yields(Result):
    """What is expected of both classes before any cut on the score.

    Attributes:
        luminosity: in fb⁻¹; None where no cross-section was given.
        background_uncertainty: relative uncertainty of the expected background.
    """

    signal: ClassYield
    background: ClassYield
    luminosity: float | None = None
    background_uncertainty: float = 0.0


class Expected(Result):
    """Expected events of one class in a region.

    Attributes:
        events: Σw of the test events there, scaled to the yield.
        error: √Σw², scaled likewise: the statistical uncertainty of the simulated sample.
        effective_events: (Σw)² / Σw², how many unweighted test events would tell as much.
    """

    events: float
    error: float
    effective_events: float


class BestCut(Result):
    """A cut on the score that was chosen on other events than test.

    Attributes:
        threshold: the mean of the best cuts of resampled events; the interval holds 95 % of these cuts.
        luckiest: the single best cut of these events as they are, for comparison.
        set_on: which events it was chosen on.
        resamples: how many best cuts were averaged.
        background_events: how many of these events' background pass.
    """

    threshold: Quantity
    luckiest: float
    set_on: Literal["validation", "out-of-fold"] = "validation"
    resamples: int
    background_events: int


class ScoreBin(Result):
    """A bin of the score, ``low <= score < high`` (the highest one includes its end), found on other events than test.

    ``significance`` is that of this bin alone, without uncertainties; None where no background is expected.
    """

    low: float
    high: float
    signal: Expected
    background: Expected
    significance: float | None


class SignificanceCurve(Result):
    """The expected significance behind every cut on the score, with pointwise 95 % bands.

    It takes the background's uncertainty into account where there is one, as the choice of the cut does.
    """

    threshold: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Physics(Result):
    """What an analysis may expect from one model, measured on the test part.

    Attributes:
        yields: what is expected before the cut.
        cut: the cut, which was not chosen on test.
        signal: expected signal behind the cut.
        background: expected background behind the cut.
        significance: Asimov, eq. (97) of arXiv:1007.1727, of the counts behind the cut.
        significance_with_uncertainty: the same with the background's uncertainty; None where there is none.
        ams: with 10 events of background added, as in the Higgs boson machine learning challenge.
        curve: the significance behind other cuts.
        bins: of the score, from the lowest to the highest.
        binned_significance: of all bins together, in quadrature, without uncertainties.
        binned_with_uncertainty: the same with the background's uncertainty taken as independent in every bin; None
            where there is none.
    """

    yields: Yields
    cut: BestCut
    signal: Expected
    background: Expected
    significance: Quantity
    significance_with_uncertainty: Quantity | None = None
    ams: Quantity
    curve: SignificanceCurve
    bins: tuple[ScoreBin, ...]
    binned_significance: Quantity
    binned_with_uncertainty: Quantity | None = None
