import types

import keras
import pytest
from conftest import Blur, small_images, small_net

import keras_ms
from apps.experiment.recording import Curve, Point, TrainingClock, crossing
from keras_ms.training import clock as clock_module


@pytest.fixture
def fit():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", metrics=["mae"])
    data = keras_ms.MultiscaleDataset(small_images(), Blur(), (2, 4), 32, steps_per_epoch=3)
    pairs = keras_ms.data.evaluation_pairs(small_images(), Blur(), 32, samples=4)

    def run(*callbacks, epochs=4, **options):
        model.fit(
            data, epochs=epochs, callbacks=[*callbacks], validation_data=pairs, verbose=0, **options
        )
        return model, pairs

    return run


def test_the_clock_stands_still_during_validation(fit, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock_module, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))

    class Time(keras.callbacks.Callback):
        """A second passes in every step, a hundred in every batch of validation."""

        def on_train_batch_begin(self, batch, logs=None):
            now[0] += 1.0

        def on_test_batch_begin(self, batch, logs=None):
            now[0] += 100.0

    clock = TrainingClock()
    curve = Curve(clock)
    fit(Time(), clock, curve, epochs=3)
    assert [point.seconds for point in curve.points] == [3.0, 6.0, 9.0]
    assert now[0] > 300.0


def test_curve_has_a_point_per_validation_with_its_cost(fit):
    clock = TrainingClock()
    curve = Curve(clock)
    model, pairs = fit(clock, curve, validation_freq=2)
    # 2 (1 + 1/4) + 4/4 = 3.5 WU a step, 3 steps an epoch.
    assert [point.work_units for point in curve.points] == [21.0, 42.0]
    curve.close(model, pairs)
    assert len(curve.points) == 2
    ends = model.evaluate(pairs, verbose=0, return_dict=True)
    assert curve.final.loss == pytest.approx(ends["loss"], rel=1e-6)


def test_close_validates_the_model_a_stopped_run_left(fit):
    clock = TrainingClock()
    curve = Curve(clock)
    model, pairs = fit(clock, curve, validation_freq=3)
    curve.close(model, pairs)
    assert [point.work_units for point in curve.points] == [31.5, 42.0]
    ends = model.evaluate(pairs, verbose=0, return_dict=True)
    assert curve.metrics[1] == pytest.approx({"mae": ends["mae"]}, rel=1e-6)
    assert curve.metrics[0].keys() == {"mae"}


def test_first_reaching():
    curve = Curve(TrainingClock())
    curve.points = [Point(1, 1, 0.5), Point(2, 2, 0.3), Point(3, 3, 0.4)]
    assert curve.first_reaching(0.4) == Point(2, 2, 0.3)
    assert curve.first_reaching(0.1) is None


def test_a_crossing_is_where_a_curve_comes_to_stay():
    points = [Point(1.0, 10.0, 1.0), Point(3.0, 30.0, 0.25)]
    assert crossing(points, 0.5) == pytest.approx(Point(2.0, 20.0, 0.5))
    assert crossing(points, 2.0) == points[0]
    assert crossing(points, 0.25) == pytest.approx(points[1])
    assert crossing(points, 0.1) is None
    assert crossing([], 1.0) is None
    back = [*points, Point(4.0, 40.0, 1.0), Point(6.0, 60.0, 0.25)]
    assert crossing(back, 0.5) == pytest.approx(Point(5.0, 50.0, 0.5))
    assert crossing(back[:-1], 0.5) is None
