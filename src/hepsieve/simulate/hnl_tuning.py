"""The factors of the heavy-neutral-lepton simulation that no derivation gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Factors tuned by eye on the distributions of the genuine files, class by class; none of them is derived.

    Each stands for what the experiment's full simulation does in detail (every plate of the surroundings, hadronic
    showers, the track finding). Change them, and the simulated sample moves away from the genuine one; nothing else
    in hepsieve depends on them.

    Attributes:
        momentum_power: heavy leptons are kept in proportion to p to this power. A long life alone gives −1, a sample
            without event weights 0.
        beam_spot: spread of the proton beam at the target in cm, in x and in y.
        signal_least_momentum: of a signal track, in GeV.
        slope_error: of a track at the first station in x and y, in rad.
        scattering: multiple scattering in the spectrometer, in rad GeV.
        point_error: of a track at the first station in x and y, in cm.
        signal_bad: share of badly measured signal tracks (decays in flight, hard scatters) at 1 GeV; it falls as 1/p.
        signal_bad_slope: error of a bad signal track's slopes in rad GeV; it falls as 1/p.
        most_bad: that share at the slowest.
        wrong_share: share of bad tracks whose momentum is wrong too.
        wrong_momentum: limits of the factor by which it is wrong, every value as probable.
        background_bad: share of background tracks that are badly measured.
        background_bad_slope: error of a bad background track's slopes in rad GeV; it falls as 1/p.
        refit: relative change of a daughter's momentum by the vertex fit at a DOCA of 1 cm.
        refit_power: that change grows with the DOCA to this power.
        refit_tail: degrees of freedom of the Student distribution of that change; few mean long tails.
        prompt: interactions of neutrinos from charm for one that the cross sections give.
        energy_power: neutrino interactions are kept in proportion to E to this power.
        flux_slope: the neutrinos' slopes are multiplied by this (the cascade in the target widens the beam).
        upstream_length: matter before the vessel in which neutrinos interact, in cm along the beam.
        upstream_density: its density in g/cm³, iron with gaps.
        wall_thickness: of the vessel's walls with their ribs and veto, in cm.
        wall_density: their mean density in g/cm³.
        station_density: mean density behind the vessel, in g/cm³.
        window: thickness of the vessel's front window in cm of iron.
        secondaries: pions of all charges that come out of one absorbed hadron.
        secondary_share: exponents a and b of the Beta distribution of a secondary's share of the momentum.
        secondary_pt: spread of its transverse momentum per axis in GeV.
        most_tracks: events with more tracks are not reconstructed as pairs.
        two_leptons: share of pairs of two electrons or muons that stay.
        decays_inside: share of pairs that stay if both tracks begin at one point inside the vessel.
        least_momentum: of a background track, in GeV.
    """

    momentum_power: float = -0.7
    beam_spot: float = 0.2
    signal_least_momentum: float = 0.3
    slope_error: tuple[float, float] = (1.0e-4, 0.7e-4)
    scattering: float = 9e-4
    point_error: tuple[float, float] = (0.04, 0.02)
    signal_bad: float = 0.15
    signal_bad_slope: float = 0.1
    most_bad: float = 0.5
    wrong_share: float = 0.5
    wrong_momentum: tuple[float, float] = (0.5, 1.2)
    background_bad: float = 0.11
    background_bad_slope: float = 0.12
    refit: float = 3e-4
    refit_power: float = 0.5
    refit_tail: float = 0.9
    prompt: float = 1.0
    energy_power: float = 1.0
    flux_slope: float = 1.7
    upstream_length: float = 50.0
    upstream_density: float = 4.0
    wall_thickness: float = 36.0
    wall_density: float = 1.2
    station_density: float = 0.05
    window: float = 1.0
    secondaries: int = 6
    secondary_share: tuple[float, float] = (0.4, 2.0)
    secondary_pt: float = 0.7
    most_tracks: int = 3
    two_leptons: float = 0.3
    decays_inside: float = 0.2
    least_momentum: float = 0.15


TUNING = Tuning()
