"""Each host reads its part of the examples, and nothing else."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, small_images
from PIL import Image

import keras_ms
from keras_ms.data.sharding import Shard, part_of
from keras_ms.data.sources import folder as folder_module


def numbered(count=6, side=16):
    """Pictures of one shade each, which tells their number."""
    return [np.full((side, side, 3), 10 * number, np.uint8) for number in range(count)]


def seen(dataset, steps=4):
    batches = dataset.stage(0).take(steps)
    return {round(float(shade)) for batch in batches for shade in 255.0 * _shades(batch)}


def _shades(batch):
    return np.unique(0.5 + 0.5 * np.asarray(batch.fine[0][1]))


@pytest.mark.parametrize("index", [0, 1])
def test_batches_hold_examples_of_the_part_alone(index):
    images = [image / np.float32(255.0) for image in numbered()]
    dataset = keras_ms.MultiscaleDataset(images, Blur(), (2, 4), 16, shard=(index, 2))
    assert seen(dataset) == {10 * number for number in range(index, 6, 2)}


def test_files_of_other_hosts_are_not_opened(tmp_path, monkeypatch):
    for number, picture in enumerate(numbered()):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    read, original = [], folder_module.stored_pixels

    def recorded(path, *args):
        read.append(path.name)
        return original(path, *args)

    monkeypatch.setattr(folder_module, "stored_pixels", recorded)
    images = keras_ms.data.FolderImages(tmp_path)
    keras_ms.MultiscaleDataset(images, Blur(), (2, 4), 16, shard=(1, 2))
    assert sorted(read) == ["1.png", "3.png", "5.png"]
    assert len(images) == 6  # it stays as it was


def test_the_limit_of_a_folder_is_that_of_all_hosts_together(tmp_path):
    for number, picture in enumerate(numbered()):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    images = keras_ms.data.FolderImages(tmp_path, limit=4)
    parts = [part_of(images, Shard(index, 2)) for index in range(2)]
    assert [[path.name for path in part.files] for part in parts] == [
        ["0.png", "2.png"],
        ["1.png", "3.png"],
    ]
    assert [len(list(part)) for part in parts] == [2, 2]


X, Y, W = np.arange(6), np.arange(6) + 10, np.arange(6) + 20
SOURCES = {
    "arrays": (X, Y, W),
    "dictionary of inputs": ({"a": X, "b": X}, Y),
    "two inputs": ([X, X], Y),
    "lists": (list(X), list(Y)),
    "columns": {"x": X, "y": Y},
}


def numbers(source):
    return [list(np.ravel(leaf)) for leaf in tf.nest.flatten(source)]


@pytest.mark.parametrize("name", SOURCES)
def test_rows_of_arrays_are_shared(name):
    found = numbers(part_of(SOURCES[name], Shard(1, 2)))
    if name == "lists":
        found = [np.concatenate(found[:3]).tolist(), np.concatenate(found[3:]).tolist()]
    assert all(row in ([1, 3, 5], [11, 13, 15], [21, 23, 25]) for row in found)


def test_datasets_and_sequences_are_shared():
    data = tf.data.Dataset.range(5)
    assert list(part_of(data, Shard(1, 2)).as_numpy_iterator()) == [1, 3]
    first, second = part_of((data, data), Shard(0, 3))
    assert list(first.as_numpy_iterator()) == list(second.as_numpy_iterator()) == [0, 3]
    part = part_of(range(5), Shard(1, 3))
    assert (len(part), list(part), part[1]) == (2, [1, 4], 4)


def test_hosts_draw_differently_and_the_first_as_one_process_does():
    images = small_images(4)
    task = keras_ms.tasks.Denoising()

    def drawn(images, **options):
        dataset = keras_ms.MultiscaleDataset(images, task, (2,), 16, **options)
        return np.asarray(next(iter(dataset.stage(0))).fine[0][0])

    both = list(images[::2]), [image for image in images[::2] for _ in range(2)]
    alone, first = drawn(both[0]), drawn(both[1], shard=(0, 2))
    np.testing.assert_array_equal(alone, first)
    assert np.abs(drawn(both[1], shard=(1, 2)) - first).max() > 0.1


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0,), (0.5, 2), 3, "01", (0, 0)])
def test_senseless_shards_are_refused(shard):
    with pytest.raises(ValueError, match="`shard` is"):
        keras_ms.MultiscaleDataset(small_images(4), Blur(), (2,), 16, shard=shard)


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="one after another"):
        part_of(iter(small_images(4)), Shard(0, 2))
    with pytest.raises(ValueError, match="Each host needs an example"):
        part_of(numbered(2), Shard(2, 3))
