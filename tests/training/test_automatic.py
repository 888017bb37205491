import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images, small_net

import keras_ms


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


@pytest.mark.parametrize(
    ("size", "levels"), [(16, 1), (32, 2), (128, 4), (48, 2), (51, 1), ((64, 32), 2)]
)
def test_as_many_levels_as_leave_16_pixels(size, levels):
    data = dataset([np.zeros((128, 128, 3), np.uint8)], image_size=size)
    assert data.levels.num_levels == levels
    assert data.undecided


def test_fit_measures_and_decides_once(capsys):
    model, data = compiled(), dataset()
    history = model.fit(data, epochs=1, verbose=2).history
    assert not data.undecided
    assert "levels='auto'" in capsys.readouterr().out
    sizes = data.batch_sizes(0)
    assert data.work_units(0) == data.levels.step_work_units(0, sizes)
    assert data.work_units(0) < 16.0  # smooth images: two levels are cheaper
    assert history["work_units"] == [2 * data.work_units(0)]
    model.fit(data, epochs=1, verbose=2)
    assert data.batch_sizes(0) == sizes
    assert "levels='auto'" not in capsys.readouterr().out


def test_the_decision_is_optimal_batch_sizes_or_a_plain_batch():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(4)]
    data = dataset(noise)
    compiled().fit(data, epochs=1, verbose=0)
    assert data.batch_sizes(0) == (16,)  # levels that share nothing


def test_the_same_seeds_decide_alike_and_schedules_follow():
    first, second = dataset(), dataset()
    schedule = keras_ms.FullMultiscaleSchedule((2, 2), 2)
    history = compiled().fit(first, epochs=schedule.epochs, callbacks=[schedule], verbose=0).history
    compiled().fit(second, epochs=1, verbose=0)
    assert [first.batch_sizes(s) for s in (0, 1)] == [second.batch_sizes(s) for s in (0, 1)]
    assert first.batch_sizes(1) == (16,)
    assert history["work_units"][-1] == 2 * (first.work_units(0) + first.work_units(1))


def own_pairs():
    x = small_images(8)
    pairs = tf.data.Dataset.from_tensor_slices((x, 1.0 - x))
    return keras_ms.MultiscaleDataset(pairs, levels="auto", steps_per_epoch=2)


def test_own_pairs():
    data = own_pairs()
    assert data.levels.num_levels == 2
    compiled().fit(data, epochs=1, verbose=0)
    assert not data.undecided


def test_adaptive_runs_measure_by_themselves():
    schedule = keras_ms.AdaptiveSchedule(work_units=40.0)
    with pytest.raises(ValueError, match="measures by itself"):
        compiled().fit(own_pairs(), epochs=schedule.epochs, callbacks=[schedule], verbose=0)


def test_without_the_telescoping_sum_the_batches_are_plain():
    data = dataset(telescoping=False)
    compiled().fit(data, epochs=1, verbose=0)
    assert [data.batch_sizes(level) for level in (0, 1)] == [(16,), (16,)]


@pytest.mark.parametrize("levels", ["Auto", "", "4"])
def test_other_words_are_refused(levels):
    with pytest.raises(ValueError, match="or 'auto'"):
        keras_ms.MultiscaleDataset(
            small_images(), keras_ms.tasks.Denoising(), levels, 32, steps_per_epoch=1
        )


def test_decisions_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="for the stage of every level"):
        dataset().decide([(4, 8)])
    with pytest.raises(ValueError, match="Batch sizes are positive integers"):
        dataset().decide([(4, 8), (8, 16)])
    with pytest.raises(ValueError, match="`image_size` must be given"):
        dataset(image_size=None)
