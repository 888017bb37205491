"""What a `fit` holds ends with it, however it ends."""

import gc
import weakref

import keras
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training.stage_iterators import Lent, StageIterators, itself


def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    return made


class Watch(keras.callbacks.Callback):
    """Keeps the run, and the iterator of the present stage; ends the `fit` in a way of its own."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def on_train_batch_end(self, batch, logs=None):
        self.run = weakref.ref(self.model.fit_run)
        self.lent = list(self.model.fit_run._iterators._there.values())
        if self.end == "stop":
            self.model.stop_training = True
        elif self.end == "interrupt":
            raise KeyboardInterrupt


@pytest.mark.parametrize("end", ["whole", "stop", "interrupt"])
def test_iterators_and_examples_end_with_the_fit(end):
    trained, data, watch = model(), pair_dataset(cache_bytes=0), Watch(end)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 2))
    examples = weakref.ref(data.pairs._store)
    try:
        trained.fit(data, epochs=3, callbacks=[schedule, watch], verbose=0)
    except KeyboardInterrupt:
        assert end == "interrupt"
    assert watch.lent
    for _, iterator in watch.lent:
        with pytest.raises(StopIteration):
            next(iterator)
    del data
    gc.collect()
    assert watch.run() is None
    assert examples() is None
    assert not hasattr(trained, "_eval_epoch_iterator") or trained._eval_epoch_iterator is None


def test_a_stage_keeps_its_iterator_from_epoch_to_epoch_and_gets_a_new_one_after_a_gap():
    made = []

    def make(stage, epoch):
        made.append((stage, epoch))
        return iter(range(epoch, epoch + 3))

    coarse, fine, iterators = Stage(1, (4,)), Stage(0, (2,)), StageIterators()
    first = iterators.of(coarse, 0, make)
    assert next(first) == 0
    assert iterators.of(coarse, 0, make) is iterators.of(coarse, 1, make) is first
    other = iterators.of(fine, 2, make)
    later = iterators.of(coarse, 3, make)
    assert made == [(coarse, 0), (fine, 2), (coarse, 3)]
    with pytest.raises(StopIteration):
        next(first)
    assert [next(other), next(later)] == [2, 3]
    iterators.end()
    assert list(other) == list(later) == []


def test_tensorflow_is_given_the_iterator_itself():
    iterator = iter((1, 2))
    assert itself(Lent(iterator)) is itself(iterator) is iterator
