"""Files of checkpoints: what they hold, and what becomes of damaged ones."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ms import safe_files
from keras_ms.training.snapshots import Snapshots


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


def test_damaged_ones_are_not_among_those_that_stay(tmp_path):
    for epoch in range(2):
        Snapshots(tmp_path).write({"epoch": epoch})
    snapshots = Snapshots(tmp_path)
    DAMAGE["empty"](snapshots.paths()[-1])
    assert snapshots.newest().content["epoch"] == 0
    snapshots.write({"epoch": 7})
    assert [path.name[-5:] for path in snapshots.paths()] == ["1.npz", "3.npz"]
    DAMAGE["a bit"](snapshots.paths()[-1])
    assert snapshots.newest().content["epoch"] == 0


def test_what_kills_left_unfinished_is_removed_when_a_run_goes_on(tmp_path):
    left = tmp_path / f"{safe_files.PREFIX}1234"
    left.mkdir()
    (left / "whole.npz").write_text("half of it")
    with safe_files.workplace(tmp_path) as busy:
        Snapshots(tmp_path).probe()
        assert [*tmp_path.iterdir()] == [busy]


def test_tensors_are_states_as_well(tmp_path):
    values = (tf.constant([1.0]), tf.Variable(2.0), keras.Variable(3.0))
    Snapshots(tmp_path).write({"values": values})
    got = Snapshots(tmp_path).newest().content["values"]
    assert [float(np.squeeze(value)) for value in got] == [1.0, 2.0, 3.0]


def test_states_come_back_as_they_were(tmp_path):
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


def test_a_file_is_a_plain_archive(tmp_path):
    snapshots = Snapshots(tmp_path)
    snapshots.write({"epoch": 0, "values": [np.arange(3.0)]})
    with zipfile.ZipFile(snapshots.paths()[-1]) as archive:
        assert "told.npy" in archive.namelist()
    with np.load(snapshots.paths()[-1]) as members:
        assert json.loads(members["told"].tobytes())["content"]["epoch"] == 0
