"""ValidationImages: what the model makes of some validation examples, for TensorBoard."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.callbacks.looking import Logs, Looking
from keras_ms.metrics import psnr
from keras_ms.validation import checked_statistics, path_of, positive_integer

Numbers = float | Sequence[float]
GAP = 2
"""Pixels between pictures."""


class ValidationImages(Looking):
    """Writes input, result and target of some examples side by side, with the result's PSNR.

    For class maps (integer targets, logits as results) it is the share of pixels whose class is
    right, in place of the PSNR. The files are for TensorBoard, and stand beside those of
    `keras.callbacks.TensorBoard`. They need the package `tensorboard`, as that callback does.

    Args:
        log_dir: Folder of the files.
        data: Pairs `(x, y)` of arrays, or a `tf.data.Dataset` of batches of pairs: what `fit` gets
            as `validation_data`. Images are `(batch, height, width, channels)`. Of several inputs
            the first image is shown.
        count: How many examples: the first ones, of a dataset those of its first batch. Defaults to
            3.
        mean: By which images were normalised, one number or one per channel. Defaults to 0.
        std: Likewise. Defaults to 1.
        every: Every how many epochs; by default with every validation.

    Attributes:
        quality: Of every time, the PSNR in dB (or the share) of each example.

    Raises:
        ValueError: If `tensorboard` is not installed, the data are no pairs of images, or an
            argument is out of range.

    Example:
        >>> x = y = np.zeros((2, 16, 16, 3), np.float32)
        >>> images = keras_ms.callbacks.ValidationImages("logs", (x, y))  # doctest: +SKIP
    """

    chief_only = True  # of several hosts

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        data: Any,
        count: int = 3,
        mean: Numbers = 0.0,
        std: Numbers = 1.0,
        every: int | None = None,
    ) -> None:
        super().__init__(every)
        check_tensorboard("ValidationImages")
        self._folder = os.fspath(path_of(log_dir, "log_dir"))
        self._x, self._y = _first(data, positive_integer(count, "count"))
        channels = int(np.shape(_image_of(self._x))[-1])
        self._mean, self._std = checked_statistics(mean, std, channels)
        self._writer: Any = None
        self.quality: list[list[float]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Opens the file."""
        super().on_train_begin(logs)
        self.quality = []
        self._writer = tf.summary.create_file_writer(self._folder)

    def look(self, epoch: int, logs: Logs) -> None:
        """Writes the pictures."""
        made = np.asarray(keras.ops.cast(self.model(self._x, training=False), "float32"))
        target = np.asarray(self._y)
        if made.shape == target.shape:
            what, unit = "psnr", "PSNR {:.2f} dB"
            result, wanted = self._picture(made), self._picture(target)
            quality = np.asarray(psnr(wanted, result, (0.0, 1.0)))
        else:
            what, unit = "accuracy", "{:.1%} of the pixels right"
            result, wanted, quality = _classes(made, target)
        self.quality.append([float(value) for value in quality])
        strips = _side_by_side([self._picture(_image_of(self._x)), result, wanted])
        with self._writer.as_default(epoch):
            for number, (strip, value) in enumerate(zip(strips, quality, strict=True)):
                text = f"input, result, target; {unit.format(value)}"
                tf.summary.image(f"validation/{number}", strip[np.newaxis], description=text)
                tf.summary.scalar(f"validation/{what}_{number}", value)
        self._writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the file."""
        super().on_train_end(logs)
        self._writer.close()

    def _picture(self, images: Any) -> np.ndarray:
        """Images as pictures: floats in [0, 1] of three channels."""
        found = np.clip(np.asarray(images, np.float32) * self._std + self._mean, 0.0, 1.0)
        found = found[..., : 3 if found.shape[-1] >= 3 else 1]
        return np.broadcast_to(found, (*found.shape[:3], 3))


def check_tensorboard(what: str) -> None:
    """Raises `ValueError` if the package `tensorboard` is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError(
            f"{what} writes files for TensorBoard. Received: a Python without the package "
            'tensorboard. Use pip install "keras-ms[tensorboard]".'
        )


def _first(data: Any, count: int) -> tuple[Any, Any]:
    """The first examples of pairs."""
    pairs = next(iter(data), None) if isinstance(data, tf.data.Dataset) else data
    both = tuple(pairs[:2]) if isinstance(pairs, tuple | list) else ()
    if len(both) < 2 or any(np.ndim(leaf) == 0 for leaf in keras.tree.flatten(both)):
        raise ValueError(
            "`data` are pairs (x, y) of arrays, or a tf.data.Dataset of batches of pairs. "
            f"Received: {type(data).__name__}. Use what `fit` gets as validation_data."
        )
    x, y = keras.tree.map_structure(lambda tensor: tensor[:count], both)
    shape = tuple(getattr(y, "shape", ()))
    if _image_of(x) is None or len(shape) not in (3, 4):
        raise ValueError(
            "ValidationImages shows images (batch, height, width, channels). Received: "
            f"inputs {keras.tree.map_structure(np.shape, x)}, targets {shape}."
        )
    return x, y


def _image_of(x: Any) -> Any:
    """The first image among inputs, or `None`."""
    return next((leaf for leaf in keras.tree.flatten(x) if len(np.shape(leaf)) == 4), None)


def _classes(logits: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class maps as shades of grey, and the share of known pixels whose class is right."""
    classes = logits.shape[-1]
    wanted = target[..., 0] if target.ndim == 4 else target
    found, known = np.argmax(logits, axis=-1), (wanted >= 0) & (wanted < classes)
    right = np.sum((found == wanted) & known, (1, 2)) / np.maximum(np.sum(known, (1, 2)), 1)
    shades = (np.clip(m / max(classes - 1, 1), 0.0, 1.0)[..., np.newaxis] for m in (found, wanted))
    result, map_ = (np.broadcast_to(m, (*m.shape[:3], 3)).astype(np.float32) for m in shades)
    return result, map_, right


def _side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """Batches of pictures in a row, small ones enlarged to the largest."""
    rows, columns = (max(p.shape[axis] for p in pictures) for axis in (1, 2))
    parts: list[np.ndarray] = []
    for batch in pictures:
        if parts:
            parts.append(np.ones((len(batch), rows, GAP, 3), np.float32))
        parts.append(tf.image.resize(batch, (rows, columns), method="nearest").numpy())
    return np.concatenate(parts, axis=2)
