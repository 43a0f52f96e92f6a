"""The models of a grid or a search beside each other, by their figures on validation: the test part stays closed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from hepsieve.errors import ConfigError
from hepsieve.models.train_config import Monitor
from hepsieve.report.summary import number
from hepsieve.shown import html_table, text_table
from hepsieve.train.run import Run
from hepsieve.tune.search import validation_figure

_DIGITS = 5


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Models in the order in which they were trained; they show themselves as a table.

    Attributes:
        monitor: which figure on validation.
        figures: by model, that figure at its best epoch, the less the better; of figures of which more is better, what
            is missing to 1.
        seconds: by model, how long its training took.
    """

    monitor: Monitor
    figures: dict[str, float]
    seconds: dict[str, float]

    @property
    def best(self) -> str:
        """The model with the least figure; of equal ones the first."""
        return min(self.figures, key=lambda name: self.figures[name])

    @property
    def best_so_far(self) -> tuple[float, ...]:
        """The least figure after each training."""
        return tuple(accumulate(self.figures.values(), min))

    def trainings_to(self, figure: float) -> int | None:
        """After how many trainings one of them was at least as good as this figure; None where none was."""
        return next((k for k, least in enumerate(self.best_so_far, start=1) if least <= figure), None)

    def _rows(self) -> list[dict[str, str]]:
        missing = "" if self.monitor in ("loss", "rmse") else "1 − "
        return [
            {
                "training": str(k),
                "model": f"{name} ★" if name == self.best else name,
                f"{missing}validation {self.monitor.replace('_', ' ')}": number(figure, _DIGITS),
                "seconds": number(self.seconds[name], 1),
            }
            for k, (name, figure) in enumerate(self.figures.items(), start=1)
        ]

    def _repr_html_(self) -> str:
        return html_table(self._rows())

    def __repr__(self) -> str:
        """The table as text."""
        return text_table(self._rows())


def trials(run: Run, name: str | None = None, *, monitor: Monitor = "loss") -> Trials:
    """The models of a run, or those of one grid or search, by their figures on validation.

    Args:
        run: the trained models.
        name: of the grid or the search; all models without it.
        monitor: which figure.

    Raises:
        ConfigError: if the run has no model of this grid or search.
        TrainingError: if a model's training tells no such figure.
    """
    taken = {key: fitted for key, fitted in run.models.items() if name is None or key.startswith(f"{name}-")}
    if not taken:
        raise ConfigError(f"no models of {name!r} in this run; there are {', '.join(run.models)}")
    return Trials(
        monitor=monitor,
        figures={key: validation_figure(fitted, monitor) for key, fitted in taken.items()},
        seconds={key: fitted.seconds for key, fitted in taken.items()},
    )
