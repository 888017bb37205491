"""What a task is: three short methods between a clean image and a training pair."""

from __future__ import annotations

import abc
from typing import Any

from keras_ms.tasks.checks import check_methods

Tensor = Any
Example = dict[str, Tensor]


class Task(abc.ABC):
    """A restoration problem that is the same problem on every level.

    A task holds a *latent example*: everything that was drawn for a batch (clean images, noise
    field, noise level, mask ...). Restricting the example and then making the pair
    (`pair(restrict(example))`) is task-consistent coarsening: the coarse problem has the same
    noise and the same pixel-space operator as the fine one.

    Both occurrences of a level in the telescoping sum must have one distribution. That is sure if
    examples are drawn on the finest mesh and restricted to the level, at the cost of fine pixels.
    It is as sure, and cheap, to draw on the level itself if *restricting a drawn example has the
    same distribution as drawing from restricted images*, `restrict(draw(u)) ~ draw(restrict(u))`.
    A task that obeys this law says so in `invariant_under`.

    The names of methods are taken: `self.pair = 2` in a task is refused.

    Attributes:
        invariant_under: Ways from a level to the next under which the law holds: `"coarsen"`
            (by `restrict`), `"crop"` (to the central half). Defaults to none: always unbiased.

    Example:
        >>> class Dimming(Task):
        ...     invariant_under = frozenset({"coarsen", "crop"})
        ...     def draw(self, images, seed):
        ...         return {"clean": images}
        ...     def restrict(self, example):
        ...         return {"clean": keras_ms.restriction.average(example["clean"])}
        ...     def pair(self, example):
        ...         return 0.5 * example["clean"], example["clean"]
    """

    invariant_under: frozenset[str] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_methods(cls)

    @abc.abstractmethod
    def draw(self, images: Tensor, seed: Tensor) -> Example:
        """Draws the latent example of a batch.

        Args:
            images: Clean normalised images `(batch, *spatial, channels)`, float32.
            seed: Seed of `tf.random.stateless_*` operations, a tensor of two integers. The same
                seed and images give the same example. To draw twice, split it:
                `a, b = tf.unstack(tf.random.split(seed, 2))`.

        Returns:
            A dictionary of tensors whose first axis is the batch.
        """

    @abc.abstractmethod
    def restrict(self, example: Example) -> Example:
        """Returns the same example one level coarser."""

    @abc.abstractmethod
    def pair(self, example: Example) -> tuple[Any, Any]:
        """Returns the input and the target `(x, y)` that the network sees."""
