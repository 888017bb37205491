"""A `fit` ends with statistics of the finest mesh, whatever came before it, or says of which."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net
from test_statistics import fine_inputs, model, statistics, wanted

import keras_ms

pytestmark = pytest.mark.filterwarnings("ignore:Iterations are read finest first")

FEW, COARSE = "Statistics of 1 BatchNormalization layers", "The run ends on level 1 (16x16 px)"


def data():
    return pair_dataset((2, 4), telescoping=False)


def trained(made, stages=(2, 2), callbacks=(), **options):
    schedule = keras_ms.FullMultiscaleSchedule(stages, steps_per_epoch=2)
    options = {"epochs": schedule.epochs, "verbose": 2, **options}
    made.fit(data(), callbacks=[schedule, *callbacks], **options)
    return made


def assert_fine(made):
    fine = wanted(fine_inputs(data(), 16))
    np.testing.assert_allclose(statistics(made), fine, rtol=1e-4)


def test_few_fine_steps_after_coarse_ones(capsys):
    assert_fine(trained(model(momentum=0.9)))
    assert FEW in capsys.readouterr().out


@pytest.mark.smoke
def test_a_fit_after_a_coarse_one(capsys):
    made = trained(model(momentum=0.9), (0, 4))
    assert COARSE in capsys.readouterr().out
    assert made.steps_since_coarse == 0
    made.fit(data(), verbose=2)
    assert FEW in capsys.readouterr().out
    assert_fine(made)
    assert made.steps_since_coarse is None
    made.fit(data(), verbose=2)
    assert FEW not in capsys.readouterr().out


def test_fits_between_count_as_long_as_nobody_refreshes(capsys):
    made = trained(model(momentum=0.1), (0, 2))
    made.fit(data(), refresh_statistics=False, verbose=2)
    assert made.steps_since_coarse == 2
    capsys.readouterr()
    made.fit(data(), verbose=2)
    assert FEW not in capsys.readouterr().out  # 0.1 ** 4 of them is left
    assert made.steps_since_coarse == 4
    keras_ms.refresh_statistics(made, data(), 1)
    assert made.steps_since_coarse is None


class Ending(keras.callbacks.Callback):
    """Ends the run after an epoch, or with an error."""

    def __init__(self, epoch, error=None):
        super().__init__()
        self.last, self.error = epoch, error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.last and self.error:
            raise self.error
        self.model.stop_training = epoch == self.last


def test_a_run_that_is_stopped_on_a_coarse_level_says_so(capsys):
    trained(model(), (2, 4), [Ending(0)])
    assert COARSE in capsys.readouterr().out
    trained(model(), (2, 4), [Ending(0)], verbose=0)
    trained(model(), (2, 4), [Ending(0)], refresh_statistics=False)
    assert COARSE not in capsys.readouterr().out


def test_one_that_breaks_there_is_remembered():
    made = model(momentum=0.9)
    with pytest.raises(KeyboardInterrupt):
        trained(made, (2, 4), [Ending(0, KeyboardInterrupt())])
    made.fit(data(), verbose=0)
    assert_fine(made)


@pytest.mark.parametrize("per_stage", [False, True])
def test_weights_of_a_coarse_epoch_that_are_put_back(per_stage, capsys):
    """By Keras when training ends; within a stage, by its end."""
    best = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)
    best.get_monitor_value = lambda logs: float(logs["work_units"])  # the first is the best
    best.mode, best.monitor = "min", "work_units"
    if per_stage:
        best = keras_ms.callbacks.PerStage(best)
    made = trained(model(momentum=0.0), (4, 2), [best])
    assert "an earlier epoch were put back" in capsys.readouterr().out
    assert_fine(made)


def test_a_run_that_goes_on_knows_what_came_before(tmp_path):
    for initial in (0, 2):
        made = model(momentum=0.9)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        end = [Ending(0)] if initial == 0 else []
        trained(made, (4, 2), [backup, *end], verbose=0)
    assert_fine(made)


def test_a_run_of_which_its_end_alone_is_left(tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise InterruptedError

    checkpoint = keras_ms.callbacks.Checkpoint(tmp_path)
    with pytest.raises(InterruptedError):
        trained(model(momentum=0.9), callbacks=[Kill(), checkpoint], verbose=0)
    again = keras_ms.callbacks.Checkpoint(tmp_path)
    assert_fine(trained(model(momentum=0.9), callbacks=[again], verbose=0))
    assert again.resumed.content["epoch"] == 2


def test_the_callback_takes_it_over(capsys):
    made = trained(model(momentum=0.9), (2, 2), [keras_ms.RefreshStatistics(16)])
    assert FEW not in capsys.readouterr().out
    assert_fine(made)
    assert made.steps_since_coarse is None


@pytest.mark.parametrize(
    ("stages", "options"), [((2, 0), {}), ((24, 2), {}), ((2, 2), {"refresh_statistics": False})]
)
def test_else_they_move_as_ever(stages, options, capsys):
    trained(model(momentum=0.9), stages, **options)
    assert FEW not in capsys.readouterr().out


@pytest.mark.parametrize("stages", [(2, 2), (0, 2)])
def test_a_network_without_them_prints_and_reads_nothing(stages, capsys):
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    trained(made, stages)
    out = capsys.readouterr().out
    assert FEW not in out
    assert COARSE not in out
