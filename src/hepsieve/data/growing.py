"""Events as .npy files that take rows until there are no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


@contextmanager
def growing_arrays(
    folder: Path, shape: tuple[int, ...], *, grouped: bool, spectators: int
) -> Iterator[Callable[[Mapping[str, NDArray[Any]]], None]]:
    """.npy files that take rows until the block ends; then their headers say how many there are.

    Args:
        folder: where to write ``features.npy``, ``target.npy`` and ``weight.npy``.
        shape: that of one row of features.
        grouped: whether there is a ``group.npy`` too.
        spectators: columns of ``spectators.npy``; without any there is none.
    """
    layout: dict[str, tuple[str, tuple[int, ...]]] = {
        "features": ("<f4", shape),
        "target": ("<f4", ()),
        "weight": ("<f4", ()),
    }
    if grouped:
        layout["group"] = ("<i8", ())
    if spectators:
        layout["spectators"] = ("<f8", (spectators,))
    rows = 0
    with ExitStack() as opened:
        files = {name: opened.enter_context((folder / f"{name}.npy").open("wb")) for name in layout}
        starts = {name: _write_header(file, 0, *layout[name]) for name, file in files.items()}

        def append(arrays: Mapping[str, NDArray[Any]]) -> None:
            nonlocal rows
            for name, file in files.items():
                file.write(np.ascontiguousarray(arrays[name], dtype=layout[name][0]).data)
            rows += len(arrays["target"])

        yield append
        for name, file in files.items():
            file.seek(0)
            if _write_header(file, rows, *layout[name]) != starts[name]:
                raise AssertionError("numpy reserves room in the header for any number of rows")


def _write_header(file: IO[bytes], rows: int, kind: str, row_shape: tuple[int, ...]) -> int:
    header = {"descr": kind, "fortran_order": False, "shape": (rows, *row_shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()
