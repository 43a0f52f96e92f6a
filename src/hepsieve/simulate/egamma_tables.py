"""The tables of data that Geant4 needs for showers in lead tungstate, written from formulae and xraydb.

Geant4's own tables are 2 gigabytes to be fetched. Showers of electrons and photons in PbWO₄ use little of them:
bremsstrahlung below 1 GeV (above, Geant4 has a formula) and photoelectric absorption. All other tables may be empty,
since the physics that reads them (nuclei, neutrons, optical photons, fluorescence) is not used.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hepsieve.cache import default_cache
from hepsieve.errors import HepsieveError, IntegrityError, install_hint
from hepsieve.manifest import new_folder, verify
from hepsieve.simulate import egamma_bremsstrahlung
from hepsieve.simulate.egamma_bremsstrahlung import scaled_cross_section
from hepsieve.simulate.particles import Floats

DATA_DIR = "GEANT4_DATA_DIR"
"""The environment variable by which calzone finds the tables."""
# Hydrogen is what Geant4's vacuum consists of.
ELEMENTS = {1: "H", 8: "O", 74: "W", 82: "Pb"}
GEANT4 = "11.4"
"""The version of Geant4 whose tables these are."""
# Its folders, which calzone wants to see before it begins.
FOLDERS = (
    "G4NDL4.7.1", "G4EMLOW8.8", "PhotonEvaporation6.1.2", "RadioactiveDecay6.1.2", "G4PARTICLEXS4.2", "G4PII1.3",
    "RealSurface2.2", "G4SAIDDATA2.0", "G4ABLA3.3", "G4INCL1.3", "G4ENSDFSTATE3.0", "G4CHANNELING2.0",
)  # fmt: skip
BREMSSTRAHLUNG = "G4EMLOW8.8/brem_SB"
PHOTOELECTRIC = "G4EMLOW8.8/epics2017/phot"
PHOTONUCLEAR = "G4PARTICLEXS4.2/gamma"
LARGEST_Z = 94
# The nodes of Seltzer and Berger's tables, which the reader of Geant4 expects: shares k/T, and T in MeV.
SHARES = np.array([
    0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95,
    0.97, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99995, 0.99999, 1,
])  # fmt: skip
_DECADE = (1, 1.5, 2, 3, 4, 5, 6, 8)
KINETIC = np.array([*(first * 10.0**power for power in range(-3, 4) for first in _DECADE), 1e4])
PHOTON_ENERGIES = np.geomspace(1e-3, 100, 400)  # MeV
# Elam's tables end at 0.8 MeV. Beyond, absorption falls ever more slowly, to 1/E where the electron is relativistic
# (F. Sauter, Ann. Phys. 11 (1931) 454); how fast it gets there is a fit by eye to lead.
ELAM_END = 0.8
_FALL, _REACH = 1.65, 1.25


def photoelectric(z: int, energy: Floats) -> Floats:
    """Cross-section of photoelectric absorption in barn per atom for photons of these energies in MeV.

    Up to 0.8 MeV from W. T. Elam, B. D. Ravel and J. R. Sieber, Radiat. Phys. Chem. 63 (2002) 121.

    Raises:
        MissingExtra: if xraydb is not installed.
    """
    xraydb = _load_xraydb()
    symbol = ELEMENTS[z]
    barn = xraydb.atomic_mass(symbol) / 0.602214076  # cm²/g of one barn per atom, inverted
    known = xraydb.mu_elam(symbol, np.minimum(energy, ELAM_END) * 1e6, kind="photo") * barn
    beyond = np.log(np.maximum(energy, ELAM_END) / ELAM_END)
    found: Floats = known * np.exp(-beyond - _FALL * -np.expm1(-beyond / _REACH))
    return found


def write_tables(folder: Path) -> None:
    """Write all tables below ``folder`` in the formats of Geant4 11.4.

    Raises:
        MissingExtra: if xraydb is not installed.
    """
    for name in (*FOLDERS, BREMSSTRAHLUNG, PHOTOELECTRIC, PHOTONUCLEAR):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write(folder / "G4ENSDFSTATE3.0" / "ENSDFSTATE.dat", "")
    for z in range(1, LARGEST_Z + 1):  # no photon breaks a nucleus: cross-sections of 0 up to 130 MeV
        _write(folder / PHOTONUCLEAR / f"inel{z}", "1 130 3\n3\n1 0\n60 0\n130 0\n")
    for z in ELEMENTS:
        _write_bremsstrahlung(folder / BREMSSTRAHLUNG / f"br{z}", z)
        _write_photoelectric(folder / PHOTOELECTRIC, z)


def tables(cache: Path | None = None) -> Path:
    """The folder of tables in the cache, made if it is missing or was changed.

    Several processes may ask at once: each writes a folder of its own, and the first that is done gives it its name.

    Raises:
        HepsieveError: if the cache can't be written.
        MissingExtra: if xraydb is not installed.
    """
    folder = (cache if cache is not None else default_cache()) / "geant4" / _version()
    there = folder.exists()
    if _whole(folder):
        return folder
    if there:  # or it may be what another process has just finished
        _set_aside(folder)
    try:
        with new_folder(folder, {"what": "tables for Geant4"}) as temporary:
            write_tables(temporary)
    except HepsieveError:
        # Another process may have been faster.
        if not _whole(folder):
            raise
    return folder


@contextmanager
def geant4_data() -> Iterator[None]:
    """Geant4 finds our tables inside this block; the environment is as before afterwards."""
    folder, before = str(tables()), os.environ.get(DATA_DIR)
    os.environ[DATA_DIR] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_DIR]
        else:
            os.environ[DATA_DIR] = before


def _version() -> str:
    """Changes with the code that writes the tables and with what it reads."""
    _load_xraydb()
    digest = hashlib.sha256(metadata.version("xraydb").encode())
    for source in (__file__, egamma_bremsstrahlung.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]


def _whole(folder: Path) -> bool:
    try:
        verify(folder)
    except IntegrityError:
        return False
    return all((folder / name).is_dir() for name in FOLDERS)


def _set_aside(folder: Path) -> None:
    """Remove a folder that can't be used, in one step for whoever looks at its name."""
    aside = folder.with_name(f".old-{secrets.token_hex(4)}")
    with suppress(OSError):  # nothing may be there; what can't be moved is reported by who writes the new one
        folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _write_bremsstrahlung(path: Path, z: int) -> None:
    """Numbers of nodes, shares, logarithms of T, then a line of scaled cross-sections in mb for each T."""
    rows = [scaled_cross_section(z, SHARES, float(kinetic)) for kinetic in KINETIC]
    lines = [f"0 {len(SHARES)} {len(KINETIC)}", _line(SHARES, ".6g"), _line(np.log(KINETIC), ".8g")]
    _write(path, "\n".join([*lines, *(_line(row, ".6g") for row in rows)]) + "\n")


def _write_photoelectric(folder: Path, z: int) -> None:
    """σ E³ in barn MeV³ against E in MeV up to 100 MeV, and σ ∝ 1/E beyond; one shell, bound by 1 keV."""
    energy, section = PHOTON_ENERGIES, photoelectric(z, PHOTON_ENERGIES)
    lines = [f"{energy[0]:.8e} {energy[-1]:.8e} {len(energy)}", str(len(energy))]
    lines += [f"{e:.8e} {s * e**3:.8e}" for e, s in zip(energy, section, strict=True)]
    _write(folder / f"pe-cs-{z}.dat", "\n".join(lines) + "\n")
    beyond = f"1 1 {energy[-1]:g}.\n{energy[0]:.1e} {section[-1] * energy[-1]:.8e} 0 0 0 0 0\n"
    for part in ("high", "low"):
        _write(folder / f"pe-{part}-{z}.dat", beyond)


def _line(values: Floats, form: str) -> str:
    return " ".join(format(value, form) for value in values)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def _load_xraydb() -> Any:
    try:
        import xraydb
    except ImportError:
        raise install_hint("xraydb", "simulate") from None
    return xraydb
