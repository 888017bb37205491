"""What a task is: three short methods between a clean image and a training pair."""

from __future__ import annotations

import abc
from typing import Any

Tensor = Any
Example = dict[str, Tensor]


class Task(abc.ABC):
    """A restoration problem that is the same problem on every level.

    A task holds a *latent example*: everything that was drawn for a batch (clean images, noise
    field, noise level, mask ...). Restricting the example and then making the pair
    (`pair(restrict(example))`) is task-consistent coarsening: the coarse problem has the same
    noise and the same pixel-space operator as the fine one.

    The telescoping sum needs one law of a task: *restricting a drawn example has the same
    distribution as drawing from restricted images*, `restrict(draw(u)) ~ draw(restrict(u))`.
    Drawing coarse batches directly on the coarse mesh, at coarse cost, rests on it.

    Example:
        >>> class Dimming(Task):
        ...     def draw(self, images, seed):
        ...         return {"clean": images}
        ...     def restrict(self, example):
        ...         return {"clean": keras_ms.restriction.average(example["clean"])}
        ...     def pair(self, example):
        ...         return 0.5 * example["clean"], example["clean"]
    """

    @abc.abstractmethod
    def draw(self, images: Tensor, seed: Tensor) -> Example:
        """Draws the latent example of a batch.

        Args:
            images: Clean normalised images `(batch, *spatial, channels)`, float32.
            seed: Seed of `tf.random.stateless_*` operations, integers of shape `(2,)`. The same
                seed and images give the same example.

        Returns:
            A dictionary of tensors whose first axis is the batch.
        """

    @abc.abstractmethod
    def restrict(self, example: Example) -> Example:
        """Returns the same example one level coarser."""

    @abc.abstractmethod
    def pair(self, example: Example) -> tuple[Any, Any]:
        """Returns the input and the target `(x, y)` that the network sees."""
