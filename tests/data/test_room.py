"""What does not fit in memory is refused before it is made."""

import pathlib
import types

import numpy as np
import psutil
import pytest
from conftest import pair_dataset, small_images

import keras_ms
from keras_ms.data import memory, room
from keras_ms.levels import Stage


def test_bytes_of_a_step_are_those_of_its_batches():
    data = pair_dataset()
    specs = [data.pair_spec(level) for level in range(3)]
    wanted = {}
    for stage in (*data.stages, Stage(1, (3,))):
        batch = next(iter(data.stage(stage.finest, batch_sizes=stage.batch_sizes)))
        made = [*batch.fine, *batch.coarse]
        wanted[stage] = sum(tensor.numpy().nbytes for pair in made for tensor in pair)
    assert {stage: room.bytes_of_step(stage, specs) for stage in wanted} == wanted


@pytest.mark.parametrize("task", [None, keras_ms.tasks.Denoising()])
def test_batches_that_do_not_fit_are_refused_when_the_dataset_is_made(task):
    images = small_images()
    data, size = (images, 32) if task else ((images, images), None)
    options = {"levels": (10**7, 10**7), "image_size": size}
    with pytest.raises(ValueError, match=r"GiB are free.*batch_sizes=\(10000000, 10000000\)"):
        keras_ms.MultiscaleDataset(data, task, **options)


def test_batches_that_are_asked_for_later_are_refused_too():
    with pytest.raises(ValueError, match=r"batch_sizes=\(100000000,\) from level 1"):
        pair_dataset().stage(1, batch_sizes=(10**8,))


def test_validation_pairs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"samples=100000000.*--validation_samples"):
        keras_ms.data.evaluation_pairs(
            small_images(), keras_ms.tasks.Denoising(), 32, samples=100_000_000
        )


def test_what_fits_is_left_alone(monkeypatch):
    data = pair_dataset()
    needed = room.bytes_of_step(data.stages[0], [data.pair_spec(level) for level in range(3)])
    monkeypatch.setattr("keras_ms.data.room.available_bytes", lambda: float(needed))
    data.stage()
    monkeypatch.setattr("keras_ms.data.room.available_bytes", lambda: float(needed - 1))
    with pytest.raises(ValueError, match="do not fit in memory"):
        data.stage()


def written(folder, **files):
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_free_memory_is_the_least_of_machine_and_container(tmp_path, monkeypatch):
    machine = types.SimpleNamespace(available=600 * 1024)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path)
    assert memory.available_bytes() == 600 * 1024
    files = {"memory__current": "5000", "memory__stat": "anon 1\ninactive_file 1500\n"}
    written(tmp_path, memory__max="max", **files)
    assert memory.available_bytes() == 600 * 1024
    written(tmp_path, memory__max="9000")
    assert memory.available_bytes() == 9000 - 5000 + 1500
    monkeypatch.setattr(psutil, "virtual_memory", lambda: {}["MemTotal:"])
    monkeypatch.setattr(memory, "_CONTAINER", pathlib.Path("/nowhere"))
    assert memory.available_bytes() == np.inf
