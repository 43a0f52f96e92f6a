"""Values with their intervals, in digits that the interval supports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.report.summary import cell, column_cells, decimals_for, metric_title, number, results_table, table_metrics


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.7912, 0.7781, 0.8040, "0.7912 (0.7781–0.8040)"),
        (0.956812, 0.956312, 0.957312, "0.95681 (0.95631–0.95731)"),
        (0.0, -0.01, 0.02, "0.0000 (−0.0100 to 0.0200)"),
        (1234.5, 1100.0, 1400.0, "1,234 (1,100–1,400)"),
        (0.5, None, None, "0.5000"),
        (12.0, 11.0, None, "12.00 (> 11.00)"),
        (None, 123.4, None, "> 123"),
        (None, 0.5, None, "> 0.500"),
        (None, None, None, "–"),
        (1.0, 1.0, 1.0, "1.000 (1.000–1.000)"),
    ],
)
def test_value_and_interval(value: float | None, low: float | None, high: float | None, expected: str) -> None:
    assert str(cell(Quantity(value=value, low=low, high=high))) == expected


@given(value=st.floats(-1e6, 1e6), below=st.floats(1e-9, 1e5), above=st.floats(1e-9, 1e5))
def test_text_reads_back_to_within_its_last_digit(value: float, below: float, above: float) -> None:
    quantity = Quantity(value=value, low=value - below, high=value + above)
    decimals = decimals_for(quantity)
    shown = cell(quantity).value.replace(",", "").replace("−", "-")
    assert abs(float(shown) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + 1e-9


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_zero_has_no_sign(value: float, decimals: int) -> None:
    text = number(value, decimals)
    assert "-" not in text
    assert text.strip("0.") != "−"


def test_a_column_has_one_number_of_decimals() -> None:
    column = column_cells(
        [
            Quantity(value=0.8, low=0.79, high=0.81),
            None,
            Quantity(value=0.7, low=0.6, high=0.8),
            Quantity(value=0.75, low=0.74, high=0.76),
        ]
    )
    assert [entry.value for entry in column] == ["0.8000", "–", "0.7000", "0.7500"]


def test_unknown_metrics_keep_their_name() -> None:
    assert metric_title("cohens_kappa") == "cohens kappa"
    assert metric_title("gain@best") == "gain at best"


def test_results_table_is_one_row_a_model(evaluate_by_hand: Callable[..., Evaluation]) -> None:
    evaluation = evaluate_by_hand()
    rows = results_table(evaluation)
    assert [row["model"] for row in rows] == ["adaboost", "trees ★", "mlp-torch", "mlp-keras"]
    assert list(rows[0])[:9] == [
        *("model", "framework", "parameters", "epochs", "seconds", "AUC", "accuracy", "F1", "log loss"),
    ]
    assert list(rows[0])[9:] == [f"rejection at {percent} % signal" for percent in (30, 50, 70)]
    assert rows[1]["AUC"] == "0.7826 (0.7697–0.7955)"
    assert rows[2]["parameters"] == "190,201"
    assert table_metrics(evaluation)[0] == "auc"
