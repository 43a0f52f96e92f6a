"""Finished blocks of a simulation kept until its events are written, so that an interrupted one goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from hepsieve.engines import Jobs, in_order
from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.manifest import new_folder, package_versions, verify

FORGOTTEN = 30 * 24 * 3600.0
"""Seconds after which nobody comes back to a simulation."""

_FORMAT = 1
_ARRAYS = "arrays.npz"
_ALONE = "alone"
_SHARED = ("kinematics", "published_columns", "shower_shapes")
Work = TypeVar("Work")
Made = TypeVar("Made")


def place_of_blocks(cache_folder: Path, *request: object) -> Path:
    """The folder for the blocks of one simulation; what was left there by others long ago is removed.

    Args:
        cache_folder: hepsieve's cache.
        request: all that was asked for: process, rows, seed, settings. Package versions and our own code join it.
    """
    simulations = cache_folder / "simulating"
    for place in simulations.glob("*"):
        with suppress(OSError):  # another simulation may remove it too
            if time.time() - place.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(place)
    content = [_FORMAT, package_versions(), our_code(), *map(repr, request)]
    return simulations / hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def forget(folder: Path) -> None:
    """Remove the blocks of a simulation whose events are written."""
    shutil.rmtree(folder, ignore_errors=True)


def in_order_kept(
    make: Callable[[Work], Made], blocks: Sequence[Work], jobs: Jobs, folder: Path | None
) -> Generator[Made, None, None]:
    """What ``make`` gives for each block, in their order; blocks that are kept are not made again.

    This process writes every block, with a manifest, as soon as its turn has come: workers on other machines need not
    see the folder. A block that is damaged is made again.

    Args:
        make: a function of a module, which another process can import; it gives an array or a tuple of arrays.
        blocks: at least one, each a value whose ``repr`` says all that its rows depend on.
        jobs: who shares the work.
        folder: where blocks are kept; None keeps nothing.
    """
    if folder is None:
        yield from in_order(make, blocks, jobs)
        return
    places = [folder / _name(make, block) for block in blocks]
    there = [_is_whole(place) for place in places]
    missing = [block for block, kept in zip(blocks, there, strict=True) if not kept]
    made = in_order(make, missing, jobs) if missing else None
    try:
        for block, place, kept in zip(blocks, places, there, strict=True):
            if kept:
                yield _taken(place, make, block)
            else:
                assert made is not None  # something is missing
                result = next(made)
                _keep(place, result)
                yield result
    finally:
        if made is not None:
            made.close()


@cache
def our_code() -> str:
    """Changes with the code of all simulators and of the modules that their rows depend on."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in (*sorted((package / "simulate").glob("*.py")), *(package / f"{name}.py" for name in _SHARED)):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _name(make: Callable[[Work], Made], block: Work) -> str:
    content = f"{make.__module__}.{make.__qualname__} {block!r}"
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _is_whole(place: Path) -> bool:
    try:
        verify(place)
    except IntegrityError:
        shutil.rmtree(place, ignore_errors=True)
        return False
    return True


def _taken(place: Path, make: Callable[[Work], Made], block: Work) -> Made:
    try:
        with np.load(place / _ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except OSError:  # the same simulation elsewhere has finished and removed it
        return make(block)
    found: Any = arrays[_ALONE] if _ALONE in arrays else tuple(arrays[f"{number}"] for number in range(len(arrays)))
    return cast("Made", found)


def _keep(place: Path, made: Any) -> None:
    arrays = dict(enumerate(made)) if isinstance(made, tuple) else {_ALONE: made}
    named = {str(name): np.asarray(array) for name, array in arrays.items()}
    # The same simulation elsewhere may have kept it; and a full disk is no reason to lose this block.
    with suppress(HepsieveError), new_folder(place) as temporary:
        np.savez(temporary / _ARRAYS, **cast("dict[str, Any]", named))
