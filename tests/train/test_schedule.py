from __future__ import annotations

from math import cos, pi

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hepsieve.models.config import Constant, Cosine, OneCycle, ReduceOnPlateau, ScheduleConfig
from hepsieve.train.schedule import Steps, learning_rate, plateau


def rates(schedule: ScheduleConfig, *, per_epoch: int, epochs: int, peak: float = 0.1) -> list[float]:
    steps = Steps(per_epoch=per_epoch, epochs=epochs)
    return [
        learning_rate(schedule, peak, step=step, steps=steps, monitored=(), monitor="loss")
        for step in range(steps.total)
    ]


def test_constant() -> None:
    assert rates(Constant(), per_epoch=2, epochs=3) == [0.1] * 6


def test_cosine_is_half_a_cosine() -> None:
    # Five steps: progress 0, 1/4, 1/2, 3/4, 1.
    expected = [0.1 * (1 + cos(pi * k / 4)) / 2 for k in range(5)]
    assert rates(Cosine(), per_epoch=5, epochs=1) == pytest.approx(expected, abs=1e-15)


def test_cosine_warms_up_in_a_line_and_ends_at_final() -> None:
    # One epoch of three steps: 1/4, 2/4, 3/4 of the peak, which the fourth step reaches.
    found = rates(Cosine(warmup_epochs=1, final=0.2), per_epoch=3, epochs=4)
    assert found[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert found[-1] == pytest.approx(0.02)
    assert found[3:] == sorted(found[3:], reverse=True)


@pytest.mark.parametrize(("per_epoch", "epochs", "rise"), [(10, 4, 0.3), (7, 9, 0.5), (100, 3, 0.15)])
def test_one_cycle_equals_torchs(per_epoch: int, epochs: int, rise: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.1,
        total_steps=per_epoch * epochs,
        pct_start=rise,
        div_factor=1 / 0.04,
        final_div_factor=0.04 / 1e-3,
        cycle_momentum=False,
    )
    expected = []
    for _ in range(per_epoch * epochs):
        expected.append(float(theirs.get_last_lr()[0]))
        optimizer.step()
        theirs.step() if len(expected) < per_epoch * epochs else None
    schedule = OneCycle(rise=rise, start=0.04, final=1e-3)
    assert rates(schedule, per_epoch=per_epoch, epochs=epochs) == pytest.approx(expected, rel=1e-9)


@given(
    schedule=st.sampled_from(
        [Constant(), Cosine(), Cosine(warmup_epochs=0.5, final=0.1), OneCycle(), OneCycle(rise=0.01)]
    ),
    per_epoch=st.integers(1, 50),
    epochs=st.integers(1, 20),
)
def test_no_schedule_exceeds_its_peak(schedule: ScheduleConfig, per_epoch: int, epochs: int) -> None:
    assert all(0 <= rate <= 0.1 * (1 + 1e-12) for rate in rates(schedule, per_epoch=per_epoch, epochs=epochs))


def test_plateau_halves_after_patience() -> None:
    config = ReduceOnPlateau(factor=0.5, patience=2, minimum=0.0)
    losses = [1.0, 0.9, 0.9, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8]
    # Better: 1.0, 0.9, 0.8. Two without gain: after 0.95; after the second and the fourth repeated 0.8.
    found = [plateau(config, 0.1, losses[:k], "loss") for k in range(len(losses) + 1)]
    assert found == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.0125])


def test_plateau_of_a_rising_figure_waits_while_it_rises() -> None:
    config = ReduceOnPlateau(factor=0.1, patience=1)
    assert plateau(config, 0.1, [0.5, 0.6, 0.7], "auc") == 0.1
    assert plateau(config, 0.1, [0.5, 0.6, 0.6], "auc") == pytest.approx(0.01)


def test_plateau_never_falls_below_its_minimum_nor_rises_to_it() -> None:
    config = ReduceOnPlateau(factor=0.1, patience=1, minimum=0.02)
    assert plateau(config, 0.1, [1.0] * 9, "loss") == 0.02
    assert plateau(config, 0.005, [1.0] * 9, "loss") == 0.005
