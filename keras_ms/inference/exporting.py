"""From a trained network to files that restore pictures where keras_ms is not."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms import safe_files
from keras_ms.gradients.moving_statistics import warn_of_coarse
from keras_ms.inference import details
from keras_ms.inference.class_colours import Classes, class_colours
from keras_ms.inference.details import Details
from keras_ms.inference.pictures_model import Pictures, Statistic, input_specs, pictures_model
from keras_ms.keras_internals.custom_gradients import call_ending_with_graphs
from keras_ms.networks.reach import receptive_field
from keras_ms.validation import known, path_of, shown

DTYPES = (tf.float32, tf.float16, tf.float64, tf.uint8)
SUFFIXES = {"saved_model": "", "onnx": ".onnx", "litert": ".tflite"}
OF_SAVED_MODELS = {
    *("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", "keras_metadata.pb"),
    *("variables", "assets", "assets.extra"),
}


@call_ending_with_graphs
def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    mean: Statistic = 0.5,
    std: Statistic = 0.5,
    formats: tuple[str, ...] = ("saved_model",),
    output: str = "image",
    classes: Classes | None = None,
) -> dict[str, pathlib.Path]:
    """Writes a network as files that take pictures and need neither keras_ms nor Keras.

    Normalisation is inside, and everything computes in float32, whatever the model trained in.
    `tf.saved_model.load(path)(pictures)` restores `(batch, height, width, channels)`, uint8 or
    floats in [0, 1], and returns that type; a model that is told the noise level takes it,
    `(batch, 1)`, as second argument. `load` and `restore` do so in tiles.

    Args:
        model: Any functional or Sequential `keras.Model` from images of any size, with one to
            three spatial axes, to outputs of that size or a whole multiple of it.
        path: Folder of the SavedModel, replaced if it is one; the other formats are beside it,
            `path.onnx` and `path.tflite`.
        mean: Mean of the images in [0, 1] that it was trained on, one or per channel. Defaults to
            0.5, as `MultiscaleDataset`'s; 0 for a model of images in [0, 1].
        std: Their standard deviation, likewise. Defaults to 0.5; 1 for a model of images in
            [0, 1], 1/255 of images in [0, 255].
        formats: Any of `"saved_model"`, `"onnx"` (needs the extra `export`) and `"litert"`; these
            take float32 pictures. Defaults to `("saved_model",)`.
        output: `"image"` (default) if the model returns normalised images; `"raw"` if anything
            else, such as logits, which are left as they are, in float32.
        classes: If the outputs are scores of classes (logits or probabilities): how many there
            are, or their colours in order, such as `("black", (128, 0, 0))`. `apps.restore` then
            writes masks, whose palette has these colours. Goes with `output="raw"`. Defaults to
            `None`.

    Returns:
        The path of each format.

    Raises:
        ValueError: If the model takes or returns anything else, cannot be written so, its weights
            are not finite, or `path` holds something else.

    Warns:
        UserWarning: If BatchNormalization has statistics of a coarser mesh.

    Example:
        >>> network = keras_ms.networks.ResNet(width=8)
        >>> keras_ms.inference.export(network, "denoiser")  # doctest: +SKIP
        {'saved_model': PosixPath('denoiser')}
    """
    # Over 60 lines with its docstring, half as many without.
    target, paths = path_of(path, "path"), checked_paths(path, formats)
    whole, kind = pictures_model(model, mean, std, output)
    colours = _colours(classes, output, kind.out_channels)
    _check_finite(model)
    warn_of_coarse(model)
    reach = receptive_field(model) if "saved_model" in paths else None
    told = Details(kind.scale, reach, kind.conditional, output, colours)
    try:
        with safe_files.workplace(target.parent) as unfinished:
            made = {name: unfinished / f"model{SUFFIXES[name]}" for name in paths}
            for name, place in made.items():
                _write_one(name, whole, told, place)
            for name, place in made.items():  # none if one could not be written
                safe_files.put(place, paths[name])
    except (OSError, tf.errors.OpError) as error:  # a full disk, for one
        raise ValueError(
            "The model cannot be written; what was there is as it was. Received: "
            f"path={str(target)!r} ({_reason(error)})."
        ) from error
    return paths


def _colours(classes: Any, output: str, scores: int) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if output != "raw":
        raise ValueError(
            "`classes` are of a model whose outputs are their scores, and no pictures. Received: "
            f"classes={shown(classes)}, output={shown(output)}. Use output='raw'."
        )
    return class_colours(classes, scores)


def _check_finite(model: keras.Model) -> None:
    for variable in model.weights:
        value = np.asarray(variable)
        if value.dtype.kind not in "iub" and not np.all(np.isfinite(value.astype(np.float64))):
            raise ValueError(
                "A model whose training has diverged is not exported. Received: weights "
                f"{variable.path} that are not finite, NaN or Inf. Train it again, with a smaller "
                "learning rate."
            )


def checked_paths(
    path: str | os.PathLike[str], formats: tuple[str, ...]
) -> dict[str, pathlib.Path]:
    """The path of each format, if nothing else is there that would be lost.

    Args:
        path: As in `export`.
        formats: As in `export`.

    Raises:
        ValueError: If there is no such format, or something else is there.
    """
    if not isinstance(formats, tuple | list) or not formats:
        raise ValueError(
            f"`formats` is a tuple of {tuple(SUFFIXES)}. Received: formats={shown(formats)}."
        )
    target = path_of(path, "path")
    kinds = (known(name, SUFFIXES, "formats", "format") for name in formats)
    paths = {kind: target.with_name(target.name + SUFFIXES[kind]) for kind in kinds}
    for kind, place in paths.items():
        if place.is_dir() if kind != "saved_model" else not _replaceable(place):
            raise ValueError(
                "`path` holds something that is no SavedModel, and would be replaced. Received: "
                f"path={str(place)!r}. Use the name of a new folder."
            )
    return paths


def _replaceable(folder: pathlib.Path) -> bool:
    """Whether nothing is lost but a SavedModel if a folder is replaced."""
    if not os.path.lexists(folder):
        return True
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not names or ("saved_model.pb" in names and names <= OF_SAVED_MODELS)


def _write_one(name: str, whole: keras.Model, told: Details, place: pathlib.Path) -> None:
    if name == "saved_model":
        _write_saved_model(whole, told, place)
    else:
        _write_portable(whole, name, place)


def _write_saved_model(whole: keras.Model, told: Details, place: pathlib.Path) -> None:
    """Writes a SavedModel with the signatures `serving_default` (float32) and `serving_uint8`."""
    module = Pictures(whole, raw=told.output == "raw")
    traces = {dtype: module.traced(dtype) for dtype in DTYPES}
    signatures = {"serving_default": traces[tf.float32], "serving_uint8": traces[tf.uint8]}
    tf.saved_model.save(module, str(place), signatures=signatures)
    details.write(place, told)


def _write_portable(whole: keras.Model, name: str, place: pathlib.Path) -> None:
    """Writes ONNX or LiteRT: float32 pictures of any size in [0, 1] in."""
    options: dict[str, Any] = {"opset_version": 18}
    if name == "litert":
        # Other than its built-in operations are exported gladly, and then do not run.
        options = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    signature = [input_specs(whole)]
    try:
        whole.export(str(place), format=name, input_signature=signature, verbose=False, **options)
    except Exception as error:  # each converter fails in ways of its own
        raise ValueError(
            f"The model cannot be written so. Received: formats={shown(name)} ({_reason(error)}). "
            "ONNX needs the extra keras-ms[export]; LiteRT knows no UpSampling2D before a "
            "convolution, but keras_ms.networks.fitting.Enlarge."
        ) from error


def _reason(error: Exception) -> str:
    return f"{error} ".splitlines()[0][:200].strip()
