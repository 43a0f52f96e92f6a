"""How much each parameter of a search mattered for reaching its best figures."""

from __future__ import annotations

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState, create_trial

from hepsieve.tune.quiet import experimental, quiet
from hepsieve.tune.sampling import as_parameters, direction
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Study

LEAST = 10
"""Finished trials, of fewer of which nothing can be said."""
_BEST = 0.2  # of the trials are the good ones; of ten that leaves the two that the method needs


def importance(space: Space, study: Study) -> dict[str, float]:
    """The importance of each parameter by path, the largest first; they add up to 1.

    It is PED-ANOVA (arXiv:2304.10255; of parameters that count only with some values of others arXiv:2601.20800): how
    far the values of the best fifth of the finished trials are distributed differently from those of all. It says what
    mattered in this search, not what causes what; with few trials it is rough. Nothing in it is random.

    Args:
        space: of the search.
        study: what it found.

    Returns:
        Empty with fewer than ten finished trials, or where no parameter mattered.
    """
    finished = [trial for trial in study.trials if trial.state == "finished" and trial.figure is not None]
    if len(finished) < LEAST or len({trial.figure for trial in finished}) == 1:
        return {}
    with quiet(), experimental():
        optuna_study = optuna.create_study(direction=direction(space))
        for trial in finished:
            parameters, distributions = as_parameters(space, trial.point)
            optuna_study.add_trial(
                create_trial(
                    state=TrialState.COMPLETE, value=trial.figure, params=parameters, distributions=distributions
                )
            )
        evaluator = PedAnovaImportanceEvaluator(target_quantile=_BEST)
        found = get_param_importances(optuna_study, evaluator=evaluator, normalize=False)
    total = sum(found.values())
    if total <= 0:
        return {}
    return {path: value / total for path, value in sorted(found.items(), key=lambda item: (-item[1], item[0]))}
