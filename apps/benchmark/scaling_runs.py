"""Measurements for the model of `scaling`: steps by pixels, and sums over processes by bytes."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import time
from typing import Any

import numpy as np

from .report import Row
from .scaling import Link, Step, communication, fitted, traffic
from .settings import BenchmarkSettings

STEPS = 3
NUMBERS = (1_000, 100_000, 1_000_000, 10_000_000)  # in the vectors that are summed
REPEATED = 5


def by_side(settings: BenchmarkSettings) -> list[Row]:
    """Seconds and memory of steps by image size, each in a process of its own, beside the model's.

    Seconds of the processor, of all cores together, hardly depend on what else the machine does.
    The model is fitted to all image sizes but the largest, which it then predicts.

    Returns:
        One row per image size and kind of step, plain and telescoping.
    """
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    for sizes in ((1,), (1, 2, 4)):
        found = []
        for side in sorted(settings.sizes):
            with context.Pool(1) as pool:
                found.append(pool.apply(_step, (settings, side, sizes)))
        rows += _beside_the_model(sorted(settings.sizes), sizes, found)
    return rows


def _beside_the_model(sides: Any, sizes: tuple[int, ...], found: Any) -> list[Row]:
    steps = [Step(side, sizes) for side in sides]
    known = slice(None, -1) if len(steps) > 2 else slice(None)
    pixels, held = [s.pixels for s in steps], [s.pixels_at_once for s in steps]
    times, processor, peaks = zip(*found, strict=True)
    seconds, memory = fitted(pixels[known], times[known]), fitted(held[known], peaks[known])
    busy = fitted(pixels[known], processor[known])
    return [
        {
            "size": step.side,
            "batches": sizes,
            "seconds": measured,
            "predicted": seconds.at(step.pixels),
            "processor": used,
            "predicted_processor": busy.at(step.pixels),
            "of_steps": peak,
            "predicted_peak": memory.at(step.pixels_at_once),
        }
        for step, measured, used, peak in zip(steps, times, processor, peaks, strict=True)
    ]


def _step(
    settings: BenchmarkSettings, side: int, sizes: tuple[int, ...]
) -> tuple[float, float, float]:
    """Seconds of a step, by the clock and of the processor, the least of some; MiB of the steps."""
    import keras

    import keras_ms
    from keras_ms.levels import Stage

    from ..experiment.timing import step_in_memory
    from . import memory
    from .steps import make_model

    keras.config.set_dtype_policy(settings.dtype_policy)
    model, images = make_model(settings), [np.random.default_rng(0).random((side, side, 3), "f4")]
    task = keras_ms.tasks.Denoising()
    dataset = keras_ms.MultiscaleDataset(images, task, sizes, side, steps_per_epoch=1)
    before = memory.resident_mib()
    memory.forget_peak()
    step = step_in_memory(model, dataset, Stage(0, sizes))
    times = []
    for _ in range(STEPS):
        begin, used = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - begin, time.process_time() - used))
    clock, processor = map(min, zip(*times, strict=True))
    return clock, processor, memory.peak_mib() - before


def sums(settings: BenchmarkSettings) -> list[Row]:
    """Seconds of a sum over processes of this machine, by bytes and processes, beside the model's.

    The model is fitted to two processes and predicts four.

    Returns:
        One row per number of processes and length of vector.
    """
    found = {hosts: _summed_by(hosts) for hosts in (2, 4)}
    line = fitted([traffic(count, 2) for count in NUMBERS], found[2])
    link = Link(1.0 / line.slope, max(line.fixed, 0.0) / 2.0, collectives=1)
    return [
        {
            "processes": hosts,
            "megabytes": 4e-6 * count,
            "seconds": measured,
            "predicted": communication(link, count, hosts),
        }
        for hosts, times in found.items()
        for count, measured in zip(NUMBERS, times, strict=True)
    ]


def _summed_by(hosts: int) -> list[float]:
    """Seconds of sums of vectors over so many processes, the least of some each."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(hosts)]
    workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_sum, args=(queue, workers, i)) for i in range(hosts)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return queue.get(timeout=1)  # there is nothing in it if they have failed


def _sum(queue: Any, workers: list[str], index: int) -> None:
    cluster = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def reduced(vector: Any) -> Any:
        replica = tf.distribute.get_replica_context()
        # A copy has a device, by which TensorFlow finds out whose sums it is to make.
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(vector))

    @tf.function
    def summed(vector: Any) -> Any:
        return tf.reduce_sum(strategy.run(reduced, (vector,)))

    found = []
    for count in NUMBERS:
        vector = tf.ones(count)
        float(summed(vector))  # traces, and joins the processes
        times = []
        for _ in range(REPEATED):
            begin = time.perf_counter()
            float(summed(vector))
            times.append(time.perf_counter() - begin)
        found.append(min(times))
    if index == 0:
        queue.put(found)
