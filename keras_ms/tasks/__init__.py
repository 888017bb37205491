"""What is learned: a clean image -> (input, target), the same task on every level.

A task is a file of this folder: a class, and `NAMES = {"its name": "ItsClass"}`.
"""

import inspect
from typing import Any

from keras_ms.tasks.deblurring import Deblurring
from keras_ms.tasks.denoising import Denoising
from keras_ms.tasks.holes import hole_masks
from keras_ms.tasks.inpainting import Inpainting
from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.super_resolution import SuperResolution
from keras_ms.tasks.task import Task
from keras_ms.validation import known, registered


def get(name: str, **options: Any) -> Any:
    """Returns a task by name.

    Args:
        name: One of `names()`, for example `"denoising"`.
        **options: Arguments of the task's class.

    Returns:
        A `Task`. Those of the library are of its subclass `NoisyTask`.

    Raises:
        ValueError: If there is no task of that name, or it is no whole subclass of `Task`.

    Example:
        >>> keras_ms.tasks.get("denoising", conditional=True).conditional
        True
    """
    return _class(name)(**options)


def names() -> tuple[str, ...]:
    """Names that `get` knows.

    Returns:
        The names.

    Example:
        >>> "denoising" in keras_ms.tasks.names()
        True
    """
    return tuple(registered(__name__))


def options(name: str) -> tuple[str, ...]:
    """Names of the arguments of the task's class called `name`.

    Args:
        name: One of `names()`.

    Returns:
        The names of the arguments, in order.

    Raises:
        ValueError: As `get`.

    Example:
        >>> "t_range" in keras_ms.tasks.options("denoising")
        True
    """
    return tuple(inspect.signature(_class(name)).parameters)


def _class(name: str) -> type[Task]:
    found = registered(__name__)[known(name, names(), "task", "task")]
    if not inspect.isclass(found) or not issubclass(found, Task):
        raise ValueError(
            f"A task is a class derived from Task. Received: {found!r} for {name!r}. "
            "Derive it from NoisyTask or Task."
        )
    if missing := sorted(found.__abstractmethods__):
        raise ValueError(
            f"A task has all the methods that it needs. Received: {found.__name__} without "
            f"{', '.join(missing)}. Write them."
        )
    return found


__all__ = [
    "Deblurring",
    "Denoising",
    "Inpainting",
    "NoisyTask",
    "SuperResolution",
    "Task",
    "get",
    "hole_masks",
    "names",
    "options",
]
