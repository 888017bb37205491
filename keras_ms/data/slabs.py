"""Large arrays in parts along their first axis, so that what is made of them is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SLAB_BYTES = 2**24
"""Bytes of a slab once its numbers are floats of 32 bits: far above what a call costs."""


def slabs(array: np.ndarray, multiple: int, most_bytes: int = SLAB_BYTES) -> Iterator[np.ndarray]:
    """Parts of an array along its first axis, one after another; they are views.

    Args:
        array: What is cut.
        multiple: Rows of every part are a multiple of this; what is left at the end may be less.
        most_bytes: Bytes that a part may have as floats of 32 bits, if `multiple` rows have no
            more.

    Example:
        >>> [len(part) for part in slabs(np.zeros((10, 4)), multiple=4, most_bytes=64)]
        [4, 4, 2]
    """
    row = 4 * max(1, array.size // max(1, len(array)))
    rows = max(1, most_bytes // (row * multiple)) * multiple
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
