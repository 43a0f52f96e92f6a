"""The files behind the tasks: where they are published, how large they are, and what to do where none are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hepsieve.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PublicFile:
    """A published file.

    Attributes:
        url: its address.
        size: in bytes; None where nobody published it.
        sha256: its checksum; None where nobody published one.
        known_as: other names that a copy of it may have, as where a course or notebook saved it.
        held_out: whether it holds events for a last judgement: a run doesn't read it unless it is named, so that
            ``hepsieve evaluate RUN --data`` finds them unseen.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    known_as: tuple[str, ...] = ()
    held_out: bool = False

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class PublicData:
    """The published files of a data set.

    Attributes:
        name: key in the catalog, the same as that of the columns (`catalog.Dataset`) where the data are a table.
        files: the published files; none where the data are not public.
        terms: the licence of the data.
        unavailable: why there are no files, and what to do; empty where there are.
    """

    name: str
    files: tuple[PublicFile, ...] = ()
    terms: str = ""
    unavailable: str = ""

    @property
    def run_files(self) -> tuple[PublicFile, ...]:
        """The files that a run reads when none are named."""
        return tuple(file for file in self.files if not file.held_out)


def public(name: str) -> PublicData:
    """The files of the data set of this name.

    >>> [file.name for file in public("hepmass").run_files]
    ['all_train.csv.gz']

    Raises:
        ConfigError: if there is no such data set; it names the nearest.
    """
    if name in PUBLIC:
        return PUBLIC[name]
    near = difflib.get_close_matches(name, PUBLIC, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it holds: {', '.join(PUBLIC)}"
    raise ConfigError(f"no data set {name!r} in the catalog; {hint}")


_UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases"

# UCI publishes no checksums, but others who load its files do: a collection of benchmark loaders has these three,
# and the xor of the two for HEPMASS is the one number that DatasetProvider.jl gives for both.
_HIGGS = PublicData(
    name="higgs",
    files=(
        PublicFile(
            url=f"{_UCI}/00280/HIGGS.csv.gz",
            size=2_816_407_858,
            sha256="ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698",
        ),
    ),
    terms="CC BY 4.0",
)

_HEPMASS = PublicData(
    name="hepmass",
    files=(
        PublicFile(
            url=f"{_UCI}/00347/all_train.csv.gz",
            sha256="52061273edbe84cbfff6cc5432a04366d3401c39baf80da99d9baf91e0165498",
        ),
        PublicFile(
            url=f"{_UCI}/00347/all_test.csv.gz",
            sha256="eccba00f8d82c471c582ab629084103356f8dda637fad6d43f16a056673091b3",
            held_out=True,
        ),
    ),
    terms="CC BY 4.0",
)

_HNL_FOLDER = "https://github.com/Switch-bot/TFPA-II/raw/758c30d6f215e4eeb1888c6f3fa4b39b0492d236/Data"

_HNL = PublicData(
    name="hnl",
    files=(
        PublicFile(
            url=f"{_HNL_FOLDER}/kinematic_variables_Back.dat",
            size=941_225,
            sha256="57b717030a12d32169aac38596170e18a0a64a4346e7af50bcd6f14547d56e79",
        ),
        PublicFile(
            url=f"{_HNL_FOLDER}/kinematic_variables_HNLtoPimu.dat",
            size=1_097_225,
            sha256="0551be9bca747b2b26dabed57ba0a71b4b4deb792ebae597469739ecd3200e05",
        ),
    ),
    terms="no licence is stated; ask the course's teachers before passing the files on",
)

_CERNBOX = "https://cernbox.cern.ch/remote.php/dav/public-files"

# The two shares of the reference analysis, by the addresses under which CERNBox serves public shares now; it may no
# longer answer the former ones (index.php/s/TOKEN/download). The sizes are what its server announced in April 2022;
# nobody published checksums.
_EGAMMA = PublicData(
    name="egamma",
    files=(
        PublicFile(
            url=f"{_CERNBOX}/FbXw3V4XNyYB3oA/SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5",
            size=128_927_319,
            known_as=("electrons.hdf5",),
        ),
        PublicFile(
            url=f"{_CERNBOX}/AtBT8y4MiQYFcgc/SinglePhotonPt50_IMGCROPS_n249k_RHv1.hdf5",
            size=119_703_858,
            known_as=("photons.hdf5",),
        ),
    ),
    terms="no licence is stated; ask ML4SCI, who share the files, before passing them on",
)

_LZ = "the waveforms belong to the LZ collaboration and are not public; members ask there, others need simulated ones"

PUBLIC: Mapping[str, PublicData] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            _HIGGS,
            _HEPMASS,
            _EGAMMA,
            _HNL,
            PublicData(name="xenon", unavailable=_LZ),
        )
    }
)
