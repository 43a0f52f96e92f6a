"""What a line of progress says of a search: the best figure so far, and how long it will probably take."""

from __future__ import annotations

from hepsieve.evaluate.choose import metric_word
from hepsieve.tune.budget import time_left
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Tried


class SoFar:
    """A search as it is watched."""

    def __init__(self, space: Space, *, workers: int) -> None:
        """Begin to watch.

        Args:
            space: what is searched.
            workers: how many trials are carried out at a time.
        """
        # Without figures to wait for, no worker does.
        waits = space.tune.method not in ("random", "grid")
        self._space, self._workers = space, min(workers, space.tune.at_once) if waits else workers
        self._tried: list[Tried] = []

    def after(self, tried: Tried) -> str:
        """What is to be said after one more trial, such as ``best AUC 0.8012 (trial 7), about 3 min left``."""
        self._tried.append(tried)
        failed = sum(trial.state == "failed" for trial in self._tried)
        said = [self._best(), f"{failed} failed" if failed else "", self._left()]
        return ", ".join(part for part in said if part)

    def _best(self) -> str:
        known = [trial for trial in self._tried if trial.state == "finished" and trial.figure is not None]
        if not known:
            return ""
        chosen = max if self._space.better == "larger" else min
        best = chosen(known, key=lambda trial: trial.figure or 0.0)
        return f"best {metric_word(self._space.metric)} {best.figure:.4f} (trial {best.number})"

    def _left(self) -> str:
        time, most = self._space.tune.time, self._space.most_trials
        spent = max(trial.spent for trial in self._tried)
        left = time_left(
            [trial.seconds for trial in self._tried if trial.state != "failed"],
            trials_left=None if most is None else max(0, most - len(self._tried)),
            workers=self._workers,
            time_budget_left=None if time is None else max(0.0, time - spent),
        )
        return "" if left is None else f"about {duration(left)} left"


def duration(seconds: float) -> str:
    """A time in the largest unit that leaves a number above 1.

    >>> duration(42), duration(200), duration(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
