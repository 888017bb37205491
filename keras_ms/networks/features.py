"""The feature levels of an encoder: one tensor for every mesh that it works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_ms.networks import parts

# Two sizes, so that a layer counts only if it fits every image; sides differ, so that a mean over
# the image, one pixel of any image, does not count.
_PROBES = ((512, 1024), (128, 384))


def feature_levels(
    backbone: keras.Model, layers: Sequence[str] | None = None
) -> dict[int, keras.KerasTensor]:
    """Finds the features of an encoder by stride: how many times smaller than the image they are.

    Args:
        backbone: A functional model of images of any size, channels last.
        layers: Names of layers, or of levels that the backbone declares itself, such as `"P3"`;
            finest first. Defaults to the last layer at each stride above 1 (at stride 1, if it
            has more channels than the image); levels that KerasCV's (`pyramid_level_inputs`) and
            KerasHub's backbones (`pyramid_outputs`) declare come before those.

    Returns:
        Tensors of the backbone by stride, finest first.

    Raises:
        ValueError: If the backbone is no functional model of one image of any size, or layers are
            unknown, do not fit images of every size, or do not become coarser one by one.

    Example:
        >>> backbone = keras.applications.MobileNetV2(
        ...     (None, None, 3), alpha=0.35, include_top=False, weights=None)
        >>> list(keras_ms.networks.features.feature_levels(backbone))
        [2, 4, 8, 16, 32]
    """
    check_backbone(backbone)
    declared = _declared(backbone)
    if layers is None:
        image = backbone.inputs[0]
        found = _by_stride(backbone, _outputs(backbone))
        found = {s: t for s, t in found.items() if s > 1 or t.shape[-1] > image.shape[-1]}
        found |= _by_stride(backbone, list(declared.values()))
        if not found:
            raise ValueError(
                "No layer of the backbone makes features that fit images of every size. "
                f"Received: backbone={backbone.name!r}. Use one whose convolutions pad."
            )
        return dict(sorted(found.items()))
    return _chosen(backbone, declared, layers)


def check_backbone(backbone: Any) -> None:
    """Refuses what is no functional model of one image of any size.

    Raises:
        ValueError: Saying how to build it.
    """
    inputs = getattr(backbone, "inputs", None)
    if not isinstance(backbone, keras.Model) or not inputs or len(inputs) != 1:
        raise ValueError(
            "A backbone is a functional model of one image. Received: "
            f"backbone={backbone!r} with inputs={inputs}. Use keras.Model(image, features)."
        )
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or shape[1:3] != (None, None) or shape[3] is None:
        raise ValueError(
            "A backbone takes images of any size, channels last: the levels have different sizes. "
            f"Received: backbone={backbone.name!r} for inputs of shape {shape}. Build it with "
            "include_top=False and input_shape=(None, None, 3) (KerasHub: image_shape)."
        )


def _chosen(
    backbone: keras.Model, declared: dict[str, Any], layers: Sequence[str]
) -> dict[int, keras.KerasTensor]:
    known = {operation.name: operation for operation in backbone.layers}
    listed = layers if isinstance(layers, tuple | list) else [layers]
    unknown = [name for name in listed if name not in [*known, *declared]]
    if unknown or listed is not layers or not layers:
        raise ValueError(
            "`layers` are names of layers of the backbone, finest first. "
            f"Received: layers={layers!r}, unknown: {unknown}. "
            f"Use for example {_suggested(backbone)}, or None."
        )
    tensors = [declared[name] if name in declared else known[name].output for name in layers]
    found = _by_stride(backbone, tensors)
    if len(found) != len(layers) or list(found) != sorted(found):
        raise ValueError(
            "`layers` become coarser one by one, and are a whole number of times smaller than "
            f"every image. Received: layers={tuple(layers)}, of them by stride: "
            f"{ {stride: tensor.shape[-1] for stride, tensor in found.items()} } channels. "
            f"Use for example {_suggested(backbone)}, or None."
        )
    return found


def _suggested(backbone: keras.Model) -> tuple[str, ...]:
    layers = [layer for layer in backbone.layers if not isinstance(layer, keras.layers.InputLayer)]
    owners = {id(layer.output): layer.name for layer in layers if _is_image(layer.output)}
    found = _by_stride(backbone, [layer.output for layer in layers if _is_image(layer.output)])
    return tuple(owners[id(tensor)] for stride, tensor in sorted(found.items()) if stride > 1)


def _declared(backbone: keras.Model) -> dict[str, Any]:
    """Levels that KerasHub's and KerasCV's backbones name."""
    tensors = getattr(backbone, "pyramid_outputs", None)
    if tensors:
        return dict(tensors)
    names = getattr(backbone, "pyramid_level_inputs", None) or {}
    return {level: backbone.get_layer(name).output for level, name in names.items()}


def _outputs(backbone: keras.Model) -> list[Any]:
    """What the operations of a backbone make, in the order in which they do."""
    made = [operation.output for operation in backbone.operations]
    return [tensor for tensor in made if tensor is not backbone.inputs[0] and _is_image(tensor)]


def _is_image(tensor: Any) -> bool:
    return isinstance(tensor, keras.KerasTensor) and len(tensor.shape) == 4


def _by_stride(backbone: keras.Model, tensors: list[Any]) -> dict[int, keras.KerasTensor]:
    """The last of the tensors at each stride; those that do not fit every image are left out."""
    if not tensors:
        return {}
    image = backbone.inputs[0]
    probe = keras.Model(image, tensors)
    strides = []
    for sides in _PROBES:
        sizes = _sizes(probe, (1, *sides, image.shape[-1]))
        strides.append([_stride(sides, size) for size in sizes])
    found = zip(*strides, tensors, strict=True)
    return {large: tensor for large, small, tensor in found if large and large == small}


def _sizes(probe: keras.Model, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    try:
        specs = probe.compute_output_spec(keras.KerasTensor(shape))
    except ValueError as error:  # as of NASNet, some of whose layers then differ by a pixel
        raise ValueError(
            "A backbone takes images of any size, in multiples of its coarsest stride. "
            f"Received: a backbone that refuses images of shape {shape}: {error}"
        ) from error
    return [tuple(spec.shape[1:3]) for spec in specs]


def _stride(sides: tuple[int, ...], coarse: tuple[int, ...]) -> int | None:
    height, width = (side / max(1, less) for side, less in zip(sides, coarse, strict=True))
    return int(height) if height == width and height.is_integer() else None


def without_batch_normalization(encoder: keras.Model, normalization: str) -> keras.Model:
    """A copy of an encoder, with its weights, that normalises in another way.

    Args:
        encoder: A functional model.
        normalization: `"layer"`, `"group"`, `"channel"` or `"none"`, as of `ResNet`, in the place
            of every `BatchNormalization`.
    """
    replaced = {
        layer.name: parts.normalization_layer(normalization, layer.output.shape[-1], layer.name)
        for layer in encoder.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        return replaced.get(layer.name) or type(layer).from_config(layer.get_config())

    def called(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        # Of the arguments, a mask and the like are of batch normalisation alone.
        return layer(*args) if layer.name in replaced else layer(*args, **kwargs)

    copy = keras.models.clone_model(encoder, clone_function=copied, call_function=called)
    for layer in encoder.layers:
        if layer.weights and layer.name not in replaced:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy
