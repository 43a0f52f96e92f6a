"""The public data behind the tasks: what columns and channels are called and mean (`public` knows the files)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from hepsieve.errors import ConfigError
from hepsieve.kinematics import Floats
from hepsieve.objects import FactorsConfig, ObjectConfig, Of, OffsetsConfig
from hepsieve.published_columns import HEPMASS_SCALES, HEPMASS_SHIFTS, HIGGS_MEANS, HIGGS_SCALES


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a data set.

    Attributes:
        name: the name that hepsieve uses.
        unit: physical unit; an empty string is dimensionless.
        aliases: other names that files give to it. Case, blanks and punctuation never matter (`columns.normalise`).
    """

    name: str
    unit: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A public data set that is a table.

    Attributes:
        name: key in the catalog.
        features: feature columns in the order of the published files.
        label: the label column, with the names that files give to it.
        label_position: where the label stands in the published file, from 0.
        label_values: what may stand in the label column for background, and for signal.
        classes: what (background, signal) are called.
        header: whether the published file begins with column names.
        trees: ROOT trees known to hold the same data, and the class each holds.
        objects: particles and jets whose momenta stand in the columns.
    """

    name: str
    features: tuple[Column, ...]
    label: Column
    label_position: int = 0
    label_values: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,), (1.0,))
    classes: tuple[str, str] = ("background", "signal")
    header: bool = False
    trees: Mapping[str, int] = field(default_factory=dict)
    # How files are read doesn't depend on them.
    objects: Mapping[str, ObjectConfig] = field(default_factory=dict, repr=False)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the published file."""
        return tuple(column.name for column in self.features)

    @property
    def layout(self) -> tuple[str, ...]:
        """The names of all columns, in the order of the published file."""
        names = self.feature_names
        return (*names[: self.label_position], self.label.name, *names[self.label_position :])

    @property
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """The other names of every feature, by feature."""
        return {column.name: column.aliases for column in self.features}

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of every feature, by feature."""
        return {column.name: column.unit for column in self.features}


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """A public data set of images.

    Attributes:
        name: key in the catalog.
        channels: what an image has in every pixel, in the order of the published files; a file may lack the last ones.
        size: rows and columns of an image.
        label_values: what may stand in the label array for background, and for signal.
    """

    name: str
    channels: tuple[Column, ...]
    size: tuple[int, int]
    label_values: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,), (1.0,))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the channels, in the order of the published files."""
        return tuple(channel.name for channel in self.channels)

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of every channel, by channel."""
        return {channel.name: channel.unit for channel in self.channels}


@dataclass(frozen=True, kw_only=True)
class WaveformSet:
    """A data set of waveforms.

    Attributes:
        name: key in the catalog.
        channels: what a waveform has in every sample, in the order of the files.
        samples: how many samples a waveform usually has; other people's may have more or fewer.
        label_values: what may stand in the label array for background, and for signal.
    """

    name: str
    channels: tuple[Column, ...]
    samples: int
    label_values: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,), (1.0,))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the channels, in the order of the files."""
        return tuple(channel.name for channel in self.channels)

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of every channel, by channel."""
        return {channel.name: channel.unit for channel in self.channels}


def entry(name: str) -> Dataset | ImageSet | WaveformSet:
    """The entry of this name.

    Raises:
        ConfigError: if the catalog has no such entry; it names the nearest.
    """
    everything: dict[str, Dataset | ImageSet | WaveformSet] = {**CATALOG, **IMAGES, **WAVEFORMS}
    if name in everything:
        return everything[name]
    near = difflib.get_close_matches(name, everything, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it holds: {', '.join(everything)}"
    raise ConfigError(f"data.catalog: no data set {name!r} in the catalog; {hint}")


def dataset(name: str) -> Dataset:
    """The table of this name.

    >>> dataset("higgs").layout[:3]
    ('label', 'lepton_pT', 'lepton_eta')

    Raises:
        ConfigError: if the catalog has no such table; it names the nearest.
    """
    found = entry(name)
    if not isinstance(found, Dataset):
        raise ConfigError(f"data.catalog: {name} is {_what(found)}, not a table; {_TABLES_OR_ARRAYS}")
    return found


def image_set(name: str) -> ImageSet:
    """The images of this name.

    >>> image_set("egamma").feature_names
    ('energy', 'time')

    Raises:
        ConfigError: if the catalog has no such images; it names the nearest.
    """
    found = entry(name)
    if not isinstance(found, ImageSet):
        raise ConfigError(f"data.catalog: {name} is {_what(found)}, not a data set of images; {_TABLES_OR_ARRAYS}")
    return found


def waveform_set(name: str) -> WaveformSet:
    """The waveforms of this name.

    >>> waveform_set("xenon").units
    {'light': 'phd'}

    Raises:
        ConfigError: if the catalog has no such waveforms; it names the nearest.
    """
    found = entry(name)
    if not isinstance(found, WaveformSet):
        raise ConfigError(f"data.catalog: {name} is {_what(found)}, not a data set of waveforms; {_TABLES_OR_ARRAYS}")
    return found


def _what(found: Dataset | ImageSet | WaveformSet) -> str:
    match found:
        case Dataset():
            return "a table"
        case ImageSet():
            return "a data set of images"
        case WaveformSet():
            return "a data set of waveforms"


_TABLES_OR_ARRAYS = (
    "images come from .h5, .hdf5, .npz or .npy files with arrays (n, height, width, channels), waveforms from such "
    "with (n, samples, channels)"
)


def _higgs_jet(k: int) -> tuple[Column, ...]:
    return (
        Column(name=f"jet{k}_pt", aliases=(f"j{k}_pt", f"pt_jet{k}")),
        Column(name=f"jet{k}_eta", aliases=(f"j{k}_eta", f"eta_jet{k}")),
        Column(name=f"jet{k}_phi", aliases=(f"j{k}_phi", f"phi_jet{k}")),
        Column(name=f"jet{k}_b-tag", aliases=(f"jet{k}_b", f"j{k}_btag", f"jet{k}_bt", f"btag_jet{k}")),
    )


def _object(
    columns: Mapping[Of, str], at: Sequence[int], constants: tuple[Floats, Floats], **more: bool
) -> ObjectConfig:
    """The object in these columns, which stand there in a file with these scales and offsets."""
    scale, offset = ({of: float(each[k]) for of, k in zip(columns, at, strict=True)} for each in constants)
    numbers = {"scale": FactorsConfig(**scale), "offset": OffsetsConfig(**offset)}
    return ObjectConfig.model_validate({**columns, **numbers, **more})


def _higgs_objects() -> Mapping[str, ObjectConfig]:
    constants = HIGGS_SCALES, HIGGS_MEANS
    lepton = _object({"pt": "lepton_pT", "eta": "lepton_eta", "phi": "lepton_phi"}, (0, 1, 2), constants, lepton=True)
    missing = _object({"pt": "missing_energy_magnitude", "phi": "missing_energy_phi"}, (3, 4), constants)
    found = {"lepton": lepton, "missing": missing}
    for k in (1, 2, 3, 4):
        names: dict[Of, str] = {of: f"jet{k}_{of}" for of in ("pt", "eta", "phi")}
        found[f"jet{k}"] = _object({**names, "tag": f"jet{k}_b-tag"}, range(4 * k + 1, 4 * k + 5), constants)
    return MappingProxyType(found)


def _hepmass_objects() -> Mapping[str, ObjectConfig]:
    places: dict[str, dict[Of, int]] = {"lepton": {"pt": 0, "eta": 1, "phi": 2}, "missing": {"pt": 3, "phi": 4}}
    for k in (1, 2, 3, 4):
        first = 4 * k + 2
        places[f"jet{k}"] = {"pt": first, "eta": first + 1, "phi": first + 2, "tag": first + 3}
    constants = HEPMASS_SCALES, HEPMASS_SHIFTS
    return MappingProxyType(
        {
            name: _object(
                {of: f"f{k}" for of, k in at.items()}, [*at.values()], constants, log=True, lepton=name == "lepton"
            )
            for name, at in places.items()
        }
    )


# The published features are divided by scales (momenta and masses to mean 1, angles to standard deviation 1),
# so all of them are dimensionless.
_HIGGS = Dataset(
    name="higgs",
    features=(
        Column(name="lepton_pT", aliases=("lep_pt", "l_pt", "pt_lepton")),
        Column(name="lepton_eta", aliases=("lep_eta", "l_eta", "eta_lepton")),
        Column(name="lepton_phi", aliases=("lep_phi", "l_phi", "phi_lepton")),
        Column(
            name="missing_energy_magnitude",
            aliases=("missing_energy", "met", "met_pt", "met_magnitude", "missing_et", "etmiss"),
        ),
        Column(name="missing_energy_phi", aliases=("met_phi", "missing_et_phi", "etmiss_phi")),
        *(column for k in (1, 2, 3, 4) for column in _higgs_jet(k)),
        Column(name="m_jj"),
        Column(name="m_jjj"),
        Column(name="m_lv", aliases=("m_lnu",)),
        Column(name="m_jlv", aliases=("m_jlnu",)),
        Column(name="m_bb"),
        Column(name="m_wbb"),
        Column(name="m_wwbb"),
    ),
    label=Column(name="label", aliases=("Type", "class", "target", "class_label")),
    trees=MappingProxyType({"sig_tree": 1, "bkg_tree": 0}),
    objects=_higgs_objects(),
)


def _hnl_track(name: str) -> tuple[Column, ...]:
    return (
        Column(name=f"{name} Total Momentum", unit="GeV/c"),
        Column(name=f"{name} Transverse Momentum", unit="GeV/c"),
        Column(name=f"{name} Fraction of Transverse Momentum"),
    )


# Candidates of two charged tracks in the decay vessel of the SHiP experiment, course material of the Instituto Superior
# Técnico. `Good Reco` is 1 for signal and -1 for background: like `Event Type` it is the answer, and no feature.
_HNL = Dataset(
    name="hnl",
    features=(
        *_hnl_track("Mother"),
        Column(name="Opening Angle", unit="rad"),
        Column(name="Impact Parameter", unit="cm"),
        *_hnl_track("Daughter1"),
        *_hnl_track("Daughter2"),
        Column(name="Decay Z", unit="cm"),
        Column(name="Decay X", unit="cm"),
        Column(name="Decay Y", unit="cm"),
        Column(name="DOCA", unit="cm"),
        Column(name="Invariant Mass", unit="GeV/c^2"),
    ),
    label=Column(name="Event Type"),
    label_position=16,
    # 4 is deep-inelastic scattering of neutrinos; 1 a heavy neutral lepton, 2 a dark photon, 3 a neutralino.
    label_values=((4.0,), (1.0, 2.0, 3.0)),
    classes=("neutrino DIS", "heavy neutral lepton"),
    header=True,
)

# X → tt̄ with one lepton against tt̄ of the standard model, five masses of X (arXiv:1601.07913). The header of the
# published files numbers the quantities; their readme has the order: f0–f2 lepton pt, eta, phi; f3–f4 missing energy
# and its phi; f5 the number of jets; f6–f21 pt, eta, phi and b-tag of four jets; f22–f26 m_jj, m_jjj, m_lv, m_jlv and
# m_wwbb. All of these are brought to mean 0 and standard deviation 1. A background event has a mass of the five by lot.
_HEPMASS = Dataset(
    name="hepmass",
    features=(*(Column(name=f"f{k}") for k in range(27)), Column(name="mass", unit="GeV")),
    label=Column(name="label"),
    classes=("top pairs", "X to top pairs"),
    header=True,
    objects=_hepmass_objects(),
)

CATALOG: Mapping[str, Dataset] = MappingProxyType({entry.name: entry for entry in (_HIGGS, _HNL, _HEPMASS)})

# Electrons and photons of 50 GeV transverse momentum in the electromagnetic calorimeter of CMS, one crystal a pixel,
# the hottest one at row 16 and column 16. Nobody published what the numbers mean: an energy of 1 is 50 GeV, as the sums
# per image tell, which lie between 1 and 1.8 as those of 50 GeV · cosh η do.
_EGAMMA = ImageSet(
    name="egamma",
    channels=(Column(name="energy", unit="50 GeV"), Column(name="time", unit="ns")),
    size=(32, 32),
)

IMAGES: Mapping[str, ImageSet] = MappingProxyType({_EGAMMA.name: _EGAMMA})

# The light of electrons extracted from liquid xenon into its gas, summed over all photomultipliers: detected photons in
# every 10 ns.
_XENON = WaveformSet(name="xenon", channels=(Column(name="light", unit="phd"),), samples=5000)

WAVEFORMS: Mapping[str, WaveformSet] = MappingProxyType({_XENON.name: _XENON})
