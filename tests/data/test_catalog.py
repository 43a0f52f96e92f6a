"""The catalog against the genuine files it describes, and the names that files use instead."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import uproot

from hepsieve.config import DataConfig
from hepsieve.data.catalog import CATALOG, IMAGES, WAVEFORMS, dataset, entry, image_set, waveform_set
from hepsieve.data.columns import normalise, resolve
from hepsieve.data.read import read_files, require_catalog
from hepsieve.errors import ConfigError, DataError


@pytest.mark.genuine
def test_higgs_has_the_genuine_files_columns_in_their_order(genuine: Callable[[str], Path]) -> None:
    higgs = dataset("higgs")
    with uproot.open(genuine("higgs/Higgs_data.root")) as file:
        assert set(higgs.trees) == set(file.keys(cycle=False))
        for tree in higgs.trees:
            assert tuple(file[tree].keys()) == ("Type", *higgs.feature_names)


def test_the_published_layout_has_the_label_first() -> None:
    higgs = dataset("higgs")
    assert higgs.layout == ("label", *higgs.feature_names)
    assert len(higgs.features) == 28


def test_the_published_hepmass_header_is_known(tmp_path: Path) -> None:
    names = ["# label", *(f"f{k}" for k in range(27)), "mass"]
    rng = np.random.default_rng(1)
    for name, label in (("all_train.csv.gz", 1), ("all_test.csv.gz", 0)):
        rows = [f"{label:.18e},{','.join(f'{value:.18e}' for value in rng.normal(size=27))},5.0e+02" for _ in range(4)]
        (tmp_path / name).write_bytes(gzip.compress("\n".join([",".join(names), *rows, ""]).encode()))
    paths = [tmp_path / "all_train.csv.gz", tmp_path / "all_test.csv.gz"]
    events = read_files(paths, DataConfig(catalog="hepmass"))
    assert events.names == dataset("hepmass").feature_names == tuple(names[1:])
    assert events.target.tolist() == [1] * 4 + [0] * 4
    assert set(events.features[:, -1].tolist()) == {500.0}


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_no_spelling_belongs_to_two_columns(name: str) -> None:
    owners: dict[str, str] = {}
    for column in (*dataset(name).features, dataset(name).label):
        for spelling in (column.name, *column.aliases):
            assert owners.setdefault(normalise(spelling), column.name) == column.name


def test_an_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'higgs'"):
        dataset("higs")


def test_all_kinds_of_data_have_one_catalog() -> None:
    names = [*CATALOG, *IMAGES, *WAVEFORMS]
    assert len(set(names)) == len(names)
    assert [entry(name).name for name in names] == names
    with pytest.raises(ConfigError, match="no data set 'egama' in the catalog; did you mean 'egamma'"):
        image_set("egama")
    with pytest.raises(ConfigError, match=r"egamma is a data set of images, not a table; images come from \.h5"):
        dataset("egamma")
    with pytest.raises(ConfigError, match="hnl is a table, not a data set of images"):
        image_set("hnl")
    with pytest.raises(ConfigError, match="egamma is a data set of images, not a data set of waveforms; images come"):
        waveform_set("egamma")
    with pytest.raises(ConfigError, match="xenon is a data set of waveforms, not a table"):
        dataset("xenon")


def test_the_images_of_egamma_are_crystals() -> None:
    egamma = image_set("egamma")
    assert (egamma.feature_names, egamma.size) == (("energy", "time"), (32, 32))
    assert egamma.units == {"energy": "50 GeV", "time": "ns"}


def test_a_file_fits_the_catalog_or_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", X=np.zeros((3, 32, 32)), y=np.zeros(3))
    (tmp_path / "table.csv").write_text(",".join(["label", *dataset("higgs").feature_names]) + "\n" + "1," * 28 + "1\n")
    np.save(tmp_path / "waveforms.npy", np.zeros((3, 5000)))
    fits = {"images.npz": "egamma", "table.csv": "higgs", "waveforms.npy": "xenon"}
    for file, own in fits.items():
        require_catalog(tmp_path / file, DataConfig(catalog=own))
        for other in {*CATALOG, *IMAGES, *WAVEFORMS} - {own}:
            with pytest.raises(DataError):
                require_catalog(tmp_path / file, DataConfig(catalog=other))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("jet_1_btag", "jet1_b-tag"),
        ("jet1_btag", "jet1_b-tag"),
        ("jet 1 b-tag", "jet1_b-tag"),
        ("lepton_pt", "lepton_pT"),
        ("lepton pT", "lepton_pT"),
        ("met", "missing_energy_magnitude"),
        ("missing_energy", "missing_energy_magnitude"),
        ("MET_phi", "missing_energy_phi"),
        ("missing energy phi", "missing_energy_phi"),
        ("jet 4 pt", "jet4_pt"),
        ("mwwbb", "m_wwbb"),
    ],
)
def test_near_miss_names_resolve(spelling: str, name: str) -> None:
    header = [spelling if other == name else other for other in dataset("higgs").feature_names]
    found = resolve(dataset("higgs").feature_names, header, dataset("higgs").aliases, path="a.csv")
    assert found[name] == spelling
    assert list(found) == list(dataset("higgs").feature_names)


def test_two_names_for_one_feature_are_ambiguous() -> None:
    with pytest.raises(DataError, match=r"^a\.csv: 'missing_energy_magnitude' and 'met' both mean"):
        resolve(
            ["missing_energy_magnitude"],
            ["missing_energy_magnitude", "met"],
            dataset("higgs").aliases,
            path="a.csv",
        )


def test_an_exact_name_wins_where_no_alias_is_known() -> None:
    assert resolve(["E"], ["e", "E"], {}, path="a.csv") == {"E": "E"}
    with pytest.raises(DataError, match="both mean"):
        resolve(["E"], ["e", "e_"], {}, path="a.csv")


def test_one_column_can_not_be_two() -> None:
    with pytest.raises(DataError, match="'a' would be both 'A' and 'a_'"):
        resolve(["A", "a_"], ["a"], {}, path="f.csv")


def test_missing_columns_are_named_with_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        resolve(["m_jj", "m_bb"], ["m_jjx", *(f"c{k}" for k in range(40))], {}, path="a.csv")
    message = str(caught.value)
    assert message.startswith("a.csv: no column m_jj, m_bb (nearest: m_jjx); the file has m_jjx, c0,")
    assert message.endswith("(41 in all)")
    assert "\n" not in message
