"""The task that a problem asks for."""

from __future__ import annotations

import functools

import numpy as np

import keras_ms

from .option_names import NOISE_OPTIONS, TASK_OPTIONS
from .problem import Problem

MASKS = 256  # different ones of drawn holes


def make_task(
    problem: Problem, sides: tuple[int, int] | None = None, seed: int | None = None
) -> keras_ms.tasks.Task:
    """The task, with those of the options that it takes.

    Args:
        problem: The options.
        sides: Of the images. Defaults to `--image_size`.
        seed: Of drawn holes. Defaults to `--seed`.
    """
    taken = keras_ms.tasks.options(problem.task)
    options = {name: getattr(problem, name) for name in TASK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    options |= {name: getattr(problem, name) for name in NOISE_OPTIONS if name in taken}
    if holes := options.pop("holes", None):
        side = problem.image_size
        options["masks"] = _masks(
            holes, sides or (side, side), problem.seed if seed is None else seed
        )
    bounds = (problem.t_low, problem.t_high)
    if bounds != (None, None):
        usual = keras_ms.tasks.get(problem.task).t_range
        both = zip(bounds, usual, strict=True)
        options["t_range"] = tuple(default if given is None else given for given, default in both)
    return keras_ms.tasks.get(problem.task, **options)


@functools.lru_cache(maxsize=8)
def _masks(holes: tuple[str, ...], sides: tuple[int, int], seed: int) -> np.ndarray:
    return keras_ms.tasks.hole_masks(MASKS, sides, holes, seed)


def scale_of(task: keras_ms.tasks.Task) -> int:
    """How many times larger the targets of a task are than its inputs."""
    return getattr(task, "scale", 1)
