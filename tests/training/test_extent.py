"""What a run is to take, and that measuring takes a small share of it or is left out."""

import math

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.levels import Levels
from keras_ms.training import automatic
from keras_ms.training.extent import Extent, comparing_work_units, extent_of, too_much

TASK = "coarsening='auto': to compare coarse problems takes"


def dataset(steps=2, side=16, **options):
    x = np.random.default_rng(0).random((12, side, side, 1), "float32")
    options = {"levels": (2, 4), "coarsening": "auto", "telescoping": False, **options}
    return keras_ms.MultiscaleDataset((x, x), steps_per_epoch=steps, **options)


def compiled():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 1))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(1, 3, padding="same")(inputs))
    model.compile("sgd", "mse")
    return model


# Steps cost 2 and 1 work units; with levels="auto" so much as 16 images of the stage's mesh.
@pytest.mark.parametrize(
    ("callbacks", "options", "expected"),
    [
        ([], {}, Extent(3 * 2 * (2 + 1) / 2)),
        ([], {"levels": "auto", "side": 32}, Extent(3 * 2 * (16 + 4) / 2)),
        ([keras_ms.FullMultiscaleSchedule((10, 20))], {}, Extent(10 * 2 + 20 * 1)),
        ([keras_ms.AdaptiveSchedule(work_units=7.0)], {}, Extent(work_units=7.0)),
        ([keras_ms.AdaptiveSchedule(seconds=7.0)], {}, Extent(seconds=7.0)),
    ],
)
def test_what_a_fit_is_to_take(callbacks, options, expected):
    data = dataset(**options)
    assert data.levels.num_levels == 2
    others = [keras.callbacks.TerminateOnNaN()]
    assert extent_of([*others, *callbacks], 3, data, plain=16) == expected


def test_the_cost_of_comparing_by_hand():
    # Groups of 4 and 8 pairs and, of each other candidate, of 16 images at a quarter.
    levels = Levels((2, 4))
    pairs = 4 * (1 + 1 / 4) + 8 / 4
    assert comparing_work_units(levels, 1, 4, 8, 100) == 100 + 8 * (pairs + 16 / 4)


@pytest.mark.parametrize(
    ("extent", "why"),
    [
        (Extent(2000.0), ""),
        (Extent(1999.0), "takes 100 work units, more than a twentieth of the run's 1,999"),
        (Extent(seconds=200.0), ""),
        (Extent(seconds=199.0), "takes more than a twentieth of the run's 199 s"),
    ],
)
def test_measuring_takes_a_twentieth_at_most(extent, why):
    assert too_much(100.0, extent) == why


@pytest.mark.parametrize("of_seconds", [False, True])
def test_a_short_run_keeps_the_usual_coarse_problem_says_so_and_pays_nothing(of_seconds, capsys):
    def trained(coarsening):
        budget = {"seconds": 0.5} if of_seconds else {"work_units": 6.0}
        schedule = keras_ms.AdaptiveSchedule(**budget)
        model, data = compiled(), dataset(coarsening=coarsening)
        fitted = {"epochs": schedule.epochs, "callbacks": [schedule], "verbose": 2}
        model.fit(data, **fitted)
        return model.get_weights()

    weights = trained("auto")
    assert capsys.readouterr().out.count(TASK) == 1
    if not of_seconds:
        for one, other in zip(weights, trained("task"), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("pays", [False, True])
def test_seconds_are_foretold_by_some_steps_that_are_taken_back(pays, monkeypatch):
    asked, room = [], math.inf if pays else 1.0
    monkeypatch.setattr(
        automatic._Comparison,
        "affordable",
        lambda self, seconds: asked.append(seconds) or self._train(2) or room,
    )
    monkeypatch.setattr(automatic, "WARM_UP", 1)
    model = compiled()
    before = model.get_weights()
    found = automatic.decide(model, dataset(), extent=Extent(seconds=1000.0))
    assert asked == [1000.0]
    assert bool(found.choices) == pays
    assert found.lines[0].startswith("coarsening='auto': level 1" if pays else TASK)
    assert found.dataset.coarsening != "auto"
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_pace_of_a_model_is_measured():
    model = compiled()
    keras_ms.gradients.per_sample.build_for_gradients(model, dataset())
    comparison = automatic._Comparison(model, dataset(), keras_ms.gradients.chunks.WHOLE)
    assert 0.0 < comparison.affordable(1.0) < math.inf
