"""Checkpoint: a killed run goes on and ends like one that was not, to the last bit."""

import json
import zipfile

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.callbacks import Checkpoint
from keras_ms.training.snapshots import Snapshots

STEPS = 5
ITERATIONS = (10, 15)  # of levels 0 and 1: three coarse epochs, two fine ones
EPOCHS = 5


class KilledError(Exception):
    pass


class KillAfter(keras.callbacks.Callback):
    """Ends a run after so many of its steps, as a kill would: nothing is tidied up."""

    several_steps_safe = True

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) >= self.steps:
            raise KilledError


def dropout_net():
    inputs, hidden = small_net()
    hidden = keras.layers.Dropout(0.5)(keras.layers.Conv2D(4, 3, padding="same")(hidden))
    return inputs, keras.layers.Conv2D(3, 1)(hidden)


def rate():
    return keras.optimizers.schedules.CosineDecay(1e-2, sum(ITERATIONS), alpha=0.1)


def fitted(
    *callbacks,
    net=dropout_net,
    data=None,
    optimizer=None,
    model=None,
    iterations=ITERATIONS,
    **options,
):
    keras.utils.set_random_seed(3)
    if model is None:
        model = keras_ms.MultiscaleModel(*net())
        model.compile(optimizer or keras.optimizers.Adam(rate()), "mse", metrics=["mae"])
    options = {"epochs": EPOCHS, "verbose": 0, "rehearse": False, "group_steps": False} | options
    schedule = keras_ms.FullMultiscaleSchedule(iterations, STEPS)
    data = data or pair_dataset((2, 4), STEPS)
    history = model.fit(data, callbacks=[schedule, *callbacks], **options).history
    return model, history


@pytest.fixture(scope="module")
def whole():
    model, history = fitted()
    return model.get_weights(), history


def assert_like(whole, model, history):
    for mine, theirs in zip(model.get_weights(), whole[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert history == whole[1]
    assert int(model.optimizer.iterations) == sum(ITERATIONS)


def killed(tmp_path, steps, every=0.0, **options):
    with pytest.raises(KilledError):
        fitted(KillAfter(steps), Checkpoint(tmp_path, every), **options)


# Before the first checkpoint, within an epoch, at the end of a stage, within the last epoch.
@pytest.mark.parametrize("steps", [1, 7, 16, 23])
def test_a_run_with_dropout_ends_as_if_it_had_not_been_killed(tmp_path, steps, whole):
    killed(tmp_path, steps)
    checkpoint = Checkpoint(tmp_path, 0.0)
    model, history = fitted(checkpoint)
    # What is killed in a callback after a step had not saved that step yet.
    done = checkpoint.resumed.content["steps"] if checkpoint.resumed else 0
    assert done == (steps - 1 if steps > 1 else 0)
    assert_like(whole, model, history)


@pytest.mark.smoke
def test_a_run_that_is_killed_twice_and_saves_rarely(tmp_path, whole):
    killed(tmp_path, 18, every=1e9)  # saved at the end of the coarse stage, and no more
    checkpoint = Checkpoint(tmp_path, 1e9)
    with pytest.raises(KilledError):
        fitted(KillAfter(19), checkpoint)
    assert checkpoint.resumed.content["steps"] == 15
    assert_like(whole, *fitted(Checkpoint(tmp_path)))


def test_several_steps_in_one_execution_go_on_alike(tmp_path, whole, monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    killed(tmp_path, 18, group_steps=True)
    assert_like(whole, *fitted(Checkpoint(tmp_path, 0.0), group_steps=True))


def test_other_callbacks_take_up_what_they_remember(tmp_path):
    held_out = next(iter(pair_dataset((2, 4)).stage(0))).fine[0]

    def callbacks():
        plateau = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=0, min_delta=1.0)
        early = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1.0)
        return [plateau, early]

    options = {"validation_data": held_out, "optimizer": "sgd"}
    want, history = fitted(*callbacks(), **options)
    assert len(history["loss"]) == 3  # a wait of two epochs, of which the kill forgets none
    with pytest.raises(KilledError):
        fitted(
            *callbacks(), KillAfter(12), Checkpoint(tmp_path, 0.0), **options | {"optimizer": "sgd"}
        )
    got, resumed = fitted(*callbacks(), Checkpoint(tmp_path, 0.0), **options)
    assert resumed == history
    for a, b in zip(got.get_weights(), want.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # It had ended, and there is nothing left to do.
    again, resumed = fitted(*callbacks(), Checkpoint(tmp_path, 0.0), **options)
    assert resumed == history
    np.testing.assert_array_equal(again.get_weights()[0], want.get_weights()[0])


def impatient():
    wait = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", 0.5, patience=0, min_delta=10.0)
    return [keras_ms.callbacks.PerStage(callback) for callback in (wait, plateau)]


@pytest.fixture(scope="module")
def shortened():
    model, history = fitted(*impatient(), optimizer="adam")
    assert history["stage"] == [1, 1, 2, 2]  # of 3 and 2 epochs
    assert history["learning_rate"][0] == history["learning_rate"][2]  # put back
    return model.get_weights(), history


# In the first stage, at its early end, and in the second one, within an epoch and at its end.
@pytest.mark.parametrize("steps", [7, 11, 16])
def test_stages_that_ended_early_stay_ended(tmp_path, steps, shortened):
    weights, history = shortened
    with pytest.raises(KilledError):
        fitted(*impatient(), KillAfter(steps), Checkpoint(tmp_path, 0.0), optimizer="adam")
    got, resumed = fitted(*impatient(), Checkpoint(tmp_path, 0.0), optimizer="adam")
    assert resumed == history
    for a, b in zip(got.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_rate_that_warms_up_goes_on_within_an_epoch(tmp_path):
    def warming():
        return keras.optimizers.Adam(keras_ms.callbacks.WarmUpPerStage(1e-2, steps=2 * STEPS))

    want, _ = fitted(optimizer=warming())
    killed(tmp_path, 18, optimizer=warming())
    got, _ = fitted(Checkpoint(tmp_path, 0.0), optimizer=warming())
    np.testing.assert_array_equal(got.get_weights()[0], want.get_weights()[0])


def test_terms_that_are_kept_are_part_of_it(tmp_path):
    data = pair_dataset((1, 2), STEPS + 1, refresh=(3, 1))
    options = {"data": data, "optimizer": "adam", "net": small_net, "epochs": 2}

    def trained(*callbacks):
        keras.utils.set_random_seed(3)
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile("adam", "mse")
        model.fit(data, callbacks=list(callbacks), epochs=2, verbose=0, rehearse=False)
        return model.get_weights()

    assert options["data"] is data
    want = trained()
    with pytest.raises(KilledError):
        trained(KillAfter(9), Checkpoint(tmp_path, 0.0))
    for a, b in zip(trained(Checkpoint(tmp_path, 0.0)), want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_callback_trains_on_from_the_end(tmp_path):
    data = pair_dataset((2,), STEPS)
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    checkpoint = Checkpoint(tmp_path)
    model.fit(data, epochs=1, callbacks=[checkpoint], verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    model.fit(data, epochs=2, callbacks=[checkpoint], verbose=0)
    assert int(model.optimizer.iterations) == 2 * STEPS
    model.fit(data, epochs=1, verbose=0)  # without it, from epoch 0 as ever
    assert int(model.optimizer.iterations) == 3 * STEPS


def flip_byte(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(bytes(content))


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "a bit": lambda path: flip_byte(path, path.stat().st_size // 2),
    "another file": lambda path: path.write_text("mine"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, damage):
    snapshots = Snapshots(tmp_path)
    for epoch in range(3):
        snapshots.write({"epoch": epoch, "values": [np.arange(1000.0)]})
    assert len(snapshots.paths()) == 2
    DAMAGE[damage](snapshots.paths()[-1])
    found = snapshots.newest()
    assert found.content["epoch"] == 1
    assert found.damaged[0].startswith("checkpoint-000003.npz: ")
    DAMAGE[damage](snapshots.paths()[0])
    with pytest.raises(ValueError, match=r"No checkpoint can be read. Received: .*000003.*000002"):
        snapshots.newest()


def test_states_come_back_as_they_were(tmp_path):
    import tensorflow as tf

    half = tf.constant([1.5, -2.0], tf.bfloat16).numpy()
    content = {
        "a": [np.float32(1 / 3), 1 / 3, True, None, "x"],
        "b": {"c": np.arange(6, dtype="int64").reshape(2, 3), "half": half},
        "d": np.array(7.0),
        "e": np.zeros((0, 3), "float32"),
        "f": np.array([True, False]),
    }
    snapshots = Snapshots(tmp_path / "new")
    snapshots.write(content)
    got = snapshots.newest().content
    assert got["a"] == [float(np.float32(1 / 3)), 1 / 3, True, None, "x"]
    for mine, theirs in zip(
        keras.tree.flatten([got[k] for k in "bdef"]),
        (content["b"]["c"], half, content["d"], content["e"], content["f"]),
        strict=True,
    ):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_array_equal(mine, theirs)


def test_a_full_disk_costs_a_warning_and_no_training(tmp_path, monkeypatch, whole):
    def full(self, content):
        raise OSError(28, "No space left on device", "checkpoint-000001.npz")

    monkeypatch.setattr(Snapshots, "write", full)
    with pytest.warns(UserWarning, match=r"cannot be written .*No space left.*000001"):
        assert_like(whole, *fitted(Checkpoint(tmp_path, 1e9)))


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
    import shutil

    shutil.copytree(one_checkpoint, tmp_path / "copy")
    never = Checkpoint(tmp_path / "copy", resume="never")
    with pytest.raises(KilledError):
        fitted(KillAfter(1), never)
    assert never.resumed is None
    assert not Snapshots(tmp_path / "copy").paths()


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


def test_on_other_data_it_saves_at_ends_of_epochs(tmp_path):
    images = small_images(8)

    def trained(epochs, *callbacks):
        keras.utils.set_random_seed(3)
        model = keras_ms.MultiscaleModel(*dropout_net())
        model.compile("adam", "mse")
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        model.fit(images, images, epochs=epochs, callbacks=list(callbacks), **options)
        return model.get_weights()

    want = trained(3)
    with pytest.raises(KilledError):
        trained(3, KillAfter(5), Checkpoint(tmp_path, 0.0))
    for a, b in zip(trained(3, Checkpoint(tmp_path, 0.0)), want, strict=True):
        np.testing.assert_array_equal(a, b)


class Spoil(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.inf))


def test_weights_that_are_not_finite_do_not_take_the_place_of_sound_ones(tmp_path):
    images = small_images(2)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    callbacks = [Checkpoint(tmp_path, 0.0), Spoil()]
    with pytest.warns(UserWarning, match="not finite: the checkpoint before stays"):
        model.fit(images, images, epochs=4, callbacks=callbacks, verbose=0)
    found = Snapshots(tmp_path).newest().content
    assert found["epoch"] == 1
    assert all(np.all(np.isfinite(value)) for value in found["values"])


def test_a_file_is_a_plain_archive(one_checkpoint):
    with zipfile.ZipFile(Snapshots(one_checkpoint).paths()[-1]) as archive:
        assert "told.npy" in archive.namelist()
    with np.load(Snapshots(one_checkpoint).paths()[-1]) as members:
        assert json.loads(members["told"].tobytes())["content"]["epoch"] == 0
