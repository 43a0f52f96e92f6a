"""What a user may choose about what is quoted, and about what is found out with trained models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hepsieve.models.config import Frozen

LEAST_MAPS = 5  # images, of fewer of which the standard error of a mean map says little
Fraction = Annotated[float, Field(gt=0, lt=1)]
CalibrateOption = Literal["auto", "temperature", "isotonic", "none"]


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


class ClassYieldConfig(Frozen):
    """How many events of one class are expected before the cut on the score, given in exactly one way.

    Attributes:
        events: so many.
        cross_section: in fb; times ``efficiency`` and the luminosity.
        efficiency: of the preselection, with a cross-section only.
        weights: the events' weights are scaled to the yield: it is their sum over all events of the class (over those
            that are kept, where others are dropped; of test files of their own, over these).
    """

    events: Annotated[float, Field(gt=0)] | None = None
    cross_section: Annotated[float, Field(gt=0)] | None = None
    efficiency: Annotated[float, Field(gt=0, le=1)] | None = None
    weights: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one_way(self) -> ClassYieldConfig:
        ways = [name for name in ("events", "cross_section", "weights") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(f"give exactly one of events, cross_section, weights; found {', '.join(ways) or 'none'}")
        if self.efficiency is not None and self.cross_section is None:
            raise ValueError(f"efficiency goes with cross_section; with {ways[0]} leave it out")
        return self


class YieldsConfig(Frozen):
    """What is expected of both classes before any cut on the score.

    Attributes:
        luminosity: in fb⁻¹, where a class has a cross-section.
        signal: the yield of the signal class.
        background: the yield of the background class.
    """

    luminosity: Annotated[float, Field(gt=0)] | None = None
    signal: ClassYieldConfig
    background: ClassYieldConfig

    @model_validator(mode="after")
    def _luminosity_with_cross_sections(self) -> YieldsConfig:
        given = [name for name in ("signal", "background") if getattr(self, name).cross_section is not None]
        if given and self.luminosity is None:
            raise ValueError(f"{given[0]}.cross_section needs a luminosity (fb⁻¹) beside it; give one, or give events")
        if self.luminosity is not None and not given:
            raise ValueError("luminosity goes with a cross_section; leave it out")
        return self


class ScoreBinsConfig(Frozen):
    """Bins of the score for a shape analysis; a number alone is ``most``.

    Attributes:
        most: at most so many bins.
        least_background: expected background events that each must hold.
        least_effective: effective numbers of validation events of either class that each must hold.
    """

    most: Annotated[int, Field(ge=1, le=100)] = 10
    least_background: Annotated[float, Field(ge=0)] = 1.0
    least_effective: Annotated[float, Field(ge=1)] = 25.0

    @model_validator(mode="before")
    @classmethod
    def _number_alone(cls, value: Any) -> Any:
        return {"most": value} if isinstance(value, int) and not isinstance(value, bool) else value


class EvaluateConfig(Frozen):
    """What is quoted: working points, bootstrap resamples, expected yields.

    Attributes:
        working_points: cuts by the name under which ``hepsieve score --working-point`` applies them later.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        signal_yield: expected signal events of the analysis; with ``background_yield`` it gives the significance.
        background_yield: expected background events.
        yields: the same in more ways: events, cross-section × luminosity × efficiency, or the weights.
        background_uncertainty: relative uncertainty of the expected background.
        score_bins: how the score is binned for a shape analysis, where there are yields.
        calibrate: ``auto`` divides the logits of networks by a temperature, fitted on validation, where it helps
            significantly there; ``temperature`` and ``isotonic`` calibrate every model, ``none`` none. The calibrated
            score is the model's score from then on.
        select: the validation metric that chooses the best model; null takes the AUC, in a regression the RMSE.
        tolerances: of a regression, at which ``tolerance_accuracy`` is quoted: the share of events whose prediction
            rounds to the same multiple of the tolerance as the truth.
        coverages: of a regression, the nominal coverages of its prediction intervals, calibrated on validation.
        profiles: of a regression, columns (besides the target itself) against which residuals are shown.
        classical_fits: of how many test waveforms, simulated by ``xenon``, the separation is also fitted by maximum
            likelihood; with any, the page shows them and the Cramér–Rao bound beside the models.
        slice_by: a column (a feature or a spectator; of images also a shower shape, such as ``total energy``) by which
            all figures are quoted for themselves: for each of its values, or in bins.
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
    yields: YieldsConfig | None = None
    background_uncertainty: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    score_bins: ScoreBinsConfig = ScoreBinsConfig()
    calibrate: CalibrateOption = "auto"
    select: Literal["auc", "log_loss", "accuracy", "rmse", "mae"] | None = None
    slice_by: str | None = None
    slice_of: Literal["events", "signal"] = "events"
    slice_bins: Annotated[int, Field(ge=2, le=20)] | None = None
    tolerances: tuple[Fraction, ...] = (0.1,)
    coverages: tuple[Fraction, ...] = (0.68, 0.95)
    profiles: tuple[str, ...] = ()
    classical_fits: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _yields_once(self) -> EvaluateConfig:
        given = [name for name in ("signal_yield", "background_yield") if getattr(self, name) is not None]
        if self.yields is not None and given:
            raise ValueError(f"yields and {given[0]} say the same; give one of them and set the other to null")
        return self


class ExplainConfig(Frozen):
    """What is found out about the features with trained models; on validation events, never on test.

    Attributes:
        permutations: how often each feature is shuffled for its permutation importance, in AUC or, of a regression, in
            RMSE; of a single channel of images or waveforms nine regions are. 0 leaves it out.
        backward: rank the features by leaving out, again and again, the one that is missed least (trains small trees).
        maps: of how many validation images or waveforms each class's mean occlusion and gradient maps are taken, at
            most (of a regression, of all classes together); 0 leaves them out.
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
