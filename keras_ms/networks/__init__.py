"""Networks as functional Keras models of any image size."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_ms.networks import fitting
from keras_ms.networks.espcn import ESPCN
from keras_ms.networks.resnet import ResNet
from keras_ms.networks.unet import UNet
from keras_ms.validation import known

# 2 convolutions per block, one before and one after: 18 = 1 + 2 * 8 + 1, 50 = 1 + 2 * 24 + 1.
_NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "espcn": ESPCN,
    "resnet": ResNet,
    "resnet18": functools.partial(ResNet, depth=8, name="resnet18"),
    "resnet50": functools.partial(ResNet, depth=24, name="resnet50"),
    "unet": UNet,
    "unet5": functools.partial(UNet, multipliers=(1, 2, 4, 8, 16), name="unet5"),
}


def get(name: str, **options: Any) -> keras.Model:
    """Builds a network by name.

    Args:
        name: One of `names()`: `"resnet"`, `"unet"`, `"espcn"`, the 18 and 50 layers deep
            `"resnet18"` and `"resnet50"`, or `"unet5"` of five meshes.
        **options: Arguments of the network's function.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: If there is no network of that name, or an option makes no sense.

    Example:
        >>> keras_ms.networks.get("unet", width=4).count_params()
        11791
    """
    return _NETWORKS[known(name, _NETWORKS, "network", "network")](**options)


def names() -> tuple[str, ...]:
    """Names that `get` knows."""
    return tuple(sorted(_NETWORKS))


def options(name: str) -> tuple[str, ...]:
    """Names of the arguments of the network's function called `name`."""
    return tuple(inspect.signature(_NETWORKS[name]).parameters)


__all__ = ["ESPCN", "ResNet", "UNet", "fitting", "get", "names", "options"]
