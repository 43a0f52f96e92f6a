"""Judging a regression in a notebook: one call opens the test part, and what comes back shows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

from hepsieve.apply_regression import apply_regression
from hepsieve.config import EvaluateConfig, TaskConfig
from hepsieve.data_config import DataConfig, TargetConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.evaluate.regression_results import Predicted, RegressionEvaluation, RegressionModel
from hepsieve.events import Events
from hepsieve.judge_regression import judge_regression, predicted, require_profiles
from hepsieve.progress import Silent
from hepsieve.report.applied_figures import predictions_beside_own
from hepsieve.report.applied_regression import regression_rows, regression_summary
from hepsieve.report.regression_figures import predicted_against_true, profile_curves
from hepsieve.report.summary import results_table
from hepsieve.shown import html_table, openings, text_table
from hepsieve.train.run import Run


@dataclass(frozen=True, kw_only=True)
class AppliedRegression:
    """What a regression makes of other events; it shows itself as a table."""

    application: RegressionApplication

    def plot(self, model: str | None = None) -> Figure:
        """What the best model or this one predicts, beside its predictions for the run's own test events.

        Raises:
            ConfigError: if there is no model of this name.
        """
        applied = self.application
        name = _known(applied.best if model is None else model, applied.models)
        return predictions_beside_own(applied.models[name], applied.target)

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(line)}</p>" for line in regression_summary(self.application).splitlines())
        return html_table(regression_rows(self.application)) + said

    def __repr__(self) -> str:
        """The table as text."""
        return f"{text_table(regression_rows(self.application))}\n{regression_summary(self.application)}"


@dataclass(frozen=True, kw_only=True)
class RegressionResult:
    """The evaluation of a regression that shows itself as a table.

    Attributes:
        evaluation: all figures.
        run: the trained models.
        predictions: by model, for the test events.
    """

    evaluation: RegressionEvaluation
    run: Run
    predictions: Mapping[str, Predicted]

    @property
    def best(self) -> RegressionModel:
        """The figures of the model that validation prefers."""
        return self.evaluation.models[self.evaluation.best]

    def against(self, model: str | None = None) -> Figure:
        """Predicted against true on the test part, of the best model or this one.

        Raises:
            ConfigError: if there is no model of this name.
        """
        name = _known(self.evaluation.best if model is None else model, self.evaluation.models)
        return predicted_against_true(self.evaluation.models[name].against, self.evaluation.target)

    def profile(self, column: str | None = None) -> Figure:
        """The RMSE of every model along the target, or along one of the columns that were asked for.

        Raises:
            ConfigError: if the column was not asked for.
        """
        wanted = self.evaluation.target.name if column is None else column
        profiles = {
            name: profile
            for name, model in self.evaluation.models.items()
            for profile in model.profiles
            if profile.column == wanted
        }
        if not profiles:
            known = ", ".join(profile.column for profile in self.best.profiles)
            raise ConfigError(f"no profile along {wanted!r}; there are {known}; name it in profiles")
        return profile_curves(profiles, list(self.evaluation.models), figure_of="rmse", title=wanted)

    def apply(self, events: Events) -> AppliedRegression:
        """The same models on other events, such as single pulses: what they predict, and a cut that tells them apart.

        The test part is not opened again.

        Raises:
            DataError: if there are no events, or some have a target and some have none.
        """
        application = apply_regression(
            self.run, self.evaluation, events, predictions_of_test=self.predictions, progress=Silent()
        )
        return AppliedRegression(application=application)

    def _repr_html_(self) -> str:
        return f"{html_table(results_table(self.evaluation))}<p>{escape(openings(self.evaluation))}</p>"

    def __repr__(self) -> str:
        """The table as text."""
        return f"{text_table(results_table(self.evaluation))}\n{openings(self.evaluation)}"


def evaluate_regression(
    run: Run, *, profiles: Sequence[str] = (), tolerances: Sequence[float] = (0.1,), coverages: Sequence[float] = ()
) -> RegressionResult:
    """Open the test part, once for this call, and judge every model of a regression.

    Args:
        run: the trained models.
        profiles: columns, besides the target, along which residuals are looked at.
        tolerances: at which ``tolerance_accuracy`` is quoted.
        coverages: nominal coverages of prediction intervals; 68 % and 95 % when not given.

    Raises:
        ConfigError: if the events have classes, or lack a column.
    """
    scale = run.parts.train.scale
    if scale is None:
        raise ConfigError("these events have classes, no target to regress: use hs.evaluate")
    quoted = {"profiles": tuple(profiles), "tolerances": tuple(tolerances)}
    config = TaskConfig(
        task="notebook",
        kind="regression",
        data=DataConfig(target=TargetConfig(name=scale.name, unit=scale.unit, full=scale.full)),
        models={name: fitted.config for name, fitted in run.models.items()},
        evaluate=EvaluateConfig.model_validate({**quoted, **({"coverages": tuple(coverages)} if coverages else {})}),
    )
    require_profiles(run.parts, config)
    judged = judge_regression(run, config, reason="hepsieve.evaluate_regression", progress=Silent())
    predictions = {
        name: predicted(judged.test, scores, judged.widths.get(name)) for name, scores in judged.scores.items()
    }
    return RegressionResult(evaluation=judged.evaluation, run=run, predictions=predictions)


def _known(name: str, models: Mapping[str, object]) -> str:
    if name not in models:
        raise ConfigError(f"no model {name!r}; there are {', '.join(models)}")
    return name
