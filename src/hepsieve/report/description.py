"""A description of the data into words, tables and small figures, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from hepsieve.audit.description import Correlation, Description, FeatureSummary
from hepsieve.evaluate.results import FeatureHistogram, Quantity
from hepsieve.report.figures import feature_histogram
from hepsieve.report.image_description import (
    CAPTION,
    hit_pictures,
    image_remarks,
    missing_channel_rows,
    missing_row,
    shape_rows,
)
from hepsieve.report.picture import Picture
from hepsieve.report.rounding import figure, mean_figure
from hepsieve.report.sections import Table
from hepsieve.report.summary import UNKNOWN, Cell, number, percent
from hepsieve.report.waveform_description import CAPTION as WAVEFORM_CAPTION
from hepsieve.report.waveform_description import (
    quantity_rows,
    target_picture,
    target_remarks,
    target_sentence,
    waveform_remarks,
)

Row = dict[str, str]

_NAMES = ("feature", "class", "with", "unit")
_MOST_PAIRS = 50
_CAPTION = "Features: finite values; standard deviation with n − 1; quartiles to 0.2 % of their values or better"
_NOT_MEASURED = Quantity(value=None, low=None, high=None)


@dataclass(frozen=True, kw_only=True)
class ClassShare:
    """One class in numbers, with its part of a bar."""

    name: str
    side: str
    events: str
    percent: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What the page says about the data before anything is learned from them.

    Attributes:
        events: how many there are.
        shares: signal, then background; none in a regression.
        remarks: sentences on weights, labels and kinds of data that say nothing where all is as usual.
        features: a row for each feature, or two for each shower shape; None where there are none to describe.
        caption: what the table of features shows.
        hits: maps of where the hits of each class are, in images.
        target: the distribution of what is regressed, where something is.
        missing: what the table of missing values shows, or that there are none.
        missing_table: None where no value is missing.
        pairs: which features are correlated, or that none are.
        pairs_table: None where none are.
    """

    events: str
    shares: tuple[ClassShare, ...]
    remarks: tuple[str, ...]
    features: Table | None
    caption: str
    hits: tuple[Picture, ...]
    target: Picture | None
    missing: str
    missing_table: Table | None
    pairs: str
    pairs_table: Table | None


def glance(description: Description) -> Glance:
    """The description as the page shows it."""
    images = description.images
    total = max(sum(description.counts), 1)
    shares = tuple(
        ClassShare(
            name=description.classes[side],
            side=("background", "signal")[side],
            events=number(description.counts[side], 0),
            percent=percent(description.counts[side] / total),
            share=description.counts[side] / total,
        )
        for side in ((1, 0) if description.target is None else ())
    )
    pairs = pair_rows(description)
    return Glance(
        events=number(sum(description.counts), 0),
        shares=shares,
        remarks=remarks(description),
        features=_table(_without_empty_units(feature_rows(description))),
        caption=_caption(description),
        hits=() if images is None else tuple(hit_pictures(images, description.classes, description.counts)),
        target=None if description.target is None else target_picture(description.target),
        missing=missing_sentence(description),
        missing_table=_table(missing_rows(description)),
        pairs=pairs_sentence(description) + (f" The {_MOST_PAIRS} strongest:" if len(pairs) > _MOST_PAIRS else ""),
        pairs_table=_table(pairs[:_MOST_PAIRS]),
    )


def _caption(description: Description) -> str:
    if description.images is not None:
        return CAPTION
    return WAVEFORM_CAPTION if description.waveforms is not None else _CAPTION


def class_balance(description: Description) -> str:
    """How many events there are of each class, in numbers and per cent; in a regression the range of the target."""
    if description.target is not None:
        return target_sentence(description.target)
    total = sum(description.counts)
    parts = (
        f"{number(count, 0)} {name}" + (f" ({percent(count / total)})" if total else "")
        for name, count in list(zip(description.classes, description.counts, strict=True))[::-1]
    )
    return ", ".join(parts)


def remarks(description: Description) -> tuple[str, ...]:
    """What a reader must know about the events besides their classes."""
    found = [] if description.target is None else [*target_remarks(description.target)]
    if description.unlabelled:
        found.append(_left_out(description))
    if description.weights is not None:
        found.append(
            f"The event weights sum to {_sums(description)}; the figures here count events and use no weights."
        )
    if description.images is not None:
        found += image_remarks(description.images, description.classes, description.counts)
    if description.waveforms is not None:
        found += waveform_remarks(description.waveforms, description.classes, description.counts)
    return tuple(found)


def _left_out(description: Description) -> str:
    one = description.unlabelled == 1
    events = "1 event" if one else f"{number(description.unlabelled, 0)} events"
    if description.target is not None:
        return f"{events} {'has' if one else 'have'} no target and {'is' if one else 'are'} left out here."
    return f"{events} {'is' if one else 'are'} labelled as neither class and left out here."


def _sums(description: Description) -> str:
    sums = [figure(weight) for weight in description.weights or ()]
    if description.target is not None:
        return sums[0]
    background, signal = description.classes
    return f"{sums[1]} ({signal}) and {sums[0]} ({background})"


def feature_rows(description: Description) -> list[Row]:
    """The describe table, one row a feature in the order of the data; of images and waveforms two a shape."""
    if description.images is not None:
        return shape_rows(description.images, description.classes)
    if description.waveforms is not None:
        return quantity_rows(description.waveforms, description.classes)
    return [_feature_row(feature) for feature in description.features]


def _without_empty_units(rows: list[Row]) -> list[Row]:
    """Rows without the column of units where no feature has one."""
    known = any(row["unit"] != UNKNOWN for row in rows)
    return rows if known else [{name: text for name, text in row.items() if name != "unit"} for row in rows]


def _feature_row(feature: FeatureSummary) -> Row:
    figures = {
        "std": feature.std,
        "min": feature.min,
        "25 %": feature.q25,
        "50 %": feature.median,
        "75 %": feature.q75,
        "max": feature.max,
    }
    return {
        "feature": feature.name,
        "unit": feature.unit or UNKNOWN,
        "count": str(feature.count),
        "missing": str(feature.missing),
        "mean": mean_figure(feature.mean, feature.std),
        **{name: figure(value) for name, value in figures.items()},
        "distinct": "many" if feature.distinct is None else str(feature.distinct),
    }


def missing_rows(description: Description) -> list[Row]:
    """Features (of images channels) with values that are missing or infinite, those with most of them first."""
    if description.images is not None:
        pixels = description.images.rows * description.images.columns
        return missing_channel_rows(
            description.images.channels, description.classes, values=sum(description.counts) * pixels
        )
    if description.waveforms is not None:
        samples = description.waveforms.samples
        return missing_channel_rows(
            description.waveforms.channels, description.classes, values=sum(description.counts) * samples
        )
    total = sum(description.counts)
    found = [feature for feature in description.features if feature.missing or feature.infinite]
    return [
        missing_row(
            feature.name,
            feature.missing,
            feature.missing_by_class,
            feature.infinite,
            description.classes,
            values=total,
        )
        for feature in sorted(found, key=lambda one: -(one.missing + one.infinite))
    ]


def missing_sentence(description: Description) -> str:
    """How many events lack a value, or that none does."""
    if not description.features and description.images is None and description.waveforms is None:
        return ""
    total = sum(description.counts)
    lacking = total - description.complete
    if not lacking:
        return "No value is missing or infinite."
    event = "image" if description.images is not None else "event" if description.waveforms is None else "waveform"
    events = f"1 {event} has" if lacking == 1 else f"{number(lacking, 0)} {event}s have"
    return f"{events} a missing or infinite value ({percent(lacking / total)} of {number(total, 0)})."


def pair_rows(description: Description) -> list[Row]:
    """The pairs of features that are correlated above the threshold, strongest first."""
    return [
        {
            "feature": pair.first,
            "with": pair.second,
            "r in all events": _coefficient(pair.r),
            **{
                f"in {name}": _coefficient((pair.background, pair.signal)[side])
                for side, name in enumerate(description.classes)
                if name
            },
        }
        for pair in description.correlated
    ]


def pairs_sentence(description: Description) -> str:
    """How many pairs are correlated above the threshold; where none is, which comes closest."""
    if not description.features:
        return ""
    threshold = f"{description.threshold:g}"
    n = len(description.correlated)
    if n:
        pairs = "1 pair of features is" if n == 1 else f"{number(n, 0)} pairs of features are"
        within = ", in all events or within a class" if any(description.classes) else ""
        return f"{pairs} correlated above {threshold}{within}."
    strongest = description.strongest
    largest = f" (largest: {_strongest(strongest, description.classes)})" if strongest is not None else ""
    return f"No pair of features is correlated above {threshold}{largest}."


def _strongest(pair: Correlation, classes: tuple[str, str]) -> str:
    where = {"": pair.r}
    if any(classes):
        where |= {f" in {classes[0]}": pair.background, f" in {classes[1]}": pair.signal}
    defined = {place: r for place, r in where.items() if r is not None}
    place = max(defined, key=lambda one: abs(defined[one]))
    return f"{pair.first} and {pair.second}, {number(defined[place], 2)}{place}"


def histogram(feature: FeatureSummary) -> Figure:
    """The densities of both classes over all events; in a regression the one of all of them."""
    return feature_histogram(
        FeatureHistogram(
            name=feature.name,
            unit=feature.unit,
            edges=feature.edges,
            background=feature.background,
            signal=feature.signal,
            auc=_NOT_MEASURED,
        )
    )


def _coefficient(r: float | None) -> str:
    return UNKNOWN if r is None else f"{r:.3f}"


def _table(rows: Sequence[Row]) -> Table | None:
    """Rows of equal keys for the page, with groups of thousands and true minus signs in their numbers."""
    if not rows:
        return None
    return Table(
        columns=tuple(rows[0]),
        rows=tuple(tuple(Cell(value=_typeset(*entry)) for entry in row.items()) for row in rows),
    )


def _typeset(column: str, text: str) -> str:
    if column in _NAMES:
        return text
    return number(int(text), 0) if text.isdigit() else text.replace("-", "−")
