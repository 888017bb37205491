"""Random configurations: each trains two steps, or is refused by an error that names the argument.

python -m tests.fuzz --examples=1000
"""

import gc
import re
import warnings

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

import keras_ms

NAN = float("nan")
NAMES = (
    *("levels", "batch_sizes", "image_size", "image size", "coarsening", "restriction", "flip"),
    *("rotate", "telescoping", "control_weights", "refresh", "steps_per_epoch", "seed", "prefetch"),
    *("cache_bytes", "max_bad_fraction", "mean", "std", "images", "task", "roles", "iterations"),
    *("learning_rate", "work_units", "loss", "reduction", "sample_weight", "target", "output"),
    *("loss_weights", "epochs", "validation_freq", "validation_steps"),
    *("an input of shape", "examples", "x of", "y of", "network", "outputs"),
)
"""What a message names, in its own words or as an argument."""


def rarely(usual, odd):
    """Mostly one of the usual values, sometimes one that makes no sense."""
    return st.sampled_from([*usual] * max(1, 12 // len(usual)) + [*odd])


def sizes():
    one = rarely([1, 2, 3, 4], [0, -1, 2.5, 10**7, "4"])
    listed = st.lists(one, min_size=1, max_size=3).map(tuple)
    return st.one_of(listed, listed, listed, st.just("auto"), rarely([(1, 2)], [None, 4, "all"]))


def maybe(strategy):
    return st.one_of(st.none(), st.none(), strategy)


DATASET = {
    "levels": sizes(),
    "image_size": rarely([16, 32, (32, 16), 24], [None, 0, 12, 64, (16,), "16", 2.5]),
    "steps_per_epoch": rarely([1, 2], [0, 1.5, None]),
    "coarsening": rarely(
        ["task", "degrade_first", "crop", "coarsen_and_crop"],
        ["auto", "resize", None, ("task", "crop")],
    ),
    "restriction": rarely(["average", "stride"], ["bicubic", None]),
    "flip": rarely([None, True, False], ["yes", 2]),
    "telescoping": rarely([True, True, False], [None, "no"]),
    "control_weights": maybe(rarely([(0.5,), (1.0, 0.5)], [0.5, (NAN,), "1"])),
    "refresh": maybe(rarely([(2, 1), (2, 2, 1)], [2, (1, 2), (0.5, 1)])),
    "seed": rarely([0, 7, -3], [1.5, 2**40, None]),
    "prefetch": rarely([0, 1, tf.data.AUTOTUNE], [-7, 0.5]),
    "cache_bytes": rarely([2**32, 0, 5000], [-1, None]),
    "max_bad_fraction": rarely([0.25, 0.0, 1.0], [-0.1, 2, NAN, "all"]),
}
OF_TASK = {
    "task": rarely(["denoising", "deblurring", "inpainting", "super_resolution"], ["colours"]),
    "mean": maybe(rarely([0.5, (0.4, 0.5, 0.6)], [(0.1, 0.2), NAN])),
    "std": maybe(rarely([0.5, (0.2, 0.3, 0.4)], [0.0, "wide"])),
}
OF_PAIRS = {
    "target": st.sampled_from(["image", "image", "map", "number", "vector", "larger", "two"]),
    "weight": st.sampled_from([None, None, "number", "column", "map"]),
    "rotate": rarely([False, True], ["left"]),
}
OF_MODEL = {
    "network": st.sampled_from(
        ["same", "same", "same", "normalized", "strided", "pooled", "two", "fixed", "unbuilt"]
    ),
    "loss": st.sampled_from(
        [
            *("mse", "mse", "mae", "binary_crossentropy", "sparse_categorical_crossentropy"),
            *("ssim", "sum", "listed", None),
        ]
    ),
    "loss_weights": maybe(rarely([1.0, [0.5]], [NAN, [NAN], [1.0, 2.0], {"a": 1.0}])),
    "fit": maybe(
        st.sampled_from(
            [
                *({"epochs": 1}, {"validation_freq": [2]}, {"initial_epoch": 1}),
                *({"epochs": 2.5}, {"epochs": None}, {"validation_freq": 0}),
                {"validation_steps": "all"},
            ]
        )
    ),
    "policy": rarely(["float32", "mixed_bfloat16", "mixed_float16"], ["float64"]),
    "learning_rate": rarely([1e-3, 0.1, lambda: 1e-3], [NAN, -1.0, lambda: NAN]),
    "schedule": st.sampled_from([None, None, "full", "full_short", "adaptive", "adaptive_nan"]),
    "run_eagerly": st.sampled_from([True, True, True, False]),
}
OF_IMAGES = {
    "count": rarely([1, 3, 6], [0]),
    "side": rarely([32, 40], [8, 33]),
    "channels": st.sampled_from([1, 3, 3]),
    "dtype": rarely(["float32", "uint8", "uint16", "float64", "float16"], ["int32", "bool"]),
    "bad": rarely([None], [NAN, np.inf, 7.0]),
    "source": st.sampled_from(["arrays", "list", "dataset", "generator"]),
}


@st.composite
def configurations(draw):
    """A dictionary of what is configured, of a task or of pairs."""
    with_task = draw(st.booleans())
    options = {**OF_IMAGES, **OF_MODEL, **DATASET, **(OF_TASK if with_task else OF_PAIRS)}
    return {name: draw(strategy) for name, strategy in options.items()}


def pictures(made):
    rng = np.random.default_rng(0)
    values = rng.random((made["count"], made["side"], made["side"], made["channels"]))
    scale = {"uint8": 255, "uint16": 65535, "int32": 9}.get(made["dtype"], 1)
    images = (scale * values).astype(made["dtype"])
    if made["bad"] is not None and made["count"] and images.dtype.kind == "f":
        images[0, 0, 0, 0] = made["bad"]
    return images


def examples(made):
    """Pairs, or triples with a weight."""
    x, count = pictures(made), made["count"]
    side = made["side"]
    targets = {
        "image": x,
        "map": (np.arange(count * side * side).reshape(count, side, side) % 3).astype("uint8"),
        "number": np.arange(count) % 2,
        "vector": np.eye(4, dtype="float32")[np.arange(count) % 4],
        "larger": np.repeat(np.repeat(x, 2, axis=1), 2, axis=2),
        "two": (x, np.arange(count, dtype="float32")),
    }
    weights = {
        "number": np.ones(count, "float32"),
        "column": np.ones((count, 1), "float32"),
        "map": np.ones((count, side, side), "float32"),
    }
    weight = () if made["weight"] is None else (weights[made["weight"]],)
    return x, targets[made["target"]], *weight


def source(made, data):
    """The data as people hand them over."""
    if made["source"] == "arrays":
        return data
    slices = tf.data.Dataset.from_tensor_slices(data)
    if made["source"] == "dataset":
        return slices
    if made["source"] == "list":
        return list(slices.as_numpy_iterator())
    return lambda: slices.as_numpy_iterator()


def dataset(made):
    options = {name: made[name] for name in DATASET}
    if "task" not in made:
        return keras_ms.MultiscaleDataset(
            source(made, examples(made)), rotate=made["rotate"], **options
        )
    images, way = pictures(made), made["source"]
    given = {"list": list, "dataset": tf.data.Dataset.from_tensor_slices}.get(way, np.asarray)
    task = keras_ms.tasks.get(made["task"])
    return keras_ms.MultiscaleDataset(
        given(images), task, mean=made["mean"], std=made["std"], **options
    )


class Unbuilt(keras_ms.MultiscaleModel):
    def __init__(self, channels):
        super().__init__()
        self.conv = keras.layers.Conv2D(channels, 3, padding="same")

    def call(self, x):
        return self.conv(x)


def network(made):
    layers, channels = keras.layers, made["channels"]
    kind, last = made["network"], 3 if "sparse" in str(made["loss"]) else channels
    if kind == "unbuilt":
        return Unbuilt(last)
    side = 32 if kind == "fixed" else None
    inputs = keras.Input((side, side, channels))
    hidden = layers.Conv2D(2, 3, 2 if kind == "strided" else 1, padding="same")(inputs)
    if kind == "normalized":
        hidden = layers.BatchNormalization()(hidden)
    outputs = layers.Conv2D(last, 3, padding="same", dtype="float32")(hidden)
    number = layers.Dense(1)(layers.GlobalAveragePooling2D()(hidden))
    if kind == "pooled":
        return keras_ms.MultiscaleModel(inputs, number)
    return keras_ms.MultiscaleModel(inputs, [outputs, number] if kind == "two" else outputs)


def compiled(made):
    loss = {
        "ssim": keras_ms.losses.NegativeSSIM(),
        "sum": keras.losses.MeanSquaredError(reduction="sum"),
        "listed": ["mse", "mae"],
    }.get(made["loss"], made["loss"])
    model = network(made)
    model.compile(
        keras.optimizers.SGD(made["learning_rate"]),
        loss,
        made["loss_weights"],
        run_eagerly=made["run_eagerly"],
    )
    return model


def schedule(made, data):
    depth, steps = data.levels.num_levels, data.steps_per_epoch
    if made["schedule"] == "full":
        return keras_ms.FullMultiscaleSchedule((steps,) * depth, steps_per_epoch=steps)
    if made["schedule"] == "full_short":
        return keras_ms.FullMultiscaleSchedule((steps, 2 * steps), steps_per_epoch=steps)
    if made["schedule"] == "adaptive":
        return keras_ms.AdaptiveSchedule(work_units=data.work_units(0) * 2 * steps)
    if made["schedule"] == "adaptive_nan":
        return keras_ms.AdaptiveSchedule(work_units=9.0, learning_rate=lambda share: NAN)
    return None


def train(made):
    """Two epochs of a step or two."""
    keras.config.set_dtype_policy(made["policy"])
    try:
        data = dataset(made)
        model, follows = compiled(made), schedule(made, data)
        options = {"epochs": 2, **(made["fit"] or {})}
        model.fit(data, callbacks=[follows] * bool(follows), verbose=0, **options)
    finally:
        keras.config.set_dtype_policy("float32")


def fault_of(made):
    """What is wrong with how a configuration ends; empty if it trains or is refused properly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            train(made)
        except ValueError as error:
            return "" if _names_something(str(error)) else f"nothing is named: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:600]}"
        finally:
            keras.utils.clear_session()
            gc.collect()
    return ""


def _names_something(message):
    return "Received" in message and any(
        re.search(rf"\b{name}", message, re.IGNORECASE) for name in NAMES
    )
