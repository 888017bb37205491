"""Whether a model takes every level of a dataset, and its variables for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.examples import leaf_names
from keras_ms.gradients.made_shapes import made_shapes
from keras_ms.gradients.target_shapes import check_targets
from keras_ms.gradients.target_sides import check_sides, place_named
from keras_ms.keras_internals.models import build
from keras_ms.levels import Stage


def built_for(model: Any, dataset: MultiscaleDataset) -> bool:
    """Builds the model, its losses, metrics and optimizer; checks that all fits; whether it could.

    What does not run on symbols the first step builds, as in Keras, and says what is wrong.
    """
    unbuilt = not getattr(model, "built", False)
    check_model_fits(model, dataset)
    try:
        build(model, dataset.pair_spec(0))
    except Exception:  # whatever layers, losses and metrics raise
        done = False
    else:
        done = True
    if unbuilt and model.built:
        check_model_fits(model, dataset)
    return done


def check_model_fits(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Checks that a model takes every level of a dataset.

    Raises:
        ValueError: If it is no model, its input size is fixed, its output does not match the target
            on every level, targets are not as its losses take them, or a loss is a sum.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"A keras.Model is needed. Received: {type(model).__name__}.")
    if dataset.levels.num_levels > 1:
        _check_any_size(model, dataset)
        _check_losses(model)
    if model.built:
        _check_channels(model, dataset.pair_spec(0)[0])
        check_targets(model, dataset)
        for level in range(dataset.levels.num_levels):
            _check_output(model, dataset, level)


def _check_losses(model: keras.Model) -> None:
    for loss in keras.tree.flatten(getattr(model, "loss", None)):
        if getattr(loss, "reduction", None) == "sum":
            raise ValueError(
                "Sums over batches and pixels differ from level to level and do not telescope; "
                f"losses must be means. Received: {loss.name} with reduction='sum'. Use "
                "reduction='sum_over_batch_size'."
            )


def check_replicas(stages: Sequence[Stage], num_replicas: int) -> None:
    """Checks that replicas can share every batch.

    Raises:
        ValueError: If a batch size is no multiple of their number.
    """
    for stage in stages:
        if any(size % num_replicas for size in stage.batch_sizes):
            raise ValueError(
                "The number of replicas must divide the batch size of every level. Received: "
                f"batch_sizes={stage.batch_sizes}, {num_replicas} replicas."
            )


def _check_any_size(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Refuses inputs that fix a side which differs from level to level."""
    levels = range(dataset.levels.num_levels)
    specs = [dataset.pair_spec(level)[0] for level in levels]
    for tensor, *leaves in zip(*_by_input(model, specs), strict=True):
        sides = [{leaf.shape[axis] for leaf in leaves} for axis in range(1, leaves[0].shape.rank)]
        fixed = tuple(tensor.shape)[1:]
        if len(fixed) == len(sides) and any(
            side is not None and len(found) > 1 for side, found in zip(fixed, sides, strict=True)
        ):
            free = [None if len(s) > 1 else side for side, s in zip(fixed, sides, strict=True)]
            raise ValueError(
                "The network has a fixed input size, but coarse levels are smaller. Received: "
                f"an input of shape {tuple(tensor.shape)}. Build it with keras.Input("
                f"({', '.join(map(str, free))}))."
            )


def _by_input(model: Any, specs: list[Any]) -> list[list[Any]]:
    """Symbolic inputs of a model, and for every level the specs that they get; may be empty."""
    inputs = list(getattr(model, "inputs", None) or ())
    if isinstance(specs[0], dict) and all(tensor.name in specs[0] for tensor in inputs):
        return [inputs, *([spec[tensor.name] for tensor in inputs] for spec in specs)]
    flat = [keras.tree.flatten(spec) for spec in specs]
    return [inputs, *flat] if len(flat[0]) == len(inputs) else [[] for _ in range(len(specs) + 1)]


def _check_channels(model: Any, x: Any) -> None:
    """Refuses examples of other axes or bands than those that a functional model takes."""
    taken = [tensor.shape for tensor in getattr(model, "inputs", None) or []]
    given = [leaf.shape for leaf in keras.tree.flatten(x)]
    if len(taken) == len(given) == 1:  # several may be in another order
        wanted, have = taken[0], given[0]
        if len(wanted) != len(have):
            raise ValueError(
                f"The network takes images of {len(wanted) - 2} dimensions, the examples are seen "
                f"as of {len(have) - 2}. Received: an input of shape {tuple(have)} for "
                f"keras.Input({tuple(wanted[1:])}). Use x[..., np.newaxis] if their axis of "
                f"channels is missing, or levels=keras_ms.Levels(batch_sizes, "
                f"spatial_dims={len(wanted) - 2}) if elements of the source are batches."
            )
        if None not in (wanted[-1], have[-1]) and wanted[-1] != have[-1]:
            grey = (
                f"FolderPairs(bands={wanted[-1]}) for files, np.repeat(x, {wanted[-1]}, -1) for "
                "arrays, or "
            )
            raise ValueError(
                f"The network takes images of {wanted[-1]} channels, the examples have "
                f"{have[-1]}. Received: an input of shape {tuple(have)}. Use "
                f"{grey if have[-1] == 1 else ''}a network of {have[-1]} channels."
            )


def _check_output(model: keras.Model, dataset: MultiscaleDataset, level: int) -> None:
    x, y, _ = keras.utils.unpack_x_y_sample_weight(dataset.pair_spec(level))
    shapes = keras.tree.map_structure(lambda s: tuple(s.shape), x)
    try:
        outputs = made_shapes(model, x)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise
    except Exception as error:  # whatever the layers raise
        raise ValueError(
            f"The network does not take the images of level {level}. Received: an input of shape "
            f"{shapes}. Change its strides, padding or fixed sizes, or the levels; choose an "
            "`image_size` that its strides divide on every level. "
            f"({first_words(error)})"
        ) from error
    targets = keras.tree.flatten(y)
    if len(outputs) != len(targets):
        return  # Keras compares the structures of outputs, targets and losses itself.
    names = [name for name in leaf_names(dataset.pair_spec(level)) if name.partition("/")[0] == "y"]
    leaves = dataset.pairs.leaves if dataset.pairs is not None else ()
    maps = {leaf.name for leaf in leaves if leaf.ratio is not None}
    dims = len(dataset.image_size)
    for place, (name, target) in enumerate(zip(names, targets, strict=True)):
        own = tf.TensorSpec(outputs[place_named(model, name, place)], tf.float32)
        check_sides(model, name, own, target, dims, level, shapes, name in maps)


def first_words(error: Exception) -> str:
    """What an error says, without the colours, arguments and nodes that are added to it."""
    said = str(error).replace("\x1b[1m", "").replace("\x1b[0m", "")
    for added in ("Arguments received by", " for '{{node"):
        said = said.partition(added)[0]
    return " ".join(said.split())
