"""One network by one process and by two, on the cores of this machine: events a second of training."""

from __future__ import annotations

import time
from statistics import median

from bench.images import images
from bench.result import Table
from bench.separable import events
from hepsieve.models.config import MLPConfig, ModelConfig, ResNetConfig, TrainConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, train_model

EPOCHS = 3  # the first is left out: in it PyTorch loads what it needs
NETWORKS: dict[str, tuple[ModelConfig, int]] = {
    "600-452-304-156, batches of 10,000": (MLPConfig(widths=(600, 452, 304, 156)), 10_000),
    "the same with ELU": (MLPConfig(widths=(600, 452, 304, 156), activation="elu"), 10_000),
    "28-14-7, batches of 100": (MLPConfig(widths=(14, 7)), 100),
    "ResNet-15 on 32 × 32, batches of 256": (ResNetConfig(), 256),
}
EVENTS = {10_000: (30_000, 5_000), 100: (20_000, 2_000), 256: (768, 128)}


def measure() -> Table:
    """For each network: rates of one process and of two, their ratio, and the seconds until two of them begin."""
    rows = []
    for name, (config, batch) in NETWORKS.items():
        make = images if isinstance(config, ResNetConfig) else events
        parts = tuple(make(n, seed=seed) for seed, n in enumerate(EVENTS[batch], 1))
        alone, _ = _rate(config, parts[0], parts[1], batch, processes=1)
        shared, begin = _rate(config, parts[0], parts[1], batch, processes=2)
        rows.append((name, round(alone), round(shared), round(shared / alone, 2), round(begin, 1)))
    columns = ("network", "one process, events/s", "two, events/s", "ratio", "seconds before and after")
    return Table(title="one network by one process and by two, validation included", columns=columns, rows=tuple(rows))


def _rate(config: ModelConfig, train: Part, validation: Part, batch: int, *, processes: int) -> tuple[float, float]:
    """Events a second in a median epoch, and the seconds outside the training itself."""
    settings = TrainConfig(epochs=EPOCHS, batch_size=batch, patience=None, device="cpu", processes=processes)
    begin = time.perf_counter()
    trained = train_model(
        "net", config, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )
    seconds = time.perf_counter() - begin
    return len(train) / median(record.seconds for record in trained.history[1:]), seconds - trained.seconds
