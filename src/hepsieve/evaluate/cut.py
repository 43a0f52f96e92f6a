"""What a cut on the score is asked to do, and whether so many events can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log10

from hepsieve.errors import ConfigError

# Rounding of 1/n must not refuse what n events can just tell.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a threshold is found, in exactly one way.

    Attributes:
        threshold: the cut on the score itself.
        signal_efficiency: the highest cut that keeps at least this share of signal.
        background_efficiency: the lowest cut that lets at most this share of background pass.
        no_background: the lowest cut above every background event.

    Raises:
        ConfigError: if it is given in no way, or in several.
    """

    threshold: float | None = None
    signal_efficiency: float | None = None
    background_efficiency: float | None = None
    no_background: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what says nothing or contradicts itself."""
        ways = [name for name, value in vars(self).items() if value is not None and value is not False]
        if len(ways) != 1:
            raise ConfigError(f"a cut is given in exactly one way; found {', '.join(ways) or 'none'}")

    def wanted(self) -> str:
        """The cut in words.

        >>> Cut(signal_efficiency=0.99).wanted(), Cut(no_background=True).wanted(), Cut(threshold=0.9).wanted()
        ('99 % signal efficiency', 'no background left', 'score ≥ 0.9')
        """
        if self.threshold is not None:
            return f"score ≥ {self.threshold:.12g}"
        if self.signal_efficiency is not None:
            return f"{percentage(self.signal_efficiency)} signal efficiency"
        if self.background_efficiency is not None:
            return f"{percentage(self.background_efficiency)} background efficiency"
        return "no background left"


def percentage(share: float) -> str:
    """A share in percent, all its digits.

    >>> percentage(0.9999), percentage(0.3)
    ('99.99 %', '30 %')
    """
    return f"{100 * share:.10g} %"


def threshold_text(threshold: float) -> str:
    """A threshold with as many decimals as tell it from 0 and from 1.

    >>> threshold_text(0.35), threshold_text(0.99962), threshold_text(1.0)
    ('0.3500', '0.99962', '1')
    """
    nearest = min(threshold, 1 - threshold)
    if nearest <= 0:
        return f"{threshold:.17g}"
    return f"{threshold:.{max(4, 1 - floor(log10(nearest)))}f}"


def require_reachable(cuts: Mapping[str, Cut], *, n_signal: Mapping[str, int], n_background: Mapping[str, int]) -> None:
    """Refuse cuts that so few events can't set or measure, before anything is trained.

    An efficiency above 1 − 1/n can't be told from 1 by n events, and one below 1/n can't be told from 0.

    Args:
        cuts: the cuts by name.
        n_signal: numbers of signal events by part: those that set the threshold, and those that measure it.
        n_background: numbers of background events likewise.

    Raises:
        ConfigError: naming the cut, and the part with the fewest events.
    """
    for name, cut in cuts.items():
        key = f"evaluate.working_points.{name}: no cut gives {cut.wanted()}"
        if cut.signal_efficiency is not None:
            part, n = min(n_signal.items(), key=lambda item: item[1])
            if n * (1 - cut.signal_efficiency) < 1 - _ROUNDING:
                best = _rounded(1 - 1 / n if n else 0.0, n, down=True)
                raise ConfigError(f"{key}: {n} {part} signal events allow at most {best}; lower it or give more events")
        if cut.background_efficiency is not None:
            part, n = min(n_background.items(), key=lambda item: item[1])
            if n * cut.background_efficiency < 1 - _ROUNDING:
                best = _rounded(1 / n if n else 1.0, n, down=False)
                raise ConfigError(
                    f"{key}: {n} {part} background events resolve {best} at best; raise it, give more events "
                    "or use no_background"
                )


def _rounded(share: float, n: int, *, down: bool) -> str:
    """A share in percent to two digits of 1/n, rounded to the side that is allowed."""
    decimals = max(ceil(log10(max(n, 1) / 100)) + 1, 0)
    scaled = 100 * share * 10**decimals
    whole = floor(scaled + 1e-6) if down else ceil(scaled - 1e-6)
    return f"{whole / 10**decimals:.10g} %"
