"""A script that trains on a generator exits, however its run ends."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

SCRIPT = """
import signal, sys
import keras
import numpy as np
import tensorflow as tf
import keras_ms

def generate():
    rng = np.random.default_rng(0)
    for _ in range(96):
        image = rng.random((32, 32, 3), dtype="float32")
        yield image, image

spec = (tf.TensorSpec((32, 32, 3)), tf.TensorSpec((32, 32, 3)))
pairs = tf.data.Dataset.from_generator(generate, output_signature=spec)
inputs = keras.Input((None, None, 3))
model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs))
model.compile("adam", "mse")
data = keras_ms.MultiscaleDataset(pairs, levels=(4, 8, 16), steps_per_epoch=10)
left = iter(data.stage(0))  # nobody ends it
next(left)
schedule = keras_ms.FullMultiscaleSchedule((10, 20, 40), steps_per_epoch=10)
validates = {"validation_data": pairs.batch(8)}

class Interrupt(keras.callbacks.Callback):
    several_steps_safe = True
    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch == 5
    def on_train_batch_end(self, batch, logs=None):
        if self.now and "stage" in sys.argv:
            signal.raise_signal(signal.SIGINT)

model.fit(data, epochs=7, callbacks=[schedule, Interrupt()], verbose=0, **validates)
print("the last line")
"""


@pytest.mark.parametrize("interrupted", ["never", "stage"])
def test_a_script_exits(interrupted):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, interrupted],
        capture_output=True,
        text=True,
        timeout=300,  # of a process that never ends
        env=environment,
        check=False,
    )
    if interrupted == "never":
        assert (done.returncode, done.stdout[-14:]) == (0, "the last line\n"), done.stderr[-2000:]
    else:
        assert done.returncode != 0
        assert "KeyboardInterrupt" in done.stderr
        assert "the last line" not in done.stdout
