"""Column names: the ones that are wanted found among the ones that a file has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hepsieve.config import DataConfig
from hepsieve.data.catalog import dataset
from hepsieve.errors import DataError

_SHOWN = 12


def normalise(name: str) -> str:
    """What remains of a column name when case, blanks and punctuation don't matter.

    >>> normalise("jet 1 b-tag") == normalise("jet_1_btag") == normalise("Jet1_b-tag")
    True
    """
    return re.sub(r"[\W_]", "", name.lower())


_UNIT = r"(?:[kMGTPcdmµμunpf]?(?:eV|m|s|rad|T|V|A|C|Hz|g|b)|deg|°|%|c|h|min)"
_POWER = rf"{_UNIT}(?:\^?-?[\d²³⁻¹]+)?"
_UNITS = re.compile(rf"(.*\S)\s*[(\[]\s*({_POWER}(?:\s*[/*·. ]\s*{_POWER})*)\s*[)\]]")


def split_unit(name: str) -> tuple[str, str]:
    """A column name without the unit that it ends with in brackets, and the unit; what is no unit stays in the name.

    >>> split_unit("Invariant Mass (GeV/c^2)"), split_unit("DOCA [cm]"), split_unit("m (old)")
    (('Invariant Mass', 'GeV/c^2'), ('DOCA', 'cm'), ('m (old)', ''))
    """
    found = _UNITS.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def bare_names(header: Sequence[str]) -> dict[str, str]:
    """The file's columns by their names without units; with the unit where two would be called the same."""
    bare = [split_unit(name)[0] for name in header]
    counts = {name: bare.count(name) for name in bare}
    return {short if counts[short] == 1 else name: name for short, name in zip(bare, header, strict=True)}


def require_units(found: Mapping[str, str], units: Mapping[str, str], *, path: Path | str) -> None:
    """Stop at a column whose name says another unit than is expected.

    Args:
        found: the file's own column by feature.
        units: the expected unit by feature; an empty one expects nothing.
        path: the file, for the error.

    Raises:
        DataError: naming the column and both units.
    """
    for name, column in found.items():
        unit, expected = split_unit(column)[1], units.get(name, "")
        if unit and expected and unit != expected:
            raise DataError(
                f"{path}: column {column!r} is in {unit}, but {name!r} is expected in {expected}; convert it"
            )


def resolve(
    wanted: Sequence[str], header: Sequence[str], aliases: Mapping[str, Sequence[str]], *, path: Path | str
) -> dict[str, str]:
    """The file's own name for each wanted column.

    A column that has aliases is known under several names, so two of them in one file are ambiguous. One without is
    what the user called it: its exact name wins over one that differs in case or punctuation. A unit in brackets at
    the end of a column's name may be left out.

    Args:
        wanted: names to look for.
        header: the names that the file has.
        aliases: other names, by wanted name.
        path: the file, for the error.

    Raises:
        DataError: naming the columns that are missing with the nearest there are, or the ones that are ambiguous.

    >>> resolve(["jet1_b-tag"], ["Type", "jet_1_btag"], {}, path="a.csv")
    {'jet1_b-tag': 'jet_1_btag'}
    """
    exact = set(wanted) & set(header)
    by_key: dict[str, list[str]] = {}
    for name in header:
        for key in dict.fromkeys((normalise(name), normalise(split_unit(name)[0]))):
            by_key.setdefault(key, []).append(name)
    found: dict[str, str] = {}
    missing: list[str] = []
    for name in wanted:
        keys = dict.fromkeys(normalise(spelling) for spelling in (name, *aliases.get(name, ())))
        near = [other for key in keys for other in by_key.get(key, ()) if other == name or other not in exact]
        near = list(dict.fromkeys(near))
        if name in exact and not aliases.get(name):
            near = [name]
        if len(near) > 1:
            raise DataError(f"{path}: {' and '.join(map(repr, near))} both mean {name!r}; rename or remove one of them")
        if near:
            found[name] = near[0]
        else:
            missing.append(name)
    if missing:
        raise DataError(_missing(missing, header, path))
    _refuse_shared(found, path)
    return found


def positional_names(count: int, data: DataConfig, *, path: Path | str) -> tuple[str, ...]:
    """Names for the columns of a file without a header.

    The catalog's published layout where the number of columns agrees, with the label where ``data.label`` says;
    its features (or ``data.features``) alone, for a file without labels; else x0, x1, … around a label whose
    position is given.

    Raises:
        DataError: if none of these fits.
    """
    known = dataset(data.catalog) if data.catalog is not None else None
    position = data.label if isinstance(data.label, int) else None
    features = known.feature_names if known is not None else data.features
    if position is not None and not 0 <= position < count:
        raise DataError(f"{path}: no column at position {position} (data.label); the file has {count}, counted from 0")
    if known is not None and position is None and count == len(known.layout):
        return known.layout
    if features is not None and count == len(features):
        return features
    if features is not None and position is not None and count == len(features) + 1:
        return (*features[:position], "label", *features[position:])
    if known is not None:
        halves = "; a decimal comma? write 1.5, not 1,5" if count == 2 * len(known.layout) else ""
        raise DataError(
            f"{path}: no header and {count} columns, but {known.name} has {len(known.layout)} (the label and "
            f"{len(known.features)} features){halves}; add a header or the missing columns"
        )
    if position is None:
        raise DataError(
            f"{path}: no header, so its {count} columns have no names; give the label's position in data.label "
            "(from 0), name data.catalog, or add a header"
        )
    return tuple("label" if k == position else f"x{k}" for k in range(count))


def shorten(names: Iterable[str], *, shown: int = _SHOWN) -> str:
    """Names for an error: all of a few, the first ``shown`` of many.

    >>> shorten(f"x{k}" for k in range(30))
    'x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, … (30 in all)'
    """
    names = [" ".join(name.split())[:60] for name in names]
    if len(names) <= shown:
        return ", ".join(names) if names else "no columns"
    return f"{', '.join(names[:shown])}, … ({len(names)} in all)"


def refuse_twice(names: Sequence[str], path: Path | str) -> None:
    """Stop at a column name that occurs twice.

    Raises:
        DataError: naming the columns.
    """
    twice = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if twice:
        raise DataError(f"{path}: column {shorten(twice)} appears twice; rename or remove one of them")


def _refuse_shared(found: Mapping[str, str], path: Path | str) -> None:
    owners: dict[str, str] = {}
    for name, column in found.items():
        if column in owners:
            raise DataError(f"{path}: column {column!r} would be both {owners[column]!r} and {name!r}; rename it")
        owners[column] = name


def _missing(missing: Sequence[str], header: Sequence[str], path: Path | str) -> str:
    near = dict.fromkeys(
        match for name in missing for match in difflib.get_close_matches(name, header, n=1, cutoff=0.7)
    )
    hint = f" (nearest: {shorten(near)})" if near else ""
    return f"{path}: no column {shorten(missing)}{hint}; the file has {shorten(header)}"
