import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images, small_net

import keras_ms
from keras_ms.training.fit_run import FitRun


def dataset(images=None, **options):
    task = keras_ms.tasks.Denoising(t_range=(0.5, 1.0))
    options = {"image_size": 32, "steps_per_epoch": 2, **options}
    return keras_ms.MultiscaleDataset(
        small_images(12, 48) if images is None else images, task, "auto", **options
    )


def compiled():
    keras.utils.set_random_seed(1)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    return model


def decided(model, data):
    """The stages that `fit` would take."""
    return FitRun(model, data).stages


@pytest.fixture(scope="module")
def advised():
    """The stages that are decided on `dataset()`."""
    return decided(compiled(), dataset())


@pytest.mark.parametrize(
    ("size", "levels"), [(16, 1), (32, 2), (128, 4), (48, 2), (51, 1), ((64, 32), 2)]
)
def test_as_many_levels_as_leave_16_pixels(size, levels):
    data = dataset([np.zeros((128, 128, 3), np.uint8)], image_size=size)
    assert data.levels.num_levels == levels
    assert data.allocation == "measured"


def test_fit_measures_decides_and_says_so(capsys, advised):
    data, stages = dataset(), advised
    history = compiled().fit(data, epochs=1, verbose=2).history
    cost = data.levels.step_work_units(*stages[0][:2])
    sizes = ", ".join(str(size) for size in stages[0].batch_sizes)
    assert f"levels='auto': batches of {sizes} on the finest stage" in capsys.readouterr().out
    assert cost < 16.0  # smooth images: two levels are cheaper
    assert history["work_units"] == [2 * cost]
    assert data.allocation == "measured"  # and nobody has changed the dataset


def test_the_decision_is_optimal_batch_sizes_or_a_plain_batch():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(4)]
    assert decided(compiled(), dataset(noise))[0].batch_sizes == (16,)  # levels share nothing


def test_the_same_seeds_decide_alike_and_schedules_follow(advised):
    schedule = keras_ms.FullMultiscaleSchedule((2, 2), 2)
    data = dataset()
    history = compiled().fit(data, epochs=schedule.epochs, callbacks=[schedule], verbose=0).history
    assert advised[1].batch_sizes == (16,)
    cost = sum(data.levels.step_work_units(*stage[:2]) for stage in advised)
    assert history["work_units"][-1] == 2 * cost


def test_stages_that_were_measured_can_be_given_to_a_dataset(advised):
    fixed = dataset().replaced(stages=advised)
    assert fixed.allocation == "given"
    assert decided(compiled(), fixed) == fixed.stages


def own_pairs():
    x = small_images(8)
    pairs = tf.data.Dataset.from_tensor_slices((x, 1.0 - x))
    return keras_ms.MultiscaleDataset(pairs, levels="auto", steps_per_epoch=2)


def test_own_pairs():
    data = own_pairs()
    assert data.levels.num_levels == 2
    assert np.isfinite(compiled().fit(data, epochs=1, verbose=0).history["loss"][0])


def test_adaptive_runs_measure_by_themselves():
    schedule = keras_ms.AdaptiveSchedule(work_units=40.0)
    with pytest.raises(ValueError, match="decides batch sizes by itself"):
        compiled().fit(own_pairs(), epochs=schedule.epochs, callbacks=[schedule], verbose=0)


def test_without_the_telescoping_sum_the_batches_are_plain():
    stages = decided(compiled(), dataset(telescoping=False))
    assert [stage.batch_sizes for stage in stages] == [(16,), (16,)]


@pytest.mark.parametrize("levels", ["Auto", "", "4"])
def test_other_words_are_refused(levels):
    with pytest.raises(ValueError, match="or 'auto'"):
        keras_ms.MultiscaleDataset(
            small_images(), keras_ms.tasks.Denoising(), levels, 32, steps_per_epoch=1
        )


def test_without_a_size_there_is_nothing_to_halve():
    with pytest.raises(ValueError, match="`image_size` must be given"):
        dataset(image_size=None)
