"""A bar for what takes long, where a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import rich
import rich.progress

Entry = TypeVar("Entry")


def track(
    entries: Iterable[Entry], what: str, total: float | None = None, silent: bool = False
) -> Iterable[Entry]:
    """The entries, with a bar that vanishes at the end; without one in a notebook.

    There rich asks for a package of widgets, and leaves an empty output behind.

    Args:
        entries: What is gone through.
        what: Words before the bar.
        total: Their number; `None` if it is not known.
        silent: Whether there is no bar on a terminal either.

    Example:
        >>> sum(track([1, 2, 3], "Adding"))
        6
    """
    hidden = silent or rich.get_console().is_jupyter
    return rich.progress.track(entries, what, total, transient=True, disable=hidden)
