"""What sheets show of pictures: bounded in size, however large or long the pictures are."""

from __future__ import annotations

import numpy as np

LONGEST = 2  # of a picture's sides, in its shorter ones: the middle of longer ones is shown
LARGEST = 1200  # pixels of a side; the means of blocks of larger ones are shown


def sheet_row(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is shown of one row: small RGB pictures in [0, 1], PSNR in their titles."""
    return {title + _psnr_text(row, title): shown(picture) for title, picture in row.items()}


def shown(picture: np.ndarray) -> np.ndarray:
    """The middle of long pictures, the block means of large ones, as RGB floats in [0, 1].

    Args:
        picture: `(height, width, bands)`, bytes, 16 bits, or floats in [0, 1]. Of other than
            three bands the first ones are shown.
    """
    height, width, bands = picture.shape
    longest = LONGEST * min(height, width)
    rows, columns = (_middle(side, longest) for side in (height, width))
    part = picture[rows, columns, : 3 if bands >= 3 else 1]
    white = {"uint8": 255.0, "uint16": 65535.0}.get(picture.dtype.name, 1.0)
    small = _block_means(part, -(-max(part.shape[:2]) // LARGEST)) / np.float32(white)
    return np.clip(np.broadcast_to(small, (*small.shape[:2], 3)), 0.0, 1.0)


def _middle(side: int, longest: int) -> slice:
    start = max(0, side - longest) // 2
    return slice(start, start + min(side, longest))


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
