"""Energy and time in crystals to images as they are read out: centred, noisy, and mostly zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from hepsieve.events import FloatArray
from hepsieve.simulate.egamma_particles import CENTRE, DEPTH, REFRACTION, SIZE, Deposits
from hepsieve.simulate.egamma_upstream import C
from hepsieve.simulate.particles import Bools, Floats

UNIT = 50.0  # GeV


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Settings of the read-out, in GeV and ns unless said otherwise.

    Genuine images are read out in full in bands around clusters: dominoes of five crystals in η, side by side in φ as
    long as each has more than 0.1 GeV. So works the "hybrid" clustering of CMS (CMS NOTE 2001/034), whose thresholds
    for dominoes are taken here. Noise, the threshold of other crystals, the region and the soft hits were chosen by
    looking at the 200 genuine images that the simulation is compared with. The resolution in time is that which CMS
    measured in test beams (JINST 5 (2010) T03011).

    Attributes:
        calibration: relative spread of the crystals' calibration.
        noise: of each crystal.
        peak: a local maximum above this begins a band.
        domino_seed: so does none whose own domino has less than this.
        domino: the least energy of a domino that continues a band.
        region: rows and columns around each crystal of a band in which single crystals are read out at all.
        threshold: below it a crystal outside the bands is suppressed.
        threshold_spread: how far the threshold differs from crystal to crystal.
        soft_hits: mean number of soft neutral hits of the underlying event in an image.
        soft_rows: their spread around the centre, in rows.
        soft_columns: the same in columns.
        soft_least: their least energy.
        soft_mean: the mean of what an exponential law adds to it.
        collision_time: spread of the collisions' own times, which all crystals of an image share: bunches of about
            5 cm that cross take 0.18 ns (CMS-TDR-020).
        time_constant: resolution in time of a large pulse.
        time_noise: the resolution of a pulse of the height of the noise; it falls as the pulse grows, and no pulse has
            a larger one.
    """

    calibration: float = 0.005
    noise: float = 0.045
    peak: float = 0.30
    domino_seed: float = 0.35
    domino: float = 0.10
    region: tuple[int, int] = (11, 13)
    threshold: float = 0.097
    threshold_spread: float = 0.012
    soft_hits: float = 0.9
    soft_rows: float = 3.0
    soft_columns: float = 3.5
    soft_least: float = 0.2
    soft_mean: float = 0.25
    collision_time: float = 0.18
    time_constant: float = 0.02
    time_noise: float = 35.0


READOUT = Readout()
NOMINAL_DEPTH = 8.0  # cm, of a shower whose light arrives at time 0
DOMINO_ROWS = 5
_SHARE = ((0, 0, 0.80), (1, 0, 0.05), (-1, 0, 0.05), (0, 1, 0.05), (0, -1, 0.05))  # of a soft hit, by neighbour


def read_out(deposits: Deposits, rng: np.random.Generator, *, settings: Readout = READOUT) -> FloatArray:
    """Images of what is read out, shape (n, 32, 32, 2): energy in units of 50 GeV, and time in ns.

    The hottest crystal is moved to [16, 16]; what leaves the image is lost, and what enters is empty. Time is counted
    from light of a collision at the nominal time that went straight to the crystal and showered at 8 cm of depth; it
    is 0 where no energy is read out.
    """
    n = len(deposits.energy)
    energy = deposits.energy * (1 + settings.calibration * rng.standard_normal(deposits.energy.shape))
    energy += settings.noise * rng.standard_normal(energy.shape)
    place = energy.reshape(n, -1).argmax(axis=1)
    energy, time, held = (_centred(image, place) for image in (energy, deposits.time, deposits.energy))
    soft = soft_hits(n, rng, settings)
    arrival = _arrival(time, held, soft, energy + soft, settings, rng)
    energy = np.where(_kept(energy + soft, settings, rng), energy + soft, 0)
    return np.stack([energy / UNIT, np.where(energy > 0, arrival, 0)], axis=-1).astype(np.float32)


def soft_hits(n: int, rng: np.random.Generator, settings: Readout) -> Floats:
    """Energy in GeV of soft neutral particles around the centre, four fifths of each in one crystal."""
    image = np.repeat(np.arange(n), rng.poisson(settings.soft_hits, n))
    # A border of two takes what lies outside.
    spreads = (settings.soft_rows, settings.soft_columns)
    row, column = (
        np.clip(np.rint(CENTRE + spread * rng.standard_normal(len(image))), -1, SIZE).astype(np.int64) + 2
        for spread in spreads
    )
    value = settings.soft_least + rng.exponential(settings.soft_mean, len(image))
    energy = np.zeros((n, SIZE + 4, SIZE + 4))
    for up, right, share in _SHARE:
        np.add.at(energy, (image, row + up, column + right), share * value)
    return energy[:, 2:-2, 2:-2]


def _centred(images: FloatArray | Floats, place: NDArray[np.int64]) -> Floats:
    """Images moved so that this crystal of each stands at [16, 16]."""
    n = len(images)
    padded = np.zeros((n, 2 * SIZE, 2 * SIZE))
    padded[:, CENTRE : CENTRE + SIZE, CENTRE : CENTRE + SIZE] = images
    views = np.lib.stride_tricks.sliding_window_view(padded, (SIZE, SIZE), axis=(1, 2))
    return np.asarray(views[np.arange(n), place // SIZE, place % SIZE])


def _kept(energy: Floats, settings: Readout, rng: np.random.Generator) -> Bools:
    """Which crystals are read out: bands in full if positive, others near them above the threshold."""
    band = _grown(_band_columns(energy, settings), (DOMINO_ROWS, 1))
    threshold = settings.threshold + settings.threshold_spread * rng.standard_normal(energy.shape)
    kept: Bools = (band & (energy > 0)) | (_grown(band, settings.region) & (energy > threshold))
    return kept


def _band_columns(energy: Floats, settings: Readout) -> Bools:
    """The middle crystals of the dominoes that are read out: from each peak along its row until one has too little."""
    half = DOMINO_ROWS // 2
    padded = np.pad(energy, ((0, 0), (half, half), (0, 0)))
    domino = sum((padded[:, k : k + SIZE] for k in range(1, DOMINO_ROWS)), start=padded[:, :SIZE])
    peak = (energy == maximum_filter(energy, size=(1, 3, 3))) & (energy > settings.peak)
    goes_on = domino > settings.domino
    band: Bools = peak & (domino > settings.domino_seed)
    while True:
        longer = band.copy()
        longer[..., 1:] |= band[..., :-1]
        longer[..., :-1] |= band[..., 1:]
        longer &= goes_on
        if np.array_equal(longer, band):
            return band
        band = longer


def _grown(mask: Bools, size: tuple[int, int]) -> Bools:
    """True within a rectangle of ``size`` rows and columns around each true crystal."""
    return maximum_filter(mask.view(np.uint8), size=(1, *size), mode="constant").astype(np.bool_)


def _arrival(
    time: Floats, held: Floats, soft: Floats, shown: Floats, settings: Readout, rng: np.random.Generator
) -> Floats:
    """The measured time in ns: of shower and soft hits together, which come at the nominal time, and smeared.

    Nothing tells when the particles collided, so their time is in it, too.
    """
    nominal = (NOMINAL_DEPTH + (DEPTH - NOMINAL_DEPTH) * REFRACTION) / C
    together = held + soft
    mean = np.divide(held * (time - nominal), together, out=np.zeros_like(time), where=together > 0)
    share = np.divide(settings.noise, shown, out=np.ones_like(time), where=shown > settings.noise)
    width = np.hypot(settings.time_constant, settings.time_noise * share)
    collision = settings.collision_time * rng.standard_normal((len(time), 1, 1))
    measured: Floats = mean + collision + width * rng.standard_normal(time.shape)
    return measured
