from __future__ import annotations

import numpy as np

from hepsieve.evaluate.weight_results import Policy, WeightSummary
from hepsieve.evaluate.weights import weight_summary
from hepsieve.report.page import environment
from hepsieve.report.weights_section import weights_section, weights_sentence

TARGET = np.repeat([0, 1], 100)


def summed(weight: np.ndarray[tuple[int], np.dtype[np.float64]], policy: Policy = "drop") -> WeightSummary | None:
    parts = {"train": (TARGET, weight), "validation": (TARGET, weight), "test": (TARGET, weight)}
    return weight_summary(parts, classes=("bkg", "sig"), policy=policy)


def rendered(summary: WeightSummary | None) -> str:
    source = '{% from "macros.html.j2" import entry, table with context %}{% include "weights.html.j2" %}'
    return environment().from_string(source).render(weights_section(summary))


def test_no_section_without_weights() -> None:
    assert rendered(summed(np.ones(200))).strip() == ""
    assert weights_sentence(None) == ""


def test_mild_weights_are_shown_and_not_remarked_on() -> None:
    summary = summed(np.where(np.arange(200) % 2, 1.5, 0.5))
    assert weights_sentence(summary) == ""
    page = rendered(summary)
    # 100 events of 0.5 and 1.5: 100² / (50 · 0.25 + 50 · 2.25) = 80.
    assert page.count(">80<") == 6
    assert "No weight is negative." in page


def test_negative_and_few_effective_events_are_remarked_on() -> None:
    # Of 100 events of each class 20 have the weight −1: (60)² / 100 = 36 effective ones, 20 % of the weight.
    weight = np.where(np.arange(200) % 5 == 0, -1.0, 1.0)
    sentence = weights_sentence(summed(weight, "keep"))
    assert "test bkg: 100 count as 36" in sentence
    assert "Negative weights: 20.0 % of the weight of bkg, 20.0 % of the weight of sig in test" in sentence
    assert sentence.endswith("training keeps them as they are.")
    page = rendered(summed(weight))
    assert "leaves their events out (train.negative_weights: drop)" in page
    assert "sig as trained with" in page
    # Dropped, 80 events of weight 1 are left.
    assert page.count(">80<") == 6
