from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hepsieve.errors import ConfigError
from hepsieve.evaluate.cut import Cut, require_reachable
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.significance import efficiencies_at
from hepsieve.evaluate.working_points import threshold_of


def check(cut: Cut, *, signal: int = 851, background: int = 728) -> None:
    require_reachable(
        {"tight": cut},
        n_signal={"validation": 10**6, "test": signal},
        n_background={"validation": 10**6, "test": background},
    )


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (
            Cut(signal_efficiency=0.9999),
            # 1 − 1/851 = 99.8825 %
            "evaluate.working_points.tight: no cut gives 99.99 % signal efficiency: 851 test signal events allow "
            "at most 99.88 %; lower it or give more events",
        ),
        (
            Cut(background_efficiency=0.001),
            # 1/728 = 0.13736 %
            "evaluate.working_points.tight: no cut gives 0.1 % background efficiency: 728 test background events "
            "resolve 0.14 % at best; raise it, give more events or use no_background",
        ),
    ],
)
def test_what_too_few_events_can_not_tell_is_refused(cut: Cut, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(cut)
    assert str(error.value) == says


@pytest.mark.parametrize("n", [1, 2, 7, 10, 12, 100, 728, 851, 12345])
def test_what_the_message_offers_is_accepted(n: int) -> None:
    with pytest.raises(ConfigError) as error:
        check(Cut(signal_efficiency=1 - 0.5 / n), signal=n)
    offered = float(str(error.value).split("at most ")[1].split(" %")[0]) / 100
    check(Cut(signal_efficiency=offered), signal=n)
    check(Cut(signal_efficiency=1 - 1 / n), signal=n)
    with pytest.raises(ConfigError) as error:
        check(Cut(background_efficiency=0.5 / n), background=n)
    offered = float(str(error.value).split("resolve ")[1].split(" %")[0]) / 100
    check(Cut(background_efficiency=offered), background=n)
    check(Cut(background_efficiency=1 / n), background=n)


def test_the_smaller_part_decides() -> None:
    with pytest.raises(ConfigError, match="50 validation signal events allow at most 98 %; lower"):
        require_reachable(
            {"tight": Cut(signal_efficiency=0.99)},
            n_signal={"validation": 50, "test": 1000},
            n_background={"validation": 50, "test": 1000},
        )


def test_cuts_without_an_efficiency_need_no_events() -> None:
    check(Cut(threshold=0.99999), signal=1, background=1)
    check(Cut(no_background=True), signal=1, background=1)


def test_what_is_refused_can_indeed_not_be_told_from_everything_or_nothing() -> None:
    sample = Ranked.of(np.repeat([0, 1], 20), np.concatenate([np.arange(20), np.arange(20) + 10.0]))
    for asked in (0.951, 0.999):
        cut = Cut(signal_efficiency=asked)
        assert efficiencies_at(sample, threshold_of(cut, sample))[1] == 1
        with pytest.raises(ConfigError):
            check(cut, signal=20)
    assert efficiencies_at(sample, threshold_of(Cut(signal_efficiency=0.95), sample))[1] == 0.95
    assert efficiencies_at(sample, threshold_of(Cut(background_efficiency=0.049), sample))[0] == 0
    assert efficiencies_at(sample, threshold_of(Cut(background_efficiency=0.05), sample))[0] == 0.05


@pytest.mark.parametrize("ways", [{}, {"threshold": 0.5, "no_background": True}, {"no_background": False}])
def test_a_cut_is_given_in_one_way(ways: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="exactly one way"):
        Cut(**ways)
