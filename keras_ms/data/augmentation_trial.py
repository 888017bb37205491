"""A layer that is to change colours, tried on made-up images before it touches any."""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray
Change = Callable[[Any, Any], Any]
"""Changes a batch of images as a seed tells."""

IMAGES, SEEDS, FEW = 8, 16, 4
_CELL = 12
_ADVICE = (
    "Use for example keras.layers.RandomBrightness; pixels are moved by flip=, rotate= and "
    "image_size=, and a function of (x, y) and a seed may do what it likes."
)


class Trial:
    """Images that are made up, and what a layer makes of them.

    Args:
        change: What the layer does, traced anew wherever it is tried.
        name: The layer, for messages.
        channels: Of the images.
        dims: Their spatial dimensions.
        values: Their darkest and brightest value.
    """

    def __init__(
        self, change: Change, name: str, channels: int, dims: int, values: tuple[float, float]
    ) -> None:
        self._change, self._name = change, name
        self._channels, self._dims, self._values = channels, dims, values
        self._side = (2 if dims > 2 else 4) * _CELL
        self._rng = np.random.default_rng(0)
        self._marked = self._marks()

    def check(self) -> None:
        """Refuses a layer that cannot stand on both sides of a term, next to targets as they are.

        Raises:
            ValueError: Saying what it does.
        """
        _, marked, _ = self._marked
        before = _python_states()
        change, again = self._traced(marked), self._traced(marked)
        made = self._run(change, marked, FEW)
        if _python_states() != before or not self._equal(made, self._run(again, marked, FEW)):
            raise self._refused(
                "its draws follow no seed: called twice with the same one, it does not do the "
                "same. Draw by a keras.random.SeedGenerator, not by `random` or NumPy"
            )
        self._check_places(change, SEEDS)
        self._check_range(marked, made)
        self._check_levels()

    def draws_by_image(self, uncontrolled: Callable[[Any], Any]) -> bool:
        """Whether a layer that draws anew for every image would draw one for all with a seed.

        So it is where a layer loops over the images of a batch within a graph.

        Args:
            uncontrolled: The layer, as it is without a seed.
        """
        same = np.repeat(self._blocks(1)[0], IMAGES, 0)
        alone = tf.function(uncontrolled).get_concrete_function(_spec(same))
        free = [np.asarray(alone(tf.constant(same))) for _ in range(FEW)]
        if all(self._equal(batch, batch[:1]) for batch in free):
            return False
        made = self._run(self._traced(same), same, FEW)
        return self._equal(made, made[:, :1])

    def check_soon(self) -> None:
        """Refuses most layers that move pixels, by one batch.

        It goes before all else, too, because some layers draw when they are first called.

        Raises:
            ValueError: Saying what it does.
        """
        self._check_places(self._traced(self._marked[1]), 1)

    def _check_places(self, change: Any, seeds: int) -> None:
        plain, marked, places = self._marked
        made, without = self._run(change, marked, seeds), self._run(change, plain, seeds)
        if not np.isfinite(made).all():
            raise self._refused("it makes values that are not finite")
        # An image of one colour has no contrast to divide by: what comes of it counts 0.
        moved = sum(
            self._is_moved(changed, of_image)
            for batch in made - np.nan_to_num(without, posinf=0.0, neginf=0.0)
            for changed, of_image in zip(batch, places, strict=True)
        )
        if moved:
            raise self._refused(
                f"pixels do not stay where they are: in {moved} of {IMAGES * seeds} made-up "
                "images, single coloured pixels came out elsewhere, smeared to a side, in other "
                "images or not at all, while the targets stay"
            )

    def _check_range(self, images: Array, made: Array) -> None:
        low, high = self._values
        span = high - low
        flat = made.max((*range(2, made.ndim - 1),)) - made.min((*range(2, made.ndim - 1),))
        lost = bool((flat < 1e-3 * span).all())
        what = f"it makes values of {made.min():.3g} to {made.max():.3g} of images of "
        what += f"{images.min():.3g} to {images.max():.3g}"
        if made.min() < low - 5 * span or made.max() > high + 5 * span or lost:
            shade = ", one shade each" if lost else ""
            raise self._refused(f"{what}{shade}: give it the value_range of the images")
        outside = made.min() < low - 0.1 * span or made.max() > high + 0.1 * span
        if self._equal(made, made[:1]) and (outside or np.ptp(made) < 0.4 * np.ptp(images)):
            raise self._refused(
                f"{what}, and draws nothing: what is not trained on would have another range. "
                "Put it into the network, or change the examples"
            )

    def _is_moved(self, change: Array, places: Array) -> bool:
        """Whether marks in an image are not seen where they were set."""
        axes = tuple(range(self._dims))
        seen = np.abs(change - np.median(change, axes, keepdims=True)).sum(-1)
        if seen.max() < 1e-3 * (self._values[1] - self._values[0]):
            return False  # all of one colour now: nothing is seen, and nothing moved
        return any(_is_off(seen, place, seen.max()) for place in places)

    def _check_levels(self) -> None:
        fine, coarse = self._blocks(IMAGES)
        made = self._middles(self._run(self._traced(fine), fine, SEEDS // 2))
        other = self._middles(self._run(self._traced(coarse), coarse, SEEDS // 2))
        effect = np.abs(made - self._middles(fine[np.newaxis])).mean()
        unlike = np.abs(made - other).mean()
        if unlike > 0.1 * effect + 1e-4 * (self._values[1] - self._values[0]):
            raise self._refused(
                f"it does not do the same on two levels: with the same seed, colours change by "
                f"{effect:.3g} on the average, and differ by {unlike:.3g} between an image and its "
                "coarser one, as where every pixel gets a draw of its own"
            )

    def _marks(self) -> tuple[Array, Array, Array]:
        """Images of one colour each, those with single marked pixels, and where they are."""
        cells = list(itertools.product(range(0, self._side, _CELL), repeat=self._dims))
        jitter = self._rng.integers(-2, 3, (IMAGES, len(cells), self._dims))
        places = np.asarray(cells) + _CELL // 2 + jitter
        dark, bright = self._colours((IMAGES,), 0.1, 0.4), self._colours((IMAGES,), 0.6, 0.9)
        shape = (IMAGES, *(1,) * self._dims, self._channels)
        plain = np.tile(dark.reshape(shape), (1, *(self._side,) * self._dims, 1))
        marked = plain.copy()
        for image, where, colour in zip(marked, places, bright, strict=True):
            image[tuple(where.T)] = colour
        return plain, marked, places

    def _blocks(self, count: int) -> tuple[Array, Array]:
        """Images of 2 by 2 blocks of one colour each, on a mesh and on the next coarser one."""
        blocks = self._colours((count, *(2,) * self._dims), 0.0, 1.0)
        widths = (32, 16) if self._dims < 3 else (16, 8)
        fine, coarse = (
            functools.reduce(
                lambda image, axis, width=width: np.repeat(image, width, axis),  # type: ignore[misc]
                range(1, 1 + self._dims),
                blocks,
            )
            for width in widths
        )
        return fine, coarse

    def _middles(self, made: Array) -> Array:
        half = made.shape[2] // 2
        middle = slice(half // 2, None, half)
        return made[(slice(None), slice(None), *(middle,) * self._dims)]

    def _colours(self, shape: tuple[int, ...], low: float, high: float) -> Array:
        darkest, brightest = self._values
        shares = self._rng.uniform(low, high, (*shape, self._channels))
        return (darkest + (brightest - darkest) * shares).astype("float32")

    def _traced(self, images: Array) -> Any:
        seed = tf.TensorSpec((2,), tf.int32)
        try:
            return tf.function(self._change).get_concrete_function(_spec(images), seed)
        except Exception as error:  # whatever the layer raises
            raise self._refused(
                f"it fails on images of shape {images.shape[1:]} ({_said(error)})"
            ) from error

    def _run(self, traced: Any, images: Array, seeds: int = SEEDS) -> Array:
        """What a layer makes of images: `(seeds, images, ...)`."""
        batch = tf.constant(images)
        found = [traced(batch, tf.constant((3, seed), tf.int32)) for seed in range(seeds)]
        made = np.stack([np.asarray(values, "float32") for values in found])
        if made.shape[1:] != images.shape:
            raise self._refused(f"it makes {made.shape[1:]} of images of {images.shape}")
        return made

    def _equal(self, one: Array, other: Array) -> bool:
        close = 1e-4 * (self._values[1] - self._values[0])
        return np.allclose(one, other, atol=close, equal_nan=True)

    def _refused(self, why: str) -> ValueError:
        return ValueError(
            "`augment` is a layer that draws a change of colours, alike on both sides of a term. "
            f"Received: augment={self._name}; {why}. {_ADVICE}"
        )


def _is_off(seen: Array, place: Array, most: float) -> bool:
    """Whether a mark is weaker than what is near, lopsided, or there twice."""
    corner = place // _CELL * _CELL
    cell = seen[tuple(slice(start, start + _CELL) for start in corner)]
    at = tuple(place - corner)
    distance = np.abs(np.indices(cell.shape) - np.reshape(at, (-1, *(1,) * cell.ndim))).max(0)
    beside = [
        abs(float(np.take(cell, n + 1, axis)[rest]) - float(np.take(cell, n - 1, axis)[rest]))
        for axis, n in enumerate(at)
        for rest in [at[:axis] + at[axis + 1 :]]
    ]
    near, far = cell[(distance >= 2) & (distance < 4)].max(), cell[distance >= 4].max()
    mark = float(cell[at])
    weak = mark < 0.01 * most or mark < 0.99 * cell.max()
    return bool(weak or max(beside) > 0.02 * mark or far > near + 0.05 * mark)


def _spec(images: Array) -> tf.TensorSpec:
    return tf.TensorSpec(images.shape, tf.float32)


def _said(error: Exception) -> str:
    """What an error says, without what Keras and TensorFlow put around it."""
    bold = re.search(r"\x1b\[1m(.*?)\x1b\[0m", str(error), re.DOTALL)
    lines = bold[1].splitlines() if bold else str(error).splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return f"{type(error).__name__}: {said[0 if bold else -1]}" if said else type(error).__name__


def _python_states() -> tuple[Any, ...]:
    """Where the random numbers of Python and NumPy are that need no object."""
    return random.getstate(), repr(np.random.get_state(legacy=False))
