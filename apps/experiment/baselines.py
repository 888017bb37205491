"""Classical methods from scikit-image, one per task, to measure a trained network against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Picture = np.ndarray

NAMES = {
    "denoising": "non-local means",
    "deblurring": "unsupervised Wiener",
    "inpainting": "biharmonic",
    "super_resolution": "bicubic",
}


def restore(task: Any, name: str, picture: Picture, noise: float, mask: Picture | None) -> Picture:
    """Restores one picture classically, told all that the network is not.

    Args:
        task: The task, for the parameters of its degradation.
        name: The task's name.
        picture: Degraded picture `(height, width, channels)`, about in [0, 1].
        noise: Standard deviation of its noise.
        mask: Missing pixels `(height, width)`, bool, or `None`.

    Returns:
        The restored picture, clipped to [0, 1].
    """
    methods: dict[str, Callable[[], Picture]] = {
        "denoising": lambda: _denoise(picture, noise),
        "deblurring": lambda: _deblur(picture, task.sigma),
        "inpainting": lambda: _inpaint(picture, mask),
        "super_resolution": lambda: _enlarge(picture, task.scale),
    }
    return np.clip(methods[name](), 0.0, 1.0)


def _denoise(picture: Picture, noise: float) -> Picture:
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        picture, patch_size=5, patch_distance=6, h=0.6 * noise, sigma=noise, channel_axis=-1
    )


def _deblur(picture: Picture, sigma: float) -> Picture:
    import scipy.ndimage
    from skimage.restoration import unsupervised_wiener

    radius = int(4 * sigma + 0.5)
    point = np.zeros((2 * radius + 1,) * 2)
    point[radius, radius] = 1.0
    kernel = scipy.ndimage.gaussian_filter(point, sigma)
    # The method takes images as periodic: mirrored margins keep the seam away from the picture.
    margins = ((4 * radius,) * 2, (4 * radius,) * 2)
    restored = []
    for channel in np.moveaxis(picture, -1, 0):
        padded = np.pad(channel, margins, mode="symmetric")
        deconvolved, _ = unsupervised_wiener(padded, kernel, clip=False, rng=0)
        restored.append(deconvolved[4 * radius : -4 * radius, 4 * radius : -4 * radius])
    return np.stack(restored, axis=-1)


def _inpaint(picture: Picture, mask: Picture | None) -> Picture:
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(picture, mask, channel_axis=-1)


def _enlarge(picture: Picture, scale: int) -> Picture:
    import tensorflow as tf

    height, width = picture.shape[:2]
    return tf.image.resize(picture, (scale * height, scale * width), "bicubic").numpy()
