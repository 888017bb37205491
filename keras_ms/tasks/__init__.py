"""What is learned: a clean image -> (input, target), the same task on every level."""

import inspect
from typing import Any

from keras_ms.tasks.deblurring import Deblurring
from keras_ms.tasks.denoising import Denoising
from keras_ms.tasks.inpainting import Inpainting
from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.super_resolution import SuperResolution
from keras_ms.tasks.task import Task
from keras_ms.validation import known

_TASKS: dict[str, type[NoisyTask]] = {
    "deblurring": Deblurring,
    "denoising": Denoising,
    "inpainting": Inpainting,
    "super_resolution": SuperResolution,
}


def get(name: str, **options: Any) -> NoisyTask:
    """Returns a task by name.

    Args:
        name: One of `names()`, for example `"denoising"`.
        **options: Arguments of the task's class.

    Returns:
        A `NoisyTask`.

    Raises:
        ValueError: If there is no task of that name.

    Example:
        >>> keras_ms.tasks.get("denoising", conditional=True).conditional
        True
    """
    return _TASKS[known(name, _TASKS, "task", "task")](**options)


def names() -> tuple[str, ...]:
    """Names that `get` knows."""
    return tuple(sorted(_TASKS))


def options(name: str) -> tuple[str, ...]:
    """Names of the arguments of the task's class called `name`."""
    return tuple(inspect.signature(_TASKS[name]).parameters)


__all__ = [
    "Deblurring",
    "Denoising",
    "Inpainting",
    "NoisyTask",
    "SuperResolution",
    "Task",
    "get",
    "names",
    "options",
]
