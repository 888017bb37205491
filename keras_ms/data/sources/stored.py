"""What the readers of picture files return, and the bounds that they all keep."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAX_MEGAPIXELS = 1000.0
MAX_BANDS = 32
WHITE = 65535  # of 16 bits
LYING = 5
"""Orientations from this one on exchange rows and columns."""


class RefusedError(ValueError):
    """A picture that we do not take, however well it could be read."""


class Header(NamedTuple):
    """What is known of a file before its pixels are decoded.

    Attributes:
        height: Of the pixels as stored.
        width: Of the pixels as stored.
        bands: Bands, without alpha, palettes expanded.
        dtype: Type of the pixels: uint8, uint16, float32 or float64.
        whole: Whether the floats are integers in the file, signed or of 32 or 64 bits: nothing
            says which of them are black and white.
        orientation: How pixels are turned when they are read, 1 to 8 as in EXIF, where that is
            looked at; 1 if not at all.
    """

    height: int
    width: int
    bands: int
    dtype: np.dtype
    whole: bool = False
    orientation: int = 1

    def check(self, max_megapixels: float) -> None:
        """Refuses pictures that are larger than asked for.

        Raises:
            RefusedError: Naming the limit, or if there are more bands than `MAX_BANDS`.
        """
        megapixels = self.height * self.width / 1e6
        if megapixels > max_megapixels:
            raise RefusedError(
                f"it has {megapixels:.1f} megapixels, more than max_megapixels="
                f"{max_megapixels:g}; use a larger `max_megapixels` (in the apps: "
                "--max_megapixels)"
            )
        if self.bands > MAX_BANDS:
            raise RefusedError(f"it has {self.bands} bands, and at most {MAX_BANDS} are read")


class Stored(NamedTuple):
    """What a picture file holds, as stored.

    Attributes:
        pixels: `(height, width, bands)`, unturned, uint8, uint16, float32 or float64.
        alpha: Opacity `(height, width)`, of the pixels' type, or `None` where all is opaque.
        orientation: How the pixels are turned, 1 to 8 as in EXIF; 1 is upright.
        format: Pillow's name of the format, such as `"PNG"`.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    orientation: int
    format: str


def full(dtype: np.dtype) -> float:
    """The value of white, and of full opacity, in pixels of a type."""
    return {"uint8": 255.0, "uint16": float(WHITE)}.get(np.dtype(dtype).name, 1.0)


def ends(pixels: np.ndarray) -> tuple[float, float]:
    """The least and the greatest of some pixels.

    Raises:
        ValueError: If a value is not finite.
    """
    least, greatest = float(pixels.min()), float(pixels.max())  # NaN if any value is
    if not np.isfinite(least) or not np.isfinite(greatest):
        raise ValueError("it has values that are NaN or Inf; replace them by finite ones")
    return least, greatest


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turns `(height, width, ...)` pixels as an EXIF orientation, 1 to 8, says."""
    mirrored = orientation in (2, 4, 5, 7)
    quarters = {3: 2, 4: 2, 5: 1, 6: -1, 7: -1, 8: 1}.get(orientation, 0)
    return np.rot90(pixels[:, ::-1] if mirrored else pixels, quarters)
