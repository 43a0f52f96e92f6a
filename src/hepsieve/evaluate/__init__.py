"""Arrays of scores, truth and weights turned into frozen results; knows no model and no backend."""

from __future__ import annotations

from hepsieve.evaluate.behind_cut import behind_cut, counted
from hepsieve.evaluate.choose import choose_best
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.confusion import confusion_figures
from hepsieve.evaluate.cut import Cut, require_reachable
from hepsieve.evaluate.features import correlations, feature_histograms
from hepsieve.evaluate.images import image_summary
from hepsieve.evaluate.intervals import auc_interval
from hepsieve.evaluate.model import evaluate_model
from hepsieve.evaluate.out_of_fold import out_of_fold
from hepsieve.evaluate.scan import threshold_scan
from hepsieve.evaluate.selection import regression_selection, selection
from hepsieve.evaluate.slices import bin_edges, binned_slices, require_few, slices
from hepsieve.evaluate.waveforms import waveform_summary
from hepsieve.evaluate.working_points import working_points

__all__ = [
    "Cut",
    "auc_interval",
    "behind_cut",
    "bin_edges",
    "binned_slices",
    "choose_best",
    "compare_to_best",
    "confusion_figures",
    "correlations",
    "counted",
    "evaluate_model",
    "feature_histograms",
    "image_summary",
    "out_of_fold",
    "regression_selection",
    "require_few",
    "require_reachable",
    "selection",
    "slices",
    "threshold_scan",
    "waveform_summary",
    "working_points",
]
