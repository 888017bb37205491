"""Group normalisation by sums over pixels first, then over the channels of a group."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_ms")
class GroupNormalization(keras.layers.GroupNormalization):
    """`keras.layers.GroupNormalization` of the last axis, up to twice as fast on a CPU.

    Keras sums over pixels and a group's channels at once. With few channels in a group that is
    slow: the innermost loop is as long as a group is wide. Here every channel is summed over its
    pixels and the sums, few numbers, are combined: `var = mean_c(var_c + (mean_c - mean)^2)`, which
    cancels no more digits than the definition (Wu & He 2018).

    Args:
        groups: How many groups; divides the number of channels. `1` normalises over all of
            (H, W, C).
        **options: Options of `keras.layers.GroupNormalization`; `axis`, `scale` and `center` as
            they are by default.

    Call arguments:
        inputs: `(batch, *spatial, channels)`. Statistics are float32 where inputs have less.

    Raises:
        ValueError: If `groups` does not divide the channels, or for another `axis`, `scale` or
            `center`.

    Example:
        >>> layer = keras_ms.networks.group_normalization.GroupNormalization(2)
        >>> layer(keras.ops.ones((1, 4, 4, 6))).shape
        TensorShape([1, 4, 4, 6])
    """

    def __init__(self, groups: int = 32, **options: Any) -> None:
        super().__init__(groups, **options)
        if (self.axis, self.scale, self.center) != (-1, True, True):
            raise ValueError(
                "Groups are of the last axis, with a scale and a center. Received: "
                f"axis={self.axis}, scale={self.scale}, center={self.center}. "
                "Use keras.layers.GroupNormalization."
            )

    def call(self, inputs: Any) -> Any:
        """Returns the normalised inputs, in the compute dtype."""
        ops = keras.ops
        channels, dims = inputs.shape[-1], len(inputs.shape)
        image = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        by_group = (-1, self.groups, channels // self.groups)
        gamma, beta = (ops.reshape(ops.cast(v, image.dtype), by_group) for v in self.weights)
        moments = ops.moments(image, tuple(range(1, dims - 1)))
        means, variances = (ops.reshape(moment, by_group) for moment in moments)
        mean = ops.mean(means, axis=-1, keepdims=True)
        variance = ops.mean(variances + ops.square(means - mean), axis=-1, keepdims=True)
        factor = gamma * ops.rsqrt(variance + self.epsilon)
        broadcast = (-1, *(1,) * (dims - 2), channels)
        result = image * ops.reshape(factor, broadcast)
        result = result + ops.reshape(beta - mean * factor, broadcast)
        return ops.cast(result, self.compute_dtype)
