"""Whether what a model returns are images, as far as the model shows it."""

from __future__ import annotations

from typing import Any

import keras

from keras_ms.gradients.known_losses import CLASSES, ONE_HOT, takes
from keras_ms.gradients.losses_of_targets import name_of
from keras_ms.networks.interface import functional

OF_MASKS = ("dice", "tversky")
MEND = (
    "Use restorer = keras_ms.inference.prepare(model, mean=0.0, std=1.0, output='raw') for a model "
    "of images in [0, 1]; keras_ms.inference.restore(restorer, image).argmax(-1) are its classes "
    "(of one output, > 0.5 or > 0)."
)


def check_no_classes(model: Any) -> None:
    """Checks that a model's outputs are not scores of classes, by its loss and its last layer.

    Raises:
        ValueError: If they are.
    """
    losses = keras.tree.flatten(getattr(model, "loss", None))
    trained_by = [name for name in map(_name_of, losses) if _of_classes(name)]
    layers = getattr(model, "layers", None) or [None]
    ends_in_shares = getattr(layers[-1], "activation", None) is keras.activations.softmax
    if trained_by or ends_in_shares or isinstance(layers[-1], keras.layers.Softmax):
        reason = f"the loss {trained_by[0]}" if trained_by else "a softmax at its end"
        raise ValueError(
            "The model returns scores of classes, and no images of normalised values. Received: "
            f"{model.name}, with {reason}, and output='image'. Use output='raw', which leaves them "
            f"as they are. {MEND}"
        )


def check_returns_images(model: keras.Model) -> None:
    """Checks that a model of which nothing is told returns images of its input's channels.

    Raises:
        ValueError: If it does not.
    """
    check_no_classes(model)
    plain = functional(model)
    taken = plain.input["image"] if isinstance(plain.input, dict) else plain.input
    channels = taken.shape[-1], plain.output.shape[-1]
    if None not in channels and channels[0] != channels[1]:
        raise ValueError(
            "The model does not return images like its inputs, and it is not known what else. "
            f"Received: {model.name}, from {channels[0]} channels to {channels[1]}. {MEND} If "
            "these are images all the same, prepare it with output='image'."
        )


def _of_classes(name: str) -> bool:
    return takes(name, ONE_HOT, CLASSES) or name in OF_MASKS


def _name_of(loss: Any) -> str:
    try:
        return name_of(loss) if loss is not None else ""
    except ValueError:  # a name that Keras does not know
        return ""
