"""`coarsening="auto"` on data that are made for one coarse problem, or for none."""

import math

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.diagnostics.candidates import others
from keras_ms.levels import Stage
from keras_ms.training import automatic, extent
from keras_ms.training.automatic import decide
from keras_ms.training.fit_run import FitRun

SIDE = 32


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Networks are measured as they are, without steps before, whatever a run is to take."""
    monkeypatch.setattr(automatic, "WARM_UP", 0)
    monkeypatch.setattr(extent, "MEASURING_SHARE", math.inf)


def world(pixels, middle, count=24):
    """Images of white noise, by pixels or by blocks, whose middle is fainter or not."""
    rng = np.random.default_rng(0)
    side = SIDE if pixels else SIDE // 8
    x = rng.standard_normal((count, side, side, 1)).astype("float32")
    x = x.repeat(SIDE // side, axis=1).repeat(SIDE // side, axis=2)
    if middle:
        x[:, SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] /= 3.0
    return x


def dataset(pixels, middle, **options):
    x = world(pixels, middle)
    options = {"levels": (4, 8), "steps_per_epoch": 1, "telescoping": False, **options}
    return keras_ms.MultiscaleDataset((x, x), coarsening="auto", **options)


def pixelwise():
    """A network that sees one pixel, on its way to being the identity.

    How loud pixels are decides by which of its weights it gets there.
    """
    inputs = keras.Input((None, None, 1))
    powers = keras.layers.Concatenate()([inputs, inputs**3])
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(1, 1, use_bias=False)(powers))
    model.set_weights([np.reshape([0.2, 0.0], (1, 1, 2, 1))])
    model.compile("sgd", "mse")
    return model


# Averages of noisy pixels are fainter, of blocks they are not; the middle is what crops see.
@pytest.mark.parametrize(
    ("pixels", "middle", "chosen"),
    [(True, False, "crop"), (False, True, "task"), (True, True, "plain")],
)
def test_the_coarse_problem_that_suits_the_data_is_chosen(pixels, middle, chosen):
    data = dataset(pixels, middle)
    found = decide(pixelwise(), data)
    (choice,) = found.choices
    assert choice.coarsening == chosen
    wanted = "task" if chosen != "crop" else ("task", "crop")
    assert found.dataset.coarsening == wanted
    assert found.stages == (Stage(0, (4,)), Stage(0, (4,)) if chosen == "plain" else Stage(1, (8,)))
    assert data.coarsening == "auto"  # and nobody has changed the dataset


def test_fit_says_so_once_and_schedules_do_without_the_level(capsys):
    data, model = dataset(True, True), pixelwise()
    schedule = keras_ms.FullMultiscaleSchedule((1, 1), 1)
    history = model.fit(data, epochs=2, callbacks=[schedule], verbose=2).history
    out = capsys.readouterr().out
    assert out.count("coarsening='auto': level 1, 16x16 px: better done without") == 1
    assert "level 0 in place of 1: 32x32 px" in out
    assert history["work_units"] == [4.0, 8.0]
    adaptive = keras_ms.AdaptiveSchedule(work_units=7.0)
    model.fit(data, epochs=adaptive.epochs, callbacks=[adaptive], verbose=0)
    assert [decision.finest for decision in adaptive.decisions] == [0]


def test_levels_and_coarsening_are_decided_together_by_the_one_rule():
    model = pixelwise()
    both = FitRun(model, dataset(False, True, levels="auto", telescoping=True))
    levels = keras_ms.MultiscaleDataset(
        (world(False, True),) * 2, levels="auto", steps_per_epoch=1, coarsening="task"
    )
    assert both.stages == FitRun(model, levels).stages
    assert len(both.told()) == len(FitRun(model, levels).told()) + 1


def test_networks_are_trained_a_little_before_and_are_what_they_were_after(monkeypatch):
    seen = []
    real = automatic.candidates.of_usual
    monkeypatch.setattr(
        automatic.candidates,
        "of_usual",
        lambda groups: seen.append(float(model.get_weights()[0].flat[0])) or real(groups),
    )
    monkeypatch.setattr(automatic, "WARM_UP", 5)
    model = pixelwise()
    decide(model, dataset(False, True))
    (trained,) = seen
    assert 0.22 < trained < 1.0  # on its way from .2 to the identity
    assert model.get_weights()[0].flat[0] == pytest.approx(0.2)
    assert int(model.optimizer.iterations) == 0


def test_one_level_has_no_coarse_problem():
    found = decide(pixelwise(), dataset(True, True, levels=(4,)))
    assert (found.choices, found.dataset.coarsening) == ((), "task")


def test_candidates_that_do_not_fit_are_left_out():
    def names(side, levels):
        x = world(False, False)[:, :side, :side]
        data = keras_ms.MultiscaleDataset((x, x), levels=levels, coarsening="auto")
        return [other.coarsening for other in others(data)]

    assert names(32, (4, 8, 8)) == ["crop", "coarsen_and_crop"]
    assert names(32, (4, 8)) == ["crop"]  # on two levels both of them are the usual one
    assert names(18, (4, 8)) == []  # a crop of 9 px would begin at half a pixel


@pytest.mark.parametrize("what", ["coarsening", "levels"])
def test_what_cannot_be_measured_before_the_first_step_is_refused(what):
    def of_numbers(y, made):  # not of symbols
        return keras.ops.mean(keras.ops.square(y - made)) * float(np.mean(y.numpy()) ** 0)

    model = pixelwise()
    model.compile("sgd", of_numbers, run_eagerly=True)
    data = dataset(True, False)
    if what == "levels":
        data = dataset(True, False, levels="auto").replaced(coarsening="task")
    with pytest.raises(ValueError, match=f"{what}='auto' measures gradients of a model"):
        model.fit(data, epochs=1, verbose=0)


@pytest.mark.parametrize("options", [{}, {"levels": "auto", "telescoping": True}])
def test_gradients_that_are_not_finite_choose_nothing(options):
    broken = pixelwise()
    broken.set_weights([np.full((1, 1, 2, 1), np.nan)])
    with pytest.raises(ValueError, match=r"auto'.*not finite. Received: a loss of nan on level"):
        decide(broken, dataset(False, False, **options))
    broken.compile("sgd", "mse")
    levels = dataset(False, False, **options).replaced(coarsening="task")
    if options:
        with pytest.raises(ValueError, match="levels='auto' measured what is not finite"):
            automatic.stages_for(broken, levels)
