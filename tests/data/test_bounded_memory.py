"""Images beyond `cache_bytes` lie in files: same batches, bounded memory."""

import functools
import pathlib
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_net
from PIL import Image

import keras_ms
from keras_ms.data.pyramid import PyramidStore

STATUS = pathlib.Path("/proc/self/status")


def pictures(count, side):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (side + i, side, 3), np.uint8) for i in range(count)]


def dataset(images, **options):
    task = keras_ms.tasks.Denoising()
    return keras_ms.MultiscaleDataset(images, task, (2, 4, 8), 32, steps_per_epoch=2, **options)


@functools.cache
def batches_in_memory():
    return batches(dataset(pictures(4, 64)))


def batches(data):
    return keras.tree.flatten(list(data.stage().take(2)))


@pytest.mark.parametrize("cache_bytes", [0, 20_000, 70_000])
def test_batches_are_the_same_wherever_pixels_lie(cache_bytes):
    images = pictures(4, 64)
    for got, wanted in zip(
        batches(dataset(images, cache_bytes=cache_bytes)), batches_in_memory(), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_finest_levels_leave_memory_first():
    images = [image[:64] for image in pictures(4, 64)]  # 12,288 bytes each, then as much, then 1/4
    kept = {
        cache_bytes: PyramidStore(images, 2, (32, 32), cache_bytes=cache_bytes).bytes_in_memory
        for cache_bytes in (200_000, 100_000, 50_000, 0)
    }
    assert kept == {200_000: 110_592, 100_000: 61_440, 50_000: 12_288, 0: 0}


def test_floating_images_in_files_are_exact():
    images = [image / np.float64(255.0) for image in pictures(3, 48)]
    for got, wanted in zip(
        batches(dataset(images, cache_bytes=0)), batches(dataset(images)), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_training_from_files():
    keras.utils.set_random_seed(0)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    history = model.fit(dataset(pictures(4, 64), cache_bytes=0), epochs=2, verbose=0).history
    assert np.all(np.isfinite(history["loss"]))


def resident():
    """Bytes of memory that no file stands behind."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


def most_resident_during(work):
    """How far memory rises while `work` runs."""
    before, most, done = resident(), [0], threading.Event()

    def watch():
        while not done.wait(0.002):
            most[0] = max(most[0], resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = work()
    done.set()
    watcher.join()
    return most[0], result


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read as Linux tells it")
def test_a_folder_larger_than_the_cache_takes_no_more_memory_than_the_cache(tmp_path):
    ramp = np.add.outer(np.arange(1024), np.arange(1024)).astype(np.uint8)
    for number in range(32):
        Image.fromarray(np.stack([ramp + number] * 3, axis=-1)).save(tmp_path / f"{number}.bmp")
    images = keras_ms.data.FolderImages(tmp_path)

    def train(cache_bytes):
        data = dataset(images, cache_bytes=cache_bytes)
        batches(data)
        return data

    train(0)  # what TensorFlow takes for itself, once
    bounded, _ = most_resident_during(lambda: train(20_000_000))
    unbounded, _ = most_resident_during(lambda: train(10**10))
    # 226 MB of pixels: 8 bits on the finest mesh, 32 on a quarter and a sixteenth of it.
    assert bounded < 120_000_000 < 226_000_000 < unbounded


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read as Linux tells it")
def test_one_large_picture_takes_little_more_than_its_pixels(tmp_path):
    Image.new("RGB", (64, 64), (7, 8, 9)).save(tmp_path / "warm.bmp")
    dataset(keras_ms.data.FolderImages(tmp_path), cache_bytes=0)
    Image.new("RGB", (6000, 5000), (7, 8, 9)).save(tmp_path / "large.bmp")
    images = keras_ms.data.FolderImages(tmp_path)
    most, _ = most_resident_during(lambda: dataset(images, cache_bytes=10_000_000))
    pixels = 6000 * 5000 * 3
    # Pillow has 4 bytes a pixel of 3, and makes a copy. Floats of all would be 4 times as much.
    assert most < 3.5 * pixels


@pytest.mark.parametrize("cache_bytes", [-1, 1.5, None, "4 GB"])
def test_senseless_caches_are_refused(cache_bytes):
    with pytest.raises(ValueError, match=r"`cache_bytes` is a number of bytes, 0 or more"):
        dataset(pictures(2, 32), cache_bytes=cache_bytes)


def test_a_full_disk_is_said_so(monkeypatch):
    class Full:
        def write(self, data):
            raise OSError("No space left on device")

        def close(self):
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(ValueError, match=r"do not fit on the disk\. .* Set TMPDIR"):
        dataset(pictures(2, 32), cache_bytes=0)


def test_a_graph_of_stages_reads_files_in_any_order():
    data = dataset(pictures(4, 64), cache_bytes=0)
    late = next(iter(data.stage(1, start=5)))
    (wanted,) = (batch for step, batch in enumerate(data.stage(1).take(6)) if step == 5)
    tf.nest.map_structure(np.testing.assert_array_equal, late.fine[1], wanted.fine[1])
