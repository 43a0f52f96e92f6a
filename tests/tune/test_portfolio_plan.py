"""Which trainings a portfolio begins, by a clock that only the trainings move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from hepsieve.tune.portfolio_costs import Cost, Costs
from hepsieve.tune.portfolio_plan import Candidate, Ended, Job, Plan, TooShort


def candidate(name: str, **others: object) -> Candidate:
    plain = Candidate(name=name, group="net", trainings=1, most=10, patient=False, draws=True)
    return replace(plain, **others)  # type: ignore[arg-type]


@dataclass
class FakeWorkers:
    """Every epoch of a model takes its number of seconds; a pilot is one epoch."""

    each: Mapping[str, float]
    at_once: int = 2
    time: float = 0.0
    fails: tuple[str, ...] = ()
    hands_in: Mapping[str, int] = field(default_factory=dict)
    most: int = 10
    running: dict[Job, float] = field(default_factory=dict)
    log: list[tuple[str, str, float, float]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def begin(self, job: Job) -> None:
        epochs = 1 if job.kind == "pilot" else self.most
        self.running[job] = self.time + epochs * self.each[job.model.partition("-seed")[0]]

    def next(self, until: float) -> Ended | None:
        job = min(self.running, key=self.running.__getitem__)
        end = self.running[job]
        if end > until:
            self.time = until
            return None
        self.time = max(self.time, end)
        del self.running[job]
        self.log.append((job.model, job.kind, end, self.time))
        if job.model in self.fails:
            return Ended(job=job, cost=None, error="the loss became NaN")
        each = self.each[job.model.partition("-seed")[0]]
        return Ended(job=job, cost=Cost(epochs=1 if job.kind == "pilot" else self.most, each=each, fixed=0))

    def cut(self) -> list[Ended]:
        return [
            Ended(job=job, cost=Cost(epochs=self.hands_in[job.model], each=1, fixed=0), beginning=True)
            for job in self.running
            if job.model in self.hands_in
        ]


def plan(
    workers: FakeWorkers,
    names: tuple[Candidate, ...],
    *,
    deadline: float | Callable[[], float],
    good: Mapping[str, float] | None = None,
    seeds: int = 1,
) -> Plan:
    known = {} if good is None else good
    made = Plan(
        names,
        workers,
        deadline=deadline if callable(deadline) else lambda: deadline,
        finished=lambda name: known.get(name.partition("-seed")[0], 0.5),
        again=lambda name, number: replace(next(c for c in names if c.name == name), name=f"{name}-seed{number}"),
        seeds=seeds,
    )
    made.carry_out()
    return made


def test_what_fits_is_trained_and_what_does_not_is_left_out_with_its_cost() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 5, "c": 0.5}, at_once=1)
    made = plan(workers, (candidate("a"), candidate("b"), candidate("c")), deadline=30)
    # a: pilot 1 s, 10 s; b: pilot 5 s, and would take 50; c: pilot 0.5 s, 5 s.
    assert set(made.figures) == {"a", "c"}
    (left,) = made.left
    assert (left.name, left.state) == ("b", "skipped")
    assert left.needs == pytest.approx(55)  # ten epochs of 5 s, and a tenth more
    assert "would have taken about 55 s, and 14 s were left" in left.why
    assert workers.time == pytest.approx(21.5)


def test_two_are_trained_side_by_side() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 1})
    made = plan(workers, (candidate("a"), candidate("b")), deadline=12.5)
    assert set(made.figures) == {"a", "b"}
    assert workers.time == pytest.approx(11)


def test_all_folds_of_a_model_have_to_fit() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 1})
    made = plan(workers, (candidate("a", trainings=4), candidate("b", trainings=4)), deadline=40)
    # a: four trainings by twos until 21 s; b would be done at 43 with its margin.
    assert set(made.figures) == {"a"}
    assert [left.name for left in made.left] == ["b"]


def test_a_budget_without_room_for_the_first_says_what_it_needs() -> None:
    workers = FakeWorkers(each={"a": 3})
    with pytest.raises(TooShort) as caught:
        plan(workers, (candidate("a"),), deadline=20)
    assert caught.value.model == "a"
    assert caught.value.spent == pytest.approx(3)
    assert caught.value.needs == pytest.approx(33)


def test_a_budget_that_is_over_during_the_first_pilot_still_finds_out_what_is_needed() -> None:
    with pytest.raises(TooShort) as caught:
        plan(FakeWorkers(each={"a": 30, "b": 1}), (candidate("a"), candidate("b")), deadline=20)
    assert (caught.value.model, caught.value.spent) == ("a", 30)
    assert caught.value.needs == pytest.approx(330)


def test_a_first_model_that_is_cut_off_names_more_than_it_had() -> None:
    with pytest.raises(TooShort) as caught:
        plan(SlowingWorkers(each={"b": 1}, at_once=1), (candidate("b"),), deadline=20)
    # Its training had 19 s.
    assert (caught.value.model, caught.value.spent, caught.value.needs) == ("b", 1, 38)


def test_time_that_is_left_goes_into_further_seeds_of_what_is_best() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 1}, at_once=1)
    made = plan(workers, (candidate("a"), candidate("b")), deadline=90, good={"a": 0.7, "b": 0.8}, seeds=9)
    again = [name for name in made.figures if "-seed" in name]
    assert again[0] == "b-seed2"
    assert len([name for name in again if name.startswith("b")]) > len([name for name in again if name.startswith("a")])
    assert 90 * 0.85 < workers.time <= 90
    assert not made.left


def test_further_seeds_are_of_several_kinds() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 1, "c": 1, "d": 1}, at_once=1)
    names = (candidate("a"), candidate("b"), candidate("c"), candidate("d", group="trees"))
    good = {"a": 0.83, "b": 0.82, "c": 0.81, "d": 0.7}
    made = plan(workers, names, deadline=44 + 45, good=good, seeds=9)
    # Four models in 44 s. Each seed takes 10 s: the best of all, then the best trees, then the second network.
    assert [name for name in made.figures if "-seed" in name] == ["a-seed2", "d-seed2", "b-seed2", "a-seed3"]


def test_a_model_that_is_left_out_tells_what_it_takes_itself_and_not_how_long_it_would_wait() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 3, "c": 0.5})
    made = plan(workers, (candidate("a"), candidate("b"), candidate("c", trainings=2)), deadline=21)
    # b, of 3 s an epoch, is left out. With one thread each the two trainings of c are over in 5.5 s.
    needs = {left.name: left.needs for left in made.left}
    assert needs == {"b": pytest.approx(33)}
    (told,) = [left.why for left in made.left]
    assert told == "it would have taken about 33 s, and 18 s were left"
    late = plan(
        FakeWorkers(each={"a": 3, "b": 1, "c": 1}),
        (candidate("a"), candidate("b"), candidate("c", trainings=3)),
        deadline=37,
    )
    # At 13 s one worker is free, the other busy until 36 s: the three trainings would end at 46 s. Two workers, each
    # with trainings of 11 s, need 22 s.
    (left,) = late.left
    assert left.name == "c"
    assert left.needs == pytest.approx(22)
    assert left.why == "it would have taken about 22 s, and 13 s were left"


def test_the_deadline_may_come_nearer_while_models_are_trained() -> None:
    workers = FakeWorkers(each={"a": 1}, at_once=1)
    made: list[str] = []

    def finished(name: str) -> float:
        made.append(name)
        return 0.5

    Plan(
        (candidate("a"),),
        workers,
        deadline=lambda: 90.0 - 5 * len(made),
        finished=finished,
        again=lambda name, number: candidate(f"{name}-seed{number}"),
        seeds=9,
    ).carry_out()
    # 11 s after one model, 10 s for each more: at 51 s the sixth fits into 65 s with its margin, a seventh not into 60.
    assert len(made) == 6
    assert workers.time == pytest.approx(61)


def test_what_was_over_when_the_time_was_is_not_said_to_be_cut_off() -> None:
    workers = JustOver(each={"a": 0.5, "b": 1}, at_once=1)
    made = plan(workers, (candidate("a"), candidate("b")), deadline=20)
    assert set(made.figures) == {"a", "b"}
    assert made.cut == {}


def test_a_model_that_draws_nothing_is_not_trained_again() -> None:
    workers = FakeWorkers(each={"a": 1}, at_once=1)
    made = plan(workers, (candidate("a", draws=False),), deadline=90, seeds=9)
    assert set(made.figures) == {"a"}


def test_no_model_is_trained_more_often_than_its_seeds() -> None:
    made = plan(FakeWorkers(each={"a": 1}), (candidate("a"),), deadline=1000, seeds=3)
    assert set(made.figures) == {"a", "a-seed2", "a-seed3"}


def test_what_fails_is_told_and_the_others_go_on() -> None:
    workers = FakeWorkers(each={"a": 1, "b": 1}, fails=("a",))
    made = plan(workers, (candidate("a"), candidate("b")), deadline=30)
    assert set(made.figures) == {"b"}
    assert [(left.name, left.state, left.why) for left in made.left] == [("a", "failed", "the loss became NaN")]


@dataclass
class SlowingWorkers(FakeWorkers):
    """Trainings take longer than their first epochs promised."""

    slower: float = 3.0

    def begin(self, job: Job) -> None:
        super().begin(job)
        if job.kind == "training" and job.model == "b":
            self.running[job] = self.time + self.most * self.each["b"] * self.slower


@dataclass
class JustOver(SlowingWorkers):
    """What runs at the end was over a moment before."""

    def cut(self) -> list[Ended]:
        return [Ended(job=job, cost=Cost(epochs=self.most, each=1, fixed=0)) for job in self.running]


@pytest.mark.parametrize("hands_in", [{}, {"b": 6}])
def test_what_runs_at_the_deadline_is_cut_and_hands_in_what_it_has(hands_in: dict[str, int]) -> None:
    workers = SlowingWorkers(each={"a": 0.5, "b": 1}, at_once=1, hands_in=hands_in)
    made = plan(workers, (candidate("a"), candidate("b"), candidate("c")), deadline=20)
    assert workers.time == 20
    if hands_in:
        assert set(made.figures) == {"a", "b"}
        assert made.cut == {"b": "cut off after 6 of 10 epochs"}
    else:
        assert set(made.figures) == {"a"}
        assert {left.name: left.why for left in made.left}["b"] == "it was cut off when the time was over"
    assert {left.name for left in made.left} >= {"c"}


def test_a_patient_training_is_expected_to_end_as_early_as_others_of_its_kind() -> None:
    costs = Costs()
    first, second = candidate("a", patient=True, most=100), candidate("b", patient=True, most=100)
    costs.learn(first, Cost(epochs=5, each=1, fixed=0), whole=False)
    before = costs.seconds(first)
    costs.learn(first, Cost(epochs=80, each=1, fixed=0), whole=True)
    costs.learn(second, Cost(epochs=5, each=2, fixed=1), whole=False)
    assert before < costs.seconds(first) == pytest.approx(1.1 * 80)
    assert costs.seconds(second) == pytest.approx(1.1 * 161)
