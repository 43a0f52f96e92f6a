"""The tables that Geant4 reads: against published data, and whole in the cache whoever asks for them."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hepsieve.errors import HepsieveError, MissingExtra
from hepsieve.manifest import verify
from hepsieve.simulate.egamma_bremsstrahlung import ELECTRON_MASS, scaled_cross_section
from hepsieve.simulate.egamma_tables import (
    BREMSSTRAHLUNG,
    DATA_DIR,
    FOLDERS,
    KINETIC,
    SHARES,
    geant4_data,
    photoelectric,
    tables,
)

MOLAR_MASS = {6: 12.011, 8: 15.999, 74: 183.84, 82: 207.2}
AVOGADRO = 0.602214076  # per mol and barn in cm²


def radiative_stopping(z: int, kinetic: float) -> float:
    """Energy lost to radiation in MeV cm²/g: (N/A) (Z²/β²) T ∫ of the scaled cross-section."""
    share = np.linspace(0, 1, 4001)
    moment = np.trapezoid(scaled_cross_section(z, share, kinetic), share) * 1e-3  # barn
    beta2 = 1 - (ELECTRON_MASS / (kinetic + ELECTRON_MASS)) ** 2
    return float(AVOGADRO / MOLAR_MASS[z] * z**2 / beta2 * kinetic * moment)


@pytest.mark.parametrize(
    ("z", "kinetic", "published", "tolerance"),
    [
        # NIST's ESTAR (data base 124), which rests on Seltzer and Berger; lead: the integral of their table.
        (6, 1.0, 0.01053, 0.15),
        (6, 10.0, 0.1513, 0.06),
        (74, 1.0, 0.1159, 0.15),
        (74, 10.0, 1.132, 0.04),
        (82, 1.0, 0.1284, 0.16),
        (82, 10.0, 1.2026, 0.04),
    ],
)
def test_electrons_radiate_as_published(z: int, kinetic: float, published: float, tolerance: float) -> None:
    assert radiative_stopping(z, kinetic) == pytest.approx(published, rel=tolerance)


@pytest.mark.parametrize(("z", "length"), [(8, 34.24), (74, 6.76), (82, 6.37)])
def test_at_high_energy_a_radiation_length_takes_all_energy(z: int, length: float) -> None:
    # The radiation length in g/cm² of the Review of Particle Physics; the loss is E/X0 × (1 + b) with b = 0.012 for
    # complete screening (Y.-S. Tsai, Rev. Mod. Phys. 46 (1974) 815).
    assert radiative_stopping(z, 1e4) / 1e4 * length == pytest.approx(1.012, abs=0.01)


@pytest.mark.parametrize(
    ("z", "energy", "total", "scattered"),
    [
        # All in cm²/g: NIST's total attenuation (XAAMDI), less Klein and Nishina's scattering on free electrons (0.4927
        # and 0.2112 barn per electron, so 0.117 and 0.0503 for lead); Rayleigh scattering, a twentieth, is left in.
        (82, 0.1, 5.549, 0.1174),
        (82, 1.0, 0.07102, 0.05033),
        (74, 0.1, 4.438, 0.1194),
    ],
)
def test_photoelectric_absorption_is_what_scattering_leaves(
    z: int, energy: float, total: float, scattered: float
) -> None:
    pytest.importorskip("xraydb")
    absorbed = photoelectric(z, np.array([energy]))[0] * AVOGADRO / MOLAR_MASS[z]
    assert 0.83 * (total - scattered) < absorbed < total - scattered


def test_photoelectric_absorption_jumps_at_the_k_edge_and_ends_like_one_over_energy() -> None:
    pytest.importorskip("xraydb")
    below, above, high, higher = photoelectric(74, np.array([0.0694, 0.0697, 50.0, 100.0]))
    assert above / below > 3  # tungsten's K edge is at 69.5 keV
    assert high / higher == pytest.approx(2, rel=0.03)
    joint = photoelectric(82, np.array([0.7999, 0.8001]))
    assert joint[0] == pytest.approx(joint[1], rel=2e-3)


def test_the_nodes_are_those_that_geant4_expects() -> None:
    assert (len(SHARES), len(KINETIC)) == (30, 57)
    np.testing.assert_allclose(KINETIC[[0, 1, 24, 56]], [1e-3, 1.5e-3, 1, 1e4])


def test_many_may_ask_for_the_tables_at_once(tmp_path: Path) -> None:
    pytest.importorskip("xraydb")
    with ThreadPoolExecutor(3) as pool:
        (folder,) = set(pool.map(tables, [tmp_path] * 3))
    verify(folder)
    assert all((folder / name).is_dir() for name in FOLDERS)
    # Nothing unfinished is left beside it.
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    made = folder.stat().st_mtime_ns
    assert tables(tmp_path) == folder
    assert folder.stat().st_mtime_ns == made


def test_damaged_tables_are_made_again(tmp_path: Path) -> None:
    pytest.importorskip("xraydb")
    lead = tables(tmp_path) / BREMSSTRAHLUNG / "br82"
    whole = lead.read_text()
    lead.write_text(whole[: len(whole) // 2])
    tables(tmp_path)
    assert lead.read_text() == whole
    assert [path.name for path in lead.parents[3].iterdir()] == [lead.parents[2].name]


@pytest.mark.parametrize("before", [None, "/elsewhere"])
def test_the_environment_is_left_as_it_was(
    before: str | None, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xraydb")
    monkeypatch.setenv("HEPSIEVE_CACHE", str(shared_cache))
    monkeypatch.delenv(DATA_DIR, raising=False)
    if before is not None:
        monkeypatch.setenv(DATA_DIR, before)
    with geant4_data():
        assert os.environ[DATA_DIR] == str(tables())
    assert os.environ.get(DATA_DIR) == before


def test_a_cache_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    pytest.importorskip("xraydb")
    (tmp_path / "geant4").write_text("a file where a folder should be")
    with pytest.raises(HepsieveError, match=r"geant4.*can't be written") as caught:
        tables(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_without_xraydb_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xraydb", None)
    with pytest.raises(MissingExtra, match=r"^xraydb is not installed; pip install 'hepsieve\[simulate\]' brings it$"):
        tables(tmp_path)
