"""Figures of a distribution to text: four digits, and a mean no finer than its spread makes sense of."""

from __future__ import annotations

from math import floor, log10

from hepsieve.report.summary import UNKNOWN

_DIGITS = 4


def figure(value: float | None) -> str:
    """A number with four digits, without an exponent where that is short.

    >>> figure(0.000171), figure(-1.74312), figure(1407.6), figure(0), figure(3.1e7), figure(None)
    ('1.71e-04', '-1.743', '1408', '0', '3.10e+07', '–')
    """
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    power = _power(value)
    return f"{value:.{_decimals(power)}f}" if -4 < power < 6 else f"{value:.{_DIGITS - 2}e}"


def mean_figure(mean: float | None, std: float | None) -> str:
    """The mean, to a decimal that the spread gives a meaning to: a symmetric feature's is not 1.23e-05.

    >>> mean_figure(1.23e-05, 0.98), mean_figure(1.23e-05, None)
    ('0.0000', '1.23e-05')
    """
    if not mean or not std or not -4 < _power(std) < 6 or _power(mean) >= 6:
        return figure(mean)
    text = f"{mean:.{_decimals(_power(std))}f}"
    return text if text.strip("-0.") else text.lstrip("-")


def _power(value: float) -> int:
    return floor(log10(abs(value)))


def _decimals(power: int) -> int:
    return max(_DIGITS - 1 - max(power, -1), 0)
