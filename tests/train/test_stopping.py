from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hepsieve.models.config import Monitor
from hepsieve.train.stopping import Stopping


def stopped_after(values: list[float], *, monitor: Monitor, patience: int | None, min_delta: float = 0.0) -> Stopping:
    rule = Stopping(monitor=monitor, patience=patience, min_delta=min_delta)
    for value in values:
        rule = rule.seen(value)
        if rule.stop:
            break
    return rule


def test_a_loss_that_rises_stops_after_patience() -> None:
    rule = stopped_after([0.7, 0.6, 0.61, 0.62, 0.5], monitor="loss", patience=2)
    # Epoch 2 was best; epochs 3 and 4 brought nothing, so epoch 5 is never seen.
    assert (rule.epoch, rule.best_epoch, rule.best) == (4, 2, 0.6)


def test_accuracy_and_auc_are_better_when_they_rise() -> None:
    for monitor in ("accuracy", "auc"):
        rule = stopped_after([0.5, 0.7, 0.6, 0.65], monitor=monitor, patience=2)
        assert (rule.epoch, rule.best_epoch) == (4, 2)


def test_a_repeated_figure_is_no_improvement() -> None:
    assert stopped_after([0.5, 0.5, 0.5], monitor="loss", patience=2).best_epoch == 1


def test_gains_up_to_min_delta_do_not_count_until_they_add_up() -> None:
    # From 0.70: 0.66 and 0.62 gain 0.04 and 0.08 (0.1 is asked for), 0.58 gains 0.12.
    rule = stopped_after([0.70, 0.66, 0.62, 0.58, 0.57], monitor="loss", patience=3, min_delta=0.1)
    assert (rule.epoch, rule.best_epoch, rule.best) == (5, 4, 0.58)
    assert stopped_after([0.70, 0.66, 0.62, 0.58], monitor="loss", patience=2, min_delta=0.1).best_epoch == 1


def test_without_patience_it_never_stops() -> None:
    rule = stopped_after([0.5] + [0.6] * 100, monitor="loss", patience=None)
    assert (rule.stop, rule.epoch, rule.best_epoch) == (False, 101, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 5))
def test_the_best_epoch_is_the_first_best_of_those_seen(values: list[float], patience: int) -> None:
    rule = stopped_after(values, monitor="loss", patience=patience)
    seen = values[: rule.epoch]
    assert rule.best_epoch == seen.index(min(seen)) + 1
    assert rule.epoch == len(values) or rule.epoch - rule.best_epoch == patience
