"""`apps.train` when it is stopped, is killed or diverges: nothing is lost, nothing wrong kept."""

import json
import os
import signal
import types

import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps import strategies, train
from apps.experiment import building, plots
from apps.experiment.recording import Curve
from apps.experiment.settings import Settings
from apps.experiment.stopping import StoppedError
from apps.strategies import kept_run
from keras_ms.training.snapshots import Snapshots

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (8, 8),
    "image_size": 16,
    "width": 4,
    "dtype_policy": "float32",
    "validation_samples": 4,
    "validations": 4,
    "checkpoint_seconds": 1e-3,
}


class KilledError(Exception):
    """What a kill looks like from within: nothing is tidied up but what Python closes."""


def settings(folder, **options):
    return Settings(output=str(folder), **{**TINY, "strategy": "full_multiscale", **options})


def at_step(monkeypatch, wanted, act):
    """Acts once, after a step of the optimizer."""
    own, done = Curve.on_train_batch_end, []

    def on_train_batch_end(self, batch, logs=None):
        own(self, batch, logs)
        if not done and int(self.model.optimizer.iterations) >= wanted:
            done.append(1)
            act()

    monkeypatch.setattr(Curve, "on_train_batch_end", on_train_batch_end)


def kill():
    raise KilledError


def losses(folder, strategy="full_multiscale"):
    content = json.loads((folder / "curves.json").read_text())
    return [(p["work_units"], p["loss"]) for p in content["curves"][strategy]]


def exported(folder):
    variables = tf.train.load_checkpoint(str(folder / "model" / "variables" / "variables"))
    names = variables.get_variable_to_shape_map()
    return {n: variables.get_tensor(n) for n in names if n.startswith("variables_")}


def assert_same_files(folder, other, strategy="full_multiscale"):
    assert losses(folder, strategy) == losses(other, strategy)
    mine, theirs = exported(folder), exported(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name])
    names = ({path.name for path in of.iterdir()} for of in (folder, other))
    assert next(names) == next(names)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train.run(settings(folder))
    return folder


def test_a_killed_run_goes_on_with_the_same_command(tmp_path, monkeypatch, capsys, whole):
    at_step(monkeypatch, 11, kill)
    with pytest.raises(KilledError):
        train.run(settings(tmp_path))
    assert (tmp_path / "checkpoints" / "run.json").exists()
    with pytest.raises(ValueError, match=r"--learning_rate=0.001, it was 0.003.*--resume=never"):
        train.run(settings(tmp_path, learning_rate=1e-3))
    capsys.readouterr()
    train.run(settings(tmp_path, resume="must"))
    out = capsys.readouterr().out
    assert "Going on on stage 2 of 2 (level 0, 16x16 px, batches of 2, 4): " in out
    assert "10 steps done, from " in out
    assert "Its weights are those of validation " in out
    assert_same_files(tmp_path, whole)
    with pytest.raises(ValueError, match="--resume=must goes on with a run that has not ended"):
        train.run(settings(tmp_path, resume="must"))


def test_a_signal_saves_exports_and_leaves(tmp_path, monkeypatch, whole):
    number = signal.SIGTERM
    at_step(monkeypatch, 6, lambda: os.kill(os.getpid(), number))
    with pytest.raises(StoppedError, match="stopped in full_multiscale, which goes on") as stop:
        train.run(settings(tmp_path))
    assert stop.value.status == 128 + number
    assert "has the weights of validation " in str(stop.value)
    content = json.loads((tmp_path / "curves.json").read_text())
    assert content["unfinished"] == ["full_multiscale"]
    assert keras_ms.inference.load(tmp_path / "model").channels == 3
    before, model = losses(tmp_path), exported(tmp_path)
    with monkeypatch.context() as patch:  # when it starts, before it has its weights back
        patch.setattr(Snapshots, "newest", interrupted(Snapshots.newest))
        with pytest.raises(StoppedError, match="has the weights of validation "):
            train.run(settings(tmp_path))
    assert losses(tmp_path) == before
    for name, value in exported(tmp_path).items():
        np.testing.assert_array_equal(value, model[name])
    with monkeypatch.context() as patch:
        patch.setattr(plots, "save_sheet", full)
        with pytest.raises(ValueError, match=r"restored\.png.*The same command writes it"):
            train.run(settings(tmp_path))
    at_step(monkeypatch, 0, kill)  # nothing is trained again
    train.run(settings(tmp_path))
    assert_same_files(tmp_path, whole)


def interrupted(own):
    def newest(self):
        signal.raise_signal(signal.SIGINT)
        return own(self)

    return newest


def test_an_untrained_network_is_nothing_to_export():
    strategy = strategies.get("full_multiscale")
    untrained = types.SimpleNamespace(optimizer=types.SimpleNamespace(iterations=0))
    strategy.saving = types.SimpleNamespace(model=untrained, curve=Curve(None))
    assert kept_run.unfinished_outcome(Settings(), strategy, validation=()) is None


def full(rows, path):
    raise OSError(28, "No space left on device", str(path))


def test_what_has_ended_is_written_and_not_trained_again(tmp_path, monkeypatch):
    options = {"strategy": "single_scale", "compare": ("progressive_resizing",)}
    train.run(settings(tmp_path / "whole", **options))
    seen = []

    def kill_in_the_second(self, batch, logs=None):
        seen.append(int(self.model.optimizer.iterations))
        if "resolution" in logs and logs["resolution"] < 16 and seen[-1] == 12:
            kill()

    own = Curve.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(Curve, "on_epoch_end", lambda s, e, logs=None: own(s, e, logs))
        patch.setattr(Curve, "on_train_batch_end", own_then(kill_in_the_second))
        with pytest.raises(KilledError):
            train.run(settings(tmp_path / "out", **options))
    assert losses(tmp_path / "out", "single_scale") == losses(tmp_path / "whole", "single_scale")
    assert exported(tmp_path / "out")
    steps = []
    monkeypatch.setattr(
        Curve, "on_train_batch_end", own_then(lambda s, b, logs: steps.append(logs["work_units"]))
    )
    train.run(settings(tmp_path / "out", **options))
    assert steps[0] == 11 * 2 * 0.25  # from the tenth step of the second one on
    for strategy in ("single_scale", "progressive_resizing"):
        assert_same_files(tmp_path / "out", tmp_path / "whole", strategy)


def own_then(more, own=Curve.on_train_batch_end):
    def on_train_batch_end(self, batch, logs=None):
        own(self, batch, logs)
        more(self, batch, logs)

    return on_train_batch_end


def test_a_rate_that_explodes_exports_nothing(tmp_path, capsys):
    with pytest.raises(
        ValueError, match=r"Training diverged: .*\d: no model|Training diverged"
    ) as found:
        train.run(settings(tmp_path, learning_rate=1e3))
    assert "Received: stage 1 of 2 (level 1, 8x8 px" in str(found.value)
    assert not (tmp_path / "model").exists()


class Poisoned:
    """Makes weights NaN at a step, of runs whose rate is as large as it was."""

    def __init__(self, monkeypatch, step, below=0.0):
        own = building.make_model
        self.rates = []

        def make_model(problem, learning_rate):
            model = own(problem, learning_rate)
            self.rates.append(problem.learning_rate)
            if problem.learning_rate <= below:
                return model
            step_of = type(model).train_step

            def train_step(data):
                logs = step_of(model, data)
                now = tf.equal(model.optimizer.iterations.value, step)
                bad = tf.where(now, np.float32("nan"), 0.0)
                model.trainable_variables[-1].assign_add(
                    bad + tf.zeros_like(model.trainable_variables[-1].value)
                )
                return logs

            object.__setattr__(model, "train_step", train_step)
            return model

        monkeypatch.setattr(building, "make_model", make_model)


def test_nan_keeps_the_best_so_far(tmp_path, monkeypatch):
    Poisoned(monkeypatch, 13)
    with pytest.raises(ValueError, match=r"weights are not finite.*stage 2 of 2.*batch") as found:
        train.run(settings(tmp_path))
    assert "has the weights of validation" in str(found.value)
    restorer = keras_ms.inference.load(tmp_path / "model")
    assert np.all(np.isfinite(restorer(np.ones((1, 8, 8, 3), "float32"))))
    content = json.loads((tmp_path / "curves.json").read_text())
    assert content["unfinished"] == ["full_multiscale"]
    assert content["exported"]["full_multiscale"]["loss"] > 0


def test_it_rolls_back_with_half_the_rate(tmp_path, monkeypatch, capsys):
    poisoned = Poisoned(monkeypatch, 13, below=1e-3)
    train.run(settings(tmp_path, on_nan="rollback"))
    assert poisoned.rates == [3e-3, 1.5e-3, 0.75e-3]
    out = capsys.readouterr().out
    assert "rollback 2 of 3 at most" in out
    assert out.count("12 steps done") == 2
    assert (tmp_path / "model").exists()


def test_it_rolls_back_three_times_at_most(tmp_path, monkeypatch):
    poisoned = Poisoned(monkeypatch, 13)
    with pytest.raises(ValueError, match="weights are not finite"):
        train.run(settings(tmp_path, on_nan="rollback"))
    assert len(poisoned.rates) == 4


@pytest.mark.parametrize("name", strategies.names())
def test_every_strategy_can_be_kept(name):
    assert strategies.get(name).saving is None


def test_a_senseless_request_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="checkpoint_seconds"):
        settings(tmp_path, checkpoint_seconds=0.0)
    with pytest.raises(ValueError, match="--resume is one of"):
        settings(tmp_path, resume="yes")
