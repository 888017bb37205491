"""What is learned: a clean image -> (input, target), the same task on every level."""

from typing import Any

from keras_ms.tasks.denoising import Denoising
from keras_ms.tasks.task import Task

_TASKS: dict[str, type[Task]] = {"denoising": Denoising}


def get(name: str, **options: Any) -> Task:
    """Returns a task by name.

    Args:
        name: One of `names()`, for example `"denoising"`.
        **options: Arguments of the task's class.

    Returns:
        A `Task`.

    Raises:
        ValueError: If there is no task of that name.

    Example:
        >>> keras_ms.tasks.get("denoising", conditional=True).conditional
        True
    """
    if name not in _TASKS:
        raise ValueError(f"There is no such task. Received: task={name!r}. Use one of {names()}.")
    return _TASKS[name](**options)


def names() -> tuple[str, ...]:
    """Names that `get` knows."""
    return tuple(sorted(_TASKS))


__all__ = ["Denoising", "Task", "get", "names"]
