import keras
import numpy as np
import pytest
from conftest import Blur, small_images, small_net

import keras_ms


def dataset(steps=2, levels=(2, 4, 8), **options):
    return keras_ms.MultiscaleDataset(
        small_images(), Blur(), levels, image_size=32, steps_per_epoch=steps, **options
    )


def model(optimizer="adam", **options):
    keras.utils.set_random_seed(3)
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile(optimizer, "mse", **options)
    return made


def schedule(**options):
    return keras_ms.FullMultiscaleSchedule((2, 4, 8), steps_per_epoch=2, **options)


class Trace(keras.callbacks.Callback):
    """Keeps the optimizer's state at the edges of every epoch, and counts traces."""

    def __init__(self):
        super().__init__()
        self.begins, self.ends, self.traces = [], [], []

    def state(self):
        return [np.copy(v) for v in self.model.optimizer.variables]

    def on_epoch_begin(self, epoch, logs=None):
        self.begins.append(self.state())

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(self.state())
        self.traces.append(self.model.count)


class Counting(keras_ms.MultiscaleModel):
    count = 0

    def train_step(self, data):
        self.count += 1  # runs while tracing alone
        return super().train_step(data)


def test_stages_follow_the_epochs():
    plan = schedule()
    assert (plan.epochs, plan.total_iterations, plan.steps_per_epoch) == (7, 14, 2)
    assert [plan.finest_level(e) for e in range(9)] == [2, 2, 2, 2, 1, 1, 0, 0, 0]


def test_a_zero_skips_a_stage():
    plan = keras_ms.FullMultiscaleSchedule((2, 0, 4))
    assert [plan.finest_level(e) for e in range(plan.epochs)] == [2, 2, 0]


def test_paper_defaults():
    plan = keras_ms.FullMultiscaleSchedule()
    assert (plan.steps_per_epoch, plan.epochs) == (250, 15)
    assert plan.work_units(keras_ms.Levels()) == 28750.0


@pytest.mark.smoke
def test_one_fit_runs_every_stage_and_logs_its_cost():
    history = model().fit(dataset(), epochs=7, callbacks=[schedule()], verbose=0).history
    assert history["stage"] == [1, 1, 1, 1, 2, 2, 3]
    assert history["resolution"] == [8, 8, 8, 8, 16, 16, 32]
    # 8/16 = 0.5 WU on the coarsest mesh, 4 (1/4 + 1/16) + 0.5 = 1.75, 2 (1 + 1/4) + 1.75 = 4.25.
    assert history["work_units"] == [1.0, 2.0, 3.0, 4.0, 7.5, 11.0, 19.5]
    assert history["work_units"][-1] == schedule().work_units(keras_ms.Levels((2, 4, 8)))


def test_every_stage_trains_on_the_batches_it_should():
    seen = []

    class Spy(keras_ms.MultiscaleModel):
        def train_step(self, data):
            seen.append(data)
            return super().train_step(data)

    spy = Spy(*small_net())
    spy.compile("sgd", "mse", run_eagerly=True)
    spy.fit(dataset(), epochs=7, callbacks=[schedule()], verbose=0)
    data = dataset()
    wanted = [
        batch
        for finest, start, count in ((2, 0, 8), (1, 8, 4), (0, 12, 2))
        for batch in data.stage(finest, start).take(count)
    ]
    assert len(seen) == len(wanted) == 14
    for mine, theirs in zip(seen, wanted, strict=True):
        assert mine.active_levels == theirs.active_levels
        for a, b in zip(keras.tree.flatten(mine), keras.tree.flatten(theirs), strict=True):
            np.testing.assert_array_equal(a, b)


def test_optimizer_state_carries_over_every_switch():
    trace = Trace()
    trained = Counting(*small_net())
    trained.compile("adam", "mse")
    trained.fit(dataset(), epochs=7, callbacks=[schedule(), trace], verbose=0)
    for epoch in range(1, 7):
        for before, after in zip(trace.ends[epoch - 1], trace.begins[epoch], strict=True):
            np.testing.assert_array_equal(before, after)
    assert int(trained.optimizer.iterations) == 14
    assert any(np.abs(v).max() > 0 for v in trace.begins[4][2:])


def test_one_trace_per_stage():
    trace = Trace()
    trained = Counting(*small_net())
    trained.compile("adam", "mse")
    trained.fit(dataset(), epochs=9, callbacks=[schedule(), trace], verbose=0)
    per_epoch = np.diff([0, *trace.traces])
    per_stage = per_epoch[[0, 4, 6]]
    assert per_epoch.sum() == per_stage.sum(), "an epoch retraced a stage it had traced before"
    assert per_stage.tolist() == [1, 1, 1]


def test_one_trace_per_stage_without_the_telescoping_sum():
    trace = Trace()
    trained = Counting(*small_net())
    trained.compile("adam", "mse")
    data = dataset(telescoping=False)
    trained.fit(data, epochs=9, callbacks=[schedule(), trace], verbose=0)
    per_epoch = np.diff([0, *trace.traces])
    assert per_epoch.sum() == per_epoch[[0, 4, 6]].sum()


def test_validation_stays_on_the_finest_mesh():
    sizes = set()

    class Spy(keras_ms.MultiscaleModel):
        def test_step(self, data):
            sizes.add(tuple(data[0].shape[1:3]))
            return super().test_step(data)

    spy = Spy(*small_net())
    spy.compile("sgd", "mse")
    pairs = keras_ms.data.evaluation_pairs(small_images(), Blur(), 32, samples=4)
    history = spy.fit(
        dataset(), epochs=7, callbacks=[schedule()], validation_data=pairs, verbose=0
    ).history
    assert len(history["val_loss"]) == 7
    assert sizes == {(32, 32)}


@pytest.mark.smoke
def test_learning_rate_schedule_spans_the_stages():
    plan = schedule()
    decay = keras.optimizers.schedules.CosineDecay(1e-2, plan.total_iterations, alpha=0.0)
    trained = model(keras.optimizers.SGD(decay))
    trained.fit(dataset(), epochs=plan.epochs, callbacks=[plan], verbose=0)
    np.testing.assert_allclose(trained.optimizer.learning_rate, 0.0, atol=1e-7)


class KilledError(Exception):
    pass


class KillAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.current:
            raise KilledError

    def on_epoch_begin(self, epoch, logs=None):
        self.current = epoch


@pytest.mark.smoke
@pytest.mark.parametrize("killed_in", [2, 5])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, killed_in):
    whole = model()
    whole.fit(dataset(), epochs=7, callbacks=[schedule()], verbose=0)
    first = model()
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KilledError):
        first.fit(dataset(), epochs=7, callbacks=[schedule(), backup, KillAt(killed_in)], verbose=0)
    second = model()
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    history = second.fit(dataset(), epochs=7, callbacks=[schedule(), backup], verbose=0).history
    assert len(history["loss"]) == 7 - killed_in
    assert history["work_units"][-1] == 19.5
    for mine, theirs in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_user_callbacks_see_stage_and_cost(tmp_path):
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    model().fit(dataset(), epochs=7, callbacks=[schedule(), log], verbose=0)
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert {"stage", "resolution", "work_units", "loss"} <= set(header.split(","))
    assert len(rows) == 7


def test_stage_lines_are_printed_unless_silent(capsys):
    model().fit(dataset(), epochs=7, callbacks=[schedule()], verbose=2)
    out = capsys.readouterr().out
    assert "Stage 1 of 3, level 2: 8x8 px, 8 steps of 0.5 work units, batches of 8" in out
    assert "Stage 3 of 3, level 0: 32x32 px, 2 steps of 4.25 work units, batches of 2, 4, 8" in out
    assert "work_units: 19.5" in out
    model().fit(dataset(), epochs=7, callbacks=[schedule()], verbose=0)
    assert capsys.readouterr().out == ""
