"""What training with one strategy led to."""

from __future__ import annotations

import dataclasses

import keras

from .recording import Curve


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A trained network and how it got there.

    Attributes:
        strategy: Name of the strategy.
        label: What tables and plots call it.
        model: The trained network.
        curve: Validation loss against cost.
        iterations: Steps of each stage, finest first; one number if there are no stages.
        batch_sizes: Those of the last stage, finest level first.
    """

    strategy: str
    label: str
    model: keras.Model
    curve: Curve
    iterations: tuple[int, ...]
    batch_sizes: tuple[int, ...]
