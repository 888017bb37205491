"""From a trained network to files that restore pictures where keras_ms is not."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.inference.receptive_field import reach

from . import precision
from .building import make_network, make_task
from .settings import Settings

DETAILS = pathlib.Path("assets.extra", "restoration.json")  # where SavedModels keep users' files
DTYPES = (tf.float32, tf.float16, tf.float64, tf.uint8)


class Restorer(tf.Module):
    """What the SavedModel is: pictures in, pictures of the same type out.

    Args:
        pictures_model: Functional model from float pictures in [0, 1] (and the noise level, if the
            network is told) to restored ones.
    """

    def __init__(self, pictures_model: keras.Model) -> None:
        super().__init__()
        self.variables_ = [variable.value for variable in pictures_model.variables]
        # One concrete function, so that the traces for all types share one copy of the graph.
        traced = tf.function(pictures_model)
        self._core = traced.get_concrete_function(_input_specs(pictures_model))

    @tf.function
    def __call__(self, pictures: Any, *noise_level: Any) -> Any:
        """Restores pictures `(batch, height, width, channels)`, floats in [0, 1] or uint8."""
        floats = tf.cast(pictures, tf.float32)
        if pictures.dtype == tf.uint8:
            floats /= 255.0
        inputs = {"image": floats, "noise_level": noise_level[0]} if noise_level else floats
        restored = self._core(inputs)
        if pictures.dtype == tf.uint8:
            restored = tf.round(255.0 * restored)
        return tf.cast(restored, pictures.dtype)


def pictures_model(model: keras.Model, settings: Settings) -> keras.Model:
    """Wraps a trained network: pictures in [0, 1] in and out, normalisation inside, all float32.

    Args:
        model: The trained network.
        settings: Its settings.

    Returns:
        A functional model of any size, without the optimizer's state.
    """
    mean, std = (np.array(values) for values in settings.normalization_of_images)
    with precision.policy(precision.PLAIN):  # few machines compute in bfloat16, fewer formats
        network = make_network(settings)
    network.set_weights(model.get_weights())
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype="float32", name=tensor.name), model.input
    )
    image = inputs["image"] if isinstance(inputs, dict) else inputs
    normal = keras.layers.Rescaling(1.0 / std, -mean / std, dtype="float32")(image)
    outputs = network({**inputs, "image": normal} if isinstance(inputs, dict) else normal)
    pictures = keras.layers.Rescaling(std, mean, dtype="float32")(outputs)
    return keras.Model(inputs, keras.ops.clip(pictures, 0.0, 1.0))


def export(model: keras.Model, settings: Settings, directory: pathlib.Path) -> None:
    """Writes a SavedModel of a `Restorer`, with what `apps.restore` wants to know about it.

    `tf.saved_model.load(directory)(pictures)` restores; its signatures are `serving_default` for
    float32 and `serving_uint8`.

    Args:
        model: The trained network.
        settings: Its settings.
        directory: Where to write; replaced if it exists.
    """
    whole = pictures_model(model, settings)
    restorer = Restorer(whole)
    traces = {
        dtype: restorer.__call__.get_concrete_function(*_specs(whole, dtype)) for dtype in DTYPES
    }
    shutil.rmtree(directory, ignore_errors=True)
    signatures = {"serving_default": traces[tf.float32], "serving_uint8": traces[tf.uint8]}
    tf.saved_model.save(restorer, str(directory), signatures=signatures)
    details = {
        "task": settings.task,
        "scale": getattr(make_task(settings), "scale", 1),
        "reach": reach(whole),
        "conditional": settings.conditional,
    }
    (directory / DETAILS).parent.mkdir(exist_ok=True)
    (directory / DETAILS).write_text(json.dumps(details) + "\n")


def export_portable(
    model: keras.Model, settings: Settings, directory: pathlib.Path, kind: str
) -> pathlib.Path:
    """Writes the network as ONNX or LiteRT: float32 pictures of any size in [0, 1] in and out.

    Args:
        model: The trained network.
        settings: Its settings.
        directory: Where to write `model.onnx` or `model.tflite`.
        kind: `"onnx"`, which needs the extra `export`, or `"litert"`.

    Returns:
        Path of the file.

    Raises:
        ValueError: If the network cannot be written so.
    """
    whole = pictures_model(model, settings)
    path = directory / {"onnx": "model.onnx", "litert": "model.tflite"}[kind]
    options: dict[str, Any] = {"opset_version": 18}
    if kind == "litert":
        # Other than its built-in operations are exported gladly, and then do not run.
        options = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    signature = [_input_specs(whole)]
    try:
        whole.export(str(path), format=kind, input_signature=signature, verbose=False, **options)
    except Exception as error:  # each converter fails in ways of its own
        raise ValueError(
            f"The network cannot be exported so. Received: --portable={kind}, "
            f"--network={settings.network}. Is the extra `export` installed? ({error})"
        ) from error
    return path


def _input_specs(whole: keras.Model) -> Any:
    return keras.tree.map_structure(
        lambda tensor: tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name), whole.input
    )


def _specs(whole: keras.Model, dtype: tf.DType) -> list[tf.TensorSpec]:
    if not isinstance(whole.input, dict):
        return [tf.TensorSpec(whole.input.shape, dtype, name="pictures")]
    return [
        tf.TensorSpec(whole.input["image"].shape, dtype, name="pictures"),
        tf.TensorSpec((None, 1), tf.float32, name="noise_level"),
    ]
