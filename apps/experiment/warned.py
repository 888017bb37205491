"""Warnings as people read them: one line each, once, without the place in the code."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from .printable import printable


def in_one_line() -> None:
    """Prints warnings for users as "Warning: ...", each once; those for programmers as ever."""
    usual, said = warnings.showwarning, set[str]()

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if category is not UserWarning:
            usual(message, category, *place, **more)
        elif (text := str(message)) not in said:
            said.add(text)
            print(printable(f"Warning: {text}"), file=sys.stderr, flush=True)

    warnings.showwarning = show
