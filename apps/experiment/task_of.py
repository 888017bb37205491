"""The task that a problem asks for."""

from __future__ import annotations

import keras_ms

from .option_names import NOISE_OPTIONS, TASK_OPTIONS
from .problem import Problem


def make_task(problem: Problem) -> keras_ms.tasks.Task:
    """The task, with those of the options that it takes."""
    taken = keras_ms.tasks.options(problem.task)
    options = {name: getattr(problem, name) for name in TASK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    options |= {name: getattr(problem, name) for name in NOISE_OPTIONS if name in taken}
    bounds = (problem.t_low, problem.t_high)
    if bounds != (None, None):
        usual = keras_ms.tasks.get(problem.task).t_range
        both = zip(bounds, usual, strict=True)
        options["t_range"] = tuple(default if given is None else given for given, default in both)
    return keras_ms.tasks.get(problem.task, **options)


def scale_of(task: keras_ms.tasks.Task) -> int:
    """How many times larger the targets of a task are than its inputs."""
    return getattr(task, "scale", 1)
