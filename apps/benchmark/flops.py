"""Floating-point operations of the convolutions, and what the machine does at most."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..experiment.timing import interleaved

_PEAK_SIDE = 2048


def convolution_flops(model: keras.Model, sides: tuple[int, ...]) -> float:
    """Floating-point operations of all convolutions for one image, forward and backward.

    Counted by TensorFlow's profiler on the graph of the gradient; a multiply-add is two. The
    gradient to the image, which no step takes, is among them: a thousandth of a ResNet's.

    Args:
        model: A built model.
        sides: Sides of the image.
    """

    @tf.function
    def gradient(x: Any) -> Any:
        with tf.GradientTape() as tape:
            made = tf.reduce_mean(tf.cast(model(x, training=True), tf.float32))
        return tape.gradient(made, [v.value for v in model.trainable_variables])

    def spec(tensor: Any) -> tf.TensorSpec:
        known = sides if len(tensor.shape) == len(sides) + 2 else ()
        return tf.TensorSpec((1, *known, tensor.shape[-1]), tensor.dtype)

    inputs = keras.tree.map_structure(spec, model.input)
    options = tf.compat.v1.profiler.ProfileOptionBuilder
    wanted = options(options.float_operation()).with_empty_output()
    wanted = wanted.with_node_names().with_accounted_types(["Conv.*"]).build()
    graph = gradient.get_concrete_function(inputs).graph
    found = tf.compat.v1.profiler.profile(graph, cmd="scope", options=wanted)
    return float(found.total_float_ops)


def peak_gflops(dtype: str, rounds: int, seconds_per_round: float) -> float:
    """Measured GFLOP/s of a large matrix product."""
    a = tf.cast(tf.random.stateless_normal((_PEAK_SIDE, _PEAK_SIDE), (0, 0)), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
    timed = interleaved({dtype: lambda: float(product())}, rounds, seconds_per_round)
    return 2.0 * _PEAK_SIDE**3 / timed[dtype].median / 1e9
