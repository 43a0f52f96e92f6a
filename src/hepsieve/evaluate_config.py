"""What a user may choose about what is quoted, and about what is found out with trained models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hepsieve.models.config import Frozen

LEAST_MAPS = 5  # images, of fewer of which the standard error of a mean map says little
Fraction = Annotated[float, Field(gt=0, lt=1)]


class CutConfig(Frozen):
    """How a working point's threshold is found, in exactly one way; set on validation or out-of-fold scores.

    Out-of-fold scores are of single trainings, while new events get the mean of all, which is a little sharper: a cut
    for 90 % of signal then keeps somewhat more, and one for 1 % of background somewhat less. What is quoted is measured
    with the mean, behind the very threshold that is stored.

    Attributes:
        threshold: the cut on the score itself.
        signal_efficiency: the highest cut that keeps at least this share of signal.
        background_efficiency: the lowest cut that lets at most this share of background pass.
        no_background: the lowest cut above every background event.
    """

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    signal_efficiency: Fraction | None = None
    background_efficiency: Fraction | None = None
    no_background: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one_way(self) -> CutConfig:
        ways = [name for name, value in self.model_dump().items() if value is not None]
        if len(ways) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(type(self).model_fields)}; found {', '.join(ways) or 'none'}"
            )
        return self


class EvaluateConfig(Frozen):
    """What is quoted: working points, bootstrap resamples, expected yields.

    Attributes:
        working_points: cuts by the name under which ``hepsieve score --working-point`` applies them later.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        signal_yield: expected signal events of the analysis; with ``background_yield`` it gives the significance.
        select: the validation metric that chooses the best model; null takes the AUC, in a regression the RMSE.
        tolerances: of a regression, at which ``tolerance_accuracy`` is quoted: the share of events whose prediction
            rounds to the same multiple of the tolerance as the truth.
        coverages: of a regression, the nominal coverages of its prediction intervals, calibrated on validation.
        profiles: of a regression, columns (besides the target itself) against which residuals are shown.
        classical_fits: of how many test waveforms, simulated by ``xenon``, the separation is also fitted by maximum
            likelihood; with any, the page shows them and the Cramér–Rao bound beside the models.
        slice_by: a column (a feature or a spectator; of images also a shower shape, such as ``total energy``) by which
            the AUC is quoted for itself: for each of its values, or in bins.
        slice_of: ``signal`` cuts only the signal events into slices, each beside all background events, where a column
            means something for signal alone; ``events`` cuts both.
        slice_bins: into how many bins of equally many training events a column of many values is cut; null refuses it.
    """

    working_points: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], CutConfig] = Field(
        default_factory=dict
    )
    signal_efficiencies: tuple[Fraction, ...] = (0.3, 0.5, 0.7)
    background_efficiencies: tuple[Fraction, ...] = (0.01, 0.1)
    resamples: Annotated[int, Field(ge=100)] = 1000
    signal_yield: Annotated[float, Field(gt=0)] | None = None
    background_yield: Annotated[float, Field(gt=0)] | None = None
    select: Literal["auc", "log_loss", "accuracy", "rmse", "mae"] | None = None
    slice_by: str | None = None
    slice_of: Literal["events", "signal"] = "events"
    slice_bins: Annotated[int, Field(ge=2, le=20)] | None = None
    tolerances: tuple[Fraction, ...] = (0.1,)
    coverages: tuple[Fraction, ...] = (0.68, 0.95)
    profiles: tuple[str, ...] = ()
    classical_fits: Annotated[int, Field(ge=0)] = 0


class ExplainConfig(Frozen):
    """What is found out about the features with trained models; on validation events, never on test.

    Attributes:
        permutations: how often each feature is shuffled for its permutation importance; 0 leaves it out.
        backward: rank the features by leaving out, again and again, the one that is missed least (trains small trees).
        maps: of how many validation images each class's mean occlusion map is taken; 0 leaves it out.
    """

    permutations: Annotated[int, Field(ge=0)] = 5
    backward: bool = False
    maps: Annotated[int, Field(ge=0)] = 200

    @field_validator("maps")
    @classmethod
    def _enough_for_an_error(cls, maps: int) -> int:
        if 0 < maps < LEAST_MAPS:
            raise ValueError(f"a mean map of {maps} images says little; take at least {LEAST_MAPS}, or 0 for none")
        return maps
