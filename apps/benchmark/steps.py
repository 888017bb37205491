"""Seconds per step and per work unit: by level, by number of levels and image size."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

import keras_ms
from keras_ms.levels import Stage

from ..experiment import building
from ..experiment.timing import Timed, interleaved, ratio, step_in_memory
from .flops import convolution_flops
from .report import Row
from .settings import BenchmarkSettings, batch_sizes, depths_of

ENOUGH = 16  # photographs, where only the size of a batch matters
TINY_RATE = 1e-6  # many steps on one batch are to change nothing that matters to speed


def make_model(settings: BenchmarkSettings) -> keras_ms.MultiscaleModel:
    """The network compiled for steps that are timed, not learned from."""
    return building.make_model(settings, TINY_RATE)


def by_level(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """Plain steps on every level with its own batch, from memory.

    Returns:
        One row per level: mesh, batch, seconds per step and per work unit, GFLOP/s.
    """
    dataset = building.make_dataset(settings, images)
    model, levels = make_model(settings), dataset.levels
    steps, flops = {}, {}
    for level in range(levels.num_levels):
        sizes = (levels.batch_sizes[level],)
        steps[str(level)] = step_in_memory(model, dataset, Stage(level, sizes))
        inputs = keras.tree.flatten(dataset.pair_spec(level)[0])
        sides = next(tuple(spec.shape[1:-1]) for spec in inputs if len(spec.shape) == 4)
        flops[level] = convolution_flops(model, sides) * sizes[0]
    timed = interleaved(steps, settings.rounds, settings.seconds_per_round)
    return [
        {
            "level": level,
            "mesh": dataset.mesh_sizes[level][0],
            "batch": levels.batch_sizes[level],
            "seconds": timed[str(level)].median,
            "seconds_per_work_unit": timed[str(level)].median / levels.step_work_units(level, (n,)),
            "gflops": flops[level] / timed[str(level)].median / 1e9,
        }
        for level, n in enumerate(levels.batch_sizes)
    ]


def by_depth(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """Steps of 1, 2, ... levels on every image size, from memory.

    Returns:
        One row per size and depth that the size allows. `efficiency` is what the step's work units
        would take at the price of the single-level step of the same finest batch, over what it
        takes.
    """
    rows = []
    for size in settings.sizes:
        depths, model = depths_of(settings, size), make_model(settings)
        datasets = {
            depth: building.make_dataset(
                dataclasses.replace(settings, image_size=size),
                [_large_enough(image, size) for image in images[:ENOUGH]],
                levels=batch_sizes(settings, size, depth),
            )
            for depth in dict.fromkeys((1, *depths))
        }
        timed = interleaved(
            {
                str(depth): step_in_memory(model, dataset, Stage(0, dataset.batch_sizes()))
                for depth, dataset in datasets.items()
            },
            settings.rounds,
            settings.seconds_per_round,
        )
        rows += [row_of(size, depth, datasets, timed) for depth in depths]
    return rows


def _large_enough(image: np.ndarray, size: int) -> np.ndarray:
    """The image, continued by its mirror images if it is smaller than the crop."""
    missing = [(0, max(0, size - side)) for side in image.shape[:2]]
    return np.pad(image, [*missing, (0, 0)], mode="symmetric")


def row_of(size: int, depth: int, datasets: dict[int, Any], timed: dict[str, Timed]) -> Row:
    """The row of steps of `depth` levels; `datasets` and `timed` also hold those of one level."""
    units = datasets[depth].work_units() / datasets[1].work_units()
    return {
        "size": size,
        "levels": depth,
        "batches": datasets[depth].batch_sizes(),
        "work_units": datasets[depth].work_units(),
        "seconds": timed[str(depth)].median,
        "efficiency": units / ratio(timed[str(depth)], timed["1"]),
    }
