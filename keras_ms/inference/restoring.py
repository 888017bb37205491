"""Restores one image after another with a model that was loaded, or is at hand."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.inference import tiling
from keras_ms.inference.given_pictures import check_image, check_pictures
from keras_ms.inference.pictures_model import Pictures, Statistic, pictures_model
from keras_ms.inference.returned import check_returns_images
from keras_ms.networks.reach import receptive_field
from keras_ms.validation import positive_integer, shown


@dataclasses.dataclass(frozen=True)
class Restorer:
    """A model of pictures, with what is known about it; `load` and `prepare` return one.

    Attributes:
        function: Takes pictures `(batch, *sides, channels)`, and the noise level `(batch, 1)` if
            `conditional`.
        spatial_dims: Number of spatial axes of a picture.
        channels: Channels of a picture.
        scale: How many times larger what it returns is.
        receptive_field: How far from a pixel it looks, in pixels; `None` if without bound.
        conditional: Whether it is told the noise level.
        output: `"image"` if it returns pictures, `"raw"` if anything else.
        classes: Colours of the classes that its outputs are scores of, such as `"#ff0000"`, if it
            was exported with `classes`; else `None`.

    Example:
        >>> denoiser = keras_ms.inference.load("denoising")
        >>> denoiser.channels, denoiser.scale, denoiser.conditional
        (3, 1, False)
    """

    function: Callable[..., Any]
    spatial_dims: int = 2
    channels: int = 3
    scale: int = 1
    receptive_field: int | None = None
    conditional: bool = False
    output: str = "image"
    classes: tuple[str, ...] | None = None

    def __call__(self, pictures: Any, noise_level: float | None = None) -> Any:
        """Restores pictures whole.

        Args:
            pictures: `(batch, *sides, channels)`, uint8 or floats in [0, 1].
            noise_level: t, needed by a conditional model.

        Returns:
            Tensor `(batch, *larger_sides, channels)`, of the same type if it is of pictures.

        Raises:
            ValueError: If the noise level is missing, or not wanted, or the pictures have another
                shape or type, values that are not finite, or floats far out of [0, 1].
        """
        check_pictures(pictures, self.spatial_dims, self.channels)
        if self.conditional != (noise_level is not None):
            raise ValueError(
                "A model that is told the noise level needs `noise_level`, any other takes none. "
                f"Received: noise_level={noise_level}, a model of which conditional is "
                f"{self.conditional}."
            )
        if noise_level is None:
            return self.function(pictures)
        return self.function(pictures, np.full((len(pictures), 1), noise_level, "float32"))

    @property
    def least_tile(self) -> int:
        """Side of the smallest tile that `restore` can take, in pixels."""
        return tiling.least_tile(self.receptive_field)


def prepare(
    model: keras.Model, mean: Statistic = 0.5, std: Statistic = 0.5, output: str = "image"
) -> Restorer:
    """Makes a model ready to restore pictures, without writing it.

    Args:
        model: As for `export`.
        mean: Mean of the images in [0, 1] that it was trained on, one or per channel. Defaults to
            0.5.
        std: Their standard deviation, likewise. Defaults to 0.5.
        output: `"image"` (default) if it returns normalised images, `"raw"` if anything else.

    Returns:
        What `restore` takes. Of a model in float32 it shares the weights.

    Raises:
        ValueError: As `export`.

    Example:
        >>> restorer = keras_ms.inference.prepare(keras_ms.networks.ESPCN(scale=3))
        >>> restorer.scale, restorer.receptive_field
        (3, 4)
    """
    whole, kind = pictures_model(model, mean, std, output)
    module = Pictures(whole, raw=output == "raw")

    def function(pictures: Any, *noise_level: Any) -> Any:
        tensor = tf.convert_to_tensor(pictures)
        return module.traced(tensor.dtype)(tensor, *map(tf.convert_to_tensor, noise_level))

    return Restorer(
        function,
        kind.spatial_dims,
        kind.channels,
        kind.scale,
        receptive_field(model),
        kind.conditional,
        output,
    )


def restore(
    model: Restorer | keras.Model,
    image: np.ndarray,
    tile: int = 1000,
    noise_level: float | None = None,
) -> np.ndarray:
    """Restores an image of any size within bounded memory, in tiles that leave no seam.

    Every tile overlaps its neighbours by as much as the network looks, so that the tiles together
    equal the image restored whole.

    Args:
        model: What `load` or `prepare` returned, or a Keras model of images of mean and standard
            deviation 0.5 to images of as many channels, which is prepared at each call. For any
            other, such as one that tells classes: `prepare(model, mean, std, output="raw")`.
        image: `(height, width, channels)`, or of the model's other number of spatial axes; uint8,
            uint16, or floats in [0, 1].
        tile: At most `tile**2` pixels (`tile**3` voxels) go through the network at once, margins
            included. Defaults to 1000. Memory grows with `tile**2` times the widest layer.
        noise_level: t, for a model that is told the noise level.

    Returns:
        The restored image, of the same type and channels; float32 from a model of raw output.

    Raises:
        ValueError: If the image does not fit the model, has values that are not finite or floats
            far out of [0, 1], a Keras model returns what is no image like its input, or `tile` is
            less than a tile's margins.

    Warns:
        UserWarning: If the network couples all pixels, so that tiles may differ slightly.

    Example:
        >>> denoiser = keras_ms.inference.load("denoising")
        >>> photo = keras_ms.data.photos("validation")[0]
        >>> keras_ms.inference.restore(denoiser, photo, tile=200).shape == photo.shape
        True
    """
    restorer = _restorer(model)
    image = check_image(image, restorer.spatial_dims, restorer.channels)
    _check_tile(restorer, tile)
    if restorer.receptive_field is None and not tiling.fits(image.shape[:-1], tile):
        warnings.warn(
            "the network couples all pixels, so tiles may differ slightly; raise the size of a "
            "tile to restore it whole.",
            stacklevel=2,
        )

    def one(part: np.ndarray) -> np.ndarray:
        return _restored(restorer, part, noise_level)

    return tiling.in_tiles(image, one, restorer.scale, restorer.receptive_field, tile)


def of_grey(restorer: Restorer) -> Restorer:
    """A model of one channel, which shows grey images to one of colours and takes their mean."""

    def function(pictures: Any, *noise_level: Any) -> np.ndarray:
        colours = np.repeat(np.asarray(pictures), restorer.channels, axis=-1)
        shades = np.mean(restorer.function(colours, *noise_level), axis=-1, keepdims=True)
        return (np.round(shades) if colours.dtype == np.uint8 else shades).astype(colours.dtype)

    return dataclasses.replace(restorer, function=function, channels=1)


def _restorer(model: Any) -> Restorer:
    if isinstance(model, keras.Model):
        check_returns_images(model)
        return prepare(model)
    if not isinstance(model, Restorer):
        raise ValueError(
            "`model` is what `load` or `prepare` returned, or a Keras model. "
            f"Received: {shown(model)}. Use keras_ms.inference.load('denoising'), for example."
        )
    return model


def _restored(restorer: Restorer, pictures: np.ndarray, noise_level: float | None) -> np.ndarray:
    sides = pictures.shape[1:-1]
    if pictures.dtype.kind == "u":  # floats show what is not finite; 16 bits are not traced for
        white = np.float32(np.iinfo(pictures.dtype).max)
        made = _restored(restorer, pictures.astype(np.float32) / white, noise_level)
        if restorer.output == "raw":
            return made
        return np.round(white * np.clip(made, 0.0, 1.0)).astype(pictures.dtype)
    try:
        restored = np.asarray(restorer(pictures, noise_level))
        reason = f"{restored.shape[1:-1]} came back"
    except tf.errors.InvalidArgumentError as error:  # skips of other sizes do not fit together
        restored, reason = None, error.message[:80]
    if restored is None or restored.shape[1:-1] != tuple(restorer.scale * side for side in sides):
        raise ValueError(
            f"The model cannot restore images of {sides} pixels ({reason}). If it halves its "
            "meshes, crop the image to a multiple of its strides."
        )
    if not np.all(np.isfinite(restored)):
        raise ValueError(
            "The model returns values that are not finite, NaN or Inf, of a picture that is sound. "
            "Its training has diverged: train it again, with a smaller learning rate."
        )
    return restored


def _check_tile(restorer: Restorer, tile: int) -> None:
    if positive_integer(tile, "tile") < restorer.least_tile:
        raise ValueError(
            f"A tile of this model, with its margins, has sides of {restorer.least_tile} pixels at "
            f"least. Received: tile={tile}."
        )
