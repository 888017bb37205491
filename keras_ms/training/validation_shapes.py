"""Checks shapes of `validation_data` as those of the training data are, before the first step.

Else Keras says it in words of its own, after the first epoch. Nothing is drawn: shapes are those of
arrays, or what a `tf.data.Dataset` says of its elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.examples import leaf_names
from keras_ms.gradients.losses_of_targets import outputs_by_name, place_of
from keras_ms.gradients.made_shapes import made_shapes
from keras_ms.gradients.model_fits import first_words
from keras_ms.gradients.target_shapes import check_target_shapes, has_known_losses
from keras_ms.keras_internals.graphs import has_own_call, is_functional
from keras_ms.keras_internals.losses import compiled_losses

OF = " of validation_data"


def check_shapes(model: Any, data: Any, trained_on: Any) -> None:
    """Checks what is known of the shapes of validation data.

    Args:
        model: A compiled model that fits the training data.
        data: What `fit` was given as `validation_data`; what is neither arrays nor a
            `tf.data.Dataset` is left to Keras.
        trained_on: Spec of the batches that the model is trained on.

    Raises:
        ValueError: If inputs or targets do not go with the model, or are not as many as each other.
    """
    own_step = not type(model).test_step.__module__.startswith("keras_ms.")
    of_dataset = isinstance(data, tf.data.Dataset)
    spec = _spec(data.element_spec if of_dataset else data)
    if own_step or spec is None or not getattr(model, "built", False):
        return
    if not of_dataset:
        _check_counts(spec)
    batched = keras.tree.map_structure(lambda s: tf.TensorSpec((None, *s.shape[1:]), s.dtype), spec)
    graph = is_functional(model) and not has_own_call(model)
    if graph:
        _check_inputs(model, spec[0], of_dataset)
    known = all(s.shape[1:].is_fully_defined() for s in keras.tree.flatten(spec[0]))
    if known or graph:
        made = _made(model, batched[0]) if known else [tuple(t.shape) for t in model.outputs]
        if made is not None and len(spec) > 1 and has_known_losses(model):
            _check_targets(model, batched, made, trained_on)


def _spec(data: Any) -> Any:
    """What is known of `(x, y)` or `(x, y, sample_weight)`; `None` if it is not."""
    parts = data if isinstance(data, (tuple, list)) else (data,)
    while len(parts) > 1 and parts[-1] is None:
        parts = parts[:-1]
    leaves = keras.tree.flatten(tuple(parts))
    if not 1 <= len(parts) <= 3 or not leaves:
        return None
    if not all(hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves):
        return None
    if not all(tf.TensorShape(leaf.shape).rank for leaf in leaves):
        return None
    return keras.tree.map_structure(
        lambda t: tf.TensorSpec(t.shape, keras.backend.standardize_dtype(t.dtype)), tuple(parts)
    )


def _check_counts(spec: Any) -> None:
    """Refuses arrays that have not one entry an example each, or none."""
    counts = {
        f"{name}{OF}": leaf.shape[0]
        for name, leaf in zip(leaf_names(spec), keras.tree.flatten(spec), strict=True)
    }
    if len(set(counts.values())) > 1 or 0 in counts.values():
        told = ", ".join(f"{count} in {name}" for name, count in counts.items())
        raise ValueError(
            "Arrays to validate on have as many examples as each other, one or more. Received: "
            f"{told}. Use arrays whose first axes are alike."
        )


def _check_inputs(model: Any, x: Any, of_dataset: bool) -> None:
    """Refuses inputs of other axes, channels or fixed sides than the network takes."""
    taken = list(model.inputs)
    if isinstance(x, Mapping):
        given = [x[tensor.name] for tensor in taken if tensor.name in x]
    else:
        given = keras.tree.flatten(x)
    if len(given) != len(taken):
        return  # whether several go together the model says
    for tensor, leaf in zip(taken, given, strict=True):
        wanted, have = tuple(tensor.shape), tuple(leaf.shape)
        if not _fits(wanted, have):
            raise ValueError(
                "The network does not take the inputs of validation_data. Received: an input of "
                f"shape {have} for keras.Input({wanted[1:]}). {_mend(wanted, have, of_dataset)}"
            )


def _fits(wanted: tuple[Any, ...], have: tuple[Any, ...]) -> bool:
    if len(have) == len(wanted) + 1 and have[-1] == 1:
        have = have[:-1]  # Keras takes off, or adds, an axis of one entry
    elif len(have) == len(wanted) - 1 and wanted[-1] == 1:
        have = (*have, 1)
    sides = zip(wanted[1:], have[1:], strict=False)
    return len(have) == len(wanted) and all(None in both or both[0] == both[1] for both in sides)


def _mend(wanted: tuple[Any, ...], have: tuple[Any, ...], of_dataset: bool) -> str:
    channels = wanted[-1]
    single = len(have) == len(wanted) - 1 and _fits(wanted, (None, *have))
    if single and of_dataset:
        return "Use validation_data.batch(8): datasets to validate on give batches."
    if single:
        return "Use x[np.newaxis] for a single example, and y[np.newaxis]."
    if len(have) == len(wanted) and _fits(wanted, (*have[:-1], channels)):
        several = f"np.repeat(x, {channels}, -1), or " if have[-1] == 1 else ""
        return f"Use {several}examples of {channels} channels, as the model is trained on."
    if len(have) == len(wanted) - 1 and _fits(wanted, (*have, channels)):
        return f"Use np.repeat(x[..., np.newaxis], {channels}, -1), one shade in every channel."
    return "Use examples like those that the model is trained on; sides that are None may be any."


def _made(model: Any, x: Any) -> Any:
    """What the model returns for inputs whose sides are known; `None` if memory ran out."""
    try:
        return made_shapes(model, x)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        return None
    except Exception as error:  # whatever the layers raise
        shapes = keras.tree.map_structure(lambda s: tuple(s.shape), x)
        raise ValueError(
            "The network does not take the inputs of validation_data. Received: an input of shape "
            f"{shapes}. Use examples like those of training, whose sides its strides divide. "
            f"({first_words(error)})"
        ) from error


def _check_targets(model: Any, spec: Any, made: Any, trained_on: Any) -> None:
    """Refuses targets that their losses do not take, though they take those of training."""
    outputs = _as_specs(made)
    if getattr(model, "outputs", None):
        check_target_shapes(model, spec, outputs, OF)
    for place, (name, target, output) in _by_place(model, spec, outputs).items():
        loss = _loss_of(model, place)
        why = "" if loss is None else _refuses(loss, target, output)
        usual = _of_training(model, trained_on, place) if why else None
        if usual is not None and not _refuses(loss, *usual):
            raise ValueError(
                "A target of validation_data does not go with the network's output. Received: "
                f"{name}{OF} of shape {tuple(target.shape)}, an output of shape "
                f"{tuple(output.shape)}; training has targets of shape {tuple(usual[0].shape)}. "
                "Use targets of the output's sides, and of the channels that training has. "
                f"({why})"
            )


def _of_training(model: Any, spec: Any, place: int) -> tuple[Any, Any] | None:
    """The target that an output has in training, and the output; `None` if it has none."""
    found = _by_place(model, spec, _as_specs(made_shapes(model, spec[0]))).get(place)
    return found[1:] if found else None


def _as_specs(shapes: Any) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((None, *shape[1:]), tf.float32) for shape in shapes]


def _by_place(model: Any, spec: Any, outputs: list[Any]) -> dict[int, tuple[str, Any, Any]]:
    """Targets with their names and outputs, by the number of the output."""
    leaves = dict(zip(leaf_names(spec), keras.tree.flatten(spec), strict=True))
    found = {}
    for name, output in outputs_by_name(model, leaves, outputs).items():
        place = place_of(model, name.split("/")[-1]) if len(outputs) > 1 else 0
        found[place] = (name, leaves[name], output)
    return found


def _loss_of(model: Any, place: int) -> Any:
    """The loss of an output as a step calls it; `None` if it cannot be told which it is."""
    losses, names = compiled_losses(model), getattr(model, "output_names", None) or []
    if len(names) > 1:
        losses = [loss for loss in losses if loss.name.split("/")[-1] == names[place]]
    return losses[0].loss if len(losses) == 1 else None


def _refuses(loss: Any, target: Any, output: Any) -> str:
    """What a loss says against a target of such a shape; nothing if it takes it."""
    try:
        tf.function(loss, autograph=False).get_concrete_function(target, output)
    except Exception as error:  # whatever the loss raises
        return first_words(error)[:300] or type(error).__name__
    return ""
