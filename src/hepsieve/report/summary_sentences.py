"""A run in three sentences: what was asked, what came out with its interval, and what to distrust first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scipy.stats import binom

from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.evaluate.results import Evaluation, ModelEvaluation
from hepsieve.report.inputs import RunRecord
from hepsieve.report.leaderboard_sentences import ensemble_beside, too_good_on_validation
from hepsieve.report.summary import cell, compared_figure, number, percent, tested
from hepsieve.report.tuning_sentences import chosen_of_trials, flattered

FEW_EVENTS = 500
"""Below so many test events of a class (of a regression: of all) their number is a reason for distrust."""
POOR_CALIBRATION = 0.05
"""Scores that are further off than this, on average and beyond doubt, are no probabilities."""
# So rarely would so many bins of a reliability diagram miss the diagonal if scores were probabilities.
_RARELY = 0.01
_NO_OVERTRAINING = "No sign"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Three sentences, each with a full stop at its end.

    Attributes:
        asked: what the models had to do, on which events.
        found: the best model's figure with its interval.
        distrust: the most serious doubt.
        further: the other doubts, in falling order.
    """

    asked: str
    found: str
    distrust: str
    further: tuple[str, ...]


def summary_sentences(record: RunRecord, evaluation: AnyEvaluation) -> Summary:
    """What a reader in a hurry needs to know of a run; it depends on its arguments alone."""
    worst, *further = (f"{one[:1].upper()}{one[1:]}." for one in reasons(record, evaluation))
    found = " ".join(filter(None, (_found(evaluation), chosen_of_trials(evaluation), ensemble_beside(evaluation))))
    return Summary(asked=_asked(evaluation), found=found, distrust=worst, further=tuple(further))


def _asked(evaluation: AnyEvaluation) -> str:
    data, n = evaluation.data, len(evaluation.models)
    models = "1 model" if n == 1 else f"{n} models"
    events = tested(data.n_test, data.origin)
    unseen = "on which nothing was fitted, stopped early or chosen"
    if evaluation.test_openings > 1:
        unseen = f"which were opened {evaluation.test_openings} times"
    if isinstance(evaluation, RegressionEvaluation):
        target = evaluation.target
        unit = f" (1 is {target.full:g} {target.unit})" if target.unit else ""
        return f"{models} had to measure {target.name}{unit}, judged on {events}, {unseen}."
    background, signal = evaluation.classes
    shares = ""
    if "test" in data.n_signal and "test" in data.n_background:
        shares = f" ({number(data.n_signal['test'], 0)} {signal}, {number(data.n_background['test'], 0)} {background})"
    return f"{models} had to tell {signal} from {background}, judged on {events}{shares}, {unseen}."


def _found(evaluation: AnyEvaluation) -> str:
    best, figure = evaluation.best, compared_figure(evaluation)
    measured = evaluation.models[best].metrics.get(figure.lower())
    value = cell(measured)
    interval = f", 95 % interval {value.interval.strip('()')}" if value.interval else ""
    what = f"an {figure} of {value.value}{interval}" if value.value != "–" else f"no {figure} that can be told"
    if isinstance(evaluation, RegressionEvaluation):
        what += f", as a share of the full scale of {evaluation.target.name}"
    if len(evaluation.models) == 1:
        return f"{best}, the only model, reaches {what}."
    on = "out-of-fold figures" if evaluation.data.folds else "the validation part"
    return f"{best}, the best of {len(evaluation.models)} models, chosen on {on}, reaches {what}{_beside(evaluation)}."


def _beside(evaluation: AnyEvaluation) -> str:
    """How clearly the best model is ahead of the others."""
    told = [one for one in evaluation.comparisons if one.p_adjusted is not None]
    if not told:
        return ""
    level = [one.model for one in told if not one.significant]
    if not level:
        sign = 1 if isinstance(evaluation, RegressionEvaluation) else -1
        ahead = all(one.difference.value is not None and sign * one.difference.value > 0 for one in told)
        return f", significantly {'ahead of' if ahead else 'apart from'} every other model"
    others = level[0] if len(level) == 1 else f"{len(level)} of the others"
    if 1 < len(level) == len(told):
        others = "any other model"
    return f", with no significant difference from {others}"


def reasons(record: RunRecord, evaluation: AnyEvaluation) -> Iterator[str]:
    """Why not to believe the figures as they stand, the most serious reason first; there always is one."""
    best = evaluation.models[evaluation.best]
    yield from (f"the best model carries a warning, {_inner(warning)}" for warning in best.warnings)
    yield from _openings(evaluation)
    yield from _audited(record)
    yield from _ahead(evaluation)
    yield from filter(None, (flattered(evaluation), too_good_on_validation(evaluation)))
    if evaluation.data.origin == "simulated":
        yield "every event was simulated, and how far the generator describes real data no interval here tells"
    yield from _few(evaluation)
    yield from _weights(evaluation)
    yield from _scores(evaluation)
    yield from _slices(evaluation)
    if isinstance(evaluation, Evaluation):
        yield from _known_background(evaluation)
    yield (
        f"all figures come from one data set and one training with seed {record.config.seed}, and how much another "
        "would change them no interval here tells"
    )
    # Last, as it does not touch the figures of the test part.
    yield from _overtraining(evaluation)


def _inner(text: str) -> str:
    """A sentence as a part of another one."""
    return text.strip().rstrip(".").replace(". ", "; ")


def _openings(evaluation: AnyEvaluation) -> Iterator[str]:
    times = evaluation.test_openings
    if times > 1:
        yield (
            f"the test part was opened {times} times, and whatever was chosen after the first time is no longer "
            "judged on unseen events"
        )
    elif times == 0:
        yield "no opening of the test part is on record, yet test figures are quoted"


def _audited(record: RunRecord) -> Iterator[str]:
    if record.audit is None:
        yield "the run folder holds no audit, so that nobody knows what is wrong with the data"
        return
    stops = [one for one in record.audit.findings if one.severity == "stop"]
    warnings = [one for one in record.audit.findings if one.severity == "warn"]
    for found, words in ((stops, "would have stopped the run, had the config not accepted it"), (warnings, "warns")):
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            yield f"the audit {words}: {_inner(found[0].message)}{more}"


def _ahead(evaluation: AnyEvaluation) -> Iterator[str]:
    found = evaluation.selection
    if found is not None and not found.evidence:
        yield (
            f"the lead of {found.winner} over {found.runner_up} is no more than choosing the best of {found.n_models} "
            "equal models can give by itself"
        )


def _known_background(evaluation: Evaluation) -> Iterator[str]:
    expected = evaluation.physics.get(evaluation.best)
    if expected is not None and not expected.yields.background_uncertainty > 0:
        yield (
            "the expected significances take the background as exactly known, since evaluate.background_uncertainty "
            "is 0"
        )


def _overtraining(evaluation: AnyEvaluation) -> Iterator[str]:
    if isinstance(evaluation, Evaluation):
        verdict = evaluation.models[evaluation.best].overtraining.verdict
        if verdict and not verdict.startswith(_NO_OVERTRAINING):
            # What follows the semicolon is advice.
            seen = _lower(_inner(verdict.partition(";")[0]))
            yield f"the overtraining check of {evaluation.best} says that {seen}, so that only test figures count"
        return
    gap = evaluation.models[evaluation.best].rmse_gap
    if gap.low is not None and gap.low > 0:
        yield f"the RMSE of {evaluation.best} is smaller on the events it was trained on, by {cell(gap).value}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2].lower() == text[:1].lower() + text[1:2] else text


def _few(evaluation: AnyEvaluation) -> Iterator[str]:
    data = evaluation.data
    counted = {"": data.n_test}
    if isinstance(evaluation, Evaluation) and "test" in data.n_signal and "test" in data.n_background:
        background, signal = evaluation.classes
        counted = {f" {signal}": data.n_signal["test"], f" {background}": data.n_background["test"]}
    name, events = min(counted.items(), key=lambda one: one[1])
    if events < FEW_EVENTS:
        yield f"there are only {number(events, 0)}{name} test events, so that every figure is uncertain"


def _weights(evaluation: AnyEvaluation) -> Iterator[str]:
    """Negative weights, and weights so unequal that few of the test events count."""
    weights = evaluation.weights
    if weights is None:
        return
    negative = [(part, one) for part, weighed in weights.parts.items() for one in weighed if one.negative]
    if negative:
        part, worst = max(negative, key=lambda found: found[1].negative_share)
        name = f" {worst.name}" if worst.name else ""
        yield f"{percent(worst.negative_share)} of the weight of the{name} events in {part} is negative"
    for part, one in weights.few():
        if part == "test":
            name = f" {one.name}" if one.name else ""
            yield (
                f"the weights of the {number(one.events, 0)}{name} test events are so unequal that they tell no more "
                f"than {number(one.effective, 0)} of equal weight would"
            )


def _scores(evaluation: AnyEvaluation) -> Iterator[str]:
    """Scores that are no probabilities; coverage that is not what it should be."""
    if isinstance(evaluation, Evaluation):
        yield from _calibration(evaluation.best, evaluation.models[evaluation.best])
        return
    for one in evaluation.models[evaluation.best].intervals:
        covered = one.coverage
        if covered.value is not None and covered.high is not None and covered.high < one.nominal:
            yield (
                f"prediction intervals of {evaluation.best} that should hold {percent(one.nominal)} of the truths "
                f"hold {percent(covered.value)}"
            )


def _calibration(name: str, model: ModelEvaluation) -> Iterator[str]:
    """Bins of the reliability diagram whose share of signal is not what the scores say; without one, a large ECE."""
    error = model.metrics.get("ece")
    if model.calibration is None:
        if error is not None and error.low is not None and error.low > POOR_CALIBRATION:
            yield f"the scores of {name} are no probabilities, being off by {cell(error).value} on average"
        return
    shown = model.calibration.after or model.calibration.before
    known = [
        (one.score, one.signal.low, one.signal.high)
        for one in shown.bins
        if one.score is not None and one.signal.low is not None and one.signal.high is not None
    ]
    off = sum(not low <= score <= high for score, low, high in known)
    # One interval in twenty misses by chance.
    if off and float(binom.sf(off - 1, len(known), 0.05)) < _RARELY:
        yield (
            f"the scores of {name} are no probabilities, since in {off} of {len(known)} bins of its reliability "
            "diagram the share of signal is not what the scores say"
        )


def _slices(evaluation: AnyEvaluation) -> Iterator[str]:
    best = evaluation.best
    if isinstance(evaluation, Evaluation):
        taken = evaluation.slices
        apart = [] if taken is None else [taken.column] * any(one.differs.get(best) for one in taken.slices)
    else:
        along = evaluation.models[best].profiles
        # Predictions lean towards the middle of the target: there the bias alone tells nothing new.
        apart = [
            profile.column
            for profile in along
            if any(set(one.differs) - ({"bias"} if profile is along[0] else set()) for one in profile.bins)
        ]
    if apart:
        yield f"the figures of {best} differ significantly by {' and by '.join(apart)}, so that none holds everywhere"
