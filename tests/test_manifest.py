"""Files and folders appear whole or not at all, and a change is noticed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.manifest import new_file, new_folder, replace_files, verify


def publish(folder: Path) -> Path:
    with new_folder(folder, {"seed": 3}) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text("hello", encoding="utf-8")
    return folder


def test_a_folder_is_published_with_its_manifest(tmp_path: Path) -> None:
    folder = publish(tmp_path / "run")
    manifest = verify(folder)
    assert manifest["seed"] == 3
    assert manifest["files"]["inner/a.txt"]["size"] == 5
    assert manifest["packages"]["python"] == ".".join(map(str, sys.version_info[:3]))
    # The points of a search, and so the models of a run, depend on the version of optuna.
    assert {"numpy", "optuna", "h5py", "mplhep", "pyhf"} <= set(manifest["packages"])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def half_a_folder(path: Path) -> None:
    with new_folder(path) as temporary:
        (temporary / "a").write_text("x", encoding="utf-8")
        raise ZeroDivisionError


def half_a_file(path: Path) -> None:
    with new_file(path) as temporary:
        temporary.write_text("x", encoding="utf-8")
        raise ZeroDivisionError


@pytest.mark.parametrize("half", [half_a_folder, half_a_file])
def test_nothing_is_left_after_an_error(tmp_path: Path, half: Callable[[Path], None]) -> None:
    with pytest.raises(ZeroDivisionError):
        half(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_touched(tmp_path: Path) -> None:
    folder = publish(tmp_path / "run")
    with pytest.raises(HepsieveError, match="exists already"), new_folder(folder):
        pass
    verify(folder)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "no manifest"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    folder = publish(tmp_path / "run")
    file = folder / "inner" / "a.txt"
    match damage:
        case "flip":
            file.write_text("hellp", encoding="utf-8")
        case "truncate":
            file.write_text("hell", encoding="utf-8")
        case "remove":
            file.unlink()
        case "manifest":
            (folder / "manifest.json").write_text("{", encoding="utf-8")
        case "no manifest":
            (folder / "manifest.json").unlink()
    with pytest.raises(IntegrityError) as caught:
        verify(folder)
    assert "\n" not in str(caught.value)


def test_a_file_replaces_the_old_one_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with new_file(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


def test_files_are_exchanged_without_a_moment_of_disagreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = publish(tmp_path / "run")
    replace_files(folder, {"inner/a.txt": "other"})
    manifest = verify(folder)
    assert manifest["seed"] == 3
    assert (folder / "inner" / "a.txt").read_text(encoding="utf-8") == "other"

    calls = []

    def stop_at_the_third(path: Path) -> Any:
        calls.append(path)
        if len(calls) == 3:  # the manifest and the file are written, the final manifest is not
            raise KeyboardInterrupt
        return new_file(path)

    monkeypatch.setattr("hepsieve.manifest.new_file", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        replace_files(folder, {"inner/a.txt": "third"})
    verify(folder)
    assert (folder / "inner" / "a.txt").read_text(encoding="utf-8") == "third"


def test_an_unwritable_place_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(HepsieveError, match="can't be written") as caught, new_folder(tmp_path / "file" / "run"):
        pass
    assert "\n" not in str(caught.value)


FILL = """
import resource, sys
from pathlib import Path
from hepsieve.errors import HepsieveError
from hepsieve.manifest import new_folder
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with new_folder(Path(sys.argv[1])) as folder:
        (folder / "big").write_bytes(b"x" * 100_000)
except HepsieveError as error:
    print(error)
"""


def test_a_write_that_the_system_refuses_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files makes write() fail as a full disk does.
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert "can't be written" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


HANG = """
import sys, time
from pathlib import Path
from hepsieve.manifest import new_folder
with new_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_publishes_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HANG, str(tmp_path / "run")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "run").exists()
    deadline = time.monotonic() + 5
    publish(tmp_path / "run")  # what the killed one left is not in the way
    assert time.monotonic() < deadline
    assert json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["format"] == 1
