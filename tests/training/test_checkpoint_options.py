"""Whether a run goes on from a checkpoint: its options, and what has changed since."""

import shutil

import keras
import pytest
from conftest import pair_dataset, small_net
from killed_runs import STEPS, KillAfter, KilledError, fitted, killed

from keras_ms.callbacks import Checkpoint
from keras_ms.training.changes import changes, plain, traits_of
from keras_ms.training.snapshots import Snapshots


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": lambda: pair_dataset((2, 3), STEPS)}, r"stages=\[\[0, \[2, 3\]"),
        ({"data": lambda: pair_dataset((2, 4), STEPS, seed=1)}, "seed=1, it was 0"),
        ({"optimizer": lambda: "sgd"}, "optimizer=SGD, it was Adam"),
        ({"optimizer": lambda: keras.optimizers.Adam(1e-3)}, "optimizer.learning_rate=0.001"),
        ({"net": lambda: lambda: small_net()}, "of another model"),
        ({"iterations": lambda: (15, 10)}, r"Schedule.iterations=\[15, 10\], it was \[10, 15\]"),
    ],
)
def test_another_run_is_refused_by_what_changed(tmp_path, changed, message, one_checkpoint):
    options = {name: make() for name, make in changed.items()}
    with pytest.raises(ValueError, match=message):
        fitted(Checkpoint(one_checkpoint), **options)


def scaled(steps=9, optimizer=keras.optimizers.Adam):
    """An optimizer that scales losses, which Keras makes with mixed_float16."""
    rate = keras.optimizers.schedules.CosineDecay(0.1, steps)
    return keras.optimizers.LossScaleOptimizer(optimizer(rate))


def test_what_changed_within_settings_is_named():
    class Model:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    def changed(before, now, free=()):
        return changes(*(plain(traits_of(Model(one), None)) for one in (before, now)), free)

    adam, free = keras.optimizers.Adam, ["optimizer.learning_rate"]
    assert changed(adam(0.1), adam(0.1)) == []
    assert changed(adam(0.1), adam(0.1, name="other")) == []
    assert changed(scaled(), scaled()) == []  # whose inner names Keras has counted
    steps = "optimizer.learning_rate.config.decay_steps=7, it was 9"
    assert changed(scaled(9), scaled(7)) == [steps]
    assert changed(scaled(9), scaled(7), free) == []
    assert changed(scaled(9), scaled(7), [steps.partition("=")[0]]) == []
    assert changed(scaled(9), scaled(7), ["decay_steps"]) == [steps]
    (kind, *_) = changed(scaled(), scaled(optimizer=keras.optimizers.SGD))
    assert kind == "optimizer=LossScaleOptimizer of SGD, it was LossScaleOptimizer of Adam"


@pytest.fixture(scope="module")
def one_checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    killed(folder, 4)
    return folder


def test_what_the_user_says_is_compared_as_well(tmp_path):
    with pytest.raises(KilledError):
        fitted(KillAfter(3), Checkpoint(tmp_path, 0.0, configuration={"width": 8, "size": (2, 4)}))
    with pytest.raises(ValueError, match=r"width=16, it was 8\. Use"):
        fitted(Checkpoint(tmp_path, configuration={"width": 16, "size": (2, 4)}))
    checkpoint = Checkpoint(tmp_path, configuration={"width": 9}, free=("width", "size"))
    with pytest.raises(KilledError):
        fitted(KillAfter(4), checkpoint)
    assert checkpoint.resumed is not None


def test_one_can_start_anew_or_insist(tmp_path, one_checkpoint):
    with pytest.raises(ValueError, match="no checkpoint to go on from"):
        fitted(Checkpoint(tmp_path, resume="must"))
    shutil.copytree(one_checkpoint, tmp_path / "copy")
    never = Checkpoint(tmp_path / "copy", resume="never")
    with pytest.raises(KilledError):
        fitted(KillAfter(1), never)
    assert never.resumed is None
    assert not Snapshots(tmp_path / "copy").paths()


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_training(tmp_path, resume):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "within"):
        with pytest.raises(ValueError, match=r"cannot be written\. Received: .*file.*Use another"):
            fitted(KillAfter(1), Checkpoint(folder, resume=resume))
    assert (tmp_path / "file").read_text() == "mine"


def test_it_says_where_it_goes_on(tmp_path, one_checkpoint, capsys):
    with pytest.raises(KilledError):
        fitted(KillAfter(4), Checkpoint(one_checkpoint, 1e9), verbose=2)
    out = capsys.readouterr().out
    assert "Going on from checkpoint-000003.npz: step 3 of epoch 1, 3 steps done." in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every_seconds": -1.0}, "every_seconds=-1.0"),
        ({"every_seconds": float("nan")}, "every_seconds=nan"),
        ({"keep": 0}, "keep=0"),
        ({"resume": "yes"}, "resume='yes'"),
    ],
)
def test_senseless_arguments_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        Checkpoint(tmp_path, **arguments)
