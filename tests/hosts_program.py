"""What one of several hosts runs, and one process alone.

    python tests/hosts_program.py FOLDER whole,part,app

The host is the one that TF_CONFIG says. With the environment variable DIES_IN=N.K host DYING, by
default 1, is killed before step K of epoch N, by the signal BY, by default SIGKILL.
"""

import copy
import os
import pathlib
import signal
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from conftest import Blur, small_images, small_net

import keras_ms
from apps.experiment import distribution
from keras_ms.training.hosts import place_of

SCHEDULE = (2, 2, 4)
SIZES = (2, 4, 8)


def new_model(strategy):
    keras.utils.set_random_seed(3 + place_of(strategy).host)  # the chief's weights count
    with strategy.scope():
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    return model


def pairs():
    blurred, images = Blur().pair({"clean": tf.constant(small_images(14))})
    return np.asarray(blurred), np.asarray(images)


def whole():
    """The same data on every host."""
    return keras_ms.MultiscaleDataset(pairs(), levels=SIZES, steps_per_epoch=2, flip=True)


def part(index, count=2):
    """A host's own part of the data, with a task."""
    images = list(small_images(8))
    return keras_ms.MultiscaleDataset(
        images, Blur(), SIZES, 32, steps_per_epoch=2, shard=(index, count)
    )


def parts_together(count=2):
    """For one process, what hosts with a part each have together."""
    parts = [part(index, count) for index in range(count)]
    together = copy.copy(parts[0])
    together.shard = None

    def stage(finest=0, start=0, batch_sizes=None, *args, **kwargs):
        sizes = parts[0].batch_sizes(finest) if batch_sizes is None else batch_sizes
        own = tuple(size // count for size in sizes)
        streams = [one.stage(finest, start, own, *args, **kwargs) for one in parts]

        def joined(*batches):
            return tf.nest.map_structure(lambda *leaves: tf.concat(leaves, axis=0), *batches)

        return tf.data.Dataset.zip(tuple(streams)).map(joined)

    together.stage = stage
    return together


def validation():
    """Three batches, the last of one pair."""
    return tf.data.Dataset.from_tensor_slices(pairs()).take(9).batch(4)


def trained(strategy, data, callbacks=(), verbose=0):
    """Weights and validation losses of a model that is trained from coarse to fine."""
    model = new_model(strategy)
    schedule = keras_ms.FullMultiscaleSchedule(SCHEDULE, steps_per_epoch=2)
    history = model.fit(
        data,
        epochs=schedule.epochs,
        callbacks=[schedule, *callbacks],
        validation_data=validation(),
        verbose=verbose,
    ).history
    again = model.evaluate(validation(), verbose=0)[0]
    return model.get_weights(), history["loss"], [*history["val_loss"], again]


class Dies(keras.callbacks.Callback):
    """Kills the process before a step of an epoch, with no chance to say goodbye."""

    def __init__(self, epoch, step):
        super().__init__()
        self.epoch, self.step, self.present = epoch, step, None

    def on_epoch_begin(self, epoch, logs=None):
        self.present = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.present, batch) == (self.epoch, self.step):
            os.kill(os.getpid(), getattr(signal, os.environ.get("BY", "SIGKILL")))


def run_app(folder):
    from apps import train
    from apps.experiment.settings import Settings

    settings = Settings(
        distribute="multi_worker",
        task="super_resolution",
        network="espcn",
        batch_sizes=(2, 4),
        iterations=(1, 2),
        image_size=32,
        validation_samples=2,
        validations=1,
        output=str(folder / "app"),
    )
    train.run(settings)


def main(folder, wanted):
    strategy = distribution.strategy("multi_worker")
    place = place_of(strategy)
    if "app" in wanted:
        run_app(folder)
    own = folder / f"host{place.host}"
    backup = keras.callbacks.BackupAndRestore(str(own / "backup"), delete_checkpoint=False)
    by_step = keras_ms.callbacks.Checkpoint(own / "checkpoints", every_seconds=0.0)
    callbacks = [by_step if "steps" in wanted else backup]
    if "DIES_IN" in os.environ and place.host == int(os.environ.get("DYING", "1")):
        callbacks.append(Dies(*map(int, os.environ["DIES_IN"].split("."))))
    for kind in (kind for kind in wanted if kind != "app"):
        data, own = (part(*place), []) if kind == "part" else (whole(), callbacks)
        verbose = 2 if kind == "steps" else 0
        weights, losses, validated = trained(strategy, data, own, verbose)
        np.savez(folder / f"{kind}{place.host}.npz", *weights, loss=losses, val=validated)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2].split(","))
