"""Arrays of scores, truth and weights turned into frozen results; knows no model and no backend."""

from __future__ import annotations

from hepsieve.evaluate.choose import choose_best
from hepsieve.evaluate.confusion import confusion_figures
from hepsieve.evaluate.features import correlations, feature_histograms
from hepsieve.evaluate.intervals import auc_interval
from hepsieve.evaluate.model import evaluate_model
from hepsieve.evaluate.working_points import working_points

__all__ = [
    "auc_interval",
    "choose_best",
    "confusion_figures",
    "correlations",
    "evaluate_model",
    "feature_histograms",
    "working_points",
]
