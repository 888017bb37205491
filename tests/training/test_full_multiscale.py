import contextlib
import io
import types
import warnings

import keras
import numpy as np
import pytest
from conftest import Blur, small_images, small_net
from conftest import pair_dataset as dataset

import keras_ms


def model(optimizer, cls=keras_ms.MultiscaleModel):
    keras.utils.set_random_seed(3)
    made = cls(*small_net())
    made.compile(optimizer, "mse")
    return made


def schedule(**options):
    return keras_ms.FullMultiscaleSchedule((2, 4, 8), steps_per_epoch=2, **options)


class Trace(keras.callbacks.Callback):
    """Keeps what model and optimizer hold at the edges of every epoch, and counts traces."""

    def __init__(self, count=lambda model: model.count):
        super().__init__()
        self.begins, self.ends, self.weights, self.rates, self.traces = [], [], [], [], []
        self.count = count

    def state(self):
        return [np.copy(v) for v in self.model.optimizer.variables]

    def on_epoch_begin(self, epoch, logs=None):
        self.begins.append(self.state())

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(self.state())
        self.weights.append(self.model.get_weights())
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.traces.append(self.count(self.model))


class Counting(keras_ms.MultiscaleModel):
    count = 0

    def train_step(self, data):
        self.count += 1  # runs while tracing alone
        return super().train_step(data)


class Validated(keras_ms.MultiscaleModel):
    """Notes the sides of what it is validated on."""

    def __init__(self, *args):
        super().__init__(*args)
        self.sides = []

    def test_step(self, data):
        self.sides.append(tuple(data[0].shape[1:3]))
        return super().test_step(data)


@contextlib.contextmanager
def traces_of_steps():
    """A list that grows by one with every trace, of models without a step of their own."""
    calls, step = [], keras_ms.MultiscaleModel.train_step
    counted = lambda self, data: (calls.append(1), step(self, data))[1]  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras_ms.MultiscaleModel, "train_step", counted)
        yield calls


def cosine():
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 14, alpha=0.0))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One run through all stages and two epochs longer, which many tests look at."""
    log = tmp_path_factory.mktemp("whole") / "log.csv"
    pairs = keras_ms.data.evaluation_pairs(small_images(), Blur(), 32, samples=4)
    printed = io.StringIO()
    with traces_of_steps() as calls, contextlib.redirect_stdout(printed):
        trained = model(cosine(), cls=Validated)
        trace = Trace(lambda _: len(calls))
        history = trained.fit(
            dataset(),
            epochs=9,
            callbacks=[schedule(), trace, keras.callbacks.CSVLogger(log)],
            validation_data=pairs,
            verbose=2,
        ).history
    return types.SimpleNamespace(
        history=history,
        trace=trace,
        printed=printed.getvalue(),
        log=log.read_text(),
        validated_on=trained.sides,
    )


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
def test_one_fit_runs_every_stage_and_logs_its_cost(whole):
    history = whole.history
    assert history["stage"] == [1, 1, 1, 1, 2, 2, 3, 3, 3]
    assert history["resolution"] == [8, 8, 8, 8, 16, 16, 32, 32, 32]
    # 8/16 = 0.5 WU on the coarsest mesh, 4 (1/4 + 1/16) + 0.5 = 1.75, 2 (1 + 1/4) + 1.75 = 4.25.
    assert history["work_units"] == [1.0, 2.0, 3.0, 4.0, 7.5, 11.0, 19.5, 28.0, 36.5]
    assert history["work_units"][6] == schedule().work_units(keras_ms.Levels((2, 4, 8)))


def test_every_stage_trains_on_the_batches_it_should_and_silently_if_asked_to(capsys):
    seen = []

    class Spy(keras_ms.MultiscaleModel):
        def train_step(self, data):
            seen.append(data)
            return super().train_step(data)

    spy = Spy(*small_net())
    spy.compile("sgd", "mse", run_eagerly=True)
    spy.fit(dataset(), epochs=7, callbacks=[schedule()], verbose=0, rehearse=False)
    assert capsys.readouterr().out == ""
    data = dataset()
    wanted = [
        batch
        for finest, start, count in ((2, 0, 8), (1, 8, 4), (0, 12, 2))
        for batch in data.stage(finest, start).take(count)
    ]
    tried, *seen = seen  # on symbols: a step of one's own has to take sums
    assert not hasattr(tried.fine[tried.finest][0], "numpy")
    assert len(seen) == len(wanted) == 14
    for mine, theirs in zip(seen, wanted, strict=True):
        assert mine.active_levels == theirs.active_levels
        for a, b in zip(keras.tree.flatten(mine), keras.tree.flatten(theirs), strict=True):
            np.testing.assert_array_equal(a, b)


def test_optimizer_state_carries_over_every_switch(whole):
    trace = whole.trace
    for epoch in range(1, 9):
        for before, after in zip(trace.ends[epoch - 1], trace.begins[epoch], strict=True):
            np.testing.assert_array_equal(before, after)
    iterations, _, *moments = trace.ends[6]
    assert iterations == 14
    assert any(np.abs(v).max() > 0 for v in moments)


def test_one_trace_per_stage(whole):
    per_epoch = np.diff([0, *whole.trace.traces])
    per_stage = per_epoch[[0, 4, 6]]
    assert per_epoch.sum() == per_stage.sum(), "an epoch retraced a stage it had traced before"
    assert per_stage.tolist() == [2, 1, 0]  # the rehearsal has traced the finest stage


def test_one_trace_per_stage_without_the_telescoping_sum():
    trace = Trace()
    trained = Counting(*small_net())
    trained.compile("adam", "mse")
    data = dataset(telescoping=False)
    trained.fit(data, epochs=9, callbacks=[schedule(), trace], verbose=0)
    per_epoch = np.diff([0, *trace.traces])
    assert per_epoch.sum() == per_epoch[[0, 4, 6]].sum()


def test_validation_stays_on_the_finest_mesh(whole):
    assert len(whole.history["val_loss"]) == 9
    assert set(whole.validated_on) == {(32, 32)}


@pytest.mark.smoke
def test_learning_rate_schedule_spans_the_stages(whole):
    assert schedule().total_iterations == 14
    rates = whole.trace.rates
    assert rates == sorted(rates, reverse=True)
    assert rates[5] > 1e-4
    np.testing.assert_allclose(rates[6], 0.0, atol=1e-7)


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
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, killed_in, whole):
    first = model(cosine())
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KilledError):
        first.fit(dataset(), epochs=7, callbacks=[schedule(), backup, KillAt(killed_in)], verbose=0)
    second = model(cosine())
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    history = second.fit(dataset(), epochs=7, callbacks=[schedule(), backup], verbose=0).history
    assert len(history["loss"]) == 7 - killed_in
    assert history["work_units"][-1] == 19.5
    for mine, theirs in zip(second.get_weights(), whole.trace.weights[6], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_user_callbacks_see_stage_and_cost(whole):
    header, *rows = whole.log.splitlines()
    assert {"stage", "resolution", "work_units", "loss"} <= set(header.split(","))
    assert len(rows) == 9


def test_stage_lines_are_printed(whole):
    out = whole.printed
    assert "Stage 1 of 3, level 2: 8x8 px, 8 steps of 0.5 work units, batches of 8" in out
    assert "Stage 3 of 3, level 0: 32x32 px, 2 steps of 4.25 work units, batches of 2, 4, 8" in out
    assert "work_units: 19.5" in out


@pytest.mark.parametrize("steps", [(20, 2), (9, 6, 3), (20, 2, 0)])
def test_iterations_that_look_coarsest_first_are_warned_of(steps):
    with pytest.warns(UserWarning, match=r"read finest first.*Did you mean \((0, )?[23], ") as said:
        keras_ms.FullMultiscaleSchedule(steps)
    assert said[0].filename == __file__


@pytest.mark.parametrize("steps", [(2, 20), (2, 2), (20, 0), (4, 2, 4), (7,)])
def test_other_iterations_are_not(steps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras_ms.FullMultiscaleSchedule(steps)
