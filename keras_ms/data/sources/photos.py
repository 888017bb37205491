"""The colour photographs that scikit-image carries inside its wheel."""

from __future__ import annotations

import numpy as np

from keras_ms.data.sources.source import Directory, Source
from keras_ms.validation import known, none_or_positive

NAMES = {"photos": "SOURCE"}

# stereo_motorcycle's right view is left out: it is nearly its left one.
PHOTOS = {
    "train": (
        "astronaut",
        "rocket",
        "retina",
        "immunohistochemistry",
        "hubble_deep_field",
        "stereo_motorcycle",
    ),
    "validation": ("chelsea", "coffee"),
}
"""Names of the functions of `skimage.data`, by split. No photograph is in both."""


def photos(split: str = "train") -> list[np.ndarray]:
    """Returns colour photographs that need no download.

    Whole photographs are held out: `"validation"` (a cat and a coffee cup) shares no picture
    with `"train"` (a portrait, a rocket launch, a retina, a stained tissue, galaxies and a
    motorcycle). Licences are listed in scikit-image's `skimage/data/README.txt`.

    Args:
        split: `"train"` or `"validation"`.

    Returns:
        Arrays `(height, width, 3)`, uint8, of 300 x 451 to 1411 x 1411 pixels.

    Raises:
        ValueError: If there is no such split.

    Example:
        >>> [image.shape for image in keras_ms.data.photos("validation")]
        [(300, 451, 3), (400, 600, 3)]
    """
    known(split, PHOTOS, "split", "split")
    import skimage.data  # imported late: it would slow down `import keras_ms`

    loaded = [getattr(skimage.data, name)() for name in PHOTOS[split]]
    return [image[0] if isinstance(image, tuple) else image for image in loaded]


def _load(split: str, data_dir: Directory = None, limit: int | None = None) -> list[np.ndarray]:
    none_or_positive(limit=limit)
    if data_dir is not None:
        raise ValueError(f"The photos lie in no folder. Received: data_dir={str(data_dir)!r}.")
    return photos(split)[:limit]


SOURCE = Source(_load)
