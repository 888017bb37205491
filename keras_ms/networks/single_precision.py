"""A model of any dtype policy, computing in float32: few machines and formats do in bfloat16."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_ms.keras_internals.models import all_layers

PLAIN = "float32"


def in_float32(model: keras.Model) -> keras.Model:
    """A model that computes in float32 with the weights of another.

    Args:
        model: A functional model.

    Returns:
        A functional model of the same input and output, not compiled: of the same layers if they
        all compute in float32, else of layers rebuilt from their configurations, with copies of
        the weights.

    Raises:
        ValueError: If a layer cannot be rebuilt, or is quantised.
    """
    with policy(PLAIN):
        same = keras.Model(model.input, model.output, name=model.name)
        if all(layer.compute_dtype == PLAIN for layer in all_layers(same)):
            return same
        try:
            return _rebuilt(same)
        except Exception as error:  # each class of layers fails in a way of its own
            reason = str(error).rpartition("Exception encountered: ")[2].split(". ")[0]
            raise ValueError(
                "`model` computes in other than float32 and cannot be rebuilt. Received: "
                f"{model.name} ({reason}). Register its classes with a `get_config`, or build it "
                "under keras.config.set_dtype_policy('float32') and load its weights into it."
            ) from error


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Within the context, new models compute by the dtype policy `name`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _rebuilt(model: keras.Model) -> keras.Model:
    config = _replaced(keras.saving.serialize_keras_object(model))
    kinds = {type(layer) for layer in all_layers(model)}
    classes = {kind.__name__: kind for kind in kinds if not kind.__module__.startswith("keras.")}
    # The model is the caller's own, so its lambdas are as safe as itself.
    rebuilt = keras.saving.deserialize_keras_object(config, classes, safe_mode=False)
    rebuilt.set_weights([weight.astype(PLAIN) for weight in model.get_weights()])
    return rebuilt


def _replaced(config: Any) -> Any:
    """A configuration with every dtype policy replaced by float32."""
    if isinstance(config, list | tuple):
        return type(config)(_replaced(part) for part in config)
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if isinstance(name, str) and name.startswith("Quantized"):
        raise ValueError(f"{name} has no weights to compute with in float32")
    if name in ("DTypePolicy", "DTypePolicyMap"):
        return keras.dtype_policies.serialize(keras.dtype_policies.DTypePolicy(PLAIN))
    return {key: _replaced(part) for key, part in config.items()}
