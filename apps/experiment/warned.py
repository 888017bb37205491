"""Warnings as people read them: one line each, once, without the place in the code."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Collection, Iterator
from typing import Any

from .command import as_typed
from .flag_words import in_flags
from .printable import printable


@contextlib.contextmanager
def in_one_line(options: Collection[str]) -> Iterator[None]:
    """Within it, warnings for users are "Warning: ...", each once; others are as ever.

    Args:
        options: Names of the options of the app, which texts then call by their flags.
    """
    usual, said = warnings.showwarning, set[str]()

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        text = as_typed(in_flags(str(message), options))
        if not issubclass(category, UserWarning):
            usual(message, category, *place, **more)
        elif text not in said:
            said.add(text)
            print(printable(f"Warning: {text}"), file=sys.stderr, flush=True)

    with warnings.catch_warnings():  # which puts back what shows them
        warnings.showwarning = show
        yield
