"""keras_ms: multiscale training of convolutional networks for Keras 3 on TensorFlow."""

import keras as _keras

if _keras.backend.backend() != "tensorflow":
    raise ValueError(
        "keras_ms trains on the TensorFlow backend of Keras. "
        f"Received: KERAS_BACKEND={_keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
    )

from keras_ms import data, inference, losses, metrics, networks, restriction, tasks
from keras_ms.data import MultiscaleBatch, MultiscaleDataset
from keras_ms.diagnostics import LevelReport
from keras_ms.diagnostics.allocation import optimal_batch_sizes
from keras_ms.diagnostics.diagnose import diagnose
from keras_ms.levels import Levels
from keras_ms.training.adaptive.schedule import AdaptiveSchedule
from keras_ms.training.full_multiscale import FullMultiscaleSchedule
from keras_ms.training.model import MultiscaleModel
from keras_ms.training.statistics import RefreshStatistics, refresh_statistics

__version__ = "0.1.0"

__all__ = [
    "AdaptiveSchedule",
    "FullMultiscaleSchedule",
    "LevelReport",
    "Levels",
    "MultiscaleBatch",
    "MultiscaleDataset",
    "MultiscaleModel",
    "RefreshStatistics",
    "__version__",
    "data",
    "diagnose",
    "inference",
    "losses",
    "metrics",
    "networks",
    "optimal_batch_sizes",
    "refresh_statistics",
    "restriction",
    "tasks",
]
