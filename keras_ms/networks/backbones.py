"""Dense predictors, of images of any size, made of any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers as keras_layers

from keras_ms.networks import parts
from keras_ms.networks.features import feature_levels, without_batch_normalization
from keras_ms.networks.fitting import CropLike, Enlarge, PadToMultiple

_WIDEST = 4  # times `width`: what is coarser gets no wider


def from_backbone(
    backbone: keras.Model,
    outputs: int,
    layers: Sequence[str] | None = None,
    width: int = 32,
    conditional: bool = False,
    scale: int = 1,
    normalization: str = "channel",
    encoder_normalization: str | None = None,
    activation: str | None = None,
    residual: bool = False,
    freeze: bool = False,
    name: str = "from_backbone",
) -> keras.Model:
    """Makes a network of one result per pixel of any encoder with feature levels.

    Models of `keras.applications`, KerasCV's and KerasHub's backbones, and other functional
    models of one image. From the coarsest features on, the decoder enlarges, concatenates the
    next finer features (at last the image), and convolves (3x3, normalisation, SiLU), as in a
    U-Net. Images are padded by zeros to a multiple of the coarsest stride and the result is
    cropped. `BatchNormalization` in the encoder works: see the method card of the estimator.

    Args:
        backbone: A functional model from images `(batch, None, None, channels)`. Its layers and
            weights become part of the network, unless `encoder_normalization` is given.
        outputs: Channels of the result: 3 for an RGB image, the number of classes for logits.
        layers: Names of the layers whose features are used, finest first. Defaults to the levels
            that the backbone declares and the last layer at every other stride; see
            `features.feature_levels`. Leaving out the coarsest makes a smaller, faster network.
        width: Channels of the decoder's finest mesh: twice as many on the next, and four times
            on the coarser ones. Defaults to 32.
        conditional: Whether there is a second input, the noise level, told to the decoder; see
            `ResNet`.
        scale: How many times larger the result is, by a sub-pixel shuffle. Defaults to 1.
        normalization: Of the decoder: `"channel"` (default), `"group"`, `"layer"` or `"none"`.
        encoder_normalization: One of these in the place of the encoder's batch normalisation, so
            that the samples of a batch do not see each other. Other weights are copied. Defaults
            to `None`: the encoder stays as it is.
        activation: Keras's name of a last activation, such as `"sigmoid"`. Defaults to none.
        residual: Whether the image is added to the result. Defaults to `False`.
        freeze: Whether the encoder's weights stay as they are, for weights that were trained
            before. Defaults to `False`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `(batch, height, width,
        outputs)`, sides times `scale`, float32.

    Raises:
        ValueError: If the backbone takes images of a fixed size only, layers are unknown, or an
            option makes no sense.

    Example:
        >>> backbone = keras.applications.MobileNetV2(
        ...     (None, None, 3), alpha=0.35, include_top=False, weights=None)
        >>> network = keras_ms.networks.from_backbone(backbone, outputs=3, width=8)
        >>> network(keras.ops.zeros((1, 21, 30, 3))).shape
        TensorShape([1, 21, 30, 3])
    """
    # Over 60 lines with its docstring, half as many without.
    parts.check(2, scale, normalization, outputs=outputs, width=width)
    features = feature_levels(backbone, layers)
    image, level = parts.make_inputs(backbone.inputs[0].shape[-1], conditional, 2)
    encoder = keras.Model(backbone.inputs[0], list(features.values()), name=backbone.name)
    if encoder_normalization is not None:
        parts.check(2, scale, encoder_normalization, outputs=outputs)
        encoder = without_batch_normalization(encoder, encoder_normalization)
    if freeze:
        encoder.trainable = False
    padded = PadToMultiple(max(features), name="pad")(image)
    meshes = {1: padded} | dict(zip(features, encoder(padded), strict=True))
    hidden = _decoded(meshes, width, level, normalization)
    hidden = CropLike(name="crop")([hidden, image])
    return parts.finish(hidden, image, level, scale, residual, 3, name, outputs, activation)


def _decoded(meshes: dict[int, Any], width: int, level: Any, normalization: str) -> Any:
    """The finest features, from the features by stride, finest first."""
    (stride, hidden), *finer = reversed(meshes.items())
    for mesh, skip in finer:
        hidden = Enlarge(stride // mesh, name=f"up{mesh}")(hidden)
        hidden = keras_layers.Concatenate(name=f"skip{mesh}")([hidden, skip])
        channels = width * min(mesh, _WIDEST)
        hidden = keras_layers.Conv2D(channels, 3, padding="same", name=f"mesh{mesh}_conv")(hidden)
        hidden = parts.add_level(hidden, level, 2, f"mesh{mesh}_level")
        hidden = parts.normalize(hidden, normalization, f"mesh{mesh}_norm")
        hidden = keras_layers.Activation("silu", name=f"mesh{mesh}_act")(hidden)
        stride = mesh
    return hidden
