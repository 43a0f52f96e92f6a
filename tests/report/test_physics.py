from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.samples import shifted
from tests.report.page import Page

from hepsieve.evaluate.best_cut import best_cut
from hepsieve.evaluate.physics import physics
from hepsieve.evaluate.physics_results import ClassYield, Expected, Physics, Yields
from hepsieve.evaluate.results import Evaluation
from hepsieve.evaluate.score_bins import BinRule
from hepsieve.report.html import render
from hepsieve.report.inputs import read_run
from hepsieve.report.physics_figures import score_stack
from hepsieve.report.physics_section import counted, physics_section, physics_sentence
from hepsieve.report.summary_sentences import reasons

Make = Callable[..., Evaluation]


def expectation(*, uncertainty: float = 0.1, most: int = 4, distance: float = 2.0) -> Physics:
    rng = np.random.default_rng(1)
    validation, test = (shifted(rng, 600, distance=distance) for _ in range(2))
    cut = best_cut(validation.ranked(), signal_yield=20, background_yield=400, resamples=20)
    return physics(
        validation=validation.scored(),
        test=test.scored(),
        yields=Yields(
            luminosity=139,
            signal=ClassYield(events=20, given_as="cross_section", cross_section=0.5, efficiency=0.25),
            background=ClassYield(events=12345, given_as="weights"),
            background_uncertainty=uncertainty,
        ),
        cut=cut,
        rule=BinRule(most=most),
        resamples=100,
    )


@pytest.fixture
def expecting(evaluate_by_hand: Make) -> Make:
    def make(**options: float) -> Evaluation:
        known = expectation(**options)  # type: ignore[arg-type]
        made = evaluate_by_hand(features=["m_bb"], models=("adaboost", "trees"))
        return made.model_copy(update={"physics": {"adaboost": known, "trees": known}})

    return make


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_yields_has_no_section(evaluate_by_hand: Make, make_run: Callable[..., Path]) -> None:
    evaluation = evaluate_by_hand(features=["m_bb"], models=("trees",))
    assert physics_section(evaluation) is None
    assert physics_sentence(evaluation) == ""
    page = Page(render(make_run(evaluation)))
    assert "physics" not in page.sections
    assert "What to expect" not in page.words


@pytest.mark.usefixtures("undrawn")
def test_the_section_quotes_the_evaluation(expecting: Make, make_run: Callable[..., Path]) -> None:
    evaluation = expecting()
    known = evaluation.physics["trees"]
    page = Page(render(make_run(evaluation)))
    assert "physics" in page.sections
    for words in (
        "0.5 fb × 139 fb⁻¹ × 25 %",
        "the sum of the events' weights",
        "12,345",
        "is the mean rank of the best cuts of 20 resamples of the validation part",
        "± 10 % background",
        f"{known.significance.value:.2f}",
    ):
        assert words in page.words, words
    section = physics_section(evaluation)
    assert section is not None
    assert len(section.models.rows) == 2
    assert section.bins.rows[0][0].value.endswith("– 1")
    assert len(section.bins.rows) == len(known.bins)
    numbers = section.pictures[1].numbers
    assert list(numbers["signal [events]"]) == [one.signal.events for one in known.bins]
    assert list(section.pictures[0].numbers["significance"]) == list(known.curve.value)


@pytest.mark.usefixtures("undrawn")
def test_without_an_uncertainty_nothing_is_said_of_one(expecting: Make, make_run: Callable[..., Path]) -> None:
    evaluation = expecting(uncertainty=0.0)
    section = physics_section(evaluation)
    assert section is not None
    assert section.models.columns == (
        "model",
        "cut: score ≥",
        "signal",
        "background",
        "significance",
        "AMS",
        "all bins",
    )
    assert "independent in every bin" not in section.bins_note
    assert "taken as known" in section.pictures[0].note
    run = make_run(evaluation)
    assert "by a side measurement" not in Page(render(run)).words
    record = read_run(run)
    assert any("take the background as exactly known" in one for one in reasons(record, evaluation))
    assert not any("exactly known" in one for one in reasons(record, expecting(uncertainty=0.1)))


def test_the_sentence_for_a_terminal(expecting: Make) -> None:
    evaluation = expecting()
    known = evaluation.physics["trees"]
    sentence = physics_sentence(evaluation)
    assert sentence.startswith(
        f"trees expects {counted(known.signal)} signal and {counted(known.background)} background"
    )
    assert f"significance {known.significance.value:.2f}" in sentence
    assert "with 10 % on the background" in sentence
    assert f"in {len(known.bins)} bins of the score" in sentence


def test_many_bins_and_names_from_files_are_drawn(expecting: Make) -> None:
    many = expectation(most=30, distance=1.0)
    assert len(many.bins) > 8
    figure = score_stack(many, ("_hidden$", "$x"), simulated=True)
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][:2] == ["$x", "_hidden$"]
    assert figure.axes[1].get_xlabel() == "bin of the score, from the lowest"


def test_counts_with_errors_and_without() -> None:
    assert counted(Expected(events=1234.5, error=98.7, effective_events=150)) == "1,234 ± 99"
    assert counted(Expected(events=0.0123, error=0.0045, effective_events=7)) == "0.0123 ± 0.0045"
    assert counted(Expected(events=0.0, error=0.0, effective_events=0)) == "0"
