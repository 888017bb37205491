"""`describe()` of the user's own dataset tells, and shows, what the last `fit` on it trained."""

import copy
import gc
import weakref

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training import automatic

RNG = np.random.default_rng(0)
IMAGES = small_images(8)
MAPS = RNG.integers(0, 3, (8, 32, 32)).astype("float32")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Networks are measured as they are, without steps before."""
    monkeypatch.setattr(automatic, "WARM_UP", 0)


def dataset(y=MAPS, levels=(2, 4), **options):
    return keras_ms.MultiscaleDataset(
        (IMAGES, y), levels=levels, **{"steps_per_epoch": 1, **options}
    )


def fitted(data, loss="mse", channels=3, name="net", **options):
    inputs = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(channels, 1)(inputs), name=name)
    model.compile("sgd", loss)
    model.fit(data, **{"epochs": 1, "verbose": 0, "rehearse": False, **options})
    return data.describe()


def sparse():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)


def test_roles_and_chunks_are_those_of_the_last_fit(capsys):
    data = dataset()
    before = data.describe()
    assert before.lines[-1] == "no fit yet: its loss may take y for something else"
    found = fitted(data, sparse(), name="segmenter", verbose=2)
    printed = [line for line in capsys.readouterr().out.splitlines() if line in found.lines]
    assert printed == [*found.lines[:3], found.lines[-2]]  # Keras shows epochs itself
    assert found.roles["y"] == "class_map"
    assert found.lines[1].startswith("y: class map 32x32 of float32 (under sparse_categorical")
    assert found.lines[-2].endswith("taken in chunks of 2, the batch size of level 0")
    assert found.lines[-1] == (
        "as in the fit of segmenter: 1 epoch on 32x32, 16x16 in batches of 2, 4"
    )
    judged = data.judged_by({"y": ("class_map", "so it is")}).describe().picture
    np.testing.assert_array_equal(found.picture, judged)
    assert (found.picture != before.picture).any()

    found = fitted(data, "mse", channels=1, name="regressor")
    assert found.roles["y"] == "image"
    assert not [line for line in found.lines if line.startswith(("loss:", "no fit yet"))]
    assert found.lines[-1].startswith("as in the fit of regressor: ")
    np.testing.assert_array_equal(found.picture, before.picture)


def test_what_is_said_or_told_is_not_open():
    said = dataset(roles={"y": "class_map"}).describe()
    labels = dataset(np.arange(8)).describe()
    assert not [line for line in (*said.lines, *labels.lines) if "no fit yet" in line]


def test_with_a_task_there_is_less_to_tell():
    task = keras_ms.tasks.Denoising(t_range=(0.5, 1.0))
    data = keras_ms.MultiscaleDataset(IMAGES, task, (2,), 32, steps_per_epoch=1)
    found = fitted(data)
    assert found.lines == (
        "levels: 32x32 in batches of 2",
        "as in the fit of net: 1 epoch on 32x32 in batches of 2",
    )
    assert found.roles == {}


def test_batches_that_fit_measures_are_told_of_every_stage():
    data = dataset(IMAGES, levels="auto")
    assert "levels='auto': fit measures gradients and decides the batches" in data.describe().lines
    schedule = keras_ms.FullMultiscaleSchedule((1, 2), 1)
    lines = fitted(data, epochs=schedule.epochs, callbacks=[schedule]).lines
    stages, measured, last = lines[3:]
    assert stages.startswith("levels: 32x32, 16x16; from 32x32 on in batches of ")
    fine = measured.partition("batches of ")[2].partition(" on the finest")[0].split(" with ")[0]
    assert measured.startswith("levels='auto': batches of ")
    assert f"from 32x32 on in batches of {fine}" in stages
    coarse = stages.rpartition("in batches of ")[2]
    assert f"net: 2 epochs on 16x16 in batches of {coarse}; 1 epoch on 32x32" in last
    assert last.endswith(f"in batches of {fine}")


def test_coarse_problems_that_fit_chooses_are_told():
    data = dataset(IMAGES, coarsening="auto", telescoping=False)
    open_line = "coarsening='auto': fit measures gradients and decides; 'task' until then"
    assert open_line in data.describe().lines
    lines = fitted(data).lines
    assert open_line not in lines
    assert lines[-2].startswith("coarsening='auto': to compare coarse problems takes ")
    assert lines[-1] == "as in the fit of net: 1 epoch on 32x32 in batches of 2"


def test_it_is_told_within_a_fit_too_and_a_schedule_epoch_by_epoch():
    data, lines = dataset(), []
    look = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: lines.append(data.describe().lines[-1]),
        on_epoch_end=lambda epoch, logs: lines.append(data.describe().lines[-1]),
    )
    schedule = keras_ms.FullMultiscaleSchedule((1, 1), 1)
    fitted(data, channels=1, epochs=2, callbacks=[schedule, look])
    coarse, both = "1 epoch on 16x16 in batches of 4", "1 epoch on 32x32, 16x16 in batches of 2, 4"
    assert [line.partition(": ")[2] for line in lines] == [
        "no epoch has begun yet",
        coarse,
        f"{coarse}; {both}",
    ]


def test_a_fit_that_is_refused_leaves_what_was_there():
    data = dataset()
    with pytest.raises(ValueError, match="batch_size"):
        fitted(data, batch_size=3)
    assert data.last_fit is None


def test_copies_were_not_trained_on_and_nothing_is_kept_alive():
    data = dataset(MAPS.astype("uint8"))
    assert fitted(data, channels=1).roles["y"] == "image"
    for other in (copy.copy(data), copy.deepcopy(data), data.replaced(steps_per_epoch=2)):
        assert other.describe().roles["y"] == "class_map"
    gc.collect()
    gc.disable()
    try:
        alive = weakref.ref(data)
        del data
        assert alive() is None
    finally:
        gc.enable()


def test_stages_of_ones_own_are_described():
    data = dataset(IMAGES)
    stages = (Stage(0, (8, 16), (0.5,), (4, 1)), Stage(0, (8,)))
    made = data.replaced(steps_per_epoch=4, stages=stages).describe()
    assert made.lines[3] == (
        "levels: 32x32, 16x16; from 32x32 on in batches of 8, 16 with control weights 0.50, "
        "computed anew every 4, 1 steps; from 16x16 on as before"
    )
    assert data.describe().lines[3] == "levels: 32x32, 16x16 in batches of 2, 4"
