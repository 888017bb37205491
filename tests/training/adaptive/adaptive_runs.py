"""Small adaptive runs, for the tests of this folder."""

import keras
from conftest import pair_dataset, small_net

import keras_ms


def dataset(levels=(2, 4, 8), steps=4, **options):
    return pair_dataset(levels, steps, **options)


def new_model(rate=1e-2, **options):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.Adam(rate), "mse", **options)
    return model


def fit(schedule, model=None, data=None, epochs=None, callbacks=(), **options):
    model = model or new_model()
    history = model.fit(
        data or dataset(),
        epochs=epochs or schedule.epochs,
        callbacks=[*callbacks, schedule],
        verbose=0,
        **options,
    )
    return model, history.history


def reasons(schedule):
    return [decision.reason for decision in schedule.decisions]


class KilledError(Exception):
    pass


class Kill(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at and batch == 1:
            raise KilledError

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
