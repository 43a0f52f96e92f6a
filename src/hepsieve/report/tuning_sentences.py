"""A search for settings in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.evaluation import AnyEvaluation, models_of
from hepsieve.evaluate.results import Comparison
from hepsieve.evaluate.tuning import Tuning
from hepsieve.report.summary import cell, compared_figure, plural, seconds

_METHODS: Mapping[str, str] = {
    "tpe": "a tree-structured Parzen estimator (TPE), which looks where good figures were found",
    "random": "chance",
    "grid": "going through all their combinations",
    "halving": "successive halving, which stops trials that are behind others after the same share of the training",
}
_MOST_NUMBERS = 12


def search_sentence(tuning: Tuning) -> str:
    """What was searched, how, and by what."""
    n, settings = len(tuning.trials), len(tuning.parameters)
    word = metric_word(tuning.metric)
    where = "on the validation part"
    if tuning.folds is not None:
        where = f"on held-out events of {tuning.folds} folds inside the training part"
    states = [f"{count} {words}" for count, words in _counted(tuning) if count]
    side = f", {tuning.at_once} side by side" if tuning.at_once > 1 else ""
    return (
        f"{plural(n, 'trial')} of {plural(settings, 'setting')} of the task, chosen by "
        f"{_METHODS.get(tuning.method, tuning.method)}{side}{'; ' + ' and '.join(states) if states else ''}. They were "
        f"compared by the {word} {where}, the {'larger' if tuning.better == 'larger' else 'smaller'} the better; no "
        f"test event had a part in the choice. Their trainings took {seconds(sum(t.seconds for t in tuning.trials))} "
        "seconds together."
    )


def found_sentence(tuning: Tuning) -> str:
    """How many trials there were, and which was the best, for a terminal."""
    states = "".join(f", {count} {words}" for count, words in _counted(tuning) if count)
    return f"{plural(len(tuning.trials), 'trial')}{states}; the best is trial {tuning.best}"


def _counted(tuning: Tuning) -> tuple[tuple[int, str], ...]:
    states = [trial.state for trial in tuning.trials]
    return (states.count("stopped"), "stopped early"), (states.count("failed"), "failed")


def failures(tuning: Tuning) -> tuple[str, ...]:
    """Why trials failed, each reason once, with the numbers of the trials."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    for trial in tuning.trials:
        if trial.state == "failed":
            by_reason[trial.error or "for a reason that was not told"].append(trial.number)
    return tuple(f"{_named(numbers)} failed: {reason}" for reason, numbers in by_reason.items())


def _named(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:_MOST_NUMBERS]))
    more = f" and {len(numbers) - _MOST_NUMBERS} more" if len(numbers) > _MOST_NUMBERS else ""
    return f"Trial{'s' if len(numbers) > 1 else ''} {listed}{more}"


def settings_sentence(tuning: Tuning) -> str:
    """What to do with the winner's settings."""
    of = tuning.winner.settings.get("model")
    which = f" They are of the model {of}." if isinstance(of, str) else ""
    return (
        f"Of trial {tuning.best}, for a task file; tuned.yaml in the run folder is the whole task with them."
        f"{which} The model {tuning.tuned} of this page was trained with them."
    )


def tuned_sentence(evaluation: AnyEvaluation) -> str:
    """How the tuned model stands on test beside the task's own settings; empty where it is not known."""
    tuning = evaluation.tuning
    models = models_of(evaluation)
    if tuning is None or tuning.untuned not in models or tuning.tuned not in models:
        return ""
    figure = compared_figure(evaluation)
    values = [cell(models[name].metrics.get(figure.lower())) for name in (tuning.tuned, tuning.untuned)]
    first = (
        f"On the test events the {figure} of {tuning.tuned} is {values[0]}, that of {tuning.untuned}, with the task's "
        f"own settings, {values[1]}"
    )
    found = _compared(evaluation, tuning)
    if found is None or found.p_adjusted is None:
        return f"{first}.{_lead(evaluation, tuning)}"
    apart = "a significant difference" if found.significant else "no significant difference"
    between = f"{found.model} minus {evaluation.best}, paired"
    return f"{first}: {apart} ({cell(found.difference)}, {between}).{_lead(evaluation, tuning)}"


def _lead(evaluation: AnyEvaluation, tuning: Tuning) -> str:
    """That a lead on validation was chosen from more than the models of the page."""
    found = evaluation.selection
    if found is None or found.winner != tuning.tuned or tuning.folds is not None or found.on != "validation":
        return ""
    return (
        f" What the results say of its lead on validation counts the {found.n_models} models there, and not the "
        f"{plural(len(tuning.trials), 'trial')} among which it was chosen on the same events."
    )


def _compared(evaluation: AnyEvaluation, tuning: Tuning) -> Comparison | None:
    """The paired comparison of the two models, where one of them is the best of the run."""
    pair = {tuning.tuned, tuning.untuned}
    if evaluation.best not in pair:
        return None
    return next((one for one in evaluation.comparisons if one.model in pair), None)


def chosen_of_trials(evaluation: AnyEvaluation) -> str:
    """That the best model's settings were searched, for the summary of a page; empty where they were not."""
    tuning = evaluation.tuning
    if tuning is None:
        return ""
    n = plural(len(tuning.trials), "trial")
    where = "validation" if tuning.folds is None else "held-out"
    by = f"{where} {metric_word(tuning.metric)}"
    if evaluation.best == tuning.tuned:
        return f"Its settings are the best of {n}, by {by}."
    return f"Settings that are the best of {n}, by {by}, gave {tuning.tuned}, which is not ahead of it."


def flattered(evaluation: AnyEvaluation) -> str:
    """That the figure that chose the best model's settings is too good; empty where that could be chance."""
    tuning = evaluation.tuning
    if tuning is None or tuning.optimism is None or evaluation.best != tuning.tuned:
        return ""
    difference = tuning.optimism.difference
    if difference.low is None or difference.low <= 0:
        return ""
    return (
        f"the {metric_word(tuning.metric)} by which {tuning.tuned} was chosen among {len(tuning.trials)} trials looks "
        f"better than that on test by {cell(difference)}, so that only the test figure counts"
    )
