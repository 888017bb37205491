import dataclasses
import importlib
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, GradientMoments, pair_dataset, small_images, small_net
from PIL import Image

import keras_ms
from keras_ms import LevelReport, diagnose
from keras_ms.diagnostics.coarse_problem import CoarseProblem
from keras_ms.diagnostics.coarse_report import CoarseReport, sight
from keras_ms.diagnostics.plots import save_plot
from keras_ms.diagnostics.rule import allocate_in_work_units
from keras_ms.diagnostics.seconds import seconds_by_level
from keras_ms.gradients.estimates import Estimates
from keras_ms.levels import Stage


def dataset(levels=(2, 4, 8), **options):
    return pair_dataset(levels, 4, **options)


def compiled():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    return model


def report(**changes):
    """A report with round figures: two levels, half the variance shared."""
    plain = LevelReport(
        mesh_sizes=((128, 128), (64, 64)),
        samples=(128, 256),
        variance=(1.0, 1.0),
        variance_error=(0.1, 0.1),
        difference=(0.01, 0.0),
        difference_error=(0.001, 0.0),
        correlation=(0.99,),
        cosine=(None,),
        squared_norm=(0.1, 0.1),
        squared_bias=(0.0, 0.02),
        squared_bias_error=(0.0, 0.01),
        seconds_per_sample=(0.01, 0.0025),
        fixed_seconds=(0.0, 0.0),
        work_units=(1.0, 0.25),
    )
    return dataclasses.replace(plain, **changes)


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
        monkeypatch.setattr(module, "estimate", lambda groups: estimates)
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


def test_figures_of_a_known_report():
    found = report()
    assert found.variances == ((1.0, 0.01), (1.0, 0.0))
    assert found.costs("work_units") == ((1.0, 1.25), (0.25, 0.25))
    wanted = (np.sqrt(0.01 * 1.25) + np.sqrt(0.25)) ** 2
    assert found.relative_costs("work_units") == pytest.approx((1.0, wanted))
    assert found.relative_costs() == pytest.approx((1.0, wanted))
    sizes, weights = found.batch_sizes, found.control_weights
    assert found.sampling_variance(sizes, weights) <= 1 / 16
    by_hand = (1.0 - 2.0 * 0.5 * 0.995 + 0.25) / 4 + 0.25 / 8
    assert found.sampling_variance((4, 8), (0.5,)) == pytest.approx(by_hand)
    assert found.sampling_variance((4, 8)) == pytest.approx(0.01 / 4 + 1.0 / 8)
    with pytest.raises(ValueError, match="Control weights are one finite number per pair"):
        found.sampling_variance((4, 8), (0.5, 0.5))
    assert found.seconds(sizes) == pytest.approx(0.0125 * sizes[0] + 0.0025 * sizes[1])
    assert found.seconds((16,)) == pytest.approx(0.16)
    assert "Use 2 levels" in found.advice
    assert f"{found.seconds(sizes) / 0.16:.2f} of its time" in found.advice
    for senseless in ((), (16, 32, 64), (16, 0)):
        for method in (found.seconds, found.sampling_variance):
            with pytest.raises(ValueError, match="Received: batch_sizes="):
                method(senseless)
    with pytest.raises(ValueError, match="unit='hours'"):
        found.costs("hours")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"difference": (3.0, 0.0)}, "two levels or more cost"),
        ({"fixed_seconds": (0.0, 1.0)}, "Single-scale is cheaper here"),
    ],
)
def test_single_scale_is_advised_where_it_is_cheaper(changes, why):
    found = report(**changes)
    assert found.batch_sizes == (16,)
    assert found.advice.startswith("Single-scale is cheaper here")
    assert why in found.advice


def test_control_weights_are_advised_with_the_batch_sizes_that_match_where_they_pay():
    noisy = report(difference=(0.8, 0.0), variance=(1.0, 3.0))  # covariance 1.6
    sizes, weights = noisy.batch_sizes, noisy.control_weights
    assert len(sizes) == 2
    assert 0.3 < weights[0] < 0.6
    assert noisy.relative_costs(weighted=True)[1] < 0.9 < noisy.relative_costs()[1]
    assert f"({sizes[0]}, {sizes[1]}) and control weights ({weights[0]:.2f})" in noisy.advice
    assert noisy.sampling_variance(sizes, weights) <= 1 / 16 < noisy.sampling_variance(sizes)
    assert f"{weights[0]:.2f}" in str(noisy)
    assert "control weights (" not in report().advice


def test_advice_can_be_trained_on(recwarn):
    noisy = report(difference=(0.8, 0.0), variance=(1.0, 3.0))
    options = {"control_weights": noisy.control_weights}
    data = dataset(noisy.batch_sizes, **options)
    assert data.batch_sizes() == noisy.batch_sizes
    plain = report(difference=(3.0, 0.0))
    dataset(plain.batch_sizes, control_weights=plain.control_weights)
    assert not [w for w in recwarn if "Batch sizes" in str(w.message)]


def test_replicas_divide_the_advice():
    assert all(n % 4 == 0 for n in report(replicas=4).batch_sizes)


def test_json_there_and_back(tmp_path):
    found, path = report(), tmp_path / "report.json"
    found.save(path)
    assert LevelReport.load(path) == found
    content = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert content["advice"] == found.advice
    assert tuple(content["advised_batch_sizes"]) == found.batch_sizes
    assert tuple(content["control_weights"]) == found.control_weights
    path.write_text("{}")
    with pytest.raises(ValueError, match="no LevelReport"):
        LevelReport.load(path)


def test_the_table_shows_every_level_and_the_advice():
    text, details = str(report()), report().told(details=True)
    for shown in (text, details):
        assert "128x128" in shown
        assert "64x64" in shown
        assert "…" not in shown  # nothing was cut off
        assert report().advice in shown
    assert "?" in details  # the cosine that noise left nothing of
    assert "corr" not in report().table()
    assert "corr" in report().table(details=True)
    assert all(len(line) <= 120 for line in report().table(details=True).splitlines())


def test_a_report_ends_in_what_to_paste():
    first, second = report().commands
    assert (first.strategy, second.strategy) == ("adaptive", "full_multiscale")
    assert first.batch_sizes == (4, 8)
    assert (second.batch_sizes, second.control_weights) == (report().batch_sizes, ())
    text = report().told(command="python -m apps.train --task=deblurring")
    assert f"python -m apps.train --task=deblurring {first.flags}\n" in text
    assert text.endswith(f"python -m apps.train --task=deblurring {second.flags}")
    assert second.python.splitlines()[-1] not in text.partition(second.why)[2]
    assert second.python.splitlines()[-1] in report().told(details=True).partition(second.why)[2]
    video = report(mesh_sizes=((8, 128, 128), (8, 64, 64)))
    assert [command.axes for command in (*video.commands, first)] == [(1, 2), (1, 2), None]
    biased = report(squared_bias=(0.0, 9.0), difference=(3.0, 0.0)).commands
    assert [command.strategy for command in biased] == ["single_scale"]


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
    assert [p.squared_bias for p in usual] == list(found.squared_bias[1:])
    assert [p.variance for p in usual] == list(found.variance[1:])
    assert [p.cost for p in found.coarse.problems] == [0.25, 0.0625] * 2 + [0.0625]
    assert found.commands[0].of_pairs
    found.save(tmp_path / "report.json")
    again = LevelReport.load(tmp_path / "report.json")
    assert again == found
    assert again.coarse.choices == found.coarse.choices
    assert diagnose(compiled(), dataset(), samples=8).coarse is None


def coarse(**changes):
    problems = [
        CoarseProblem(1, "task", 0.05, 0.0, 1.0, 0.25),
        CoarseProblem(1, "crop", 0.0, 0.0, 1.0, 0.25),
    ]
    made = CoarseReport(((128, 128), (64, 64)), tuple(problems), 1.0, 16, 5.0)
    return dataclasses.replace(made, **changes)


def test_what_the_network_sees_is_part_of_the_advice():
    crops = coarse().advice
    assert "by 'crop', error 0.25" in crops
    share = 1.0 - (54 / 64) ** 2
    assert "Your network sees 11 px: crops of 64x64 px" in crops
    assert f"where {share:.0%} of the pixels see the border" in crops
    assert "a gradient as good at 1/4 of the cost" in crops
    task = coarse(problems=coarse().problems[:1])
    assert "Your network sees 11 px: in images of 64x64 px" in task.advice
    assert "sees the whole image" in coarse(sees=np.inf).advice
    assert "is not known" in coarse(sees=None).advice
    assert coarse(sees=np.inf) == CoarseReport.of_json(
        json.loads(json.dumps(coarse(sees=np.inf).as_json()))
    )
    table = str(coarse())
    assert [line.split()[2] for line in table.splitlines() if line.endswith("<-")] == ["crop"]


def test_the_network_of_a_class_of_ones_own_sees_nobody_knows_what():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    assert sight(Subclassed()) is None
    assert sight(keras.Model(*small_net())) == 2.0


def test_plots(tmp_path):
    report().plot(tmp_path / "one.png")
    save_plot({"a": report(), "b": report(difference=(0.5, 0.0))}, tmp_path / "two.svg")
    picture = np.asarray(Image.open(tmp_path / "one.png").convert("L"))
    assert np.mean(picture < 128) > 0.01  # lines and words
    assert "relative to single-scale" in (tmp_path / "two.svg").read_text()


def test_a_report_shows_itself_in_a_line_in_a_notebook_and_as_a_figure(tmp_path):
    one = report()
    assert repr(one).startswith(f"<LevelReport of {one.num_levels} levels: --strategy=")
    shown = one._repr_html_()
    assert shown.count("<tr>") == 1 + one.num_levels
    assert one.advice.split(":")[0] in shown
    assert one.commands[0].flags in shown
    figure = one.plot()
    assert [axes.get_title() for axes in figure.axes][1] == "Cost at equal variance"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert one.plot(tmp_path / "levels.png").axes


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
    with pytest.raises(ValueError, match="not finite, or do not vary"):
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


def test_advice_suits_the_replicas_and_says_what_decides():
    assert report(replicas=3, difference=(3.0, 0.0)).batch_sizes == (18,)
    slow = report(fixed_seconds=(0.0, 1.0)).advice
    assert slow.startswith("Single-scale is cheaper here")
    assert "what a pass takes whatever its batch, outweigh" in slow


@pytest.fixture(scope="module")
def diagnosed():
    """A model, data, and what is found of them by many samples."""
    keras.utils.set_random_seed(7)
    data = keras_ms.MultiscaleDataset(
        small_images(200, 40), keras_ms.tasks.Denoising(t_range=(0.5, 1.0)), (2, 4, 8), 32, 300
    )
    model = compiled()
    return model, data, diagnose(model, data, samples=512)


@pytest.mark.parametrize(("sizes", "weights"), [((1, 2, 8), (0.9, 0.5)), ((2, 6), ()), ((4,), ())])
def test_steps_vary_as_predicted(sizes, weights, diagnosed):
    model, data, found = diagnosed
    recorder = keras_ms.MultiscaleModel(model.inputs, model.outputs)
    optimizer = GradientMoments()
    optimizer.build(recorder.trainable_variables)
    recorder.compile(optimizer, "mse", steps_per_execution=50)
    data = data.replaced(stages=(Stage(0, sizes, weights), *data.stages[1:]))
    recorder.fit(data, initial_epoch=4, epochs=5, verbose=0)  # from step 1200 on: other samples
    _, errors = optimizer.mean_and_error(300)
    variance = 300 * sum(np.sum(error**2) for error in errors)
    predicted = found.sampling_variance(sizes, weights or None)
    assert variance == pytest.approx(predicted, rel=0.25)


def masks_dataset(levels=(4, 8), **options):
    rng = np.random.default_rng(0)
    empty = rng.random((24, 1, 1, 1)) < 0.6
    y = np.where(empty, 0.0, rng.random((24, 16, 16, 1)) < 0.3).astype("float32")
    x = rng.random((24, 16, 16, 3)).astype("float32")
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=4, **options)


def with_dice():
    inputs = keras.Input((None, None, 3))
    made = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    model = keras_ms.MultiscaleModel(inputs, made)
    model.compile("sgd", keras.losses.Dice())
    return model


def test_losses_that_couple_samples_are_measured_and_advised_in_chunks(tmp_path):
    model, data = with_dice(), masks_dataset()
    found = diagnose(model, data, samples=32, batch_size=6)
    assert found.chunk == found.unit == 4
    assert found.samples == (64, 64)  # two chunks at least in each of eight groups
    assert all(size % 4 == 0 for size in found.batch_sizes)
    figures = {"variance": (1.0, 1.0), "difference": (0.05, found.difference[1])}
    seconds = {"seconds_per_sample": (1.0, 0.25), "fixed_seconds": (0.0, 0.0)}
    for batch in (64, 70, 80, 90):
        advised = dataclasses.replace(found, **figures, **seconds, batch_size=batch).batch_sizes
        assert len(advised) == 2
        assert advised[1] % advised[0] == 0  # or a run would refuse them
    assert "chunks of 4 samples" in str(found)
    # Of plain batches of 4, the variance is that of a sample over 4.
    gradients = []
    for batch in data.stage(0, batch_sizes=(4,)).take(60):
        x, y = batch.fine[0]
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x))
        variables = [v.value for v in model.trainable_variables]
        gradients.append(np.concatenate([np.ravel(g) for g in tape.gradient(loss, variables)]))
    wanted = 4.0 * np.var(gradients, axis=0, ddof=1).sum()
    assert found.variance[0] == pytest.approx(wanted, rel=0.5)
    found.save(tmp_path / "report.json")
    assert LevelReport.load(tmp_path / "report.json") == found


def test_reports_of_before_chunks_can_be_loaded(tmp_path):
    path = tmp_path / "report.json"
    report().save(path)
    content = json.loads(path.read_text())
    del content["chunk"]
    path.write_text(json.dumps(content))
    assert LevelReport.load(path) == report()
    del content["variance"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no LevelReport"):
        LevelReport.load(path)
