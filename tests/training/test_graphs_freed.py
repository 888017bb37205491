"""A model that nobody holds any more leaves no graph behind, however it was trained."""

import gc

import keras
import numpy as np
import pytest
from conftest import pair_dataset
from tensorflow.python.framework.func_graph import FuncGraph

import keras_ms


class OwnStep(keras_ms.MultiscaleModel):
    """Steps as those of Keras's guides."""

    def train_step(self, data):
        return super().train_step(data)


def graphs():
    gc.collect()
    return sum(isinstance(one, FuncGraph) for one in gc.get_objects())


def trained(way):
    image = keras.Input((None, None, 3))
    cls = OwnStep if way == "own step" else keras_ms.MultiscaleModel
    model = cls(image, keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(image))
    scales = way == "scaled"
    optimizer = keras.optimizers.SGD(1e-3)
    model.compile(
        keras.mixed_precision.LossScaleOptimizer(optimizer) if scales else optimizer, "mse"
    )
    if way == "arrays":
        pictures = np.zeros((4, 8, 8, 3), "float32")
        return model.fit(pictures, pictures, verbose=0)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 4), steps_per_epoch=2)
    dataset = pair_dataset(telescoping=way != "own step")
    return model.fit(dataset, epochs=schedule.epochs, callbacks=[schedule], verbose=0)


@pytest.mark.parametrize("way", ["sums", "scaled", "own step", "arrays"])
def test_no_graph_stays(way):
    before = graphs()
    trained(way)
    assert graphs() == before
