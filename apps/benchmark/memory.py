"""Peak memory of a training step, each measured in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import pathlib
import resource
import sys

import keras

from keras_ms.levels import Stage

from ..experiment import building
from ..experiment.timing import step_in_memory
from .settings import BenchmarkSettings
from .steps import Row, make_model

STEPS = 3
MIB = 2**20
_STATUS, _FORGET = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


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
    images = list(building.load_images(settings, "train"))
    dataset = building.make_dataset(settings, images)
    model = make_model(settings)
    next(iter(dataset.stage(finest, batch_sizes=sizes)))  # the pyramids are not the steps'
    before = resident_mib()
    forget_peak()
    step = step_in_memory(model, dataset, Stage(finest, sizes))
    for _ in range(STEPS - 1):
        step()
    return before, peak_mib()


def resident_mib() -> float:
    """Resident memory of this process."""
    return _status("VmRSS") if _STATUS.exists() else peak_mib()  # as good as it gets elsewhere


def forget_peak() -> None:
    """Makes `peak_mib` start anew, on Linux."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5")  # proc(5): resets the peak resident set size


def peak_mib() -> float:
    """Peak resident memory of this process."""
    if _STATUS.exists():
        return _status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak * 1024 / MIB


def _status(name: str) -> float:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return float(line.split()[1]) * 1024 / MIB
