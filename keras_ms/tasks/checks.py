"""Checks of tasks, those of users too: what is wrong is said before anything is trained."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

from keras_ms.validation import shown

LAWS = frozenset({"coarsen", "crop"})


class TaskError(ValueError):
    """A method of a task that raised, said in one line."""


def check_methods(task: Any) -> None:
    """Refuses a task, or a class of tasks, that hides a method behind a value of its name.

    Args:
        task: A `Task`, or a subclass of it.

    Raises:
        ValueError: Naming what is hidden.
    """
    kind = task if inspect.isclass(task) else type(task)
    for owner in kind.__mro__:
        for name, value in vars(owner).items():
            if inspect.isfunction(value) and not callable(found := getattr(task, name)):
                raise ValueError(
                    f"`{name}` is a method of {owner.__name__}, which a task must not hide. "
                    f"Received: {kind.__name__}.{name}={shown(found)}. Use another name for it."
                )


def check_laws(task: Any) -> None:
    """Refuses an `invariant_under` that is no set of ways from a level to the next.

    Raises:
        ValueError: Naming the task.
    """
    laws = task.invariant_under
    if not isinstance(laws, set | frozenset) or not laws <= LAWS:
        raise ValueError(
            f"`invariant_under` is a set of {sorted(LAWS)}, or of none of them. Received: "
            f"{type(task).__name__}.invariant_under={shown(laws)}. Use for example "
            'frozenset({"coarsen"}).'
        )


def called(task: Any, method: str, *arguments: Any) -> Any:
    """The result of a method of a task.

    Args:
        task: The task.
        method: The method's name.
        *arguments: What it takes.

    Raises:
        TaskError: If the method raises anything, which is its cause.
    """
    try:
        return getattr(task, method)(*arguments)
    except Exception as error:
        said = " ".join(str(error).split())
        said = said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
        raise TaskError(f"The task {type(task).__name__} cannot `{method}`. {said}") from error


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """Makes one line of a `TaskError` that passed through the graph compiler.

    AutoGraph gives every error that passes it a message of many lines: it stays as the cause.

    Raises:
        ValueError: Instead of what AutoGraph made of a `TaskError`.
    """
    try:
        yield
    except Exception as error:
        found: BaseException | None = error
        while found is not None and not isinstance(found, TaskError):
            found = found.__context__
        if found is None:
            raise
        raise ValueError(str(found)) from error
