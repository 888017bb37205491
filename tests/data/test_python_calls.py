"""What pipelines call in Python keeps nothing alive: pixels, files, handles end with a dataset."""

import functools
import gc
import os
import pathlib
import weakref

import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images

import keras_ms
from keras_ms.data import python_calls

HANDLES = pathlib.Path("/proc/self/fd")


def of_task(**options):
    task = keras_ms.tasks.Denoising()
    return keras_ms.MultiscaleDataset(small_images(4, 40), task, (1, 2), 32, **options)


def stores(data):
    """What holds the pixels of a dataset."""
    if data.pairs is not None:
        return [weakref.ref(data.pairs._store), weakref.ref(data.pairs.reading)]
    return [weakref.ref(level) for level in data._batches._store._levels]


def handles():
    gc.collect()
    return len(os.listdir(HANDLES))


@pytest.mark.parametrize(
    ("make", "cache_bytes"), [(pair_dataset, 0), (pair_dataset, 2**30), (of_task, 0)]
)
def test_pixels_and_files_are_freed_with_the_dataset(make, cache_bytes):
    before = handles() if HANDLES.exists() else 0
    data = make(cache_bytes=cache_bytes)
    kept = stores(data)
    next(iter(data.stage()))
    if HANDLES.exists() and not cache_bytes:
        assert handles() > before
    del data
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)
    assert not HANDLES.exists() or handles() == before


@pytest.mark.parametrize("make", [pair_dataset, of_task])
def test_a_stream_or_an_iterator_alone_keeps_what_it_reads(make):
    kept = stores(data := make(cache_bytes=0))
    stream = data.stage().take(4)
    del data
    gc.collect()
    iterator = iter(stream)
    del stream
    gc.collect()
    assert len(list(iterator)) == 4
    del iterator
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)


def test_pairs_to_validate_on_are_freed(tmp_path):
    from PIL import Image

    for part in ("x", "y"):
        (tmp_path / part).mkdir()
        for number in range(3):
            Image.new("RGB", (32, 32), (number,) * 3).save(tmp_path / part / f"{number}.png")
    pairs = keras_ms.data.FolderPairs(tmp_path / "x", tmp_path / "y")
    batches = pairs.batches(2)
    kept = weakref.ref(pairs)
    assert [len(x) for x, _ in batches] == [2, 1]
    assert int(batches.cardinality()) == 2
    del pairs
    gc.collect()
    assert kept() is not None
    assert len(list(batches)) == 2
    del batches
    gc.collect()
    assert kept() is None


class Owner:
    def answer(self, number):
        return np.int64(number + 1)


def test_a_call_whose_owner_is_gone_fails_and_keeps_it_not():
    owner = Owner()

    def ask(number, of=owner):
        return python_calls.called(of, Owner.answer, [number], tf.int64)

    spec = tf.TensorSpec((), tf.int64)
    traced = tf.function(functools.partial(ask, of=owner)).get_concrete_function(spec)
    assert int(traced(tf.constant(1, tf.int64))) == 2
    ref = weakref.ref(owner)
    del owner, ask
    gc.collect()
    assert ref() is None
    with pytest.raises(tf.errors.OpError, match="is gone"):
        traced(tf.constant(1, tf.int64))


def test_sources_are_closed_before_the_process_ends(monkeypatch):
    closed = []

    def generate():
        try:
            while True:
                yield small_images(1)[0], small_images(1)[0]
        finally:
            closed.append(True)

    data = keras_ms.MultiscaleDataset(generate, levels=(1, 2), anew=True)
    next(iter(data.stage()))
    mine = weakref.WeakSet([data.pairs.reading])
    monkeypatch.setattr(python_calls, "_closed_at_the_end", mine)
    monkeypatch.setattr(python_calls._calls, "ending", False)
    assert closed == []
    python_calls._end()
    assert closed == [True]
