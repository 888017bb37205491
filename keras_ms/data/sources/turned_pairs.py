"""Pairs of pictures of which one says that it is turned, and sides do not tell whether both are."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from keras_ms.data.skipped import SHOWN, first_level_outside
from keras_ms.data.sources.stored import LYING, Header


def warn_of_turned(
    names: Iterable[Sequence[object]], inputs: Iterable[object], targets: Iterable[object]
) -> None:
    """Warns once if targets may not lie as their inputs do.

    A photograph is turned upright as its EXIF orientation says. A mask that says nothing may have
    been drawn on the upright photograph, or on the pixels as they are stored. Where sides are
    exchanged they tell, and pairs that do not fit are refused.

    Args:
        names: `(input, target)`, for the message.
        inputs: Upright heads of the inputs; anything else for those that cannot be read.
        targets: Likewise of the targets.

    Warns:
        UserWarning: Naming the first pairs, and how many there are.
    """
    pairs = list(zip(names, inputs, targets, strict=True))
    found = [(files, x, y) for files, x, y in pairs if _is_open(x, y)]
    if not found:
        return
    shown = [
        f"{files[0]} (orientation {x.orientation}) and {files[1]} (orientation {y.orientation})"
        for files, x, y in found[:SHOWN]
        if isinstance(x, Header) and isinstance(y, Header)
    ]
    warnings.warn(
        f"{len(found)} of {len(pairs)} pairs may not lie alike: one file says by its EXIF "
        "orientation that it is turned, and is turned upright; the other says nothing, and is "
        f"taken for upright. Received: {', '.join(shown)}{', ...' * (len(found) > SHOWN)}. Look at "
        "dataset.describe().picture. If they do not lie alike, write pixels turned as they are "
        "seen (PIL.ImageOps.exif_transpose), or take the orientation out of the files.",
        stacklevel=first_level_outside(),
    )


def _is_open(x: object, y: object) -> bool:
    """Whether one file alone is turned, by a way that leaves its sides as they are."""
    if not (isinstance(x, Header) and isinstance(y, Header)):
        return False
    if (x.orientation == 1) == (y.orientation == 1):
        return False
    turned = y if x.orientation == 1 else x
    return turned.orientation < LYING or turned.height == turned.width
