"""What sheets show of pictures: bounded in size, however large or long the pictures are."""

from __future__ import annotations

import numpy as np

LONGEST = 2  # of a picture's sides, in its shorter ones: the middle of longer ones is shown
LARGEST = 1200  # pixels of a side; the means of blocks of larger ones are shown


def sheet_row(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is shown of one row: small RGB pictures in [0, 1], PSNR in their titles."""
    return {title + _psnr_text(row, title): shown(picture) for title, picture in row.items()}


def shown(picture: np.ndarray, longest: float = LONGEST, largest: int = LARGEST) -> np.ndarray:
    """The middle of long pictures, the block means of large ones, as RGB floats in [0, 1].

    Args:
        picture: `(height, width, bands)`, bytes, 16 bits, or floats in [0, 1]. Of other than
            three bands the first ones are shown.
        longest: Of the sides, in the shorter one; the middle of longer pictures is taken.
        largest: Pixels of a side; blocks of larger pictures become one pixel.
    """
    from keras_ms.data.sources.stored import full  # imported late: it would slow down `--help`

    height, width, bands = picture.shape
    most = longest * min(height, width)
    rows, columns = (_middle(side, most) for side in (height, width))
    part = picture[rows, columns, : 3 if bands >= 3 else 1]
    small = _block_means(part, block_side(part.shape, largest)) / np.float32(full(picture.dtype))
    return np.clip(np.broadcast_to(small, (*small.shape[:2], 3)), 0.0, 1.0)


def block_side(shape: tuple[int, ...], largest: int) -> int:
    """Sides of the blocks of a picture that become one pixel; 1 if all pixels are shown."""
    return -(-max(shape[:2]) // largest)


def in_bytes(picture: np.ndarray, longest: float = LONGEST, largest: int = LARGEST) -> np.ndarray:
    """The same as `shown`, uint8."""
    return np.round(255.0 * shown(picture, longest, largest)).astype(np.uint8)


def _middle(side: int, longest: float) -> slice:
    taken = int(min(side, longest))
    start = (side - taken) // 2
    return slice(start, start + taken)


def _block_means(part: np.ndarray, side: int) -> np.ndarray:
    height, width, bands = part.shape
    rows, columns = max(1, height // side), max(1, width // side)
    total = np.zeros((rows, columns, bands), np.float32)
    for row in range(min(side, height)):
        for column in range(min(side, width)):
            total += part[row : row + side * rows : side, column : column + side * columns : side]
    return total / np.float32(min(side, height) * min(side, width))


def _psnr_text(row: dict[str, np.ndarray], title: str) -> str:
    clean = row.get("clean")
    if clean is None or title == "clean" or clean.shape != row[title].shape:
        return ""
    return f", {psnr(clean, row[title]):.2f} dB"


def psnr(clean: np.ndarray, picture: np.ndarray) -> float:
    """PSNR of two pictures in [0, 1], in dB."""
    from skimage.metrics import peak_signal_noise_ratio

    return float(peak_signal_noise_ratio(clean, picture, data_range=1.0))
