"""A training run that kills itself, or not: `python tests/faults/victim.py SUBJECT FOLDER KILL`.

SUBJECT is `library` (a `fit` with a Checkpoint) or `app` (apps.train). KILL says where SIGKILL
falls: `none`; `step:N`, after the optimizer's step N; `write:N:PART`, within the write of the
process's checkpoint N, of which that part is on the disk; `rename:N`, when that checkpoint has its
name and the old one still has its own; `export:SECONDS`, so long after the export begins;
`exported`, when the model is whole and does not have its name yet.
"""

import os
import pathlib
import signal
import sys
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 4
ITERATIONS = (8, 8, 12)  # finest first
APP = (
    *("--batch_sizes=1,2,4", "--iterations=8,12,20", "--image_size=32", "--width=4"),
    *("--dtype_policy=float32", "--validation_samples=4", "--validations=6"),
    *("--compare=single_scale", "--single_scale_batch=2", "--checkpoint_seconds=0.3"),
    *("--network=unet", "--multipliers=1,2", "--dropout=0.5"),
)


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60.0)


def at_step(wanted):
    from keras_ms.training.run_callbacks import CostLog

    own = CostLog.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        own(self, batch, logs)
        if int(self.model.optimizer.iterations) >= wanted:
            die()

    CostLog.on_train_batch_end = on_train_batch_end
    CostLog.async_safe = False


def in_write(wanted, part):
    import numpy as np

    own, count = np.savez, [0]

    def savez(path, **arrays):
        own(path, **arrays)
        count[0] += 1
        if count[0] == wanted:
            os.truncate(path, int(part * os.path.getsize(path)))
            die()

    np.savez = savez


def after_rename(wanted):
    from keras_ms import safe_files

    own, count = safe_files.put, [0]

    def put(made, path):
        own(made, path)
        count[0] += path.name.startswith("checkpoint-")
        if count[0] == wanted:
            die()

    safe_files.put = put


def in_export(seconds):
    import tensorflow as tf

    own = tf.saved_model.save

    def save(*args, **kwargs):
        if seconds is None:
            own(*args, **kwargs)
            die()
        threading.Timer(seconds, die).start()
        own(*args, **kwargs)
        time.sleep(60.0)

    tf.saved_model.save = save


def prepare(kill):
    name, *numbers = kill.split(":")
    if name == "step":
        at_step(int(numbers[0]))
    elif name == "write":
        in_write(int(numbers[0]), float(numbers[1]))
    elif name == "rename":
        after_rename(int(numbers[0]))
    elif name == "export":
        in_export(float(numbers[0]))
    elif name == "exported":
        in_export(None)
    elif name != "none":
        raise ValueError(f"There is no such kill. Received: {kill}.")


def library(folder):
    """Trains a small network with dropout through three stages, and writes its weights."""
    import keras
    import numpy as np

    import keras_ms

    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(inputs)
    outputs = keras.layers.Conv2D(3, 3, padding="same")(keras.layers.Dropout(0.5)(hidden))
    model = keras_ms.MultiscaleModel(inputs, outputs)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, sum(ITERATIONS))
    model.compile(keras.optimizers.Adam(rate), "mse")
    images = np.random.default_rng(0).random((12, 32, 32, 3)).astype("float32")
    data = keras_ms.MultiscaleDataset((images, images), levels=(2, 3, 4), steps_per_epoch=STEPS)
    schedule = keras_ms.FullMultiscaleSchedule(ITERATIONS, STEPS)
    checkpoint = keras_ms.callbacks.Checkpoint(folder / "checkpoints", every_seconds=0.0)
    options = {"epochs": schedule.epochs, "verbose": 0, "rehearse": False}
    history = model.fit(data, callbacks=[schedule, checkpoint], **options).history
    names = [f"w{index}" for index in range(len(model.get_weights()))]
    made = dict(zip(names, model.get_weights(), strict=True))
    np.savez_compressed(folder / "end.npz", loss=history["loss"], **made)


def app(folder):
    """Runs apps.train as the command line does."""
    sys.argv = ["train", *APP, f"--output={folder / 'out'}"]
    from apps import train

    train.main()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    subject, folder, kill = sys.argv[1:4]
    prepare(kill)
    {"library": library, "app": app}[subject](pathlib.Path(folder))
