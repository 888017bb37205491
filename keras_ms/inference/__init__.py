"""How a model of any kind leaves: export, receptive field, tiles, models by name."""

from keras_ms.inference.exporting import export
from keras_ms.inference.loading import load, names
from keras_ms.inference.restoring import Restorer, prepare, restore
from keras_ms.inference.trust import effects
from keras_ms.networks.reach import receptive_field

__all__ = [
    "Restorer",
    "effects",
    "export",
    "load",
    "names",
    "prepare",
    "receptive_field",
    "restore",
]
