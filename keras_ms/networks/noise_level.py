"""How a network is told the noise level."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

FREQUENCIES = 8


def noise_level_embedding(level: Any, width: int, spatial_dims: int, name: str) -> Any:
    """Embeds noise levels as a field that is constant over the mesh.

    Sines and cosines of the level at octave frequencies, then a dense layer, the usual time
    embedding; being constant over the mesh, it is the same on every level.

    Args:
        level: Noise levels, `(batch, 1)`, in [0, 1].
        width: Channels to make.
        spatial_dims: Number of spatial axes to broadcast over.
        name: Prefix of the layers' names.

    Returns:
        Tensor `(batch, 1, ..., 1, width)`.
    """
    octaves = keras.ops.convert_to_tensor([[math.pi * 2.0**k for k in range(FREQUENCIES)]])
    angles = keras.ops.cast(level, "float32") * octaves
    waves = keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=-1)
    embedded = layers.Dense(width, name=f"{name}_dense")(waves)
    return layers.Reshape((*(1,) * spatial_dims, width), name=f"{name}_field")(embedded)
