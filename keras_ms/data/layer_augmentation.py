"""A layer that changes colours, as augmentation of pairs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.augmentation_trial import Trial
from keras_ms.data.seeded_draws import drawing_from
from keras_ms.validation import shown

Tensor = Any


class Photometric:
    """A layer as an `augment`: it changes the image among the inputs, as a seed tells.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: keras.layers.Layer) -> None:
        self.layer = layer
        self._one_by_one = False

    def __call__(self, pair: Any, seed: Tensor) -> Any:
        """The pair with another image.

        Args:
            pair: `(x, y)` or `(x, y, sample_weight)`, batched.
            seed: Two integers.
        """
        x, *others = pair
        leaves = [tf.convert_to_tensor(leaf) for leaf in keras.tree.flatten(x)]
        place = self.place(leaves)
        made = self.change(leaves[place], seed)
        floats = made.dtype.is_floating and leaves[place].dtype.is_floating
        leaves[place] = tf.cast(made, leaves[place].dtype) if floats else made
        return (keras.tree.pack_sequence_as(x, leaves), *others)

    def change(self, images: Tensor, seed: Tensor) -> Tensor:
        """Other images.

        Args:
            images: A batch.
            seed: Two integers.
        """
        if not self._one_by_one:
            return self._drawn(images, seed)
        return tf.map_fn(
            lambda one: self._drawn(one[0][tf.newaxis], tf.random.fold_in(seed, one[1]))[0],
            (images, tf.range(tf.shape(images)[0])),
            fn_output_signature=tf.TensorSpec(images.shape[1:], self._type(images)),
        )

    def place(self, leaves: list[Any]) -> int:
        """Which of the inputs is the image.

        Raises:
            ValueError: If that is not clear.
        """
        if len(leaves) == 1:
            return 0
        fields = [n for n, leaf in enumerate(leaves) if len(leaf.shape) > 3]
        images = [n for n in fields if leaves[n].dtype.is_floating] or fields
        if len(images) != 1:
            raise ValueError(
                "A layer as `augment` changes the image among the inputs, where there is one. "
                f"Received: augment={shown(self.layer)} and {len(images)} images among the inputs "
                f"{leaves}. Use a function of (x, y) and a seed."
            )
        return images[0]

    def check(self, channels: int, dims: int, values: tuple[float, float] | None) -> None:
        """Tries the layer on made-up images.

        Args:
            channels: Of the images.
            dims: Their spatial dimensions.
            values: Their darkest and brightest value. If it is `None`, the layer's `value_range`,
                or one of the usual ones.

        Raises:
            ValueError: If it moves pixels, or cannot be drawn alike on both sides of a term.
        """
        if values is not None:
            return self._check(channels, dims, values)
        told = getattr(self.layer, "value_range", None)
        try:
            self._check(channels, dims, (0.0, 1.0) if told is None else tuple(told))
        except ValueError:
            if told is not None:
                raise
            self._check(channels, dims, (0.0, 255.0))  # of layers within, that may have this range

    def _check(self, channels: int, dims: int, values: tuple[float, float]) -> None:
        trial = Trial(self.change, repr(self.layer), channels, dims, values)
        self._one_by_one = False
        trial.check_soon()
        self._one_by_one = trial.draws_by_image(lambda x: self.layer(x, training=True))
        trial.check()

    def _drawn(self, images: Tensor, seed: Tensor) -> Tensor:
        with drawing_from(seed):
            return self.layer(images, training=True)

    def _type(self, images: Tensor) -> Any:
        spec = tf.TensorSpec((1, *images.shape[1:]), images.dtype)
        made = tf.function(self._drawn).get_concrete_function(spec, tf.TensorSpec((2,), tf.int32))
        return made.structured_outputs.dtype


def photometric(layer: keras.layers.Layer) -> Photometric:
    """Makes an `augment` of a layer that changes the colours of images.

    Inputs are changed, targets and weights are not. The layer may be of Keras
    (`keras.layers.RandomBrightness`, `RandomColorJitter`, `RandomInvert` ...), of KerasCV, or your
    own, and hold others (`keras.layers.Pipeline`, `keras.Sequential`). What it draws by a
    `keras.random.SeedGenerator`, a `tf.random.Generator` or `tf.random.uniform` follows the seed
    that both levels of a term are given, whatever `seed` it was made with: several draws differ
    from each other, and are the same for both.

    The layer is tried on made-up images first, of three channels here, and of those of the data
    where a `MultiscaleDataset` is given it.

    Args:
        layer: The layer. Its range of values is its `value_range`.

    Returns:
        A function of a pair and a seed.

    Raises:
        ValueError: If it moves, erases or mixes pixels (flips, turns, `RandAugment`, `CutMix`), for
            which there are `flip`, `rotate` and `image_size` of `MultiscaleDataset`; if its draws
            follow no seed; or if it does not do the same on two levels, as noise of pixels.

    Example:
        >>> brighter = photometric(keras.layers.RandomBrightness(0.2, value_range=(0, 1)))
        >>> pair = tf.zeros((2, 8, 8, 3)), tf.zeros((2, 8, 8, 3))
        >>> x, y = brighter(pair, tf.constant((0, 1)))
        >>> x.shape
        TensorShape([2, 8, 8, 3])
    """
    if not isinstance(layer, keras.layers.Layer):
        raise ValueError(f"A Keras layer is needed. Received: {shown(layer)}.")
    made = Photometric(layer)
    made.check(3, 2, None)
    return made


def values_of(image: Any) -> tuple[float, float] | None:
    """The darkest and the brightest value that images like this one may have.

    `None` where it does not tell, being of one shade.
    """
    image = np.asarray(image)
    found = image[np.isfinite(image)]
    if not found.size or found.min() == found.max():
        return None
    low, high = float(found.min()), float(found.max())
    if image.dtype == np.uint8:
        return 0.0, 255.0
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
