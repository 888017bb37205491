"""Classical methods, by task, to measure a trained network against.

They are told what the network is not: the noise, the kernel, the mask. What they leave open is a
strength, which `tuned` chooses on pictures that are not judged by.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Picture = np.ndarray


class Told(NamedTuple):
    """What a classical method is told of a degraded picture.

    Attributes:
        task: The task, for the parameters of its degradation.
        noise: Standard deviation of the noise, in the picture's units.
        mask: Missing pixels `(height, width)`, bool, or `None`.
    """

    task: Any
    noise: float
    mask: Picture | None = None


class Classic(NamedTuple):
    """A classical method.

    Attributes:
        name: What tables call it.
        restore: From a degraded picture `(height, width, channels)`, about in [0, 1], what it is
            told, and a strength, to the restored picture.
        strengths: To choose from; the first one is taken untuned.
        needs: Package that it rests on, if that is not among our dependencies.
    """

    name: str
    restore: Callable[[Picture, Told, float], Picture]
    strengths: tuple[float, ...] = (1.0,)
    needs: str | None = None


def of(task: str) -> tuple[Classic, ...]:
    """The classical methods of a task that are installed."""
    return tuple(
        one
        for one in METHODS.get(task, ())
        if one.needs is None or importlib.util.find_spec(one.needs) is not None
    )


def missing(task: str) -> tuple[str, ...]:
    """Names of those that are not installed."""
    return tuple(one.name for one in METHODS.get(task, ()) if one not in of(task))


def restored(
    method: Classic, picture: Picture, told: Told, strength: float | None = None
) -> Picture:
    """A picture as a classical method restores it, clipped to [0, 1], float32."""
    chosen = method.strengths[0] if strength is None else strength
    return np.clip(method.restore(picture, told, chosen), 0.0, 1.0).astype("float32")


def tuned(method: Classic, examples: Sequence[tuple[Picture, Picture, Told]]) -> float:
    """The strength that leaves the least mean squared error.

    Args:
        method: The method.
        examples: Clean pictures, degraded ones, and what is told of these.
    """
    if len(method.strengths) == 1:
        return method.strengths[0]

    def error(strength: float) -> float:
        made = ((clean, restored(method, seen, told, strength)) for clean, seen, told in examples)
        return float(np.mean([np.mean((clean - picture) ** 2) for clean, picture in made]))

    return min(method.strengths, key=error)


def _means(picture: Picture, told: Told, strength: float) -> Picture:
    from skimage.restoration import denoise_nl_means

    h, sigma = strength * told.noise, told.noise
    return denoise_nl_means(
        picture, patch_size=5, patch_distance=6, h=h, sigma=sigma, channel_axis=-1
    )


def _bm3d(picture: Picture, told: Told, strength: float) -> Picture:
    import bm3d

    colours = picture.shape[-1] == 3
    denoise = bm3d.bm3d_rgb if colours else bm3d.bm3d
    made = denoise(picture if colours else picture[..., 0], strength * max(told.noise, 1e-4))
    return np.reshape(made, picture.shape)


def _variation(picture: Picture, told: Told, strength: float) -> Picture:
    from skimage.restoration import denoise_tv_chambolle

    if told.noise == 0.0:
        return picture
    return denoise_tv_chambolle(picture, strength * told.noise, channel_axis=-1)


def _wiener(picture: Picture, told: Told, strength: float) -> Picture:
    from skimage.restoration import wiener

    balance = max(strength * told.noise**2, 1e-7)
    return _deconvolved(picture, told, lambda c, kernel: wiener(c, kernel, balance, clip=False))


def _richardson_lucy(picture: Picture, told: Told, strength: float) -> Picture:
    from skimage.restoration import richardson_lucy

    positive, times = np.clip(picture, 1e-4, None), int(strength)
    return _deconvolved(
        positive, told, lambda c, kernel: richardson_lucy(c, kernel, times, clip=False)
    )


def _wiener_and_variation(picture: Picture, told: Told, strength: float) -> Picture:
    return _variation(_wiener(picture, told, 30.0), told, strength)


def _deconvolved(
    picture: Picture, told: Told, deconvolve: Callable[[Picture, Picture], Picture]
) -> Picture:
    """Channel by channel, under the task's kernel, with mirrored margins.

    The methods take images as periodic or as black outside: margins keep that from the picture.
    """
    import scipy.ndimage

    radius = max(1, int(4 * told.task.sigma + 0.5))
    point = np.zeros((2 * radius + 1,) * 2)
    point[radius, radius] = 1.0
    kernel = scipy.ndimage.gaussian_filter(point, told.task.sigma)
    margin = 4 * radius
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    channels = [deconvolve(channel, kernel) for channel in np.moveaxis(padded, -1, 0)]
    return np.stack(channels, axis=-1)[margin:-margin, margin:-margin]


def _biharmonic(picture: Picture, told: Told, strength: float) -> Picture:
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(picture, told.mask, channel_axis=-1)


def _biharmonic_and_variation(picture: Picture, told: Told, strength: float) -> Picture:
    return _variation(_biharmonic(picture, told, 1.0), told, strength)


def _bicubic(picture: Picture, told: Told, strength: float) -> Picture:
    import tensorflow as tf

    height, width = (told.task.scale * side for side in picture.shape[:2])
    return tf.image.resize(picture, (height, width), "bicubic").numpy()


_WEIGHTS = (1.0, 0.5, 0.7, 1.4, 2.0)  # of the total variation, times the noise

METHODS: dict[str, tuple[Classic, ...]] = {
    "denoising": (
        Classic("non-local means", _means, (0.6, 0.4, 0.8, 1.0)),
        Classic("BM3D", _bm3d, needs="bm3d"),
    ),
    "deblurring": (
        # Of the Laplacian's square, times the noise's: 1 / 30 is about that of photographs.
        Classic("Wiener", _wiener, (100.0, 10.0, 30.0, 300.0, 1000.0)),
        Classic("Richardson-Lucy", _richardson_lucy, (10.0, 5.0, 20.0, 40.0)),
        Classic("Wiener, total variation", _wiener_and_variation, _WEIGHTS),
    ),
    "inpainting": (
        Classic("biharmonic", _biharmonic),
        Classic("biharmonic, total variation", _biharmonic_and_variation, _WEIGHTS),
    ),
    "super_resolution": (Classic("bicubic", _bicubic),),
}
