"""How like the genuine HIGGS rows the simulated ones are, and what one learns from them.

The simulation was tuned on the genuine rows of even number (within each tree of the file); those of odd number judge
it. Three questions. How far is each column's distribution from the genuine one (Kolmogorov–Smirnov)? Can trees tell
simulated from genuine rows of one class (AUC, 0.5 is no; 3,500 of each, 5-fold cross-validated)? And do trees that
learned from 3,500 simulated rows of each class separate the genuine ones as well as trees that learned from as many
genuine rows, those of even number? The trees are scikit-learn's HistGradientBoostingClassifier with 100 iterations.
Three samples of simulated rows and three of genuine ones take turns in the last question, and scores are means of AUCs.
"""

from __future__ import annotations

import numpy as np
import uproot
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from bench.genuine import genuine_file
from bench.result import Table
from hepsieve.evaluate import auc_interval
from hepsieve.evaluate.ranked import Ranked
from hepsieve.simulate import simulate
from hepsieve.simulate.higgs_features import NAMES, unscale

TREES = {1: "sig_tree", 0: "bkg_tree"}
CLASSES = {1: "signal", 0: "background"}
ROWS, SAMPLES, ITERATIONS, FOLDS, SEED = 3500, 3, 100, 5, 31
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Auc = tuple[float, float, float]


def measure() -> Table:
    """Everything, with 3,500 rows of each class."""
    return compared(ROWS, samples=SAMPLES)


def compared(n: int, *, samples: int = 1) -> Table:
    """The three answers with ``n`` rows of each class, the last one as a mean over so many samples."""
    even, odd = genuine_rows(0), genuine_rows(1)
    events = simulate("higgs", 2 * n * samples, seed=SEED)
    columns = comparable(events.features.astype(np.float64))
    ours = {label: columns[events.target == label] for label in CLASSES}
    rows: list[tuple[str | float, ...]] = []
    for place, name in enumerate(NAMES):
        distances = [ks_2samp(ours[label][:, place], odd[label][:, place]).statistic for label in CLASSES]
        rows.append((f"KS of {name}, signal and background", *map(float, distances), ""))
    for label, title in CLASSES.items():
        rows.append((f"{title}: simulated or genuine, AUC", *told_apart(ours[label][:n], odd[label][:n])))
    rng = np.random.default_rng(SEED)
    parts = [{label: ours[label][k * n : (k + 1) * n] for label in CLASSES} for k in range(samples)]
    drawn = [{label: rng.permutation(even[label])[:n] for label in CLASSES} for _ in range(samples)]
    from_simulated, from_genuine = (mean_score(learned, odd) for learned in (parts, drawn))
    for title, score in (("simulated", from_simulated), ("genuine", from_genuine)):
        rows.append((f"genuine rows, learned from {title} ones, AUC", *score))
    rows.append(("difference of the two (genuine − simulated)", from_genuine[0] - from_simulated[0], "", ""))
    return Table(
        title=f"{n} rows of each class, judged on {len(odd[1])} and {len(odd[0])} genuine rows of odd number",
        columns=("figure", "value (KS: signal)", "low (KS: background)", "high"),
        rows=tuple((name, *(round(v, 4) if isinstance(v, float) else v for v in rest)) for name, *rest in rows),
    )


def genuine_rows(first: int) -> dict[int, Floats]:
    """Every second genuine row of both classes, from this one on, in GeV and radians.

    Raises:
        SystemExit: in one line, where there are none.
    """
    with uproot.open(genuine_file("fidelity-higgs", "higgs/Higgs_data.root")) as file:
        trees = {label: file[name].arrays(NAMES, library="np") for label, name in TREES.items()}
    tables = {label: np.stack([tree[name] for name in NAMES], axis=1) for label, tree in trees.items()}
    return {label: comparable(table[first::2].astype(np.float64)) for label, table in tables.items()}


def comparable(columns: Floats) -> Floats:
    """GeV and radians to three digits, and whole tags: the last bit of a float32 must not tell samples apart."""
    values: Floats = np.round(unscale(columns), 3).astype(np.float32).astype(np.float64)
    tags = [NAMES.index(f"jet{number}_b-tag") for number in (1, 2, 3, 4)]
    values[:, tags] = np.round(values[:, tags])
    return values


def told_apart(simulated: Floats, genuine: Floats) -> Auc:
    """The AUC, with its interval, of telling these rows from each other; trees never score rows that they saw."""
    columns, origin = np.concatenate([simulated, genuine]), np.repeat([0, 1], [len(simulated), len(genuine)])
    score = np.empty(len(origin))
    for train, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(columns, origin):
        score[held_out] = _trees().fit(columns[train], origin[train]).predict_proba(columns[held_out])[:, 1]
    return _auc(origin, score)


def mean_score(samples: list[dict[int, Floats]], judged: dict[int, Floats]) -> Auc:
    """The mean AUC on the judged rows of trees that learned from each of the samples; its interval is that of the
    judged rows, taken from the first.
    """
    columns, target = _both(judged)
    aucs = []
    for sample in samples:
        learned, truth = _both(sample)
        aucs.append(_auc(target, _trees().fit(learned, truth).predict_proba(columns)[:, 1]))
    mean = float(np.mean([auc[0] for auc in aucs]))
    value, low, high = aucs[0]
    return mean, mean + low - value, mean + high - value


def _both(rows: dict[int, Floats]) -> tuple[Floats, Ints]:
    return np.concatenate([rows[1], rows[0]]), np.repeat([1, 0], [len(rows[1]), len(rows[0])])


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=ITERATIONS, random_state=SEED)


def _auc(target: Ints, score: Floats) -> Auc:
    found = auc_interval(Ranked.of(target.astype(np.float64), score, np.ones(len(score))), seed=SEED)
    assert found.value is not None  # both classes are there
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high
