"""The pixels of many images in one row: in memory, or in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from typing import IO, Any

import numpy as np
import tensorflow as tf

from keras_ms.data.python_calls import called

Tensor = Any


class Pixels:
    """Pixels `(total, channels)` of one pyramid level, appended image by image, then gathered.

    Args:
        channels: Channels of every pixel.
        dtype: Their type.
    """

    def __init__(self, channels: int, dtype: Any) -> None:
        self._channels, self._dtype = channels, np.dtype(dtype)
        self._parts: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._pixels: Any = None
        self._count = 0
        self.bytes_in_memory = 0

    def append(self, image: np.ndarray) -> None:
        """Appends the pixels of an image `(*spatial, channels)`."""
        rows = np.asarray(image, self._dtype).reshape(-1, self._channels)
        self._count += len(rows)
        if self._file is not None:
            self._write(rows)
            return
        self._parts.append(rows)
        self.bytes_in_memory += rows.nbytes

    def spill(self) -> None:
        """Moves all pixels, and those appended later, to a file that is deleted with this object.

        Raises:
            ValueError: If the disk is full.
        """
        self._file = tempfile.TemporaryFile(prefix="keras_ms-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        for rows in self._parts:
            self._write(rows)
        self._parts, self.bytes_in_memory = [], 0

    def _write(self, rows: np.ndarray) -> None:
        assert self._file is not None
        try:
            self._file.write(np.ascontiguousarray(rows).data)
        except OSError as error:
            raise ValueError(
                "The pyramids of the images do not fit on the disk. Received: more pixels than "
                f"`cache_bytes`, and in {tempfile.gettempdir()}: {error}. Set TMPDIR to another "
                "disk, or give fewer images."
            ) from error

    def close(self) -> None:
        """Ends appending, begins gathering."""
        if self._file is None:
            self._pixels, self._parts = tf.constant(np.concatenate(self._parts)), []
            return
        self._file.flush()
        shape = (self._count, self._channels)
        self._pixels = np.asarray(np.memmap(self._file, self._dtype, "r", shape=shape))

    def gather(self, index: Tensor) -> Tensor:
        """Pixels by number: an int64 index of any shape leads to `(*shape, channels)`."""
        if self._file is None:
            return tf.gather(self._pixels, index)
        found = called(self, Pixels._take, [index], self._dtype, stateful=False)
        return tf.ensure_shape(found, (*index.shape, self._channels))

    def _take(self, index: np.ndarray) -> np.ndarray:
        return self._pixels.take(index, axis=0)
