"""Sources that raise while they are gone through: some go on after it, and some have ended."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any


def going_on(elements: Iterator[Any], length: float | None) -> Iterator[Any]:
    """Elements of an iterator; one that raises comes out as the exception, if others follow it.

    A generator ends with the exception that it raises. What it did not come to would be left out
    without a word, so the pass ends with an error.

    Args:
        elements: The iterator.
        length: Number of its elements, `None` if that is not known.

    Raises:
        ValueError: If the iterator ends with an exception, of which it is raised.
    """
    failed: Exception | None = None
    for number in itertools.count():
        try:
            element = next(elements)
        except StopIteration:
            if failed is not None and number != length:
                raise ended(number - 1, failed) from failed
            return
        except MemoryError:
            raise
        except Exception as error:  # whatever the user's own reading raises
            if inspect.isgenerator(elements):
                raise ended(number, error) from error
            element = failed = error
        else:
            failed = None
        yield element


def ended(number: int, error: Exception, said: str | None = None) -> ValueError:
    """The error of a source that has no more after another error.

    Args:
        number: Number of the element that could not be read, from 0.
        error: What was raised.
        said: What to show of it. Defaults to its type and message.
    """
    return ValueError(
        "A source of examples ended with an error, so that all that follows would be missing. "
        f"Received: element {number}: {said or f'{type(error).__name__}: {error}'}. Mend or leave "
        "out that element there; of a sequence or a keras.utils.PyDataset, elements that raise "
        "are passed over, up to `max_bad_fraction`."
    )
