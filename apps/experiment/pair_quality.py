"""How good predictions of a user's own pairs are, and what they look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_ms

from . import tables
from .kind import Judge, Reached

SHEET_ROWS = 2


class MaskQuality(NamedTuple):
    """Over all pixels that are of a class."""

    mean_iou: float
    accuracy: float


class PictureQuality(NamedTuple):
    """Means over the pictures."""

    psnr: float
    ssim: float


class _Judged(Judge):
    """What both have in common.

    Args:
        pairs: Batches of held-out pairs.
    """

    def __init__(self, pairs: tf.data.Dataset) -> None:
        self._pairs = pairs

    def _measured(self, model: Any, metrics: list[keras.metrics.Metric]) -> list[float]:
        for x, y in self._pairs:
            predicted = model(x)
            for metric in metrics:
                metric.update_state(y, predicted)
        return [float(metric.result()) for metric in metrics]

    def sheet(self, models: Mapping[str, keras.Model]) -> list[dict[str, np.ndarray]]:
        """Input, target and predictions of some pairs."""
        some = self._pairs.unbatch().take(SHEET_ROWS).as_numpy_iterator()
        return [
            {"input": _seen(x), "target": self._shown(y)}
            | {
                title: self._shown(np.asarray(model(x[np.newaxis]))[0])
                for title, model in models.items()
            }
            for x, y in some
        ]

    def _shown(self, values: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class JudgedMasks(_Judged):
    """Judges class maps.

    Args:
        pairs: Batches of held-out pairs.
        folders: Where they come from.
    """

    def __init__(self, pairs: tf.data.Dataset, folders: keras_ms.data.FolderPairs) -> None:
        super().__init__(pairs)
        self._classes, self._void = folders.num_classes or 0, folders.void
        self._colours = colours(self._classes, folders.class_colours)

    def table(self, models: Mapping[str, keras.Model]) -> Reached:
        """Mean IoU and share of right pixels."""
        return {name: MaskQuality(*self._both(model)) for name, model in models.items()}

    def _both(self, model: keras.Model) -> list[float]:
        iou = keras.metrics.MeanIoU(self._classes, ignore_class=self._void, sparse_y_pred=False)
        right = keras.metrics.Mean()

        def of_pixels(y: Any, predicted: Any) -> None:
            known = tf.ones_like(y, tf.bool) if self._void is None else y != self._void
            hit = tf.cast(tf.argmax(predicted, -1), tf.int64) == tf.cast(y, tf.int64)
            right.update_state(tf.boolean_mask(hit, known))

        for x, y in self._pairs:
            predicted = model(x)
            iou.update_state(y, predicted)
            of_pixels(y, predicted)
        return [float(iou.result()), float(right.result())]

    def print_table(self, reached: Reached, labels: Mapping[str, str]) -> None:
        """One row per strategy."""
        rows = [
            [labels.get(name, name), f"{found.mean_iou:.4f}", f"{found.accuracy:.4f}"]
            for name, found in reached.items()
        ]
        tables.show("Held-out pairs", ["predicted by", "mean IoU", "right pixels"], rows)

    def _shown(self, values: np.ndarray) -> np.ndarray:
        classes = values.argmax(-1) if values.ndim == 3 else values
        return in_colours(classes, self._colours, self._void)


class JudgedPictures(_Judged):
    """Judges pictures with values from 0 to 1."""

    def table(self, models: Mapping[str, keras.Model]) -> Reached:
        """PSNR and SSIM, of the inputs too where they are like targets."""
        x, y = self._pairs.element_spec
        ways: dict[str, Any] = {}
        if x.shape[-1] == y.shape[-1] and all(a.shape == b.shape for a, b in self._pairs.take(1)):
            ways["input"] = keras.layers.Identity()
        ways |= models
        return {
            name: PictureQuality(*self._measured(way, _metrics())) for name, way in ways.items()
        }

    def print_table(self, reached: Reached, labels: Mapping[str, str]) -> None:
        """One row per way."""
        shown = {"input": "nothing (input)", **labels}
        rows = [
            [shown.get(name, name), f"{found.psnr:.2f} dB", f"{found.ssim:.4f}"]
            for name, found in reached.items()
        ]
        tables.show("Held-out pairs", ["predicted by", "PSNR", "SSIM"], rows)

    def _shown(self, values: np.ndarray) -> np.ndarray:
        return _seen(values)


def _metrics() -> list[keras.metrics.Metric]:
    return [keras_ms.metrics.PSNR((0.0, 1.0)), keras_ms.metrics.SSIM((0.0, 1.0))]


def _seen(values: np.ndarray) -> np.ndarray:
    """Values from 0 to 1 as they are; others, as floats of no known range have, stretched."""
    low, high = float(values.min()), float(values.max())
    if low >= -0.5 and high <= 1.5:
        return np.clip(values, 0.0, 1.0)
    return (values - low) / (high - low)


def in_colours(classes: np.ndarray, colours: np.ndarray, void: int | None) -> np.ndarray:
    """A class map as a picture `(height, width, 3)`, uint8; what is no class is black."""
    known = classes < len(colours)
    if void is not None:
        known &= classes != void
    return np.where(known[..., np.newaxis], colours[np.where(known, classes, 0)], 0)


def colours(classes: int, given: np.ndarray | None) -> np.ndarray:
    """Colours by class `(classes, 3)`, uint8: those given, or ones that can be told apart."""
    if given is not None:
        return given
    from matplotlib import colormaps

    of_map = colormaps["tab20"](np.arange(classes) % 20)[:, :3]
    return np.round(255 * of_map).astype(np.uint8)
