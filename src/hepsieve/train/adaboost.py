"""Train AdaBoost on shallow trees with scikit-learn, and keep it as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from hepsieve.history import EpochRecord
from hepsieve.models.adaboost import Ensemble, from_sklearn
from hepsieve.models.config import AdaBoostConfig, TrainConfig
from hepsieve.progress import Progress
from hepsieve.train.dead import dead_model
from hepsieve.train.figures import measure
from hepsieve.train.objective import objective_of
from hepsieve.train.share import paused_after
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.weighting import refuse_negative, weigh

_TREES_BETWEEN_RECORDS = 10


def fit(
    name: str,
    config: AdaBoostConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
    share: float = 1.0,
) -> Trained:
    """Boost on ``train``; no early stopping, ``validation`` gives the history only, a record every ten trees.

    Of ``settings`` only the class and event weights count.

    Raises:
        ConfigError: if there is a number to predict: it only tells classes apart.
        TrainingError: if weights are negative (AdaBoost refuses them) or otherwise can't be used.
    """
    began = perf_counter()
    objective_of(config, train.kind)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    refuse_negative(train, name=f"{name}: train", backend="AdaBoost")
    with progress.task(f"train {name}", None) as advance:
        classifier = AdaBoostClassifier(
            DecisionTreeClassifier(max_depth=config.depth),
            n_estimators=paused_after(share, config.estimators),
            learning_rate=config.learning_rate,
            random_state=seed,
        )
        classifier.fit(train.inputs, train.target, sample_weight=train.weight)
        model = from_sklearn(classifier)
        seconds = perf_counter() - began
        history = tuple(_records(name, config, model.ensemble, train, validation, seconds=seconds))
        advance(1, f"AUC {history[-1].validation_auc:.4f}")
    for record in history:
        on_epoch(record)
    dead = dead_model(model.ensemble.decision(validation.inputs), validation, calibrated=False)
    return Trained(
        model=model,
        history=history,
        best_epoch=history[-1].epoch,
        seconds=perf_counter() - began,
        warnings=() if dead is None else (dead,),
    )


def _records(
    name: str, config: AdaBoostConfig, ensemble: Ensemble, train: Part, validation: Part, *, seconds: float
) -> Iterator[EpochRecord]:
    """Figures of the growing ensemble; the time of the whole fit is shared out evenly over the trees."""
    trees, recorded = len(ensemble.weight), 0
    stages = zip(ensemble.decisions(train.inputs), ensemble.decisions(validation.inputs), strict=True)
    for number, (on_train, on_validation) in enumerate(stages, start=1):
        if number % _TREES_BETWEEN_RECORDS and number != trees:
            continue
        seen, unseen = measure(on_train, train), measure(on_validation, validation)
        yield EpochRecord(
            model=name,
            epoch=number,
            seconds=seconds * (number - recorded) / trees,
            train_loss=seen.loss,
            train_accuracy=seen.accuracy,
            train_auc=seen.auc,
            validation_loss=unseen.loss,
            validation_accuracy=unseen.accuracy,
            validation_auc=unseen.auc,
            learning_rate=config.learning_rate,
        )
        recorded = number
