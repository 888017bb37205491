"""Files of pairs, for tests of what is read from them."""

import numpy as np
import tifffile
from PIL import Image

_PALETTE = [0, 0, 0, 90, 90, 90, 200, 10, 10]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric="minisblack", planarconfig="contig")
    else:
        Image.fromarray(array).save(path)


def shaded(value, *shape, dtype="uint8"):
    return np.full(shape, value, dtype)


def photographs_and_masks(folder):
    """Six photographs in two folders, and masks of palette indices 0 to 2."""
    for number in range(6):
        where = f"{'ab'[number % 2]}/{number}"
        save(folder / f"photos/{where}.jpg", shaded(40 * number, 16, 24, 3))
        _palette_mask(folder / f"masks/{where}.png", shaded(number % 3, 16, 24))
    return folder / "photos", folder / "masks"


def _palette_mask(path, indices):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    picture.putpalette(_PALETTE)
    picture.save(path)
