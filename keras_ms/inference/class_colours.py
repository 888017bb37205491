"""Colours of the classes that a model's outputs are scores of: the palette of masks."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from PIL import ImageColor

from keras_ms.data.sources.mask_classes import packed
from keras_ms.validation import shown

Colour = str | Sequence[int]
Classes = int | Sequence[Colour]

MOST = 4096  # classes


def class_colours(classes: Any, scores: int) -> tuple[str, ...]:
    """The colours of classes as HTML writes them, `"#ff0000"`.

    Args:
        classes: How many there are, or their colours in order: names of HTML, or three numbers
            from 0 to 255 each. By number they get those of PASCAL VOC.
        scores: Outputs of the model at every pixel, which are as many.

    Raises:
        ValueError: If they are not, or a colour is none.

    Example:
        >>> class_colours(3, 3), class_colours(["black", (255, 0, 0)], 2)
        (('#000000', '#800000', '#008000'), ('#000000', '#ff0000'))
    """
    counted = isinstance(classes, Integral) and not isinstance(classes, bool)
    if not counted and (isinstance(classes, str) or not hasattr(classes, "__len__")):
        raise ValueError(
            "`classes` is how many there are, or a list of their colours. Received: "
            f"classes={shown(classes)}. Use for example classes={max(scores, 2)}."
        )
    count = int(classes) if counted else len(classes)
    if count != scores or not 2 <= count <= MOST:
        raise ValueError(
            f"There is one class to every output of the model, and 2 to {MOST} of them. Received: "
            f"{count} classes, a model of {scores} outputs. Use classes={scores}, or leave "
            "`classes` out."
        )
    if counted:
        return tuple(map(_of_voc, range(count)))
    return tuple(map(_html, classes))


def bands_of(colours: Sequence[str]) -> np.ndarray:
    """Colours `(classes, 3)`, uint8."""
    return np.array([ImageColor.getrgb(colour) for colour in colours], np.uint8)


def is_colour(value: Any) -> bool:
    """Whether a value is a colour as `class_colours` writes them."""
    digits = value[1:] if isinstance(value, str) and value[:1] == "#" else ""
    return len(digits) == 6 and set(digits) <= set("0123456789abcdef")


def _of_voc(number: int) -> str:
    """Bits 0, 3, 6 ... of the number are the highest, next ... bits of red, and so on."""
    bands = [0, 0, 0]
    for place in range(8):
        for band in range(3):
            bands[band] |= (number >> (3 * place + band) & 1) << (7 - place)
    return _html(bands)


def _html(colour: Any) -> str:
    return f"#{packed(colour):06x}"
