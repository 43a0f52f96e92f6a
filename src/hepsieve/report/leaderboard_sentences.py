"""A portfolio, its ensemble and what that gained, in words."""

from __future__ import annotations

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.leaderboard import EnsembleMembers, Leaderboard
from hepsieve.evaluate.quantity import Quantity
from hepsieve.report.summary import cell, p_value, plural

_ON = {"validation": "on the validation part", "out-of-fold": "on out-of-fold scores of the training events"}
_MOST_NAMED = 4


def gain_sentence(board: Leaderboard) -> str:
    """What the ensemble gained over the best single model, and whether that is significant."""
    name, single, word = board.ensemble.name, board.best_single, metric_word(board.metric)
    if board.alone:
        why = "no other model was trained" if len(board.rows) == 2 else "no other model improved it"
        return f"The ensemble is {single}, the best single model, alone: {why}."
    value = board.gain.value
    if value is None or board.p_value is None:
        return f"Too few test events to tell what {name} gained over {single}, the best single model."
    if value == 0 and board.p_value == 1:
        return f"The ensemble has the test {word} of {single}, the best single model: it gained nothing."
    gained = cell(board.gain if value >= 0 else _lost(board))
    verb = "gained" if value >= 0 else "lost"
    over = "over" if value >= 0 else "against"
    text = p_value(board.p_value)
    p = f"p {text}" if text.startswith("<") else f"p = {text}"
    p = p.replace(" ", "\N{NO-BREAK SPACE}")
    verdict = f"significant, {p}" if board.significant else f"not significant, {p}"
    return f"The ensemble {verb} {gained} in test {word} {over} {single}, the best single model; {verdict}."


def _lost(board: Leaderboard) -> Quantity:
    gain = board.gain
    value, low, high = (None if one is None else -one for one in (gain.value, gain.high, gain.low))
    return Quantity(value=value, low=low, high=high)


def gain_how(board: Leaderboard) -> str:
    """How the gain was tested, and how the differences of the table; empty where there is nothing to test."""
    how = "DeLong's covariance" if board.metric == "auc" else "a paired bootstrap"
    others = len(board.rows) - 1
    if others < 2:
        return ""
    first = f"The best single model is the one that {_chosen(board)} prefers, and was not picked on test."
    if board.alone:
        return (
            f"{first} The differences of the table are paired on the same test events ({how}), and their p-values "
            f"corrected for all {others} of them (Holm)."
        )
    first += (
        f" The gain is the paired difference of the two on the same test events ({how}), positive where the ensemble "
        "is better."
    )
    return (
        f"{first} It is one question, asked before the test part was opened, and its p-value stands as it is; those of "
        f"the table are corrected for all {others} differences (Holm), and so may be larger for the same model."
    )


def budget_sentence(board: Leaderboard) -> str:
    """What was trained in which time."""
    trained = len(board.rows) - 1
    side = f", {board.at_once} at a time," if board.at_once > 1 and trained > 1 else ""
    share = board.used / board.budget
    states = [one.state for one in board.skipped]
    skipped, failed = states.count("skipped"), states.count("failed")
    less = (
        f" {plural(skipped, 'model')} of the portfolio did not fit in and {_was(skipped)} left out." if skipped else ""
    )
    if failed:
        less += f" {plural(failed, 'model')} could not be trained."
    return (
        f"{plural(trained, 'model')} trained{side} within a budget of {duration(board.budget)}, of which "
        f"{duration(board.used)} ({100 * share:.0f} %) went by before the evaluation.{less}"
    )


def ensemble_sentence(board: Leaderboard) -> str:
    """What the ensemble is made of, and what chose that; empty where there was nothing to choose among."""
    word, n = metric_word(board.by), len(board.ensemble.weights)
    if len(board.rows) == 2:
        return ""
    if n == 1:
        (only,) = board.ensemble.weights
        return f"Greedy selection by the {word} {_ON[board.on]} kept {only} alone."
    return (
        f"The ensemble scores with the weighted mean of {plural(n, 'model')}: {members(board.ensemble)}. "
        f"Greedy selection with replacement chose the weights by the {word} {_ON[board.on]}, where the ensemble's "
        "own figure is therefore too good; only its test figure can be compared."
    )


def portfolio_sentence(board: Leaderboard) -> str:
    """The whole portfolio in a sentence or two."""
    trained = f"{plural(len(board.rows) - 1, 'model')} within {duration(board.budget)}"
    made = "" if board.alone else f"; {made_of(board.ensemble)}"
    return f"{trained}{made}. {gain_sentence(board)}"


def made_of(ensemble: EnsembleMembers) -> str:
    """What an ensemble is."""
    if len(ensemble.weights) == 1:
        return f"{ensemble.name} is {next(iter(ensemble.weights))} alone"
    return f"{ensemble.name} is the weighted mean of {members(ensemble)}"


def members(ensemble: EnsembleMembers, *, most: int = _MOST_NAMED) -> str:
    """The members by falling weight, with their weights."""
    named = [f"{name} ({weight:.0%})".replace("%", " %") for name, weight in ensemble.weights.items()]
    if len(named) > most + 1:
        named = [*named[:most], f"{len(named) - most} more"]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def ensemble_beside(evaluation: AnyEvaluation) -> str:
    """What the ensemble gained, for the summary of a page; empty without a portfolio."""
    board = evaluation.leaderboard
    return "" if board is None else gain_sentence(board)


def only_some(evaluation: AnyEvaluation) -> str:
    """That what models look at was found out of some only; empty where of all but the ensemble."""
    board, ranking = evaluation.leaderboard, evaluation.ranking
    if board is None or ranking is None or len(ranking.importances) == len(board.rows) - 1:
        return ""
    return f"Of the {len(board.rows) - 1} models the best single one and those with the largest weights. "


def too_good_on_validation(evaluation: AnyEvaluation) -> str:
    """That the ensemble's figure where it was chosen flatters it; empty where that is not the best model."""
    board = evaluation.leaderboard
    if board is None or evaluation.best != board.ensemble.name or board.alone:
        return ""
    where = "the validation events" if board.on == "validation" else "the training events, out of fold"
    return (
        f"the weights of {board.ensemble.name} were chosen on {where}, so that its figures there are too good and only "
        "those on test count"
    )


def duration(seconds: float) -> str:
    """A time as its two largest units.

    >>> duration(7.34), duration(45), duration(581), duration(600), duration(5400.4), duration(26 * 3600)
    ('7.3 s', '45 s', '9 min 41 s', '10 min', '1 h 30 min', '26 h')
    """
    if seconds < 10 and seconds != round(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds) if seconds < 3600 else 60 * round(seconds / 60)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"


def _chosen(board: Leaderboard) -> str:
    return "validation" if board.on == "validation" else "the out-of-fold figure"


def _was(n: int) -> str:
    return "was" if n == 1 else "were"
