"""What is learned: a clean image -> (input, target), the same task on every level.

A task is a file of this folder: a class, and `NAMES = {"its name": "ItsClass"}`.
"""

import inspect
from typing import Any

from keras_ms.registry import Registry
from keras_ms.tasks.deblurring import Deblurring
from keras_ms.tasks.denoising import Denoising
from keras_ms.tasks.holes import hole_masks
from keras_ms.tasks.inpainting import Inpainting
from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.super_resolution import SuperResolution
from keras_ms.tasks.task import Task


def get(name: str, **options: Any) -> Any:
    """Returns a task by name.

    Args:
        name: One of `names()`, for example `"denoising"`; or `"my_module:MyTask"`, a class of your
            own.
        **options: Arguments of the task's class.

    Returns:
        A `Task`. Those of the library are of its subclass `NoisyTask`.

    Raises:
        ValueError: If there is no task of that name, or it is no whole subclass of `Task`.

    Example:
        >>> keras_ms.tasks.get("denoising", conditional=True).conditional
        True
    """
    return _REGISTRY.made(name, **options)


def names() -> tuple[str, ...]:
    """Names that `get` knows.

    Returns:
        The names.

    Example:
        >>> "denoising" in keras_ms.tasks.names()
        True
    """
    return _REGISTRY.names()


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
    return _REGISTRY.options(name)


def _class(found: Any, name: str) -> type[Task]:
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


_REGISTRY = Registry(__name__, "task", _class)

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
