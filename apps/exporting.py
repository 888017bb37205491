"""From a trained network to a SavedModel that takes and returns pictures."""

from __future__ import annotations

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps.experiment import make_network
from apps.settings import Settings


def export(model: keras.Model, settings: Settings, directory: pathlib.Path) -> None:
    """Writes a SavedModel whose input and output are pictures of any size.

    Its signature `serve` takes floats `(batch, height, width, 3)`, a clean picture being in
    [0, 1] (and the noise level `t`, if the network is told), and returns pictures in [0, 1];
    normalisation is inside.

    Args:
        model: The trained network.
        settings: Its settings, for the normalisation.
        directory: Where to write; replaced if it exists.
    """
    mean, std = np.array(settings.mean), np.array(settings.std)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype="float32", name=tensor.name), model.input
    )
    image = inputs["image"] if isinstance(inputs, dict) else inputs
    normal = keras.layers.Rescaling(1.0 / std, -mean / std)(image)
    network = make_network(settings)  # a copy, so that the optimizer's state is not exported
    network.set_weights(model.get_weights())
    outputs = network({**inputs, "image": normal} if isinstance(inputs, dict) else normal)
    pictures = keras.ops.clip(keras.layers.Rescaling(std, mean)(outputs), 0.0, 1.0)
    keras.Model(inputs, pictures).export(directory, format="tf_saved_model", verbose=False)


def restore_noisy(directory: pathlib.Path, settings: Settings, clean: Any, t: float) -> Any:
    """Adds noise to a picture and restores it with an exported model.

    Args:
        directory: Where the SavedModel lies.
        settings: Its settings.
        clean: A picture `(height, width, 3)`, uint8.
        t: Noise level of `x = t u + (1 - t) z`.

    Returns:
        Pictures by title: clean, noisy (`x / t`: the contrast that `t` takes away is given back,
        so that its PSNR is that of the noise alone) and restored.
    """
    clean = np.asarray(clean, "float32") / 255.0
    mean, std = np.array(settings.mean, "float32"), np.array(settings.std, "float32")
    noise = tf.random.stateless_normal(clean.shape, seed=(settings.seed, 1)).numpy()
    seen = t * (clean - mean) / std + (1.0 - t) * noise
    x = (seen * std + mean)[np.newaxis].astype("float32")
    level = np.full((1, 1), t, "float32")
    loaded = tf.saved_model.load(directory)
    restored = loaded.serve({"image": x, "noise_level": level} if settings.conditional else x)
    noisy = seen / t * std + mean
    return {"clean": clean, "noisy": np.clip(noisy, 0.0, 1.0), "restored": np.asarray(restored)[0]}
