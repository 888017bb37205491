"""Every strategy ends with the weights that it ended with when they were recorded.

A change that is to change no behaviour must leave these alone, bit for bit. Sums round differently
on other processors, so bits are compared where a fixed small calculation gives the recorded bits,
and a few numbers everywhere. Progressive resizing has sides that two processors round differently
where that calculation does not, so it has two records.
To record anew: `python tests/end_to_end/test_same_weights.py`.
"""

import hashlib
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps import strategies
from apps.experiment import building
from apps.experiment.settings import Settings

RECORD = pathlib.Path(__file__).parents[1] / "recorded" / "weights.json"
STEPS = 20


def settings_of(strategy):
    """Four levels, 64 to 8 px, and 20 steps, dealt out to the stages if there are any."""
    staged = strategy in ("full_multiscale", "progressive")
    budgets = {"adaptive": 1.7, "progressive_resizing": 14.0}  # work units that buy them
    return Settings(
        strategy=strategy,
        batch_sizes=(1, 2, 3, 4),
        single_scale_batch=2,
        iterations=(2, 4, 6, 8) if staged else (STEPS,) * 4,
        work_units=budgets.get(strategy),
        validations=2,
        image_size=64,
        width=4,
        dtype_policy="float32",
        validation_samples=4,
    )


def pictures():
    """Two smooth pictures and one that is not, always the same."""
    rng = np.random.default_rng(0)
    fine = rng.random((1, 80, 90, 3))
    coarse = np.kron(rng.random((2, 8, 9, 3)), np.ones((1, 10, 10, 1)))
    return [np.round(255.0 * image).astype(np.uint8) for image in (*coarse, *fine)]


def trained(strategy):
    images, settings = pictures(), settings_of(strategy)
    validation = building.make_validation(settings, images[:1])
    model = strategies.get(strategy).train(settings, images, validation).model
    weights = [np.asarray(value) for value in model.get_weights()]
    flat = np.concatenate([value.ravel() for value in weights]).astype(np.float32)
    return int(model.optimizer.iterations), flat


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values, np.float32).tobytes()).hexdigest()[:16]


def arithmetic():
    """Digest of a convolution and its gradient: alike where processors round alike."""
    rng = np.random.default_rng(1)
    image = tf.constant(rng.normal(size=(2, 24, 24, 4)).astype(np.float32))
    kernel = tf.Variable(rng.normal(size=(3, 3, 4, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        made = tf.nn.leaky_relu(tf.nn.conv2d(image, kernel, 1, "SAME"))
        loss = tf.reduce_mean(tf.square(made))
    return digest(np.append(np.ravel(tape.gradient(loss, kernel)), loss))


def summary(flat):
    """Projections on fixed directions, which no change of the weights leaves alone."""
    directions = np.random.default_rng(2).normal(size=(4, flat.size)) / np.sqrt(flat.size)
    return (directions @ flat.astype(np.float64)).tolist()


RECORDED = json.loads(RECORD.read_text())


@pytest.mark.parametrize("strategy", RECORDED["strategies"])
def test_weights_are_those_on_record(strategy):
    wanted = RECORDED["strategies"][strategy]
    steps, flat = trained(strategy)
    assert steps == wanted["steps"]
    np.testing.assert_allclose(summary(flat), wanted["summary"], rtol=1e-3, atol=1e-4)
    if arithmetic() == RECORDED["arithmetic"]:
        assert digest(flat) in wanted["digests"]


if __name__ == "__main__":
    found = {}
    for name in strategies.names():
        keras.utils.clear_session()
        count, values = trained(name)
        found[name] = {"steps": count, "digests": [digest(values)], "summary": summary(values)}
    content = {"arithmetic": arithmetic(), "strategies": found}
    RECORD.write_text(json.dumps(content, indent=1) + "\n")
