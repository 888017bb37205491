"""What `diagnose` measures, of which models and data."""

import importlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, pair_dataset, small_images, small_net

import keras_ms
from keras_ms import LevelReport, diagnose
from keras_ms.diagnostics import candidates
from keras_ms.diagnostics.rule import allocate_in_work_units
from keras_ms.diagnostics.seconds import seconds_by_level
from keras_ms.gradients.estimates import Estimates


def dataset(levels=(2, 4, 8), **options):
    return pair_dataset(levels, 4, **options)


def compiled():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    return model


@pytest.mark.smoke
def test_a_report_of_every_level():
    found = diagnose(compiled(), dataset(), samples=16)
    assert found.num_levels == 3
    assert found.mesh_sizes == ((32, 32), (16, 16), (8, 8))
    assert found.samples == (16, 32, 64)
    assert found.work_units == (1.0, 0.25, 0.0625)
    for name in ("variance", "difference", "squared_bias", "seconds_per_sample"):
        assert len(getattr(found, name)) == 3
        assert np.all(np.isfinite(getattr(found, name)))
    assert min(found.seconds_per_sample) > 0.0 <= min(found.fixed_seconds)
    assert len(found.correlation) == len(found.cosine) == 2
    assert found.difference[2] == found.squared_bias[0] == 0.0
    assert 0.0 < found.variance_error[0] < found.variance[0]


def test_seconds_are_taken_where_steps_are_advised(monkeypatch):
    def found(difference):
        nothing = np.zeros(3)
        return Estimates(np.ones(3), difference, nothing[1:], nothing[1:], nothing, nothing)

    def timed(estimates):
        """The pairs of batch sizes, by level, that a diagnosis takes the time of."""
        taken = []

        def seconds(model, gradient, dataset, sizes, unit):
            taken.extend(sizes)
            return (0.01, 0.0025, 0.0006), (0.0,) * 3

        # By name it is the function that the package offers.
        module = importlib.import_module("keras_ms.diagnostics.diagnose")
        monkeypatch.setattr(candidates, "estimate", lambda groups: estimates)
        monkeypatch.setattr(module, "seconds_by_level", seconds)
        diagnose(compiled(), dataset(), samples=8, batch_size=16)
        return taken

    levels, alike = keras_ms.Levels((2, 4, 8)), found(np.array([0.01, 0.01, 0.0]))
    finest, *coarser = timed(alike)
    advised = allocate_in_work_units(alike, levels, 0, 16).batch_sizes
    assert len(advised) == 3
    assert finest == (16, advised[0])
    assert [large for large, _ in coarser] == [advised[0] + advised[1], advised[1] + advised[2]]
    # Where levels have nothing in common, no more than single-scale's batch.
    apart = found(np.array([2.0, 2.0, 0.0]))
    (large, small), *_ = timed(apart)
    assert (large, small) == (16, 4)


@pytest.mark.parametrize(("fixed", "per_sample"), [(0.02, 0.001), (0.0, 0.002)])
def test_seconds_are_a_line_through_two_batches(monkeypatch, fixed, per_sample):
    now = [0.0]
    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("keras_ms.diagnostics.seconds.time", clock)

    def gradient(batch):
        now[0] += fixed + per_sample * len(batch[0])
        return tf.zeros(()), tf.zeros((1,))

    slope, start = seconds_by_level(compiled(), gradient, dataset((2, 4)), [(16, 1), (32, 8)])
    assert slope == pytest.approx([per_sample] * 2)
    assert start == pytest.approx([fixed] * 2, abs=1e-9)


def test_a_model_that_does_not_fit_is_refused():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", keras.losses.MeanSquaredError(reduction="sum"))
    with pytest.raises(ValueError, match="reduction='sum'"):
        diagnose(model, dataset(), samples=8)


def test_numpy_integers_can_be_saved(tmp_path):
    found = diagnose(compiled(), dataset(), samples=np.int64(8), batch_size=np.int64(16))
    found.save(tmp_path / "report.json")
    assert LevelReport.load(tmp_path / "report.json") == found


def test_the_seconds_end_a_diagnosis():
    found = diagnose(compiled(), dataset(), samples=160, seconds=0.01)
    assert found.samples == (80, 160, 320)  # half of them


def test_a_diagnosis_of_progressive_data_is_that_of_all_its_levels():
    assert diagnose(compiled(), dataset(telescoping=False), samples=8).num_levels == 3


def test_coarse_problems_are_compared_where_the_dataset_leaves_the_choice(tmp_path):
    found = diagnose(compiled(), dataset(coarsening="auto"), samples=8)
    rows = [(p.level, p.coarsening) for p in found.coarse.problems]
    assert rows == [
        *((level, name) for name in ("task", "crop") for level in (1, 2)),
        (2, "coarsen_and_crop"),  # on level 1 it is the usual one
    ]
    assert found.coarse.sees == 2.0
    assert "Your network sees 5 px" in str(found)
    usual = [p for p in found.coarse.problems if p.coarsening == "task"]
    assert [p.squared_cosine for p in usual] == list(found.squared_cosine[1:])
    assert [p.squared_norm for p in usual] == list(found.squared_norm[1:])
    assert [p.variance for p in usual] == list(found.variance[1:])
    assert [p.cost for p in found.coarse.problems] == [0.25, 0.0625] * 2 + [0.0625]
    assert found.commands[0].of_pairs
    found.save(tmp_path / "report.json")
    again = LevelReport.load(tmp_path / "report.json")
    assert again == found
    assert again.coarse.choices == found.coarse.choices
    assert diagnose(compiled(), dataset(), samples=8).coarse is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 4}, "samples=4"),
        ({"samples": 16.0}, "samples=16.0"),
        ({"seconds": 0.0}, "seconds=0.0"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_senseless_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        diagnose(compiled(), dataset(), **options)


def test_models_and_data_without_anything_to_measure_are_refused():
    with pytest.raises(ValueError, match="MultiscaleDataset is needed"):
        diagnose(compiled(), np.zeros((4, 8, 8, 3)))
    with pytest.raises(ValueError, match="not compiled"):
        diagnose(keras_ms.MultiscaleModel(*small_net()), dataset())
    broken = compiled()
    broken.set_weights([np.full_like(w, np.nan) for w in broken.get_weights()])
    with pytest.raises(ValueError, match=r"`diagnose` measured what is not finite.*on level 0"):
        diagnose(broken, dataset(), samples=8)
    grey = [np.full((40, 40, 3), 0.7, np.float32)]
    same = keras_ms.MultiscaleDataset(grey, Blur(), (2, 4), 32, 4)
    with pytest.raises(ValueError, match="not finite, or do not vary"):
        diagnose(compiled(), same, samples=8)


def test_a_stock_keras_model_and_own_pairs_can_be_diagnosed():
    import tensorflow as tf

    x = small_images(8)
    pairs = tf.data.Dataset.from_tensor_slices((x, x, np.linspace(0.5, 1.5, 8).reshape(8, 1, 1)))
    model = keras.Model(*small_net())
    model.compile("sgd", "mae")
    data = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1)
    found = diagnose(model, data, samples=8)
    assert found.num_levels == 2
    assert found.variance[0] > 0.0


def test_a_subclass_and_two_inputs_can_be_diagnosed():
    class Subclassed(keras_ms.MultiscaleModel):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(3, 3, padding="same")

        def call(self, x):
            return self.conv(x["image"]) * (1.0 + x["noise_level"][:, None, None])

    model = Subclassed()
    model.compile("adam", "mse")
    task = keras_ms.tasks.Denoising(t_range=(0.5, 1.0), conditional=True)
    data = keras_ms.MultiscaleDataset(small_images(), task, (2, 4, 8), 32, 4)
    assert diagnose(model, data, samples=8).num_levels == 3


def test_compiled_by_xla_or_not_the_figures_are_the_same():
    found, wanted = [], []
    for jit_compile, figures in ((True, found), (False, wanted)):
        keras.utils.set_random_seed(7)
        model = compiled()
        model.compile("adam", "mse", jit_compile=jit_compile)
        figures.append(diagnose(model, dataset(), samples=8))
    (found,), (wanted,) = found, wanted
    np.testing.assert_allclose(found.variance, wanted.variance, rtol=1e-3)
    np.testing.assert_allclose(found.squared_bias, wanted.squared_bias, rtol=0.1, atol=1e-6)
