"""The parameters of the HIGGS simulation that were tuned, each with its reason.

They were found from the genuine rows of even number (10,000 of 20,000: those of each tree of the file with the number
0, 2, 4, …) and from nothing else: binned distributions of all columns but azimuths, and of the balance of transverse
momenta, transverse mass, distances, and momenta of tagged and untagged jets, whose change with each parameter was
simulated. The rows of odd number judge the result (``python -m bench fidelity-higgs``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What the publication does not say about generator and detector.

    Attributes:
        parton_set: Pythia's number of the parton densities: CTEQ6L1, which the generator of the public events
            (MadGraph 5) takes unless told otherwise. Softer gluons than those of Pythia's own choice make softer top
            pairs and more central leptons.
        top_mass: in GeV, which older MadGraph cards have; with 172.5, m_jlv of the background is 2 % low.
        light_higgs_mass: in GeV; the peak of m_bb lies 1.5 % lower than 125 GeV and these jets make it. This stands for
            what b jets of the public events lose (neutrinos, out of the cone) beyond this detector, while the pt of
            tagged jets is too low rather than too high, so that a smaller jet scale makes it worse.
        signal_space_alpha: coupling of initial-state showers of the signal. With 0.12, jets 3 and 4 are too soft.
        background_space_alpha: the same of top pairs. With 0.137, transverse momenta of lepton, missing momentum and
            four jets balance less well than in the genuine rows, and the peaks of m_jjj and m_jlv are too broad.
        time_alpha: coupling of final-state showers: with 0.14 all jets of the signal are too soft; with
            0.118 background rows are told from genuine ones more easily.
        isolation_share: most of its own pt that a lepton may have around it; there are fewer leptons of 15 to 25 GeV
            than 0.15 lets pass.
        lepton_rim: |eta| beyond which leptons are mostly lost: the last tower that begins before the trackers' end.
        rim_efficiency: of the leptons there, how many are found.
        shoulder_et: least transverse energy of a tower that joins a jet, in GeV.
        met_noise: spread of the missing momentum, in x and in y, that the towers do not carry, in GeV. Top pairs alone
            would have 12, the signal, whose m_lv has a longer tail, 15.
        soft_tag_loss: of the tags of heavy jets, how many are lost at 15 GeV beyond the fits to the tagger: they end
            before such soft jets.
        soft_tag_range: GeV of transverse energy over which this loss falls to 1/e.
    """

    parton_set: int = 8
    top_mass: float = 174.3
    light_higgs_mass: float = 123.0
    signal_space_alpha: float = 0.137
    background_space_alpha: float = 0.12
    time_alpha: float = 0.125
    isolation_share: float = 0.13
    lepton_rim: float = 2.35
    rim_efficiency: float = 0.3
    shoulder_et: float = 0.8
    met_noise: float = 13.5
    soft_tag_loss: float = 0.07
    soft_tag_range: float = 25.0


TUNING = Tuning()
