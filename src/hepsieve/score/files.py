"""Files with raw features to the same files with a score column, one by one or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from hepsieve.data.columns import shorten
from hepsieve.data.store import discard
from hepsieve.engines import Jobs, in_order, workers_of
from hepsieve.errors import DataError, HepsieveError, WorkerLost
from hepsieve.evaluate.cut import threshold_text
from hepsieve.manifest import NAME, new_folder, sha256
from hepsieve.progress import Progress, Silent
from hepsieve.score.bundle import Bundle, load_bundle
from hepsieve.score.one_file import ScoredFile, Selection, score_file


def score_files(
    bundle: Bundle,
    files: Sequence[Path],
    output: Path,
    *,
    column: str,
    selection: Selection | None = None,
    jobs: Jobs = 1,
    progress: Progress,
) -> tuple[ScoredFile, ...]:
    """Add a score column to every file, and keep only the rows that pass where a selection is given.

    Of images and waveforms a table is written, one row each, with its number in the file; they themselves are left out.
    The score of a regression is its prediction; where the model predicts the width of each, a second column has it.

    Args:
        bundle: the verified model.
        files: what to score; each keeps all its flat columns.
        output: the new file; for several files a folder, in which each keeps its name.
        column: the name of the new column.
        selection: which rows to keep; all of them if not given. Where none passes the file has its columns only.
        jobs: who shares several files; one file, or one job, stays in this process. The new files are the same for any
            number. Files, output and the model's folder must then lie where every worker finds them.
        progress: shows how much is done.

    Raises:
        DataError: if a feature column is missing, renamed beyond recognition or not finite, or the new column's name
            is taken already.
        WorkerLost: naming the file whose workers died.
    """
    if len(files) == 1:
        if output.resolve() == files[0].resolve():
            raise DataError(f"{output}: would overwrite its own input; choose another name")
        return (score_file(bundle, files[0], output, column=column, selection=selection, progress=progress),)
    if output.suffix:
        raise DataError(f"{output}: {len(files)} files need a folder to go to, not one file")
    names = [_output_name(file) for file in files]
    if len(set(names)) < len(names):
        raise DataError(f"{output}: two files would be called {max(names, key=names.count)}; score them one by one")
    with new_folder(output) as folder:
        named = [(file, folder / name) for file, name in zip(files, names, strict=True)]
        if jobs == 1:
            scored = [
                score_file(bundle, file, new, column=column, selection=selection, progress=progress)
                for file, new in named
            ]
        else:
            try:
                scored = _side_by_side(bundle, named, column=column, selection=selection, jobs=jobs, progress=progress)
            except BaseException:
                discard(folder)  # in one step: other workers may still be writing into it
                raise
    return tuple(replace(file, path=output / file.path.name) for file in scored)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One of several files, as it is sent to another process.

    Attributes:
        model: the model's folder, absolute.
        digest: sha256 of its manifest: a worker that lives long loads a model that was made again once more.
        file: what to score, absolute.
        output: where to.
        column: the name of the new column.
        selection: which rows to keep.
    """

    model: Path
    digest: str
    file: Path
    output: Path
    column: str
    selection: Selection | None


def _side_by_side(
    bundle: Bundle,
    files: Sequence[tuple[Path, Path]],
    *,
    column: str,
    selection: Selection | None,
    jobs: Jobs,
    progress: Progress,
) -> list[ScoredFile]:
    """Every file, with where it goes to, by a worker that loads the model itself."""
    model = bundle.folder.absolute()
    digest = sha256(model / NAME)
    pieces = [
        _Piece(
            model=model,
            digest=digest,
            file=file.absolute(),
            output=output.absolute(),
            column=column,
            selection=selection,
        )
        for file, output in files
    ]
    scored: list[ScoredFile] = []
    with (
        progress.task(f"scoring {len(pieces)} files, {workers_of(jobs)} at a time", len(pieces)) as advance,
        closing(in_order(_score_piece, pieces, jobs)) as done,  # nobody goes on where the folder is taken away
    ):
        try:
            for file in done:
                scored.append(file)
                advance(1, file.path.name)
        except WorkerLost as error:
            raise WorkerLost(f"{files[len(scored)][0]}: {error}") from None
        except HepsieveError as error:
            said = str(error).replace(str(pieces[len(scored)].file), str(files[len(scored)][0]))
            raise type(error)(said) from None
    names = {piece.output for piece in pieces}
    for left in [path for path in pieces[0].output.parent.iterdir() if path not in names]:
        left.unlink()  # the half of a file whose worker died
    return scored


def _score_piece(piece: _Piece) -> ScoredFile:
    """Carried out in a process of its own."""
    if not piece.output.parent.is_dir():
        where = piece.output.parent.parent
        raise DataError(f"{where}: a worker does not find it; take an output folder that all of them share")
    bundle = _bundle(piece.model, piece.digest)
    return score_file(
        bundle, piece.file, piece.output, column=piece.column, selection=piece.selection, progress=Silent()
    )


@lru_cache(maxsize=1)
def _bundle(model: Path, digest: str) -> Bundle:
    """Verified and loaded once in a process, not once for each file."""
    return load_bundle(model)


def _output_name(file: Path) -> str:
    """The input's name, in the nearest format that can be written."""
    match file.suffix.lower():
        case ".csv" | ".parquet" | ".root":
            return file.name
        case ".gz":
            return file.with_suffix("").stem + ".csv"
        case ".npy" | ".npz" | ".h5" | ".hdf5" | ".hdf":
            return file.stem + ".parquet"
        case _:
            return file.stem + ".csv"


def describe(scored: Sequence[ScoredFile], column: str, selection: Selection | None = None) -> str:
    """One line that says what was written."""
    rows, read = sum(file.rows for file in scored), sum(file.read for file in scored)
    where = scored[0].path if len(scored) == 1 else f"{len(scored)} files in {scored[0].path.parent}"
    lost = tuple(dict.fromkeys(name for file in scored for name in file.left_out))
    note = f"; left out (not one number a row, or the name is taken): {shorten(lost)}" if lost else ""
    note += "".join(f"; {said}" for said in dict.fromkeys(file.converted for file in scored) if said)
    if selection is None:
        return f"{where}: {rows} rows with {column}{note}"
    share = f" ({100 * rows / read:.1f} %)" if read else ""
    cut = f"{column} ≥ {threshold_text(selection.threshold)}"
    return f"{where}: kept {rows:,} of {read:,} rows{share} at {selection.name!r} ({cut}){note}"
