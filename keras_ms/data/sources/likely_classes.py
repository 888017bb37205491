"""What numbers or colours in mask files most likely stand for, in the words of `FolderPairs`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from keras_ms.data.sources.class_maps import stored_indices
from keras_ms.data.sources.picture_file import header, stored_colours

Path = str | os.PathLike[str]

FEW = 32  # values, or colours, that masks have at most to be taken for such
SAMPLE = 8  # files that are looked at
SPARSE = 16
WHITE = (255, 65535)
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif")


def is_lossy(path: Path) -> bool:
    """Whether a file is named as one of JPEG, whose pixels are about as they were written."""
    return os.fspath(path).lower().endswith(LOSSY)


def classes_for(values: Sequence[int]) -> str:
    """The argument `classes`, and `void`, that masks of such values most likely need.

    Args:
        values: All whole numbers that masks hold, sorted, 0 or more.

    Example:
        >>> classes_for([0, 1, 2]), classes_for([0, 255]), classes_for([0, 1, 255])
        ('classes=3', 'classes={0: 0, 255: 1}', 'classes=2, void=255')
    """
    *others, last = map(int, values)
    if last < FEW:
        return f"classes={max(last + 1, 2)}"
    if last in WHITE and 1 <= max(others, default=0) < FEW:
        return f"classes={max(others[-1] + 1, 2)}, void={last}"
    return f"classes={{{', '.join(f'{value}: {k}' for k, value in enumerate((*others, last)))}}}"


def likely_classes(files: Sequence[Path]) -> str:
    """What `classes` would be if pictures are masks; an empty string if they look like none.

    Masks hold few whole numbers, or few colours. Up to 8 files, spread evenly, are looked at.

    Args:
        files: The pictures.
    """
    looked = [path for path in files[:: -(-len(files) // SAMPLE) or 1] if _is_readable(path)]
    if any(map(is_lossy, looked)):
        return ""
    values = _all_of(looked, stored_indices)
    if values is not None:
        return classes_for(values)
    colours = _all_of(looked, _packed)
    if colours is None:
        return ""
    return f"classes=[{', '.join(str((c >> 16, c >> 8 & 255, c & 255)) for c in colours)}]"


def _is_readable(path: Path) -> bool:
    try:
        header(path)
    except ValueError:
        return False
    return True


def _packed(path: Path) -> np.ndarray:
    return stored_colours(path).astype(np.int64) @ np.array([65536, 256, 1])


def _all_of(files: Sequence[Path], read: Callable[[Path], np.ndarray]) -> list[int] | None:
    """All values of files, sorted, if they can be read so and are few, but not one."""
    found: set[int] = set()
    for path in files:
        try:
            pixels = read(path)
        except ValueError:
            return None
        for part in (pixels[::SPARSE, ::SPARSE], pixels):  # of photographs, few pixels tell
            found |= set(np.unique(part)[: FEW + 1].tolist())
            if len(found) > FEW or min(found) < 0:
                return None
    return sorted(found) if len(found) > 1 else None
