"""What is known of the losses of Keras, and of this library, by their names: one table.

A loss that is not in it is looked at, or tried: see `loss_law`, `whole_numbers` and `class_trial`.
`circle` and `ctc` are left out: their targets are no fields beside an output.
"""

from __future__ import annotations

import math
from typing import NamedTuple

VALUES, SHARES, ONE_HOT, CLASSES = "values", "shares", "one_hot", "classes"
ALWAYS, WITHOUT_AXIS = "always", "without_axis"


class KnownLoss(NamedTuple):
    """What a loss takes, and how the loss of a batch follows from those of its samples.

    Attributes:
        takes: What targets are: `VALUES`, so that they are images whatever their type; `SHARES`, or
            signs, of which the type tells more; shares of `ONE_HOT` classes, which may be weighed;
            or numbers of `CLASSES`.
        within: Between which values targets lie, as far as that is known; Keras clips others, or
            takes them as they are.
        couples: Whether samples count for each other: `ALWAYS`, `WITHOUT_AXIS` (unless an `axis`
            is among its options), or never (empty).
        last_axis_of_one: Of classes: whether a target may have a last axis of one entry.
    """

    takes: str
    within: tuple[float, float] | None = None
    couples: str = ""
    last_axis_of_one: bool = True


_IN_ONE, _SIGNS, _NOT_NEGATIVE = (0.0, 1.0), (-1.0, 1.0), (0.0, math.inf)

KNOWN = {
    "binary_crossentropy": KnownLoss(SHARES, _IN_ONE),
    "binary_focal_crossentropy": KnownLoss(SHARES, _IN_ONE),
    "categorical_crossentropy": KnownLoss(ONE_HOT, _IN_ONE),
    "categorical_focal_crossentropy": KnownLoss(ONE_HOT, _IN_ONE),
    # Its name says otherwise, but it makes targets one-hot itself, and of a last axis of one
    # entry it would compare every row of pixels with every other.
    "categorical_generalized_cross_entropy": KnownLoss(CLASSES, last_axis_of_one=False),
    "categorical_hinge": KnownLoss(SHARES, _IN_ONE),
    "cosine_similarity": KnownLoss(VALUES),
    "dice": KnownLoss(SHARES, _IN_ONE, WITHOUT_AXIS),
    # Keras takes labels 0 and 1 for signs only where a whole batch has no others.
    "hinge": KnownLoss(SHARES, _SIGNS, ALWAYS),
    "huber": KnownLoss(VALUES),
    "kl_divergence": KnownLoss(SHARES, _IN_ONE),
    "log_cosh": KnownLoss(VALUES),
    "mean_absolute_error": KnownLoss(VALUES),
    "mean_absolute_percentage_error": KnownLoss(VALUES),
    "mean_squared_error": KnownLoss(VALUES),
    "mean_squared_logarithmic_error": KnownLoss(VALUES, _NOT_NEGATIVE),
    "negative_ssim": KnownLoss(VALUES),
    "poisson": KnownLoss(VALUES, _NOT_NEGATIVE),
    "sparse_categorical_crossentropy": KnownLoss(CLASSES),
    "squared_hinge": KnownLoss(SHARES, _SIGNS, ALWAYS),
    "tversky": KnownLoss(SHARES, _IN_ONE, WITHOUT_AXIS),
}
"""The losses, by the names that `losses_of_targets.kind_of` gives them."""


def takes(kind: str, *what: str) -> bool:
    """Whether a loss is known to take targets of one of some kinds.

    Args:
        kind: Its name; empty for one's own.
        *what: Some of `VALUES`, `SHARES`, `ONE_HOT` and `CLASSES`.

    Example:
        >>> takes("mean_squared_error", VALUES), takes("", VALUES)
        (True, False)
    """
    return kind in KNOWN and KNOWN[kind].takes in what
