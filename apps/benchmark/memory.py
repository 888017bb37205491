"""Peak memory of a training step, each measured in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from typing import Any

import keras

from apps import experiment
from apps.benchmark.settings import BenchmarkSettings
from apps.benchmark.steps import Row, make_model
from apps.timing import kept_in_memory, training_step

STEPS = 3
MIB = 2**20


def peaks(settings: BenchmarkSettings) -> list[Row]:
    """Peak resident memory of plain steps on every level, and of the telescoping sum.

    Returns:
        One row per case: peak in MiB, and what of it came with the steps.
    """
    levels = range(len(settings.batch_sizes))
    cases: list[tuple[int, tuple[int, ...]]] = [(0, tuple(settings.batch_sizes))]
    cases += [(level, (settings.batch_sizes[level],)) for level in levels]
    context = multiprocessing.get_context("spawn")
    rows = []
    for finest, sizes in cases:
        with context.Pool(1) as pool:
            before, peak = pool.apply(_peak, (settings, finest, sizes))
        rows.append({"finest": finest, "batches": sizes, "peak": peak, "of_steps": peak - before})
    return rows


def _peak(settings: BenchmarkSettings, finest: int, sizes: tuple[int, ...]) -> tuple[float, float]:
    keras.config.set_dtype_policy(settings.dtype_policy)
    images = list(experiment.load_images(settings, "train"))
    dataset = experiment.make_dataset(settings, images)
    model = make_model(settings)
    stream: Any = dataset.stage(finest, batch_sizes=sizes)
    if len(sizes) == 1:
        stream = stream.map(lambda batch: batch.fine[finest])
    batches = kept_in_memory(stream)
    before = _resident()
    step = training_step(model, batches)
    for _ in range(STEPS):
        step()
    return before, _resident()


def _resident() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak * 1024 / MIB
