"""Trains again and again in one process and prints what it holds: memory, handles, threads, disk.

python -m tests.soak --minutes=45                # apps.train, all stages
python -m tests.soak --fits=100                  # a new model each, on data of several kinds
python -m tests.soak --fits=100 --models=one     # one model on data of several kinds
python -m tests.soak --fits=100 --models=kept    # new models, the session never cleared
"""

import argparse
import contextlib
import ctypes
import gc
import io
import os
import pathlib
import shutil
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--fits", type=int, default=0, help="so many fits in place of the app")
    ways = ("cleared", "one", "kept")
    parser.add_argument("--models", choices=ways, default=ways[0], help="what --fits trains")
    asked = parser.parse_args()
    import keras

    with tempfile.TemporaryDirectory() as place:
        tempfile.tempdir = place
        if asked.fits:
            model = small() if asked.models == "one" else None
            for number in range(asked.fits):
                fit(number, model or small())
                if asked.models == "cleared":
                    keras.utils.clear_session()  # as Keras asks of who makes many models
                if number % 10 == 9:
                    print(f"{number + 1} fits: {held(place)}", flush=True)
            return
        begun, number = time.monotonic(), 0
        while time.monotonic() < begun + 60.0 * asked.minutes:
            run(pathlib.Path(place) / "out", number)
            keras.utils.clear_session()
            number += 1
            print(f"{time.monotonic() - begun:.0f} s, run {number}: {held(place)}", flush=True)


def held(place):
    """What the process holds, after what nobody holds is collected."""
    import psutil

    gc.collect()
    process, used = psutil.Process(), in_use()
    files = [path for path in pathlib.Path(place).rglob("*") if path.is_file()]
    return (
        f"{used / 2**20:.1f} MiB in use, {process.memory_info().rss / 2**20:.0f} MiB resident, "
        f"{process.num_fds()} handles, "
        f"{process.num_threads()} threads, {sum(f.stat().st_size for f in files)} bytes of files"
    )


def in_use():
    """Bytes that are allocated and not freed.

    Resident memory holds as well what glibc keeps of what was freed, which goes up and down by a
    fifth with the order of threads.
    """
    libc = ctypes.CDLL("libc.so.6")
    libc.mallinfo2.restype = MallInfo2
    libc.malloc_trim(0)
    info = libc.mallinfo2()
    return info.uordblks + info.hblkhd


class MallInfo2(ctypes.Structure):
    """`struct mallinfo2` of malloc.h, all ten counts."""

    NAMES = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks")
    _fields_ = [(name, ctypes.c_size_t) for name in (*NAMES, "uordblks", "fordblks", "keepcost")]


def run(out, number):
    """A run of `apps.train` over three stages, with checkpoints and an export."""
    from apps import train
    from apps.experiment.settings import Settings

    settings = Settings(
        strategy="full_multiscale",
        network="unet",
        width=8,
        batch_sizes=(2, 4, 8),
        image_size=64,
        iterations=(20, 40, 80),
        validations=3,
        validation_samples=8,
        checkpoint_seconds=5.0,
        seed=number % 3,
        output=str(out),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        train.run(settings)
    shutil.rmtree(out)


def small():
    """A model of two layers."""
    import keras

    import keras_ms

    image = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="silu")(image)
    model = keras_ms.MultiscaleModel(image, keras.layers.Conv2D(3, 3, padding="same")(hidden))
    model.compile("adam", "mse")
    return model


def fit(number, model):
    """A fit on new data: photographs in memory and on disk, sums and plain batches, pairs."""
    import numpy as np
    import tensorflow as tf

    import keras_ms

    rng = np.random.default_rng(number)
    photos = [rng.integers(0, 255, (160, 160, 3)).astype("uint8") for _ in range(8)]

    def examples():
        for _ in range(48):
            image = rng.random((32, 32, 3), dtype="float32")
            yield image, image

    spec = tf.TensorSpec((32, 32, 3))
    pairs = tf.data.Dataset.from_generator(examples, output_signature=(spec, spec))
    task = keras_ms.tasks.Denoising((0.7, 1.0))
    data = [
        lambda: keras_ms.MultiscaleDataset(photos, task, (2, 4, 8), 64, 5, cache_bytes=100_000),
        lambda: keras_ms.MultiscaleDataset(photos, task, (2, 4, 8), 64, 5),
        lambda: keras_ms.MultiscaleDataset(pairs, levels=(4, 8, 16), steps_per_epoch=5),
        lambda: keras_ms.MultiscaleDataset(photos, task, (2, 4, 8), 64, 5, telescoping=False),
    ][number % 4]()
    schedule = keras_ms.FullMultiscaleSchedule((5, 10, 20), steps_per_epoch=5)
    model.fit(data, epochs=schedule.epochs, callbacks=[schedule], verbose=0)


if __name__ == "__main__":
    main()
