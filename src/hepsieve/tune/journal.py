"""The journal of a study: all that happened to its trials, one whole line after the other, in Optuna's own format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from hepsieve.errors import IntegrityError
from hepsieve.manifest import new_file
from hepsieve.tune.clock import Ladder
from hepsieve.tune.quiet import quiet
from hepsieve.tune.sampling import as_parameters, direction
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Point

JOURNAL = "journal.log"
SETTINGS = "study.json"
_FORMAT = 1
_NAME = "hepsieve"
_EVENT = "event "
_STATES = {"finished": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclass(frozen=True, kw_only=True)
class Event:
    """What became of a trial up to a rung.

    Attributes:
        state: ``running`` goes on to the next rung.
        figure: None if there is none.
        seconds: that its trainings took so far.
        epochs: that were trained so far.
        error: why it failed.
        spent: seconds that the search took by then.
    """

    state: Literal["running", "finished", "stopped", "failed"]
    figure: float | None
    seconds: float
    epochs: int | None
    error: str
    spent: float


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A trial as the journal has it.

    Attributes:
        number: from 0.
        point: its values.
        events: one for each rung that it reached.
    """

    number: int
    point: Point
    events: tuple[Event, ...]

    @property
    def running(self) -> bool:
        """Whether it is not over."""
        return not self.events or self.events[-1].state == "running"


class Journal:
    """A study's trials, kept in a file.

    Each thing that happens is one line, written at once: a trial that begins, with all of its values, and what became
    of it at a rung. What Optuna's samplers want to have besides follows from these lines, and is added when a journal
    is opened, if a kill left it out.
    """

    def __init__(
        self, folder: Path, space: Space, ladder: Ladder, *, seed: int, on_note: Callable[[str], None]
    ) -> None:
        """Open the journal of a folder that nobody else works in, or begin it.

        Args:
            folder: of the study.
            space: of its trials.
            ladder: after which shares of a training there are events.
            seed: of the study.
            on_note: hears what was mended.

        Raises:
            IntegrityError: if the folder holds another study.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / JOURNAL
        require_same(folder, _settings(space, seed=seed), on_note=on_note)
        # The folder is ours alone: the lock is that of a process that was killed.
        with suppress(FileNotFoundError):
            Path(f"{path}.lock").unlink()
        lost = cut_to_whole_lines(path)
        self._space, self._ladder = space, ladder
        with quiet():
            self._storage = JournalStorage(JournalFileBackend(str(path)))
            known = [study for study in self._storage.get_all_studies() if study.study_name == _NAME]
            if known:
                self._study = known[0]._study_id
            else:
                self._study = self._storage.create_new_study([direction(space)], _NAME)
        for trial in self.trials():
            self._complete(trial)
        if lost:
            over = sum(trial.state.is_finished() for trial in self.trials())
            on_note(f"study: the journal's last {lost:,} bytes were cut off; {over} whole trials recovered")

    def trials(self) -> list[FrozenTrial]:
        """All trials, as Optuna has them."""
        return self._storage.get_all_trials(self._study, deepcopy=False)

    def trials_with(self, events: Sequence[int]) -> list[FrozenTrial]:
        """The first trials, as they were when so many of the events of each had happened."""
        return [
            trial if known == len(_events(trial)) else self._as_it_was(trial, known)
            for trial, known in zip(self.trials(), events, strict=False)
        ]

    def _as_it_was(self, trial: FrozenTrial, known: int) -> FrozenTrial:
        steps = self._ladder.steps[:known]
        return create_trial(
            state=TrialState.RUNNING,
            params=trial.params,
            distributions=trial.distributions,
            intermediate_values={step: trial.intermediate_values[step] for step in steps},
        )

    def recorded(self) -> list[Recorded]:
        """All trials, in the order of their numbers."""
        return list(map(self._recorded, self.trials()))

    def one(self, number: int) -> Recorded:
        """One trial."""
        return self._recorded(self.trials()[number])

    def _recorded(self, trial: FrozenTrial) -> Recorded:
        return Recorded(number=trial.number, point=self._space.point_of(trial.params), events=_events(trial))

    def begin(self, number: int, point: Point) -> None:
        """Write down that a trial begins."""
        parameters, distributions = as_parameters(self._space, point)
        template = create_trial(state=TrialState.RUNNING, params=parameters, distributions=distributions)
        self._storage.create_new_trial(self._study, template)
        assert self.trials()[-1].number == number

    def add(self, number: int, rung: int, event: Event) -> None:
        """Write down what became of a trial at a rung."""
        trial = self.trials()[number]
        self._storage.set_trial_user_attr(trial._trial_id, f"{_EVENT}{rung}", asdict(event))
        self._complete(self.trials()[number])

    def _complete(self, trial: FrozenTrial) -> None:
        """Tell Optuna what follows from a trial's events, as far as it does not know."""
        if trial.state.is_finished():
            return
        for rung, event in enumerate(_events(trial)):
            step = self._ladder.steps[rung]
            if event.figure is not None and step not in trial.intermediate_values:
                self._storage.set_trial_intermediate_value(trial._trial_id, step, event.figure)
            if event.state != "running":
                values = None if event.state == "failed" or event.figure is None else [event.figure]
                self._storage.set_trial_state_values(trial._trial_id, _STATES[event.state], values)


def require_same(folder: Path, settings: dict[str, Any], *, on_note: Callable[[str], None]) -> None:
    """Write down which study a folder holds, or refuse it if it holds another.

    Raises:
        IntegrityError: naming what differs.
    """
    path = folder / SETTINGS
    mine = {"format": _FORMAT, "optuna": optuna.__version__, **json.loads(json.dumps(settings))}
    if not path.exists() and not (folder / JOURNAL).exists():
        with new_file(path) as temporary:
            temporary.write_text(json.dumps(mine, indent=2) + "\n", encoding="utf-8")
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key in mine if key != "optuna" and found.get(key) != mine[key]]
    except (OSError, ValueError, AttributeError):
        raise IntegrityError(f"{path}: missing or damaged; remove {folder} to begin the study anew") from None
    if differing:
        raise IntegrityError(
            f"{path}: the journal here is of another study ({', '.join(differing)} differ); remove {folder}, or choose "
            "another folder"
        )
    if found.get("optuna") != mine["optuna"]:
        on_note(
            f"study: begun with Optuna {found.get('optuna')}, this is {mine['optuna']}; further trials may differ from "
            "those of an uninterrupted search"
        )


def cut_to_whole_lines(path: Path) -> int:
    """Take off what follows a journal's last whole line; the number of bytes that were cut off.

    A process that is killed, or a disk that is full, may leave half a line: Optuna would not read what is written
    after it.
    """
    if not path.exists():
        return 0
    content = path.read_bytes()
    whole = 0
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n") or not _is_record(line):
            break
        whole += len(line)
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)
    return len(content) - whole


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _events(trial: FrozenTrial) -> tuple[Event, ...]:
    found: list[Event] = []
    while (values := trial.user_attrs.get(f"{_EVENT}{len(found)}")) is not None:
        found.append(Event(**values))
    return tuple(found)


def _settings(space: Space, *, seed: int) -> dict[str, Any]:
    """All that the sequence of trials depends on, but the figures; more trials or time are the same study."""
    searched: Sequence[str] = ("models", "space", "method", "at_once", "folds", "metric", "startup", "reduction")
    tune = space.tune.model_dump(mode="json")
    task = space.task.settings
    return {
        **{key: tune[key] for key in searched},
        "seed": seed,
        "better": space.better,
        "of": {
            "models": {name: task.models[name].model_dump(mode="json") for name in space.models},
            "train": task.train.model_dump(mode="json"),
            "prepare": task.prepare.model_dump(mode="json"),
        },
    }
