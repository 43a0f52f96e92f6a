"""A path turned into the tables, images or waveforms that the file holds."""

from __future__ import annotations

import difflib
from pathlib import Path

from hepsieve.config import DataConfig
from hepsieve.data.arrays import EventArray, expected_form
from hepsieve.data.table import Table
from hepsieve.errors import DataError

FORMATS = (".csv", ".csv.gz", ".dat", ".txt", ".parquet", ".root", ".npy", ".npz", ".h5", ".hdf5")
_HDF5 = (".h5", ".hdf5", ".hdf")


def holds_arrays(path: Path, data: DataConfig) -> bool:
    """Whether a file holds images or waveforms: an HDF5 file always, a NumPy file by its array's shape and the catalog.

    Raises:
        DataError: if a NumPy file can't be opened.
    """
    match _ending(path):
        case ".npy" | ".npz":
            from hepsieve.data.array_numpy import has_arrays

            return has_arrays(path, data)
        case ending:
            return ending in _HDF5


def open_arrays(path: Path, data: DataConfig) -> tuple[EventArray, ...]:
    """The images or waveforms of a file: one array, or a pair of arrays for training and test.

    Args:
        path: an HDF5 (.h5, .hdf5, .hdf), .npy or .npz file.
        data: how to read it; only what concerns the format is used.

    Raises:
        DataError: if there is no such file, it holds neither, or it can't be opened.
    """
    require_file(path)
    match _ending(path):
        case ".npy":
            from hepsieve.data.array_numpy import open_array_npy

            return (open_array_npy(path, data),)
        case ".npz":
            from hepsieve.data.array_numpy import open_array_npz

            return open_array_npz(path, data)
        case ending if ending in _HDF5:
            from hepsieve.data.hdf5 import open_hdf5

            return open_hdf5(path, data)
        case _:
            what = expected_form(data) or "images or waveforms"
            raise DataError(f"{path}: holds no {what}; they come from .h5, .hdf5, .npz or .npy files")


def open_tables(path: Path, data: DataConfig) -> tuple[Table, ...]:
    """The tables of a file: one, or one per tree of a ROOT file.

    Args:
        path: a CSV (.csv, .dat, .txt, also with .gz), Parquet, ROOT, .npy or .npz file.
        data: how to read it; only what concerns the format is used.

    Raises:
        DataError: if there is no such file, its format is unknown, or it can't be opened.
    """
    require_file(path)
    # Each format is imported only when it is read: uproot alone takes as long as the whole command line.
    match _ending(path):
        case ".csv" | ".dat" | ".txt" | ".csv.gz" | ".dat.gz" | ".txt.gz":
            from hepsieve.data.csv import open_csv

            return (open_csv(path, data),)
        case ".parquet" | ".pq":
            from hepsieve.data.parquet import open_parquet

            return (open_parquet(path, data),)
        case ".root":
            from hepsieve.data.root import open_root

            return open_root(path, data)
        case ".npy":
            from hepsieve.data.numpy import open_npy

            return (open_npy(path, data),)
        case ".npz":
            from hepsieve.data.numpy import open_npz

            return (open_npz(path, data),)
        case ending if ending in _HDF5:
            raise DataError(
                f"{path}: HDF5 files are read as images or waveforms only; tables come from .parquet, .root or .npz "
                "files"
            )
        case suffix:
            raise DataError(f"{path}: unknown format {suffix or '(no ending)'!r}; hepsieve reads {', '.join(FORMATS)}")


def _ending(path: Path) -> str:
    before = path.with_suffix("").suffix if path.suffix == ".gz" else ""
    return (before + path.suffix).lower()


def require_file(path: Path) -> None:
    """Stop unless there is a file of this name with something in it.

    Raises:
        DataError: naming the nearest name that exists.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder; name the files in it")
    if not path.exists():
        folder = path.parent
        others = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1)
        hint = f"did you mean {folder / near[0]}?" if near else "check the name"
        raise DataError(f"{path}: no such file; {hint}" if folder.is_dir() else f"{path}: no such folder {folder}")
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror or error})") from None
    if empty:
        raise DataError(f"{path}: the file is empty")
