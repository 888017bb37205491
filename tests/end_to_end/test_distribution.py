"""Two and four replicas on one machine train as one device does."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.path.insert(0, "tests")
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from conftest import Blur, small_images, small_net
import keras_ms

def data():
    return keras_ms.MultiscaleDataset(small_images(), Blur(), (2, 4, 8), 32, steps_per_epoch=2)

def new_model(strategy):
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model

def trained(strategy):
    model = new_model(strategy)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 4), steps_per_epoch=2)
    model.fit(data(), epochs=4, callbacks=[schedule], verbose=0)
    return model

def adapted(strategy):
    model = new_model(strategy)
    schedule = keras_ms.AdaptiveSchedule(work_units=200.0, measure=True)
    model.fit(data(), epochs=schedule.epochs, callbacks=[schedule], verbose=0)
    assert schedule.decisions[-1].finest == 0
    assert any(decision.measuring for decision in schedule.decisions)
    return model, [decision.stage for decision in schedule.decisions]

def same_weights(one, two):
    for a, b in zip(one.get_weights(), two.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)

both = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
same_weights(*map(trained, both))
for rows in (1, 9):  # the last batch, of one, has fewer than there are replicas
    pairs = [tf.constant(small_images(rows))] * 2
    held_out = tf.data.Dataset.from_tensor_slices(tuple(pairs)).batch(4)
    one, two = (new_model(strategy).evaluate(held_out, verbose=0) for strategy in both)
    np.testing.assert_allclose(one, two, rtol=1e-5)
(one, stages_of_one), (two, stages_of_two) = map(adapted, both)
assert stages_of_one == stages_of_two, (stages_of_one, stages_of_two)
same_weights(one, two)
one, two = (keras_ms.diagnose(new_model(strategy), data(), samples=8) for strategy in both)
np.testing.assert_allclose(one.variance, two.variance, rtol=1e-4)
assert two.replicas == 2 and all(size % 2 == 0 for size in two.batch_sizes), two.batch_sizes

with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
try:
    model.fit(keras_ms.MultiscaleDataset(small_images(), Blur(), (1, 4), 32, steps_per_epoch=2))
except ValueError as error:
    assert "batch_sizes=(1, 4), 2 replicas" in str(error), error
else:
    raise AssertionError("uneven batches were accepted")
print("same weights")
"""


RESUMED = """
import sys
sys.path.insert(0, "tests")
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4)
from conftest import pair_dataset, small_net
import keras_ms

class Stops(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise KeyboardInterrupt

class StopsWithin(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if int(np.asarray(self.model.optimizer.iterations)) == 6:  # 5 are saved
            raise KeyboardInterrupt

def trained(strategy, *callbacks):
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 4), steps_per_epoch=2)
    data = pair_dataset((4, 8, 16))
    callbacks = [schedule, *callbacks]
    history = model.fit(data, epochs=4, callbacks=callbacks, verbose=0, rehearse=False).history
    return [*model.get_weights(), *(history[name][-2:] for name in ("loss", "mae"))]

wanted = trained(tf.distribute.get_strategy())
strategy = tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(int(sys.argv[2]))])
if sys.argv[2] == "2":
    keeps, stops = keras.callbacks.BackupAndRestore(sys.argv[1]), Stops()
else:
    keeps, stops = keras_ms.callbacks.Checkpoint(sys.argv[1], 0.0, verbose=False), StopsWithin()
try:
    trained(strategy, stops, keeps)
except KeyboardInterrupt:
    pass
for one, other in zip(wanted, trained(strategy, keeps)):
    np.testing.assert_allclose(one[-len(other):], other, rtol=1e-4, atol=1e-6)
print("same weights")
"""


@pytest.mark.parametrize("replicas", ["2", "4"])
def test_mirrored_replicas_resume_and_equal_one_device(replicas, tmp_path):
    command = [sys.executable, "-c", RESUMED, str(tmp_path / "backup"), replicas]
    got = subprocess.run(command, capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-3000:]
    assert got.stdout.endswith("same weights\n")


@pytest.mark.smoke
def test_mirrored_strategy_equals_one_device():
    got = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-3000:]
    assert got.stdout.endswith("same weights\n")
