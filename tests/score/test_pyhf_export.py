from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest

from hepsieve.errors import ConfigError, HepsieveError, MissingExtra
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.physics_results import (
    BestCut,
    ClassYield,
    Expected,
    Physics,
    ScoreBin,
    SignificanceCurve,
    Yields,
)
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.significance import asimov, in_quadrature
from hepsieve.score import pyhf_export
from hepsieve.score.pyhf_export import BANDS, expected, export_pyhf, workspace


def binned(
    signal: Sequence[float],
    background: Sequence[float],
    *,
    errors: Sequence[float] | None = None,
    uncertainty: float = 0.0,
) -> Physics:
    """Bins of equal width; without errors as if the sample were infinite."""
    edges = np.linspace(0, 1, len(signal) + 1).tolist()

    def count(events: float, error: float) -> Expected:
        return Expected(events=events, error=error, effective_events=(events / error) ** 2 if error else 0.0)

    z = float(in_quadrature(asimov(np.array(signal), np.array(background))))
    quantity = Quantity(value=z if np.isfinite(z) else None, low=None, high=None)
    return Physics(
        yields=Yields(
            signal=ClassYield(events=sum(signal)),
            background=ClassYield(events=sum(background)),
            background_uncertainty=uncertainty,
        ),
        cut=BestCut(threshold=UNDEFINED, luckiest=0.5, resamples=1, background_events=10),
        signal=count(signal[-1], 0.0),
        background=count(background[-1], 0.0),
        significance=quantity,
        ams=UNDEFINED,
        curve=SignificanceCurve(threshold=(), value=(), low=(), high=()),
        bins=tuple(
            ScoreBin(low=low, high=high, signal=count(s, 0.0), background=count(b, e), significance=None)
            for low, high, s, b, e in zip(
                edges, edges[1:], signal, background, errors or [0.0] * len(signal), strict=False
            )
        ),
        binned_significance=quantity,
    )


def discovery(content: dict[str, Any]) -> float:
    """pyhf's own Asimov significance for mu = 1."""
    model = pyhf.Workspace(content).model()
    start = model.config.suggested_init()
    data = model.expected_data(
        [1.0 if name == "mu" else value for name, value in zip(model.config.par_names, start, strict=True)]
    )
    q0 = pyhf.infer.test_statistics.q0(
        0.0, data, model, start, model.config.suggested_bounds(), model.config.suggested_fixed()
    )
    z: float = float(q0) ** 0.5
    return z


@pytest.mark.parametrize(("s", "b"), [(10.0, 100.0), (5.0, 3.0), (30.0, 1e4), (50.0, 20.0)])
def test_one_bin_without_uncertainties_is_equation_97(s: float, b: float) -> None:
    assert discovery(workspace(binned([s], [b]))) == pytest.approx(float(asimov(s, b)), rel=1e-5)


def test_bins_without_uncertainties_add_in_quadrature() -> None:
    s, b = [1.0, 4.0, 9.0], [100.0, 30.0, 8.0]
    expected_z = float(in_quadrature(asimov(np.array(s), np.array(b))))
    assert discovery(workspace(binned(s, b))) == pytest.approx(expected_z, rel=1e-5)


@pytest.mark.parametrize(
    ("s", "b", "sigma"), [(10.0, 100.0, 10.0), (50.0, 20.0, 5.0), (5.0, 3.0, 1.0), (20.0, 400.0, 40.0)]
)
def test_one_bin_with_a_poisson_constraint_is_the_extension(s: float, b: float, sigma: float) -> None:
    # The statistical uncertainty is a count of τb with τ = b/σ², as the extension assumes: equal but for the fit.
    content = workspace(binned([s], [b], errors=[sigma]))
    assert discovery(content) == pytest.approx(float(asimov(s, b, sigma)), rel=1e-4)


@pytest.mark.parametrize(("s", "b", "relative"), [(10.0, 100.0, 0.1), (50.0, 20.0, 0.25), (20.0, 400.0, 0.1)])
def test_one_bin_with_a_log_normal_background_is_near_the_extension(s: float, b: float, relative: float) -> None:
    # A log-normal of 10 to 25 % is not the extension's gamma distribution: 5 % are allowed, and it is no other formula.
    z = discovery(workspace(binned([s], [b], uncertainty=relative)))
    assert z == pytest.approx(float(asimov(s, b, relative * b)), rel=0.05)
    assert z < 0.99 * float(asimov(s, b))


def test_the_expected_limit_is_that_of_the_counting_formula() -> None:
    # b = 1e4 and s = 100: Gaussian with σ = 100 for mu; CLs = 0.05 is at 1.96 σ for the median, and the bands are
    # Φ⁻¹(1 − 0.05 Φ(N)) + N standard deviations: 1.05, 1.41, 1.96, 2.73, 3.66.
    found = expected(workspace(binned([100.0], [1e4])))
    assert found.discovery == pytest.approx(1.0, rel=0.01)
    assert found.limits == pytest.approx((1.05, 1.41, 1.96, 2.73, 3.66), rel=0.02)


def test_the_limits_are_those_that_pyhf_finds_by_itself() -> None:
    content = workspace(binned([5.0], [3.0], errors=[1.0]))
    space = pyhf.Workspace(content)
    model = space.model()
    observed, bands = pyhf.infer.intervals.upper_limits.upper_limit(space.data(model), model, level=0.05)
    limits = expected(content).limits
    assert limits == pytest.approx([float(limit) for limit in bands], rel=1e-3)
    # The observations are what is expected without signal.
    assert limits[2] == pytest.approx(float(observed), rel=1e-3)


def test_a_signal_that_nobody_could_see_has_no_limit() -> None:
    with pytest.raises(HepsieveError, match="pyhf finds no limit on mu"):
        expected(workspace(binned([1e-9], [100.0])))


def test_what_is_written_fits_the_schema_and_runs_in_pyhf(tmp_path: Path) -> None:
    physics = binned([2.0, 8.0], [50.0, 20.0], errors=[5.0, 4.0], uncertainty=0.1)
    told = export_pyhf(physics, task="toy", model="net", output=tmp_path / "w.json")
    content = json.loads((tmp_path / "w.json").read_text(encoding="utf-8"))
    space = pyhf.Workspace(content)  # validates
    model = space.model()
    assert space.data(model, include_auxdata=False) == [50.0, 20.0]
    assert model.config.poi_name == "mu"
    assert {kind for _, kind in model.config.modifiers} == {"normfactor", "normsys", "shapesys"}
    assert 0 < float(pyhf.infer.hypotest(1.0, space.data(model), model, test_stat="qtilde")) < 1
    beside = json.loads((tmp_path / "w.expected.json").read_text(encoding="utf-8"))
    assert beside["score_edges"] == [0.0, 0.5, 1.0]
    assert beside["discovery_significance"] == told.forecast.discovery
    assert list(beside["upper_limit_on_mu"]) == list(BANDS)
    limits = list(beside["upper_limit_on_mu"].values())
    assert limits == sorted(limits)
    assert told.lines()[0] == str(tmp_path / "w.json")
    assert "expected 95 % CLs upper limit on mu" in told.lines()[3]
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert len(before) == 2
    export_pyhf(physics, task="toy", model="net", output=tmp_path / "w.json")
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before


def test_an_empty_bin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"bin 0\.5 to 1 expects 0 background and 8 signal events; ask for wider bins"
    ):
        export_pyhf(binned([2.0, 8.0], [50.0, 0.0]), task="toy", model="net", output=tmp_path / "w.json")
    with pytest.raises(ConfigError, match=r"w\.root: a pyhf workspace is called \.json"):
        export_pyhf(binned([2.0], [50.0]), task="toy", model="net", output=tmp_path / "w.root")
    assert not list(tmp_path.iterdir())


def test_without_pyhf_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hepsieve.models.extras.find_spec", lambda package: None)
    with pytest.raises(MissingExtra, match=r"hepsieve\[stats\]"):
        pyhf_export.export_pyhf(binned([2.0], [50.0]), task="toy", model="net", output=tmp_path / "w.json")
