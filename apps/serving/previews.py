"""What the page shows of a picture: PNG of 8 bits, upright, of bounded size."""

from __future__ import annotations

import math
import pathlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_ms.data.sources.stored import upright

from ..experiment import sheets

LARGEST = 2048  # pixels of a side; blocks of larger pictures become one pixel
QUICK = 1  # of zlib's levels: the file goes to this machine only


class Preview(NamedTuple):
    """What was written, in pixels.

    Attributes:
        width: Of the picture, upright.
        height: Of the picture, upright.
        block: Sides of the blocks that became one pixel of the preview; 1 if all is shown.
    """

    width: int
    height: int
    block: int


def write(
    pixels: np.ndarray, alpha: np.ndarray | None, orientation: int, path: pathlib.Path
) -> Preview:
    """Writes what browsers can show of a picture, whatever its bits, bands and size.

    Args:
        pixels: `(height, width, bands)`, uint8, uint16 or floats in [0, 1].
        alpha: Opacity `(height, width)`, which may have other sides, or `None`.
        orientation: How both are turned, 1 to 8 as in EXIF.
        path: The PNG file.
    """
    turned = upright(pixels, orientation)
    image = _image(turned)
    if alpha is not None:
        opacity = _image(upright(alpha[..., np.newaxis], orientation)).convert("L")
        image.putalpha(opacity.resize(image.size))
    image.save(path, "PNG", compress_level=QUICK)
    height, width, _ = turned.shape
    return Preview(width, height, sheets.block_side(turned.shape, LARGEST))


def _image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(sheets.in_bytes(picture, longest=math.inf, largest=LARGEST))
