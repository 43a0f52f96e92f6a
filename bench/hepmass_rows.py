"""Made-up rows in the layout of the public HEPMASS files: ``python -m bench.hepmass_rows N FILE``.

No physics: a resonance of five masses on a falling spectrum, and 27 features that follow from the "mass" which a poor
detector sees. What matters is that text, header, number format and compression are those of the public files, and that
a network has something to learn.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MASSES = (500.0, 750.0, 1000.0, 1250.0, 1500.0)
HEADER = ",".join(["# label", *(f"f{k}" for k in range(27)), "mass"]) + "\n"
BLOCK = 20_000
_SIGNAL = 0.500126  # of the public training file
_DUST = 0.2  # of the masses are the next float32 below what was meant, as in the public files
_POWERS = np.longdouble(10) ** np.arange(28)
_GROUPS = np.array([list(f"{k:04d}".encode()) for k in range(10_000)], np.uint8)


def block(number: int, *, seed: int = 1) -> NDArray[np.float32]:
    """Label, 27 features and mass of the rows of one block, counted from 0; shape (BLOCK, 29)."""
    rng = np.random.default_rng([seed, number])
    rows = np.empty((BLOCK, 29), np.float32)
    signal = rng.random(BLOCK) < _SIGNAL
    mass = rng.choice(np.array(MASSES, np.float32), BLOCK)
    dusty = rng.random(BLOCK) < _DUST
    seen = _seen(rng, signal, mass.astype(np.float64))
    rows[:, 0] = signal
    rows[:, 1:28] = _features(rng, signal, np.log(seen / 700.0))
    rows[:, 28] = np.where(dusty, np.nextafter(mass, np.float32(0)), mass)
    return rows


def text(rows: NDArray[np.float32]) -> bytes:
    """Lines in the public number format, such as ``1.000000000000000000e+00``; finite values of 1e-9 to 1e9, or 0."""
    values = rows.reshape(-1)
    size = np.abs(values.astype(np.longdouble))
    with np.errstate(divide="ignore"):
        exponent = np.where(values == 0, 0, np.floor(np.log10(np.abs(values, dtype=np.float64)))).astype(np.int64)
    digits = np.rint(size * _POWERS[18 - exponent]).astype(np.uint64)
    # The logarithm of a number just below a power of ten may round up to it.
    short = (digits < 10**18) & (values != 0)
    digits[short], exponent[short] = digits[short] * np.uint64(10), exponent[short] - 1
    cells = np.empty((len(values), 26), np.uint8)
    cells[:, 0] = ord("-")
    for start in (18, 14, 10, 6):
        digits, group = np.divmod(digits, np.uint64(10_000))
        cells[:, start : start + 4] = _GROUPS[group.astype(np.int64)]
    cells[:, 3:6] = _GROUPS[digits.astype(np.int64)][:, 1:4]
    cells[:, 1], cells[:, 2], cells[:, 3:6] = cells[:, 3], ord("."), cells[:, 3:6]
    cells[:, 3:21] = cells[:, 4:22]
    cells[:, 21], cells[:, 22] = ord("e"), np.where(exponent < 0, ord("-"), ord("+"))
    cells[:, 23:25] = _GROUPS[np.abs(exponent)][:, 2:4]
    cells[:, 25] = ord(",")
    cells[rows.shape[1] - 1 :: rows.shape[1], 25] = ord("\n")
    kept = np.ones(cells.shape, np.bool_)
    kept[:, 0] = values < 0
    return cells[kept].tobytes()


def lines(rows: int, *, seed: int = 1) -> Iterator[bytes]:
    """The header and then blocks of lines, of so many rows in all."""
    yield HEADER.encode()
    for number in range(-(-rows // BLOCK)):
        yield text(block(number, seed=seed)[: rows - number * BLOCK])


def write(path: Path, rows: int, *, seed: int = 1, level: int = 1) -> Path:
    """Write so many rows, gzip-compressed where the name ends with .gz; equal arguments give equal bytes."""
    # The times in the header would differ; 31 asks zlib for gzip's own header, which has none.
    gzip = zlib.compressobj(level, zlib.DEFLATED, 31) if path.suffix == ".gz" else None
    with path.open("wb") as file, ThreadPoolExecutor(1) as pool:

        def put(some: bytes) -> None:
            file.write(some if gzip is None else gzip.compress(some))

        earlier: Future[None] | None = None
        for some in lines(rows, seed=seed):
            if earlier is not None:
                earlier.result()
            earlier = pool.submit(put, some)
        if earlier is not None:
            earlier.result()
        if gzip is not None:
            file.write(gzip.flush())
    return path


def _seen(rng: np.random.Generator, signal: NDArray[np.bool_], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mass that the detector sees: near the true one for signal (or far below), on a falling spectrum else."""
    n = len(mass)
    found = mass * np.where(rng.random(n) < 0.7, 1 + 0.12 * rng.normal(size=n), rng.uniform(0.5, 1.1, n))
    spectrum = 340 + rng.gamma(1.6, 130.0, n)
    return np.clip(np.where(signal, found, spectrum), 150, 4000)


def _features(rng: np.random.Generator, signal: NDArray[np.bool_], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """Momenta that grow with the mass, angles that narrow with it, tags, and five masses; about mean 0 and spread 1."""
    n = len(height)
    noise = rng.normal(size=(n, 27))
    columns = np.empty((n, 27))
    for k in range(22):
        match k % 4:
            case 0:
                columns[:, k] = np.exp(0.9 * height + 0.35 * noise[:, k]) - 1.1
            case 1:
                columns[:, k] = noise[:, k] * np.exp(-0.3 * height)
            case 2:
                columns[:, k] = rng.uniform(-1.7, 1.7, n)
            case _:
                columns[:, k] = np.where(noise[:, k] + 0.2 * signal > 0.3, 1.0, -0.85)
    for k, sharpness in zip(range(22, 27), (0.9, 0.6, 0.5, 0.3, 0.06), strict=True):
        columns[:, k] = 2.2 * (height + sharpness * noise[:, k])
    return columns


def main() -> None:
    """Write a file."""
    parser = argparse.ArgumentParser(prog="python -m bench.hepmass_rows", description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path, help=".csv or .csv.gz")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.file, options.rows, seed=options.seed)


if __name__ == "__main__":
    main()
