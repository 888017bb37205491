"""Networks as functional Keras models of any image size.

A network is a file of this folder: a function, and `NAMES = {"its name": "ItsFunction"}`.
"""

from collections.abc import Callable
from typing import Any

import keras

from keras_ms.networks import fitting, paper
from keras_ms.networks.backbones import from_backbone
from keras_ms.networks.encoders import ResNetEncoder
from keras_ms.networks.espcn import ESPCN
from keras_ms.networks.half_resnet import HalfResNet
from keras_ms.networks.mobilenet import MobileNetV2Encoder
from keras_ms.networks.resnet import ResNet
from keras_ms.networks.unet import UNet
from keras_ms.registry import Registry


def get(name: str, **options: Any) -> keras.Model:
    """Builds a network by name.

    Args:
        name: One of `names()`: `"half_resnet"`, `"resnet"`, `"unet"`, `"espcn"`, the 18 and 50
            layers deep `"resnet18"` and `"resnet50"`, `"unet5"` of five meshes,
            `"resnet18_encoder"` and `"resnet50_encoder"` of He et al., `"mobilenet_v2_encoder"`,
            or those of the paper's authors: `"paper_resnet"`, `"paper_unet"`, `"paper_sr_resnet"`
            and `"paper_sr_convnet"`; or `"my_module:build"`, a function of your own.
        **options: Arguments of the network's function.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: If there is no network of that name, or an option makes no sense.

    Example:
        >>> keras_ms.networks.get("unet", width=4).count_params()
        11791
    """
    return _REGISTRY.made(name, **options)


def names() -> tuple[str, ...]:
    """Names that `get` knows.

    Returns:
        The names.

    Example:
        >>> "unet" in keras_ms.networks.names()
        True
    """
    return _REGISTRY.names()


def options(name: str) -> tuple[str, ...]:
    """Names of the arguments of the network's function called `name`.

    Args:
        name: One of `names()`.

    Returns:
        The names of the arguments, in order.

    Raises:
        ValueError: As `get`.

    Example:
        >>> "width" in keras_ms.networks.options("unet")
        True
    """
    return _REGISTRY.options(name)


def _function(found: Any, name: str) -> Callable[..., keras.Model]:
    if not callable(found):
        raise ValueError(
            f"A network is a function that builds a model. Received: {found!r} for {name!r}. Write "
            "def build(channels=3): ... in the module."
        )
    return found


_REGISTRY = Registry(__name__, "network", _function)

__all__ = [
    "ESPCN",
    "HalfResNet",
    "MobileNetV2Encoder",
    "ResNet",
    "ResNetEncoder",
    "UNet",
    "fitting",
    "from_backbone",
    "get",
    "names",
    "options",
    "paper",
]
