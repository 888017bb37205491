"""How good restorations are: PSNR and SSIM on held-out pictures, beside simpler ways."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.tasks.checks import called

from . import baselines
from .settings import Settings
from .task_of import make_task

SEED = (20, 26)


class Quality(NamedTuple):
    """Means over the pictures."""

    psnr: float
    ssim: float


class Pictures(NamedTuple):
    """Held-out pictures and what is made of them, arrays in [0, 1] of one shape but `inputs`.

    Attributes:
        inputs: What the network takes, normalised.
        clean: The pictures.
        degraded: As a user would see the inputs: full contrast, enlarged by repeating pixels.
        classical: Restored by a classical method, or `None`.
    """

    inputs: Any
    clean: np.ndarray
    degraded: np.ndarray
    classical: np.ndarray | None


def make_pictures(settings: Settings, clean: Any, classical: bool) -> Pictures:
    """Degrades normalised clean pictures `(count, height, width, channels)` by the task."""
    task = make_task(settings)
    # Tensors, as in training.
    example = called(task, "draw", tf.convert_to_tensor(clean), tf.constant(SEED))
    inputs, targets = called(task, "pair", example)
    image = np.asarray(inputs["image"] if isinstance(inputs, dict) else inputs)
    share = _share_of_noise(task, example)
    contrast = 1.0 if settings.keep_contrast else 1.0 - share
    seen = _as_pictures(settings, image / contrast)
    scale = np.shape(targets)[1] // image.shape[1]
    restored = _classical(settings, task, example, seen, share) if classical else None
    degraded = np.repeat(np.repeat(seen, scale, axis=1), scale, axis=2)
    clean_pictures = np.clip(_as_pictures(settings, np.asarray(targets)), 0.0, 1.0)
    return Pictures(inputs, clean_pictures, np.clip(degraded, 0.0, 1.0), restored)


def restored_by(model: keras.Model, settings: Settings, pictures: Pictures) -> np.ndarray:
    """Pictures as the network restores them."""
    outputs = model.predict(pictures.inputs, batch_size=8, verbose=0)
    return np.clip(_as_pictures(settings, outputs), 0.0, 1.0)


def measure(clean: np.ndarray, pictures: np.ndarray) -> Quality:
    """PSNR and SSIM of pictures in [0, 1] against clean ones."""
    found = []
    for metric in (keras_ms.metrics.PSNR((0.0, 1.0)), keras_ms.metrics.SSIM((0.0, 1.0))):
        metric.update_state(clean, pictures)
        found.append(float(metric.result()))
    return Quality(*found)


def pictures_of(settings: Settings, validation: tf.data.Dataset) -> Pictures:
    """The targets of held-out pairs, degraded anew, and restored classically if asked for."""
    clean = tf.concat([y for _, y in validation], axis=0)
    return make_pictures(settings, clean, settings.baseline)


def table_of(
    settings: Settings, models: dict[str, keras.Model], pictures: Pictures
) -> dict[str, Quality]:
    """Quality by row: the degraded pictures, the classical method if asked for, each model.

    Args:
        settings: The settings.
        models: Trained models by strategy.
        pictures: What they restore.

    Returns:
        `Quality` by name, in order.
    """
    rows = {"degraded": measure(pictures.clean, pictures.degraded)}
    if pictures.classical is not None:
        rows[baselines.NAMES[settings.task]] = measure(pictures.clean, pictures.classical)
    for strategy, model in models.items():
        rows[strategy] = measure(pictures.clean, restored_by(model, settings, pictures))
    return rows


def _classical(
    settings: Settings, task: Any, example: Any, seen: np.ndarray, share: np.ndarray
) -> np.ndarray:
    std = float(np.mean(settings.normalization_of_images[1]))
    noise = np.ravel(share / (1.0 - share)) * std
    masks = np.asarray(example["mask"]).max(-1) > 0 if "mask" in example else [None] * len(seen)
    restored = [
        baselines.restore(task, settings.task, picture, float(sigma), mask)
        for picture, sigma, mask in zip(seen, noise, masks, strict=True)
    ]
    return np.stack(restored).astype("float32")


def _share_of_noise(task: Any, example: Any) -> np.ndarray:
    """The part of every input that is noise, `(count, 1, 1, 1)`; none if the task has no noise."""
    if not hasattr(task, "share"):
        return np.zeros((1, 1, 1, 1), "float32")
    return np.reshape(task.share(np.asarray(example["t"])), (-1, 1, 1, 1))


def _as_pictures(settings: Settings, images: np.ndarray) -> np.ndarray:
    mean, std = (np.array(values, "float32") for values in settings.normalization_of_images)
    return images * std + mean
