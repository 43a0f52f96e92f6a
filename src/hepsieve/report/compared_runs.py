"""Models of several runs on the events that these share, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hepsieve.differences import cut, value_in_words
from hepsieve.evaluate.run_comparison_results import ComparedRun, ModelPair, RunComparison
from hepsieve.report.leaderboard_sentences import duration, made_of
from hepsieve.report.sections import Table
from hepsieve.report.summary import UNKNOWN, Cell, column_cells, metric_title, number, p_value, tested

Row = dict[str, str]
_SHOWN = ("auc", "accuracy", "log_loss", "brier", "rmse", "mae", "bias", "resolution")
_FURTHER = ("background_rejection@", "tolerance_accuracy@")
# More names would make no sentence.
_MOST_NAMED = 4


def model_cells(comparison: RunComparison) -> list[dict[str, Cell]]:
    """What each model reaches on the shared events, one row a model."""
    models = comparison.models
    known = dict.fromkeys(metric for model in models.values() for metric in model.metrics)
    shown = [metric for metric in _SHOWN if metric in known]
    shown += sorted(metric for metric in known if metric.startswith(_FURTHER))
    shown.sort(key=lambda metric: metric != comparison.by)
    columns = {
        metric_title(metric): column_cells(
            [model.metrics.get(metric) for model in models.values()], digits=2 if "rejection" in metric else 3
        )
        for metric in shown
    }
    return [
        {"model": Cell(value=label), **{title: cells[row] for title, cells in columns.items()}}
        for row, label in enumerate(models)
    ]


def model_rows(comparison: RunComparison) -> list[Row]:
    """The same as text."""
    return [{title: str(entry) for title, entry in row.items()} for row in model_cells(comparison)]


def paired_cells(comparison: RunComparison) -> list[dict[str, Cell]]:
    """All pairs, one row each: the better model's figure minus the other's, and what can be said about it."""
    differences = column_cells([pair.difference for pair in comparison.pairs])
    return [
        {
            "model": Cell(value=pair.first),
            "against": Cell(value=pair.second),
            f"{metric_title(comparison.by)} difference": difference,
            "p": Cell(value=UNKNOWN if pair.p_value is None else p_value(pair.p_value)),
            "p after Holm": Cell(value=UNKNOWN if pair.p_adjusted is None else p_value(pair.p_adjusted)),
            "verdict": Cell(value=_verdict(pair)),
        }
        for pair, difference in zip(comparison.pairs, differences, strict=True)
    ]


def paired_rows(comparison: RunComparison) -> list[Row]:
    """The same as text."""
    return [{title: str(entry) for title, entry in row.items()} for row in paired_cells(comparison)]


def _verdict(pair: ModelPair) -> str:
    if pair.p_adjusted is None:
        return UNKNOWN
    return "significant" if pair.significant else "no significant difference"


def pairs_sentence(comparison: RunComparison) -> str:
    """Which pairs differ, after the correction."""
    word, n = metric_title(comparison.by), len(comparison.pairs)
    told = [pair for pair in comparison.pairs if pair.p_adjusted is not None]
    if not told:
        return f"Too few shared test events to compare the models in {word}."
    tries = "" if n == 1 else f" after correcting for {len(told)} comparisons"
    apart = [pair for pair in told if pair.significant]
    if not apart:
        who = (
            f"between {told[0].first} and {told[0].second}"
            if n == 1
            else f"between any of {len(comparison.models)} models"
        )
        return f"No significant difference in test {word} {who}{tries} (5 %)."
    better = {one: [pair.second for pair in apart if pair.first == one] for one in _each(pair.first for pair in apart)}
    worse = {one: [pair.first for pair in apart if pair.second == one] for one in _each(pair.second for pair in apart)}
    shorter, how = (better, "better") if len(better) <= len(worse) else (worse, "worse")
    if len(shorter) > _MOST_NAMED:
        return f"{len(apart)} of {len(told)} pairs differ significantly in test {word}{tries} (5 %)."
    words = [f"{one} is significantly {how} than {_several(others)}" for one, others in shorter.items()]
    rest = len(told) - len(apart)
    unclear = f"; no significant difference in the other {f'{rest} pairs' if rest > 1 else 'pair'}" if rest else ""
    return f"In test {word}{tries} (5 %): {'; '.join(words)}{unclear}."


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _several(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{len(names)} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def pairs_family(comparison: RunComparison) -> str:
    """How pairs are compared and what is corrected for."""
    n = len(comparison.pairs)
    how = "DeLong's covariance" if comparison.by == "auc" else "a paired bootstrap"
    holm = (
        ""
        if n == 1
        else (
            f" The p-values hold after Holm's correction for these {n} pairs: if no models differed, any pair would be "
            "called significant in one comparison of twenty at most. Other metrics are quoted, not tested."
        )
    )
    return (
        f"Every pair of models on the same test events: the better one's {metric_title(comparison.by)} minus the "
        f"other's, with its 95 % interval ({how}), narrower than the two models' own intervals would suggest.{holm}"
    )


def events_sentence(comparison: RunComparison) -> str:
    """On how many events the figures rest, and how they were shared."""
    n, runs = comparison.n_events, comparison.runs
    counted = ""
    if comparison.n_signal is not None:
        background, signal = comparison.classes
        counted = f" ({number(comparison.n_signal, 0)} {signal}, {number(n - comparison.n_signal, 0)} {background})"
    whole = all(run.n_test == n for run in runs.values())
    if len(runs) == 1:
        where = "the run's test part"
    elif whole:
        where = "the test part of every run"
    else:
        sizes = ", ".join(f"{number(run.n_test, 0)} of {name}" for name, run in runs.items())
        where = f"those that stand in every run's test part ({sizes}), so that no model has seen them"
    return f"{tested(n, comparison.origin)}{counted}: {where}."


def choice_sentence(comparison: RunComparison) -> str:
    """What picking the best model on these events gives by itself; empty where that is not known."""
    chosen = comparison.selection
    if chosen is None:
        return ""
    if [label for label, model in comparison.models.items() if model.best] == [chosen.winner]:
        return f"{chosen.says} Validation, which saw none of these events, prefers {chosen.winner} too."
    return f"{chosen.says} Whoever takes {chosen.winner} for it has chosen on the test events: see it on others."


def combined_of(run: ComparedRun) -> str:
    """What the ensemble of a run consists of; empty where it has none."""
    if run.ensemble is None:
        return ""
    within = "" if run.budget is None else f", within {duration(run.budget)}"
    return f"{made_of(run.ensemble)}{within}"


def settings_table(comparison: RunComparison) -> Table | None:
    """The settings in which the runs differ, keys down and runs across; None where they differ in none."""
    keys = dict.fromkeys(key for run in comparison.runs.values() for key in run.settings)
    if not keys:
        return None
    return Table(
        columns=("setting", *comparison.runs),
        rows=tuple(
            (
                Cell(value=key),
                *(
                    Cell(value=cut(value_in_words(run.settings[key])) if key in run.settings else UNKNOWN)
                    for run in comparison.runs.values()
                ),
            )
            for key in keys
        ),
    )


def said(comparison: RunComparison) -> list[str]:
    """All sentences, for a terminal."""
    lines = [events_sentence(comparison), pairs_sentence(comparison), choice_sentence(comparison)]
    lines += [f"{name}: {combined_of(run)}" for name, run in comparison.runs.items() if combined_of(run)]
    return [*(line for line in lines if line), *(f"warning: {warning}" for warning in comparison.warnings)]
