"""From an HDF5 file of images to arrays that can be read in any order, against h5py and numpy.save.

Ours reads into a verified store and has the fingerprint of the file and of the images at the end; the other way keeps
no account. Each side runs in a process of its own, timed after its imports; memory is what no file backs (RssAnon), at
its peak.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np
from numpy.typing import NDArray

from bench.ingest import Figures, _watched
from bench.result import Result

IMAGES, REPEATS, SEED = 40_000, 5, 1
_BLOCK = 2000


def measure() -> Result:
    """Medians of five runs of each, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder, "images.h5"), IMAGES)
        runs = [(_run("theirs", file), _run("ours", file)) for _ in range(REPEATS)]
    theirs, ours = ({key: median(run[side][key] for run in runs) for key in runs[0][side]} for side in (0, 1))
    return Result(
        ratio=theirs["seconds"] / ours["seconds"],
        against="h5py's X[:] and numpy.save",
        unit=f"seconds and MB of memory of its own, for {IMAGES:,} images of 32 × 32 × 2 in gzip",
        ours=ours,
        theirs=theirs,
    )


def write(path: Path, images: int) -> Path:
    """Made-up images that are about as empty as showers, in the layout of the public files."""
    rng = np.random.default_rng(SEED)
    with h5py.File(path, "w") as file:
        pixels = file.create_dataset("X", (images, 32, 32, 2), "f4", chunks=(100, 32, 32, 2), compression="gzip")
        for start in range(0, images, _BLOCK):
            pixels[start : start + _BLOCK] = _showers(min(_BLOCK, images - start), rng)
        file["y"] = rng.integers(0, 2, images).astype(np.float32)
    return path


def _showers(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    distance = np.hypot(*(np.indices((32, 32)) - 16))
    occupancy = np.where(distance < 2.5, 0.95, 0.6 * np.exp(-(distance - 2) / 2.2) + 0.002)
    hit = rng.random((n, 32, 32)) < occupancy
    energy = np.where(hit, rng.exponential(0.02, (n, 32, 32)) * np.exp(-distance / 3) + 0.002, 0)
    time = np.where(hit, rng.normal(0, 0.02, (n, 32, 32)), 0)
    return np.stack([energy, time], axis=-1).astype(np.float32)


def _run(side: str, file: Path) -> Figures:
    """The figures of one side in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory(dir=file.parent) as cache:
        done = subprocess.run(
            [sys.executable, "-m", "bench.read_images", side, str(file)],
            env={**os.environ, "HEPSIEVE_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"bench read-images: {side} failed: {done.stderr.strip()[-500:]}")
    figures: Figures = json.loads(done.stdout)
    return figures


def _ours(file: Path) -> Callable[[], object]:
    from hepsieve.config import DataConfig
    from hepsieve.data.read import read_files

    return lambda: read_files([file], DataConfig(catalog="egamma"), cache=Path(os.environ["HEPSIEVE_CACHE"]))


def _theirs(file: Path) -> Callable[[], object]:
    folder = Path(os.environ["HEPSIEVE_CACHE"])

    def work() -> object:
        with h5py.File(file) as opened:
            images, labels = opened["X"][:], opened["y"][:]
        np.save(folder / "x.npy", images)
        np.save(folder / "y.npy", labels)
        return np.load(folder / "x.npy", mmap_mode="r"), labels

    return work


if __name__ == "__main__":
    sides = {"ours": _ours, "theirs": _theirs}
    print(json.dumps(_watched(sides[sys.argv[1]](Path(sys.argv[2])))))
