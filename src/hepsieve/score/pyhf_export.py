"""Bins of a model's score to a HistFactory workspace for pyhf, and what pyhf expects of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.evaluate.physics_results import Expected, Physics
from hepsieve.manifest import new_file
from hepsieve.models.extras import require

LEVEL = 0.05
BANDS = ("minus_2_sigma", "minus_1_sigma", "median", "plus_1_sigma", "plus_2_sigma")
# The root finder's relative tolerance on a limit, and how many digits are quoted of what it finds.
_TOLERANCE, _DIGITS = 1e-5, 4
# A limit of so many times the signal is none.
_FAR = 1e9


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What pyhf expects of a workspace, by asymptotic formulae.

    Attributes:
        discovery: the median discovery significance for mu = 1.
        limits: the 95 % CLs upper limit on mu expected without signal: its −2σ, −1σ, median, +1σ and +2σ.
    """

    discovery: float
    limits: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A workspace that was written, and what is expected of it.

    Attributes:
        workspace: its path.
        expected: the path of the figures beside it.
        forecast: the figures.
        bins: how many bins the score has.
    """

    workspace: Path
    expected: Path
    forecast: Forecast
    bins: int

    def lines(self) -> tuple[str, ...]:
        """The paths and the figures, as shown."""
        low2, low1, median, high1, high2 = (f"{limit:.3g}" for limit in self.forecast.limits)
        bins = "1 bin" if self.bins == 1 else f"{self.bins} bins"
        return (
            str(self.workspace),
            str(self.expected),
            f"expected discovery significance (pyhf, {bins}): {self.forecast.discovery:.3g}",
            f"expected 95 % CLs upper limit on mu: {median} (68 %: {low1}–{high1}, 95 %: {low2}–{high2})",
        )


def export_pyhf(physics: Physics, *, task: str, model: str, output: Path) -> Exported:
    """Write ``output`` (.json), a workspace of one channel, and the figures that pyhf expects of it beside it.

    Args:
        physics: what is expected of the model, with the bins of its score.
        task: the run's task, for the record.
        model: the model's name.
        output: the new file; ``NAME.json`` gets its figures in ``NAME.expected.json``.

    Raises:
        ConfigError: if the file is not called .json, or a bin expects no background.
        MissingExtra: if pyhf is not installed.
        HepsieveError: if pyhf finds no limit.
    """
    check_workspace(output)
    content = workspace(physics)
    forecast = expected(content)
    beside = output.with_suffix(".expected.json")
    edges = [one.low for one in physics.bins] + [physics.bins[-1].high]
    told = {
        "task": task,
        "model": model,
        "score_edges": edges,
        "observations": "expected background",
        "discovery_significance": forecast.discovery,
        "discovery_significance_without_uncertainties": physics.binned_significance.value,
        "upper_limit_on_mu": dict(zip(BANDS, forecast.limits, strict=True)),
        "confidence_level": 1 - LEVEL,
        "yields": physics.yields.model_dump(mode="json"),
    }
    for path, value in ((output, content), (beside, told)):
        with new_file(path) as file:
            file.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8", newline="\n")
    return Exported(workspace=output, expected=beside, forecast=forecast, bins=len(physics.bins))


def check_workspace(output: Path) -> None:
    """Refuse what no workspace can be written to, before anything is computed for it.

    Raises:
        ConfigError: if the file is not called .json, or a folder is.
        MissingExtra: if pyhf is not installed.
    """
    if output.suffix != ".json":
        raise ConfigError(f"{output}: a pyhf workspace is called .json")
    if output.is_dir():
        raise ConfigError(f"{output}: is a folder; name the workspace to write, as {output / 'workspace.json'}")
    require("pyhf", extra="stats")


def workspace(physics: Physics) -> dict[str, Any]:
    """The HistFactory workspace: the bins of the score as one channel, its observations the expected background.

    The signal is scaled by ``mu``. The statistical uncertainty of the test events is a Poisson constraint of each class
    in each bin (``shapesys``, of as many events as the bin's effective number), the relative uncertainty of the
    background one log-normal factor for all bins (``normsys``).

    Raises:
        ConfigError: if a bin expects no background, or less signal than none.
    """
    for one in physics.bins:
        if not one.background.events > 0 or one.signal.events < 0:
            found = f"{one.background.events:.4g} background and {one.signal.events:.4g} signal events"
            raise ConfigError(
                f"the score's bin {one.low:.4g} to {one.high:.4g} expects {found}; ask for wider bins with "
                "--set evaluate.score_bins.least_effective=50, or for fewer with --set evaluate.score_bins.most=5"
            )
    relative = physics.yields.background_uncertainty
    # A log-normal: down by the factor that it goes up by, which stays positive however large it is.
    factor = {"hi": 1 + relative, "lo": 1 / (1 + relative)}
    common = [{"name": "background_normalisation", "type": "normsys", "data": factor}] if relative > 0 else []
    background = [one.background for one in physics.bins]
    signal = [one.signal for one in physics.bins]
    samples = [
        _sample("signal", signal, [{"name": "mu", "type": "normfactor", "data": None}]),
        _sample("background", background, common),
    ]
    mu = {"name": "mu", "inits": [1.0], "bounds": [[0.0, _largest_mu(physics)]]}
    return {
        "channels": [{"name": "score", "samples": samples}],
        "observations": [{"name": "score", "data": [one.events for one in background]}],
        "measurements": [{"name": "hepsieve", "config": {"poi": "mu", "parameters": [mu]}}],
        "version": "1.0.0",
    }


def _sample(name: str, counts: Sequence[Expected], modifiers: list[dict[str, Any]]) -> dict[str, Any]:
    statistical = {"name": f"mc_{name}", "type": "shapesys", "data": [one.error for one in counts]}
    return {"name": name, "data": [one.events for one in counts], "modifiers": [*modifiers, statistical]}


def _largest_mu(physics: Physics) -> float:
    """Far above the limit, which is about 2 for a significance of 1 and moves with its inverse."""
    significances = (physics.binned_with_uncertainty, physics.binned_significance)
    known = next(z.value for z in significances if z is not None)
    return float(max(10.0, 30 / known)) if known else 1e6


def expected(content: dict[str, Any]) -> Forecast:
    """What pyhf makes of a workspace, once it fits pyhf's schema.

    The limits are those of pyhf's ``upper_limit`` for Asimov data without signal, where the test statistic of a fit at
    mu, q_A, tells all of them: √q_A = N + Φ⁻¹(1 − α Φ(N)) at the limit N standard deviations up (arXiv:1007.1727).

    Raises:
        HepsieveError: if pyhf finds no limit.
    """
    import pyhf

    model = pyhf.Workspace(content).model()
    start, bounds, fixed = (
        model.config.suggested_init(),
        model.config.suggested_bounds(),
        model.config.suggested_fixed(),
    )
    with_signal, without_signal = [*start], [*start]
    with_signal[model.config.poi_index], without_signal[model.config.poi_index] = 1.0, 0.0
    data = model.expected_data(without_signal)
    best = _number(pyhf.infer.mle.twice_nll(np.array(without_signal), data, model))

    @cache
    def root_of_q(mu: float) -> float:
        _, value = pyhf.infer.mle.fixed_poi_fit(mu, data, model, return_fitted_val=True)
        return float(np.sqrt(max(_number(value) - best, 0.0)))

    try:
        q0 = pyhf.infer.test_statistics.q0(0.0, model.expected_data(with_signal), model, start, bounds, fixed)
        limits = _crossings(root_of_q, [sigmas + norm.isf(LEVEL * norm.cdf(sigmas)) for sigmas in range(-2, 3)])
    except (pyhf.exceptions.FailedMinimization, ValueError) as error:
        raise HepsieveError(f"pyhf finds no limit on mu ({' '.join(str(error).split())}); try fewer bins") from None
    return Forecast(discovery=_rounded(_number(q0) ** 0.5), limits=tuple(map(_rounded, limits)))


def _crossings(rising: Callable[[float], float], heights: Sequence[float]) -> list[float]:
    """Where a function that rises from 0 at 0 reaches each of these rising heights.

    Raises:
        ValueError: if it does not.
    """
    at, found = 0.0, []
    high = 1.0
    for height in heights:
        while rising(high) < height:
            if high > _FAR:
                raise ValueError(f"mu above {high:.3g}")
            # Nearly a straight line: just beyond where it would reach the height.
            high *= min(max(1.2 * height / max(rising(high), 1e-9), 1.2), 100.0)
        at = float(brentq(lambda mu, height=height: rising(mu) - height, at, high, rtol=_TOLERANCE))
        found.append(at)
    return found


def _number(value: Any) -> float:
    """A tensor of one number."""
    return float(np.asarray(value).reshape(-1)[0])


def _rounded(value: float) -> float:
    """To the digits that fits repeat."""
    return float(f"{value:.{_DIGITS}g}")
