"""`hepsieve fetch`: what it prints, and which of the fetched files a run then reads."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from time import sleep

import pytest
from tests.conftest import Told
from tests.data.web import Web, serving

from hepsieve.config import load_task
from hepsieve.data import public as catalog
from hepsieve.data.public import PublicData
from hepsieve.progress import Silent
from hepsieve.sample import downloads, load_sample

Command = Callable[..., Told]


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/all_train.csv.gz": hepmass_rows(60), "/all_test.csv.gz": hepmass_rows(20)})) as running:
        yield running


@pytest.fixture
def small_hepmass(web: Web, monkeypatch: pytest.MonkeyPatch) -> PublicData:
    """The entry of the catalog, with files of few rows."""
    files = tuple(
        replace(file, url=f"{web.address}/{file.name}", sha256=sha256(web.files[f"/{file.name}"]).hexdigest())
        for file in catalog.public("hepmass").files
    )
    data = replace(catalog.public("hepmass"), files=files)
    monkeypatch.setattr(catalog, "PUBLIC", {**catalog.PUBLIC, "hepmass": data})
    return data


def hepmass_rows(n: int) -> bytes:
    """Rows in the published layout; the label and one feature vary."""
    header = ",".join(["# label", *(f"f{k}" for k in range(27)), "mass"])
    rows = [",".join([f"{i % 2}.0", f"{i / n}", *["0.5"] * 26, "500.0"]) for i in range(n)]
    return gzip.compress("\n".join([header, *rows, ""]).encode(), mtime=0)


def test_both_files_come_and_a_run_reads_one(hepsieve: Command, small_hepmass: PublicData, tmp_path: Path) -> None:
    told = hepsieve("fetch", "hepmass")
    assert (told.status, told.err) == (0, "")
    train, test, held_out, terms = told.out.splitlines()
    assert Path(train) == downloads(tmp_path / "cache") / "all_train.csv.gz"
    assert gzip.decompress(Path(test).read_bytes()).count(b"\n") == 21
    assert held_out.startswith("held out: all_test.csv.gz; a run leaves it unread")
    assert terms == "terms: CC BY 4.0"
    config = load_task("hepmass")
    assert len(load_sample(config, cache=tmp_path / "cache", jobs=1, progress=Silent()).events) == 60
    named = config.model_copy(update={"data": config.data.model_copy(update={"files": (Path(train), Path(test))})})
    assert len(load_sample(named, cache=tmp_path / "cache", jobs=1, progress=Silent()).events) == 80


def test_a_task_file_fetches_what_it_names(hepsieve: Command, small_hepmass: PublicData, tmp_path: Path) -> None:
    task = "task: mine\ntitle: Mine\nclasses: [a, b]\ndata: {catalog: hepmass}\nmodels: {trees: {kind: trees}}\n"
    (tmp_path / "mine.yaml").write_text(task, encoding="utf-8")
    told = hepsieve("fetch", "mine.yaml", "--from", f"{small_hepmass.files[0].url}", "--quiet")
    assert (told.status, told.err) == (0, "")
    assert Path(told.out.splitlines()[0]).is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["s2-count"], "xenon: the waveforms belong to the LZ collaboration and are not public; members ask there"),
        (["s2-separation", "--from", "."], "xenon: the waveforms belong"),
        (["hepmas"], "no data set 'hepmas' in the catalog; did you mean 'hepmass'?"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        (["egamma", "--from", "."], "electrons.hdf5: 9 bytes, but the published SingleElectronPt50"),
        (["hepmass", "--from", "."], "all_train.csv.gz: not the published all_train.csv.gz (sha256 differs)"),
        (["hepmass", "--from", "nowhere"], "nowhere: no such file; name the folder that holds all_train.csv.gz"),
    ],
)
def test_what_can_not_be_fetched_is_one_line(
    hepsieve: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "electrons.hdf5").write_bytes(b"\x89HDF\r\n\x1a\nx")
    (tmp_path / "all_train.csv.gz").write_bytes(hepmass_rows(3))
    told = hepsieve("fetch", *arguments)
    assert (told.status, told.out) == (2, "")
    assert says in told.err
    assert len(told.err.splitlines()) == 1
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_ctrl_c_keeps_what_came(web: Web, tmp_path: Path) -> None:
    # What a shell starts in the background ignores Ctrl-C, and so does all that it starts.
    script = """
        import signal, sys
        from dataclasses import replace
        from hepsieve.data import public as catalog
        from hepsieve.cli import main

        signal.signal(signal.SIGINT, signal.default_int_handler)
        file = catalog.PublicFile(url=sys.argv.pop())
        catalog.PUBLIC = {"hnl": replace(catalog.public("hnl"), files=(file,))}
        main()
    """
    web.files, web.stalls = {"/a.dat": bytes(100_000)}, [60_000]
    command = [sys.executable, "-c", dedent(script), "fetch", "hnl", f"{web.address}/a.dat"]
    environment = {**os.environ, "HEPSIEVE_CACHE": str(tmp_path)}
    part = downloads(tmp_path) / ".part-fetch.a.dat"
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size > 10_000):
            sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "hepsieve: interrupted; nothing was left at the output path; the same command goes on where it was\n"
    assert not (part.parent / "a.dat").exists()
    size = part.stat().st_size
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert Path(again.stdout.splitlines()[0]).read_bytes() == bytes(100_000)
    assert web.sent_ranges() == [None, f"bytes={size}-"]
