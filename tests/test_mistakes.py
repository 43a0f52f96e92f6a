"""Every mistake gets one line that names the place, exit status 2, and leaves nothing behind."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Told

HEADER = "kind,a,b,c"
ROWS = [f"{k % 2},{k / 7:.3f},{k % 11},{k % 13}" for k in range(60)]


def text(*, header: str = HEADER, rows: list[str] | None = None, change: tuple[int, str] | None = None) -> bytes:
    lines = [header, *(ROWS if rows is None else rows)]
    if change is not None:
        lines[change[0] - 1] = change[1]
    return ("\n".join(lines) + "\n").encode()


def packed(**changes: object) -> bytes:
    return gzip.compress(text(), mtime=0)


def wrong_crc() -> bytes:
    content = bytearray(packed())
    content[-8] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("cut.csv.gz", packed()[:-40], ""),
        ("crc.csv.gz", wrong_crc(), ""),
        ("plain.csv.gz", text(), "gz"),
        ("short.csv", text(change=(31, "0,1,2")), "31"),
        ("long.csv", text(change=(31, "0,1,2,3,4")), "31"),
        ("text.csv", text(change=(31, "0,1,two,3")), "31"),
        ("comma.csv", text(change=(31, "0,1,2,5,3")), "31"),
        ("empty.csv", b"", "empty"),
        ("header.csv", text(rows=[]), ""),
        ("nolabel.csv", text(header="sort,a,b,c"), "kind"),
        ("oneclass.csv", text(rows=[row for row in ROWS if row[0] == "1"]), "pulse"),
        ("label2.csv", text(change=(31, "2.0,1,2,3")), "31"),
        ("nan.csv", text(change=(31, "0,nan,2,3")), "a is not finite"),
        ("inf.csv", text(change=(31, "0,inf,2,3")), "a is not finite"),
        ("huge.csv", text(change=(31, "0,1e400,2,3")), "a is not finite"),
        ("hole.csv", text(change=(31, "0,,2,3")), "31"),
    ],
)
def test_a_bad_file(hepsieve: Callable[..., Told], toy: Path, name: str, content: bytes, says: str) -> None:
    file = toy.parent / name
    file.write_bytes(content)
    told = hepsieve("run", toy, "--data", file, "--out", toy.parent / "run")
    assert told.status == 2
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert told.err.startswith("hepsieve: ")
    assert says in told.err
    assert name in told.err or "the audit stops here" in told.err
    assert not (toy.parent / "run").exists()
    assert not list(toy.parent.glob(".part-*"))


def test_half_a_root_file(hepsieve: Callable[..., Told], toy: Path, genuine: Callable[[str], Path]) -> None:
    content = genuine("higgs/Higgs_data.root").read_bytes()
    (toy.parent / "half.root").write_bytes(content[: len(content) // 2])
    told = hepsieve("run", "higgs", "--data", toy.parent / "half.root", "--out", toy.parent / "run")
    assert told.status == 2
    assert len(told.err.splitlines()) == 1
    assert "half.root" in told.err
    assert not (toy.parent / "run").exists()


def test_jagged_branches(hepsieve: Callable[..., Told], toy: Path, genuine: Callable[[str], Path]) -> None:
    file = genuine("root/uproot-HZZ.root")
    told = hepsieve("run", toy, "--data", file, "--set", "data.features=[Jet_Px, MET_px]", "--set", "data.label=NJet")
    assert told.status == 2
    assert "'Jet_Px' is jagged" in told.err
    assert "MET_px" in told.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "higs"], "did you mean 'higgs'"),
        (["run", "toy.yaml", "--models", "tres"], "no model 'tres'"),
        (["run", "toy.yaml", "--set", "train.epoch=3"], "did you mean 'epochs'"),
        (["run", "toy.yaml", "--data", "nowhere.csv"], "no such file"),
        (["run", "toy.yaml", "--out", "toy.csv/run"], "can't be written"),
        (["run", "toy.yaml", "--out", "."], "exists already"),
        (["run", "toy.yaml", "--data"], "name at least one file"),
        (["run", "toy.yaml", "--data", "toy.csv", "toy.csv"], "stands there twice"),
        (["run", "toy.yaml", "--models", ""], "no model ''"),
        (["run", "toy.yaml", "--seed", "-1"], "seed"),
        (["run", "toy.yaml", "--seed", "99999999999"], "seed"),
        (["run", "toy.yaml", "--set", "prepare.features=[]"], "prepare.features"),
        (["run", "toy.yaml", "--set", "prepare.features=[a, a]"], "twice"),
        (["run", "toy.yaml", "--epochs", "3"], "--epochs"),
        (["run"], "TASK"),
        (["inspect", "toy.csv"], "name one with --task"),
        (["runs", "nowhere"], "no such folder"),
        (["report", "nowhere"], "no such run folder"),
        (["score", "nowhere", "toy.csv", "-o", "x.csv"], "no such run folder"),
        (["simulate", "higgs", "-n", "10", "-o", "x.csv"], ".parquet"),
        (["simulate", "toy.yaml", "-n", "10", "-o", "x.npz"], "no simulator"),
        (["fetch", "toy.yaml"], "no public data set"),
        (["export", "nowhere", "--to", "onnx"], "keras and pyhf only"),
    ],
)
def test_a_bad_argument(hepsieve: Callable[..., Told], toy: Path, arguments: list[str], says: str) -> None:
    before = sorted(toy.parent.iterdir())
    told = hepsieve(*arguments)
    assert told.status == 2
    assert says in told.err
    assert len(told.err.splitlines()) == 1
    assert sorted(path for path in toy.parent.iterdir() if path.name != "cache") == before
