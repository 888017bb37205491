"""What one of several hosts runs, and one process alone.

    python tests/hosts_program.py FOLDER whole,part,app

The host is the one that TF_CONFIG says. With the environment variable DIES_IN=N.K host DYING, by
default 1, is killed before step K of epoch N, by the signal BY, by default SIGKILL. The kinds
`app`, `killed` and `stopped` are runs of apps.train into folders of the same steps: one to its end,
one whose host 1 is killed within the last stage, and what goes on with that one, is asked to stop
by SIGTERM to host 1, and goes on again.
"""

import copy
import json
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


def trained(strategy, data, callbacks=()):
    """Weights and validation losses of a model that is trained from coarse to fine."""
    model = new_model(strategy)
    schedule = keras_ms.FullMultiscaleSchedule(SCHEDULE, steps_per_epoch=2)
    history = model.fit(
        data,
        epochs=schedule.epochs,
        callbacks=[schedule, *callbacks],
        validation_data=validation(),
        verbose=0,
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


def app_settings(output, **options):
    from apps.experiment.settings import Settings

    return Settings(
        distribute="multi_worker",
        task="super_resolution",
        network="espcn",
        batch_sizes=(2, 4),
        iterations=(8, 8),
        image_size=32,
        validation_samples=2,
        validations=4,
        output=str(output),
        **{"checkpoint_seconds": 1e-3, **options},
    )


def watched_app(losses, at=None, act=None):
    """Has runs of the app note the losses of epochs, and act once after a step of the optimizer."""
    from apps.experiment.recording import Curve

    end_of_step, end_of_epoch, done = Curve.on_train_batch_end, Curve.on_epoch_end, []

    def on_train_batch_end(self, batch, logs=None):
        end_of_step(self, batch, logs)
        if act is not None and not done and int(np.asarray(self.model.optimizer.iterations)) == at:
            done.append(1)
            act()

    def on_epoch_end(self, epoch, logs=None):
        end_of_epoch(self, epoch, logs)
        with open(losses, "a") as file:
            told = [float(value) for name, value in sorted(logs.items()) if "loss" in name]
            file.write(json.dumps([epoch, *told]) + "\n")

    Curve.on_train_batch_end, Curve.on_epoch_end = on_train_batch_end, on_epoch_end


def run_app(folder, host, kind):
    from apps import train
    from apps.experiment.stopping import StoppedError

    output = folder / ("app" if kind == "app" else "stopped")
    losses = folder / f"{output.name}{host}.txt"
    number = signal.SIGKILL if kind == "killed" else signal.SIGTERM
    at = {"app": None, "killed": 12, "stopped": 13}[kind]
    watched_app(losses, at, (lambda: os.kill(os.getpid(), number)) if host == 1 else None)
    if kind != "stopped":
        rare = {"checkpoint_seconds": 1e3} if kind == "app" else {}
        train.run(app_settings(output, **rare))
        return
    own_rate = {"learning_rate": 2e-3} if host == 1 else {}
    another_rate = {"learning_rate": 1e-4}
    for other, options in ((folder / "none", {}), (output, another_rate), (output, own_rate)):
        try:
            train.run(app_settings(other, resume="must", **options))
        except ValueError as error:
            print(f"refused: {error}", file=sys.stderr)
    try:
        train.run(app_settings(output))
    except StoppedError as stop:
        print(f"stopped: {stop.status} {stop}", file=sys.stderr)
    train.run(app_settings(output, resume="must"))


def main(folder, wanted):
    strategy = distribution.strategy("multi_worker")
    place = place_of(strategy)
    own = folder / f"host{place.host}"
    backup = keras.callbacks.BackupAndRestore(str(own / "backup"), 1, delete_checkpoint=False)
    callbacks = [backup]
    if "DIES_IN" in os.environ and place.host == int(os.environ.get("DYING", "1")):
        callbacks.append(Dies(*map(int, os.environ["DIES_IN"].split("."))))
    for kind in wanted:
        if kind in ("app", "killed", "stopped"):
            run_app(folder, place.host, kind)
            continue
        data, own = (part(*place), []) if kind == "part" else (whole(), callbacks)
        weights, losses, validated = trained(strategy, data, own)
        np.savez(folder / f"{kind}{place.host}.npz", *weights, loss=losses, val=validated)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2].split(","))
