"""Random draws of other people's code, made to follow a seed."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

Tensor = Any

_OF_THREAD = threading.local()
_ONE_AT_A_TIME = threading.RLock()


class Draws:
    """The seeds of one call: every draw gets one of its own, the same ones in every call.

    Args:
        seed: Seed of the call, two integers.

    Attributes:
        count: How many were drawn by now.
    """

    def __init__(self, seed: Tensor) -> None:
        self._seed = seed
        self.count = 0

    def next(self) -> Tensor:
        """The seed of the next draw."""
        self.count += 1
        return tf.random.fold_in(self._seed, self.count)


@contextlib.contextmanager
def drawing_from(seed: Tensor) -> Iterator[Draws]:
    """Within it, what this thread draws follows a seed and no state, whoever draws it.

    That is what draws by a `keras.random.SeedGenerator`, Keras's global one too, by a
    `tf.random.Generator`, by `tf.random.uniform` and its likes, or by `tf.image.random_*`. Draws
    within one call differ from each other. In a loop of a graph, all turns draw the same.

    Args:
        seed: Two integers, `(2,)`.

    Yields:
        The draws, which count themselves.
    """
    with _ONE_AT_A_TIME:
        outer = getattr(_OF_THREAD, "draws", None)
        _OF_THREAD.draws = Draws(seed)
        try:
            with contextlib.nullcontext() if outer is not None else _replaced():
                yield _OF_THREAD.draws
        finally:
            _OF_THREAD.draws = outer


@contextlib.contextmanager
def _replaced() -> Iterator[None]:
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in _PLACES]
    for (owner, name, own), (*_, seeded) in zip(kept, _PLACES, strict=True):
        setattr(owner, name, _if_drawing(own, seeded))
    try:
        yield
    finally:
        for owner, name, own in kept:
            setattr(owner, name, own)


def _if_drawing(own: Callable[..., Any], seeded: Callable[..., Any]) -> Callable[..., Any]:
    """The seeded function for the thread that draws by a seed, for all others their own."""

    @tf.autograph.experimental.do_not_convert
    @functools.wraps(own)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        draws = getattr(_OF_THREAD, "draws", None)
        return own(*args, **kwargs) if draws is None else seeded(draws, *args, **kwargs)

    return drawn


def _seed_of_keras(draws: Draws, generator: Any, ordered: bool = True) -> Tensor:
    return tf.cast(draws.next(), generator.state.dtype)


def _second(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of TensorFlow whose stateless twin takes the seed as its second argument."""

    def drawn(draws: Draws, shape: Any, *args: Any, seed: Any = None, **kwargs: Any) -> Any:
        return function(shape, draws.next(), *args, **kwargs)

    return drawn


def _of_generator(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda draws, generator, *args, **kwargs: _second(function)(draws, *args, **kwargs)


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of TensorFlow whose stateless twin takes the seed by name."""

    def drawn(draws: Draws, *args: Any, seed: Any = None, name: Any = None, **kwargs: Any) -> Any:
        return function(*args, seed=draws.next(), **kwargs)

    return drawn


_DISTRIBUTIONS = {
    "uniform": tf.random.stateless_uniform,
    "normal": tf.random.stateless_normal,
    "truncated_normal": tf.random.stateless_truncated_normal,
}
_OF_IMAGES = ("brightness", "contrast", "hue", "saturation", "jpeg_quality")
_PLACES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (keras.random.SeedGenerator, "next", _seed_of_keras),
    *((tf.random, name, _second(twin)) for name, twin in _DISTRIBUTIONS.items()),
    *((tf.random.Generator, name, _of_generator(twin)) for name, twin in _DISTRIBUTIONS.items()),
    (tf.random, "shuffle", _second(tf.random.experimental.stateless_shuffle)),
    (tf.random, "categorical", _named(tf.random.stateless_categorical)),
    *(
        (tf.image, f"random_{what}", _named(getattr(tf.image, f"stateless_random_{what}")))
        for what in _OF_IMAGES
    ),
)
