"""How good restorations are: PSNR, SSIM and colours on held-out pictures, beside simpler ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data.sources.stored import full
from keras_ms.tasks.checks import called

from . import classics
from .settings import Settings
from .task_of import make_task

SEED = (20, 26)
MOST = 8  # pictures
SIDE = 320  # of their middles, in pixels
ALIGNMENT = 12  # pixels; a multiple of every scale of super-resolution


class Quality(NamedTuple):
    """Means over the pictures.

    Attributes:
        psnr: In dB.
        ssim: At most 1.
        colour: By how much the mean colour of a picture is off, in the worst channel, of 255.
    """

    psnr: float
    ssim: float
    colour: float


class Pictures(NamedTuple):
    """Held-out pictures of one size and what is made of them.

    Attributes:
        inputs: What the network takes, normalised.
        clean: The pictures, in [0, 1].
        seen: The inputs at full contrast, about in [0, 1]; not clipped.
        told: What classical methods are told of each.
        classical: Restored by classical methods, by name.
    """

    inputs: Any
    clean: np.ndarray
    seen: np.ndarray
    told: list[classics.Told]
    classical: dict[str, np.ndarray]

    @property
    def degraded(self) -> np.ndarray:
        """As a user would see the inputs: clipped, enlarged by repeating pixels."""
        scale = self.clean.shape[1] // self.seen.shape[1]
        return np.clip(np.repeat(np.repeat(self.seen, scale, axis=1), scale, axis=2), 0.0, 1.0)


def pictures_of(
    settings: Settings, validation: tf.data.Dataset, held_out: Sequence[np.ndarray]
) -> list[Pictures]:
    """What is judged: middles of held-out photographs, each as degraded as the middle of all.

    Where the task is another on images of another size, as with inpainting's holes, these are the
    targets of the validation pairs, degraded anew.

    Args:
        settings: The settings.
        validation: Pairs of held-out crops.
        held_out: Photographs, `(height, width, bands)` of any sizes.
    """
    task = make_task(settings)
    if "crop" not in getattr(task, "invariant_under", ()):
        crops = make_pictures(settings, tf.concat([y for _, y in validation], axis=0))
        return [with_classics(settings, crops)]
    settings = _in_the_middle(settings, task)
    large = [photo for photo in held_out if min(photo.shape[:2]) >= ALIGNMENT]
    some = large[:: -(-len(large) // MOST) or 1]
    made = (make_pictures(settings, normalised_middle(settings, photo)) for photo in some)
    return [with_classics(settings, pictures) for pictures in made]


def _in_the_middle(settings: Settings, task: Any) -> Settings:
    """Settings with the amount of noise in the middle of its range."""
    if not hasattr(task, "t_range"):
        return settings
    middle = float(np.mean(task.t_range))
    return dataclasses.replace(settings, t_low=middle, t_high=middle)


def normalised_middle(settings: Any, photo: np.ndarray, most: int = SIDE) -> np.ndarray:
    """The normalised middle of a photograph, `(1, height, width, bands)`, sides at most `most`."""
    mean, std = (np.array(values, "float32") for values in settings.normalization_of_images)
    height, width = (middle(side, most) for side in photo.shape[:2])
    scaled = photo[height, width] / np.float32(full(photo.dtype))
    return ((scaled - mean) / std)[np.newaxis].astype("float32")


def middle(side: int, most: int = SIDE) -> slice:
    """The middle of a side, as long as `ALIGNMENT` divides, at most so many pixels."""
    shown = min(side, most)
    shown -= shown % ALIGNMENT
    return slice((side - shown) // 2, (side - shown) // 2 + shown)


def make_pictures(settings: Any, clean: Any, seed: tuple[int, int] = SEED) -> Pictures:
    """Degrades normalised clean pictures `(count, height, width, channels)` by the task."""
    task = make_task(settings, np.shape(clean)[1:3], seed[0])
    # Tensors, as in training.
    example = called(task, "draw", tf.convert_to_tensor(clean), tf.constant(seed))
    inputs, targets = called(task, "pair", example)
    image = np.asarray(inputs["image"] if isinstance(inputs, dict) else inputs)
    share = _share_of_noise(task, example)
    contrast = 1.0 if settings.keep_contrast else 1.0 - share
    seen = _as_pictures(settings, image / contrast)
    clean_pictures = np.clip(_as_pictures(settings, np.asarray(targets)), 0.0, 1.0)
    told = _told(settings, task, example, share, len(seen))
    return Pictures(inputs, clean_pictures, seen, told, {})


def with_classics(settings: Settings, pictures: Pictures) -> Pictures:
    """The same pictures, restored by the classical methods, too, if these are asked for."""
    if not settings.baseline:
        return pictures
    both = list(zip(pictures.seen, pictures.told, strict=True))
    made = {
        method.name: np.stack([classics.restored(method, *one) for one in both])
        for method in classics.of(settings.task)
    }
    return pictures._replace(classical=made)


def restored_by(model: keras.Model, settings: Settings, pictures: Pictures) -> np.ndarray:
    """Pictures as the network restores them."""
    outputs = model.predict(pictures.inputs, batch_size=8, verbose=0)
    return np.clip(_as_pictures(settings, outputs), 0.0, 1.0)


def measure(clean: np.ndarray, pictures: np.ndarray) -> Quality:
    """Quality of pictures in [0, 1], `(count, height, width, channels)`, against clean ones."""
    psnr, ssim = keras_ms.metrics.PSNR((0.0, 1.0)), keras_ms.metrics.SSIM((0.0, 1.0))
    for metric in (psnr, ssim):
        metric.update_state(clean, pictures)
    off = np.abs(np.mean(pictures - clean, axis=(1, 2), dtype=np.float64)).max(-1)
    return Quality(float(psnr.result()), float(ssim.result()), 255.0 * float(np.mean(off)))


def table_of(
    settings: Settings, models: Mapping[str, keras.Model], judged: Sequence[Pictures]
) -> dict[str, Quality]:
    """Quality by row: the degraded pictures, classical methods if asked for, each model.

    Args:
        settings: The settings.
        models: Trained models by strategy.
        judged: What they restore.

    Returns:
        `Quality` by name, in order.
    """
    rows: dict[str, list[Quality]] = {}
    counts = [len(pictures.clean) for pictures in judged]
    for pictures in judged:
        ways = {"degraded": pictures.degraded, **pictures.classical}
        ways |= {name: restored_by(model, settings, pictures) for name, model in models.items()}
        for name, made in ways.items():
            rows.setdefault(name, []).append(measure(pictures.clean, made))
    return {
        name: Quality(*np.average(found, axis=0, weights=counts).tolist())
        for name, found in rows.items()
    }


def _told(
    settings: Any, task: Any, example: Any, share: np.ndarray, count: int
) -> list[classics.Told]:
    std = float(np.mean(settings.normalization_of_images[1]))
    noise = np.broadcast_to(np.ravel(share / (1.0 - share)) * std, count)
    masks = np.asarray(example["mask"]).max(-1) > 0 if "mask" in example else [None] * count
    return [classics.Told(task, float(n), mask) for n, mask in zip(noise, masks, strict=True)]


def _share_of_noise(task: Any, example: Any) -> np.ndarray:
    """The part of every input that is noise, `(count, 1, 1, 1)`; none if the task has no noise."""
    if not hasattr(task, "share"):
        return np.zeros((1, 1, 1, 1), "float32")
    return np.reshape(task.share(np.asarray(example["t"])), (-1, 1, 1, 1))


def _as_pictures(settings: Any, images: np.ndarray) -> np.ndarray:
    mean, std = (np.array(values, "float32") for values in settings.normalization_of_images)
    return images * std + mean
