import types

import keras
import numpy as np
from conftest import small_images, small_net

import keras_ms
from apps.experiment import budget, timing


def test_calls_are_taken_in_turn(monkeypatch):
    now, calls = [0.0], []
    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(timing, "time", clock)

    def step(name, seconds):
        calls.append(name)
        now[0] += seconds

    timed = timing.interleaved(
        {"fast": lambda: step("fast", 0.25), "slow": lambda: step("slow", 1.0)}, 3, 1.0
    )
    assert timed["fast"].rounds == (0.25,) * 3
    assert timed["slow"].median == 1.0
    assert timing.ratio(timed["slow"], timed["fast"]) == 4.0
    warm_up = [*["fast"] * 3, *["slow"] * 3]
    assert calls == [*warm_up, *([*["fast"] * 4, "slow"] * 3)]


def compiled():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model


def data():
    return keras_ms.MultiscaleDataset(small_images(), keras_ms.tasks.Denoising(), (2, 4), 16, 1)


def test_steps_really_train_on_the_batch_in_memory():
    model = compiled()
    step = timing.training_step(model, timing.kept_in_memory(data().stage(0)))
    losses = [step()["loss"] for _ in range(30)]
    assert np.mean(losses[-5:]) < losses[0]
    assert int(model.optimizer.iterations) == 30


def test_every_stage_is_timed_by_steps_that_train(monkeypatch):
    monkeypatch.setattr(budget, "LONGEST", 60.0)
    monkeypatch.setattr(budget, "MOST_AT_ONCE", 3)
    model = compiled()
    starts, steps = budget.measure_steps(model, data(), range(2))
    assert len(starts) == len(steps) == 2
    assert min(starts) >= 0.0
    assert min(steps) > 0.0
    assert int(model.optimizer.iterations) == 2 * (1 + budget.TIMED_STEPS + 3)
