"""A search for settings as a section of the page: its trials, what matters, and what the choice is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from hepsieve.evaluate.evaluation import AnyEvaluation, models_of
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import Setting, TriedPoint, Tuning
from hepsieve.report.inputs import RunRecord
from hepsieve.report.picture import Picture
from hepsieve.report.summary import UNKNOWN, decimals_for, number, seconds
from hepsieve.report.tuning_axes import axes_of, setting_text, short_names
from hepsieve.report.tuning_figures import figure_places, figure_title, is_wide
from hepsieve.report.tuning_pictures import tuning_pictures
from hepsieve.report.tuning_sentences import (
    failures,
    search_sentence,
    settings_sentence,
    tuned_sentence,
)
from hepsieve.tune_config import AxisConfig, ChoiceAxis

FEW_TRIALS = 12
"""So many are shown at once; of more the best, and all when asked for."""
BEST_TRIALS = 5
# Longer listings are not printed: evaluation.json beside the page has them.
_PRINTED = 60


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One trial in the table.

    Attributes:
        number: of the trial.
        state: finished, stopped or failed.
        figure: what the trials were compared by; a dash where there is none.
        figure_sort: the same for sorting.
        settings: as YAML has them, a dash for those that it does not have.
        seconds: of its trainings.
        epochs: of its trainings.
        best: whether it won.
    """

    number: int
    state: str
    figure: str
    figure_sort: str
    settings: tuple[str, ...]
    seconds: str
    seconds_sort: str
    epochs: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class TuningSection:
    """What the section shows.

    Attributes:
        intro: what was searched, how, and by what.
        optimism: how much of the winner's figure was the luck of the choice; empty where it is not known.
        bound: what the choice alone makes of it.
        against: how the tuned model stands beside the task's own settings.
        columns: of the table.
        rows: of the best trials; of few, all.
        all_rows: of all trials, where there are many.
        printed: whether all trials go on paper.
        failed: why trials failed, with their numbers.
        pictures: of the search.
        wide: whether that of settings takes the whole width.
        yaml: the winner's settings as a piece of a task file.
        yaml_says: what to do with them.
        notes: what else is to be said.
    """

    intro: str
    optimism: str
    bound: str
    against: str
    columns: tuple[str, ...]
    rows: tuple[TrialRow, ...]
    all_rows: tuple[TrialRow, ...]
    printed: bool
    failed: tuple[str, ...]
    pictures: Mapping[str, Picture]
    wide: bool
    yaml: str
    yaml_says: str
    notes: tuple[str, ...]


def tuning_section(record: RunRecord) -> dict[str, Any]:
    """The section's part of a page's context; ``tuning`` is None where nothing was tuned."""
    evaluation, tuning = record.evaluation, record.evaluation.tuning
    if tuning is None:
        return {"tuning": None}
    many = len(tuning.trials) > FEW_TRIALS
    space = record.config.tune.space if record.config.tune is not None else {}
    rows = tuple(_row(tuning, trial) for trial in tuning.trials)
    best = best_trials(tuning, BEST_TRIALS)
    section = TuningSection(
        intro=search_sentence(tuning),
        optimism="" if tuning.optimism is None else tuning.optimism.says,
        bound=bound_sentence(tuning),
        against=tuned_sentence(evaluation),
        columns=("trial", "state", figure_title(tuning), *short_names(tuning.parameters).values(), "seconds", "epochs"),
        rows=tuple(_row(tuning, trial) for trial in best) if many else rows,
        all_rows=rows if many else (),
        printed=len(rows) <= _PRINTED,
        failed=failures(tuning),
        pictures=tuning_pictures(tuning, space, untuned=_untuned(evaluation, tuning)),
        wide=is_wide(axes_of(tuning, space)),
        yaml=settings_yaml(tuning.winner.settings, space),
        yaml_says=settings_sentence(tuning),
        notes=tuning.notes,
    )
    return {"tuning": section}


def best_trials(tuning: Tuning, most: int) -> list[TriedPoint]:
    """The best ones, in falling order: the winner, finished trials, then stopped ones."""
    sign = -1.0 if tuning.better == "larger" else 1.0
    judged = [trial for trial in tuning.trials if trial.figure is not None]
    ordered = sorted(
        judged, key=lambda t: (t.number != tuning.best, t.state != "finished", sign * (t.figure or 0.0), t.number)
    )
    return ordered[:most]


def trial_rows(tuning: Tuning, trials: Sequence[TriedPoint]) -> list[dict[str, str]]:
    """Trials as a table for a terminal: column title to entry, the winner with a star."""
    columns = short_names(tuning.parameters)
    rows = []
    for trial in trials:
        row = _row(tuning, trial)
        rows.append(
            {
                "trial": f"{trial.number} ★" if row.best else str(trial.number),
                figure_title(tuning): row.figure,
                **dict(zip(columns.values(), row.settings, strict=True)),
                "state": row.state,
                "seconds": row.seconds,
            }
        )
    return rows


def trial_columns(tuning: Tuning, *, most: int) -> tuple[str, ...]:
    """The columns of ``trial_rows`` with so many settings at most: those that matter most, in their order."""
    names = short_names(tuning.parameters)
    matter = sorted(names, key=lambda path: -tuning.importance.get(path, 0.0))[:most]
    return ("trial", figure_title(tuning), *(names[path] for path in names if path in matter), "state", "seconds")


def settings_yaml(settings: Mapping[str, Setting], space: Mapping[str, AxisConfig]) -> str:
    """Settings by dotted path as a piece of a task file; which model they are of is not among them.

    Args:
        settings: as they are shown, lists as words.
        space: what was searched, which knows the lists.

    >>> print(settings_yaml({"model": "mlp", "models.mlp.dropout": 0.1, "train.batch_size": 128}, {}), end="")
    models:
      mlp: {dropout: 0.1}
    train: {batch_size: 128}
    """
    nested: dict[str, Any] = {}
    for path, value in settings.items():
        *sections, key = path.split(".")
        at = nested
        for section in sections:
            at = at.setdefault(section, {})
        if sections:
            at[key] = _chosen(value, space.get(path))
    if not nested:
        return ""
    stream, yaml = StringIO(), YAML(typ="safe", pure=True)
    yaml.width = 76
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(nested, stream)
    return stream.getvalue()


def _chosen(value: Setting, axis: AxisConfig | None) -> Any:
    """The value of a choice that is shown in these words."""
    if not isinstance(axis, ChoiceAxis) or not isinstance(value, str):
        return value
    found = next((one for one in axis.choice if setting_text(one) == value), value)
    return list(found) if isinstance(found, tuple) else found


def bound_sentence(tuning: Tuning) -> str:
    """What the choice alone makes of the winner's figure on average; empty where that is not known."""
    found = tuning.optimism
    if found is None or not found.at_most:
        return ""
    places = decimals_for(Quantity(value=None, low=0.0, high=found.at_most), digits=2)
    return (
        "Choosing the best of so many flatters its figure by "
        f"{number(found.at_most, places)} on average at most: by that, if all were equally good and "
        "their figures fluctuated independently; on the same events they fluctuate together, and so by less."
    )


def _row(tuning: Tuning, trial: TriedPoint) -> TrialRow:
    known = trial.figure is not None
    return TrialRow(
        number=trial.number,
        state=trial.state,
        figure=number(trial.figure or 0.0, figure_places(tuning)) if known else UNKNOWN,
        figure_sort=repr(trial.figure) if known else "",
        settings=tuple(
            setting_text(trial.settings[path]) if path in trial.settings else UNKNOWN for path in tuning.parameters
        ),
        seconds=seconds(trial.seconds),
        seconds_sort=f"{trial.seconds:.3f}",
        epochs=UNKNOWN if trial.epochs is None else number(trial.epochs, 0),
        best=trial.number == tuning.best,
    )


def _untuned(evaluation: AnyEvaluation, tuning: Tuning) -> Quantity | None:
    """What the task's own settings reach where the trials were compared; None where these are held-out folds."""
    model = models_of(evaluation).get(tuning.untuned or "")
    return None if model is None or tuning.folds is not None else model.validation.get(tuning.metric)
