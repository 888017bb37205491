"""Measured gradients that are not finite: nothing may be decided by them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from keras_ms.gradients.moments import TermMoments


def check_finite(
    groups: Iterable[Sequence[TermMoments]], what: str, finest: int = 0, mend: str = ""
) -> None:
    """Refuses moments that are NaN or infinite.

    Args:
        groups: Groups of terms, finest first.
        what: What was measured for, the beginning of a sentence.
        finest: Level of the first term.
        mend: What else to do about it.

    Raises:
        ValueError: Naming the level and what is not finite there.
    """
    for terms in groups:
        for level, term in enumerate(terms, finest):
            wrong = _what_is_wrong(term)
            if wrong:
                raise ValueError(
                    f"{what} measured what is not finite. Received: {wrong} on level {level}. "
                    "Check the data for NaN and for values out of range, the weights, the loss, "
                    f"and the learning rate.{mend}"
                )


def _what_is_wrong(term: TermMoments) -> str:
    if not math.isfinite(term.loss):
        return f"a loss of {term.loss}"
    if not np.all(np.isfinite(term.mean)):
        return f"gradients of which {np.mean(~np.isfinite(term.mean)):.0%} are NaN or infinite"
    if not all(map(math.isfinite, (term.fine, term.coarse, term.covariance))):
        return f"a variance of {term.fine}"
    return ""
