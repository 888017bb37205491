"""What the tasks share: a degraded image mixed with white noise of a random amount."""

from __future__ import annotations

import abc
import math
from typing import Any

import keras
import tensorflow as tf

from keras_ms import restriction
from keras_ms.tasks.task import Example, Task, Tensor
from keras_ms.tasks.white_noise import white_noise

ARGUMENTS = ("t_range", "conditional", "keep_contrast")


class NoisyTask(Task):
    """A degradation followed by noise: `x = (1 - s) D(u) + s z`, `z ~ N(0, 1)`, `s` per image.

    The latent example holds `"clean"` (`u`), `"noise"` (`z`) and `"t"`, which is uniform in
    `t_range` and from which `share` makes the share `s` of the noise. Restriction takes block
    means of `u`, block means of `z` scaled so that its variance stays 1, and leaves `t` alone:
    every level has the noise of the finest.

    These names are taken, so a task must call nothing else so: the methods `share`, `degrade`,
    `noise_shape`, `draw`, `restrict` and `pair`, and the arguments, which are attributes.

    Args:
        t_range: Bounds `(low, high)` of `t`, `0 <= low <= high <= 1`. Defaults to `(0.0, 0.1)`.
        conditional: Whether the network is told `t`. If so, `x` is the dictionary
            `{"image": (batch, *spatial, channels), "noise_level": (batch, 1)}`.
        keep_contrast: Whether `x` is divided by `1 - s`, which gives `D(u)` its full contrast, as
            in a noisy photograph as cameras take it.

    Raises:
        ValueError: If `t_range` is not two ordered numbers in [0, 1], or `keep_contrast` meets
            a `t` that leaves no image; in `pair`, if `degrade` changes the shape. A class that
            gives one of its arguments or methods another meaning is refused, too.

    Example:
        >>> class Dimming(keras_ms.tasks.NoisyTask):
        ...     def degrade(self, example):
        ...         return 0.5 * example["clean"]
        >>> task = Dimming(t_range=(0.0, 0.05))
        >>> x, y = task.pair(task.draw(keras.ops.ones((4, 32, 32, 3)), keras.ops.array([0, 1])))
        >>> x.shape
        TensorShape([4, 32, 32, 3])
    """

    invariant_under = frozenset({"coarsen", "crop"})

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hidden := [name for name in ARGUMENTS if name in vars(cls)]:
            raise ValueError(
                f"{', '.join(hidden)}: NoisyTask takes this as an argument. Received: "
                f"{cls.__name__}.{hidden[0]}={vars(cls)[hidden[0]]!r}. Pass it to "
                "super().__init__(), or use another name for something else."
            )

    def __init__(
        self,
        t_range: tuple[float, float] = (0.0, 0.1),
        conditional: bool = False,
        keep_contrast: bool = False,
    ) -> None:
        self.t_range = _ordered_range(t_range)
        self.conditional, self.keep_contrast = conditional, keep_contrast
        if keep_contrast and max(self.share(t) for t in self.t_range) == 1.0:
            raise ValueError(
                "`keep_contrast` divides by the share of the image, which must not be 0. "
                f"Received: t_range={t_range}. Use a range without pure noise."
            )

    def share(self, t: Any) -> Any:
        """The share `s` of the noise for a given `t`; `s = t` unless a task says otherwise."""
        return t

    @abc.abstractmethod
    def degrade(self, example: Example) -> Tensor:
        """Returns `D(u)`, of the shape of the noise."""

    def noise_shape(self, images: Tensor) -> tuple[Any, ...]:
        """Shape of the noise field, that of the images unless the degradation changes it."""
        return keras.ops.shape(images)

    def draw(self, images: Tensor, seed: Tensor) -> Example:
        """Draws the noise field and `t`; see `Task.draw`."""
        noise_seed, level_seed = tf.unstack(tf.random.split(seed, 2))
        images = tf.convert_to_tensor(images)
        shape = self.noise_shape(images)
        noise = white_noise(shape, noise_seed, images.dtype)
        bounds = _ordered_range(self.t_range)
        t = tf.random.stateless_uniform((shape[0], 1), level_seed, *bounds, dtype=images.dtype)
        return {"clean": images, "noise": noise, "t": t}

    def restrict(self, example: Example) -> Example:
        """Restricts the image and, with its variance kept, the noise; see `Task.restrict`."""
        return {
            "clean": restriction.average(example["clean"]),
            "noise": restriction.restrict_noise(example["noise"]),
            "t": example["t"],
        }

    def pair(self, example: Example) -> tuple[Any, Any]:
        """Returns the degraded noisy image (with `t` if conditional) and the clean one."""
        _check_flags(self)
        return seen(self, self.degrade(example), example["noise"], example["t"]), example["clean"]


def seen(task: NoisyTask, degraded: Tensor, noise: Tensor, t: Tensor) -> Any:
    """What a network sees of degraded images: them and the noise, and `t` if it is told.

    Args:
        task: The task.
        degraded: `D(u)`, of the shape of the noise.
        noise: `z`.
        t: As in the latent example, `(batch, 1)`.
    """
    _check_shape(degraded, noise)
    share = task.share(keras.ops.reshape(t, (-1, *(1,) * (len(noise.shape) - 1))))
    mixed = (1.0 - share) * degraded + share * noise
    if task.keep_contrast:
        mixed = mixed / (1.0 - share)
    return {"image": mixed, "noise_level": t} if task.conditional else mixed


def _check_flags(task: NoisyTask) -> None:
    for name in ("conditional", "keep_contrast"):
        value = getattr(task, name)  # no `:=` where AutoGraph reads: it warns of that
        if value not in (True, False):
            raise ValueError(
                f"`{name}` is an argument of NoisyTask, True or False. Received: "
                f"{type(task).__name__}.{name}={value!r}. Use another name for something else."
            )


def _check_shape(degraded: Any, noise: Tensor) -> None:
    shape, wanted = tuple(getattr(degraded, "shape", ())), tuple(noise.shape)
    unlike = [a != b for a, b in zip(shape, wanted, strict=False) if None not in (a, b)]
    if len(shape) != len(wanted) or any(unlike):
        raise ValueError(
            "`degrade` must keep the shape of the image, or `noise_shape` say which it has. "
            f"Received: a result of shape {shape}, expected: {wanted}."
        )


def _ordered_range(t_range: tuple[float, float]) -> tuple[float, float]:
    low, high = pair_of_floats(t_range)
    if not 0.0 <= low <= high <= 1.0:
        raise ValueError(
            f"`t_range` holds two ordered numbers in [0, 1]. Received: t_range={t_range}."
        )
    return low, high


def pair_of_floats(values: Any) -> tuple[float, float]:
    """The values as two numbers; two that no range holds if they are not."""
    try:
        low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        return math.nan, math.nan
    return low, high
