"""Images in memory that are still called what their files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


class NamedImages(list[np.ndarray]):
    """A list of images that knows their names, and which could not be read.

    Args:
        named: Names and images, or in the place of an image the `ValueError` that says why it
            cannot be read: it is no entry of the list, but counts where `named` is gone through.

    Example:
        >>> images = NamedImages([("a.png", np.zeros((2, 2, 3))), ("b.png", ValueError("cut off"))])
        >>> len(images), [name for name, _ in images.named()]
        (1, ['a.png', 'b.png'])
    """

    def __init__(self, named: Iterable[tuple[str, Any]]) -> None:
        self._named = list(named)
        super().__init__(image for _, image in self._named if not isinstance(image, Exception))

    def named(self) -> Iterator[tuple[str, Any]]:
        """Names and images, or errors, in order."""
        yield from self._named


def in_memory(images: Iterable[Any]) -> list[Any]:
    """Images as a list, which knows the names of their files if they have any."""
    named = getattr(images, "named", None)
    return list(images) if named is None else NamedImages(named())
