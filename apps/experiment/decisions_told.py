"""What `fit(verbose=1)` says of roles, sizes and chunks, for runs that print their own lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .printable import printable


class DecisionsTold(keras.callbacks.Callback):
    """Prints, before the first step, what was decided for the user: every line once.

    Args:
        said: Lines that are not said again, and to which new ones are added: strategies that are
            compared say what differs. Defaults to none.
        lines: What there is to say; defaults to what the run of the `fit` tells.
    """

    def __init__(self, said: set[str] | None = None, lines: Sequence[str] | None = None) -> None:
        super().__init__()
        self._said = set() if said is None else said
        self._lines = lines

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Says it."""
        run: Any = getattr(self.model, "fit_run", None)
        lines = self._lines
        if lines is None:
            lines = () if run is None else run.told()
        for line in lines:
            if line not in self._said:
                print(printable(line), flush=True)
                self._said.add(line)
