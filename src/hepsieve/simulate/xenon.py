"""Simulated waveforms of a dual-phase xenon detector: numbers of rows and a seed in, ``Events`` out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.engines import Jobs
from hepsieve.errors import HepsieveError
from hepsieve.events import Events, FloatArray, Origin, TargetScale
from hepsieve.progress import Progress, Silent
from hepsieve.simulate.blocks import check_request
from hepsieve.simulate.kept import in_order_kept
from hepsieve.simulate.xenon_detector import FULL, NAME, NOISE, SAMPLE, SAMPLES, lz
from hepsieve.simulate.xenon_light import detect, draw_arrivals, expected_light
from hepsieve.simulate.xenon_recoils import ENERGY, STEPS, Recoils, draw_recoils, draw_steps, step_range

Pulses = Literal["one", "two", "both"]
PULSES: tuple[Pulses, ...] = ("one", "two", "both")
SEPARATION = (0.0, FULL)

SPECTATORS = (
    "d",
    "separation",
    "separation time",
    "drift time",
    "electrons",
    "first electrons",
    "second electrons",
    "area",
)
BLOCK_ROWS = 250
_XENON = int.from_bytes(b"xenon", "big")
_ORDER, _BLOCKS = range(2)
SILENT = Silent()


@dataclass(frozen=True, kw_only=True)
class Block:
    """Waveforms that are made in one go, from seeds that depend on nothing but these attributes.

    Attributes:
        pulses: of the sample.
        two: whether these waveforms have two pulses.
        separation: of two pulses, from where to where, in mm.
        number: of the block among those of its kind.
        rows: how many.
        seed: of the whole sample.
    """

    pulses: Pulses
    two: bool
    separation: tuple[float, float]
    number: int
    rows: int
    seed: int


def simulate_xenon(
    rows: int,
    *,
    seed: int,
    jobs: Jobs = 1,
    pulses: Pulses = "both",
    separation: tuple[float, float] = SEPARATION,
    kept: Path | None = None,
    progress: Progress = SILENT,
) -> Events:
    """Waveforms of the charge signal (S2) of nuclear recoils in LUX-ZEPLIN, one pulse or two, as NEST describes it.

    Neutrons scatter more than once, dark matter does not: two pulses tell them apart. A waveform has 5000 samples of
    10 ns. Recoils happen anywhere in the upper half of the detector, where diffusion has not yet blurred pulses a few
    millimetres apart; the second of two lies deeper by a multiple of 1/800 of 30 mm. All recoils of a waveform together
    set free as many electrons as one of 20 to 100 keV does, so that its area does not tell how many they are; the first
    of two has 20 to 80 % of the electrons. The first pulse begins 8 to 16 µs into the window, alike for one and two.

    Not simulated: light of the recoil itself (S1), delayed electrons after a pulse, saturation, and the place in the
    plane. NEST spreads the electrons of equal recoils somewhat less than Poisson, which is taken here.

    Spectators: ``d`` is the separation as a share of 30 mm (in a classification alone; else it is the target),
    ``separation`` in mm and ``separation time`` in µs; all three are NaN where there is no second pulse. ``drift time``
    is the first pulse's, in µs. ``electrons``, ``first electrons`` and ``second electrons`` entered the gas; ``area``
    is the number of detected photons.

    Args:
        rows: how many waveforms.
        seed: from 0; the same seed gives the same events whatever ``jobs`` is.
        jobs: processes, or an engine, to share the work among. With more than one, a script must guard its main
            part with ``if __name__ == "__main__":``.
        pulses: ``two`` and ``one`` are to be regressed: the target is the separation as a share of 30 mm, with ``one``
            pulse truly 0. ``both`` is to be classified: half of the waveforms have one pulse (target 0, of an odd
            number the larger half) and half have two (target 1), mixed.
        separation: of two pulses, from where to where, in mm.
        kept: folder in which finished blocks are kept, to go on there when it is called again; None for none.
        progress: shows the rows that are done.

    Raises:
        HepsieveError: if an argument can't be used.
        MissingExtra: if nestpy is not installed.
    """
    check_request(rows, seed, jobs)
    check_pulses(pulses, separation)
    lz()  # before any process is started
    blocks = _blocks(rows, seed, pulses, separation)
    order = _stream(seed, _ORDER).permutation(rows) if pulses == "both" else np.arange(rows)
    features: FloatArray = spill.empty((rows, SAMPLES, 1), np.float32)
    truth = np.empty((rows, len(SPECTATORS)))
    done = 0
    with progress.task("Simulating waveforms", rows) as advance:
        for block, (waveforms, known) in zip(blocks, in_order_kept(simulate_block, blocks, jobs, kept), strict=True):
            places = order[done : done + block.rows]
            features[places, :, 0], truth[places] = waveforms, known
            done += block.rows
            advance(block.rows)
    return _events(features, truth, seed, pulses, separation)


def check_pulses(pulses: str, separation: tuple[float, float]) -> None:
    """Refuse what can't be simulated.

    Raises:
        HepsieveError: naming the value and what to take.
    """
    if pulses not in PULSES:
        raise HepsieveError(f"pulses {pulses!r}: take one of {', '.join(PULSES)}")
    low, high = separation
    if not 0 <= low <= high <= FULL:
        raise HepsieveError(f"separation {low:g} to {high:g} mm: take a range within 0 to {FULL:g}")
    first, last = step_range(separation)
    if first > last:
        raise HepsieveError(
            f"separation {low:g} to {high:g} mm: holds no multiple of {FULL / STEPS:g} mm above 0; take a wider range"
        )


def simulate_block(block: Block) -> tuple[FloatArray, NDArray[np.float64]]:
    """The waveforms of one block in phd, shape (rows, 5000), and their spectators, shape (rows, 8)."""
    rng = _stream(block.seed, _BLOCKS, PULSES.index(block.pulses), int(block.two), block.number)
    steps = draw_steps(block.separation, block.rows, rng) if block.two else np.zeros(block.rows, np.int64)
    detector = lz()
    recoils = draw_recoils(steps, detector, rng)
    light = expected_light(draw_arrivals(recoils, detector, rng), block.rows, detector, rng)
    waveforms, photons = detect(light, detector, rng)
    return waveforms, _truth(recoils, photons)


def _truth(recoils: Recoils, photons: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is known of each waveform, in the order of ``SPECTATORS``."""
    separation = np.where(recoils.separation > 0, recoils.separation, np.nan)
    first, second = recoils.electrons.T
    later = np.where(recoils.separation > 0, np.diff(recoils.drift_time, axis=1)[:, 0], np.nan)
    columns = (separation / FULL, separation, later, recoils.drift_time[:, 0], first + second, first, second, photons)
    return np.stack(columns, axis=1).astype(np.float64)


def _stream(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, which no other one shares, nor another simulator."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_XENON, *purpose)))


def _blocks(rows: int, seed: int, pulses: Pulses, separation: tuple[float, float]) -> list[Block]:
    """The work in pieces that do not depend on who does them, both kinds in turn."""
    doubles = {"one": 0, "two": rows, "both": rows // 2}[pulses]

    def of_kind(two: bool, share: int) -> Iterator[Block]:
        for number, start in enumerate(range(0, share, BLOCK_ROWS)):
            size = min(BLOCK_ROWS, share - start)
            yield Block(pulses=pulses, two=two, separation=separation, number=number, rows=size, seed=seed)

    return sorted([*of_kind(False, rows - doubles), *of_kind(True, doubles)], key=lambda block: block.number)


def _events(
    features: FloatArray, truth: NDArray[np.float64], seed: int, pulses: Pulses, separation: tuple[float, float]
) -> Events:
    d = truth[:, 0]
    both = pulses == "both"
    target = (~np.isnan(d) if both else np.nan_to_num(d)).astype(np.float32)
    kept = slice(0 if both else 1, None)  # where d is the target, it is no spectator
    digest = hashlib.sha256(" ".join(SPECTATORS).encode())
    for part in spill.blocks(features):
        digest.update(features[part].tobytes())
    for array in (target, truth):
        digest.update(array.tobytes())
    events = Events.from_arrays(
        features,
        target,
        names=("light",),
        units=("phd",),
        origin=_origin(len(target), digest.hexdigest(), seed, pulses, separation),
        scale=None if both else TargetScale(name="d", unit="mm", full=FULL),
    )
    return events.replace(spectators=truth[:, kept].copy(), spectator_names=SPECTATORS[kept])


def _origin(rows: int, fingerprint: str, seed: int, pulses: Pulses, separation: tuple[float, float]) -> Origin:
    detector = lz()
    low, high = separation
    kinds = {
        "one": "one pulse in every waveform: truly no second one, the target is 0",
        "two": "two in every waveform",
        "both": "one (background) and two (signal), equally often",
    }
    apart = {} if pulses == "one" else {"separation": f"{low:g} to {high:g} mm in steps of {FULL / STEPS:g} mm"}
    return Origin(
        kind="simulated",
        sources=(f"NEST (nestpy {metadata.version('nestpy')}, {NAME}) with a model of the light's arrival",),
        fingerprint=fingerprint,
        details={
            "seed": str(seed),
            "rows": str(rows),
            "pulses": kinds[pulses],
            **apart,
            "recoils": f"nuclear, with the electrons of {ENERGY[0]:g} to {ENERGY[1]:g} keV in all",
            "drift": f"{detector.drift_times[0]:.0f} to {detector.drift_times[1]:.0f} µs at "
            f"{detector.drift_velocity:.3f} mm/µs, electron lifetime {detector.lifetime / 1000:g} ms",
            "diffusion": f"{1e4 * detector.diffusion:.1f} cm²/s along the drift",
            "single electron": f"{detector.single_electron:.1f} phd in {detector.gas_transit:.2f} µs",
            "noise": f"{NOISE} phd a sample",
            "samples": f"{SAMPLES} of {1000 * SAMPLE:g} ns",
        },
    )
