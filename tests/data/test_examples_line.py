"""The line on the examples is true of every source, and says `anew=True` where it may matter."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms

X = np.arange(6, dtype="float32").reshape(-1, 1, 1, 1) * np.ones((1, 16, 16, 1), "float32")
Y = np.zeros((6, 16, 16), "uint8")
SLICES = tf.data.Dataset.from_tensor_slices
SPEC = tf.TensorSpec((16, 16, 1)), tf.TensorSpec((16, 16), tf.uint8)
KEPT = "6, read once and kept, visited in shuffled order"
GROWING = "as many as come, read once and kept, visited in shuffled order after the first pass"
NOTHING, NOT_HERE = "; nothing drawn at random", "; nothing drawn by the dataset itself"
SAY = " may draw at random: if so, say anew=True, else each example stays as it is first read"
AS_SAID = ", read anew in every pass, as you say (anew=True)"
IN_PYTHON = NOT_HERE + "; Python code in its pipeline" + SAY
ENDLESS = "as many as come, read on and on, since they are said to have no end"
ONCE = (
    "; a generator object can be read once, so that a second pass has the same examples; a "
    "generator function can begin anew"
)
APART = "; batches are taken apart into examples"
DRAWS = f"6, read anew in every pass, since its pipeline draws at random (%s){NOT_HERE}"


def generate(noise=0.0):
    rng = np.random.default_rng(1)
    for x, y in zip(X, Y, strict=True):
        yield x + noise * rng.random(dtype="float32"), y


class Batches(keras.utils.PyDataset):
    def __init__(self, count=3):
        super().__init__()
        self.count = count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, number):
        if number > 2:
            raise IndexError(number)
        return X[2 * number : 2 * number + 2], Y[2 * number : 2 * number + 2]


class Rows:
    def __len__(self):
        return 6

    def __getitem__(self, number):
        return X[number], Y[number]


class Loader:
    def __iter__(self):
        return generate()


class OpenLoader(Loader):
    anew = True


def of_generator():
    return tf.data.Dataset.from_generator(generate, output_signature=SPEC)


def in_python(dataset, call=tf.numpy_function):
    def made(x, y):
        return tf.ensure_shape(call(lambda array: array, [x], tf.float32), (16, 16, 1)), y

    return dataset.map(made)


def random(draw):
    return lambda: SLICES((X, Y)).map(lambda x, y: (x + draw((16, 16, 1)), y))


def zipped(reshuffled):
    x = SLICES(X).shuffle(6, reshuffle_each_iteration=reshuffled)
    return tf.data.Dataset.zip(x, SLICES(Y))


def stateless(shape):
    return tf.random.stateless_truncated_normal(shape, (1, 2))


CASES = {
    "arrays": (lambda: (X, Y), {}, KEPT + NOTHING),
    "lists": (lambda: list(zip(X, Y, strict=True)), {}, KEPT + NOTHING),
    "arrays anew": (lambda: (X, Y), {"anew": True}, f"6{AS_SAID}{NOT_HERE}"),
    "crops": (lambda: (X, Y), {"image_size": 8}, f"{KEPT}; random crops drawn at random"),
    "rows": (Rows, {}, f"{KEPT}{NOT_HERE}; its __getitem__{SAY}"),
    "rows anew": (Rows, {"anew": True}, f"6{AS_SAID}{NOT_HERE}"),
    "rows kept": (
        Rows,
        {"anew": False},
        f"6, read once and kept, as you say (anew=False), visited in shuffled order{NOT_HERE}",
    ),
    "loader": (Loader, {}, f"{GROWING}{NOT_HERE}; its __iter__{SAY}"),
    "open loader": (
        OpenLoader,
        {},
        "as many as come, read anew in every pass, since its source says that they differ"
        + NOT_HERE,
    ),
    "PyDataset": (Batches, {}, f"{GROWING}{NOT_HERE}; its __getitem__{SAY}{APART}"),
    "PyDataset anew": (
        Batches,
        {"anew": True},
        f"as many as come{AS_SAID}{NOT_HERE}{APART}",
    ),
    "endless PyDataset": (lambda: Batches(None), {}, f"{ENDLESS}{NOT_HERE}{APART}"),
    "endless anew": (lambda: Batches(None), {"anew": True}, f"{ENDLESS}{NOT_HERE}{APART}"),
    "generator function": (
        lambda: generate,
        {"flip": True},
        f"{GROWING}; flips drawn at random; its generator{SAY}",
    ),
    "generator": (
        generate,
        {},
        GROWING + NOTHING + ONCE,
    ),
    "generator anew": (
        generate,
        {"anew": True},
        "as many as come, read as they come and not kept" + NOT_HERE + ONCE,
    ),
    "slices": (lambda: SLICES((X, Y)), {}, KEPT + NOTHING),
    "shuffled": (lambda: SLICES((X, Y)).shuffle(6), {}, KEPT + NOTHING),
    "repeated": (lambda: SLICES((X, Y)).repeat(), {}, ENDLESS + NOTHING),
    "from_generator": (of_generator, {}, GROWING + IN_PYTHON),
    "batched from_generator": (lambda: of_generator().batch(2), {}, GROWING + IN_PYTHON + APART),
    "from_generator anew": (of_generator, {"anew": True}, f"as many as come{AS_SAID}{NOT_HERE}"),
    "numpy_function": (lambda: in_python(SLICES((X, Y))), {}, KEPT + IN_PYTHON),
    "py_function": (lambda: in_python(SLICES((X, Y)), tf.py_function), {}, KEPT + IN_PYTHON),
    "numpy_function, cached": (lambda: in_python(SLICES((X, Y))).cache(), {}, KEPT + NOTHING),
    "uniform": (random(tf.random.uniform), {}, DRAWS % "RandomUniform"),
    "truncated": (random(tf.random.truncated_normal), {}, DRAWS % "TruncatedNormal"),
    "stateless": (random(stateless), {}, DRAWS % "StatelessRandomGetKeyCounter"),
    "uniform kept": (
        random(tf.random.uniform),
        {"anew": False},
        f"6, read once and kept, as you say (anew=False), visited in shuffled order{NOT_HERE}",
    ),
    "zipped": (
        lambda: zipped(True),
        {},
        f"6, read anew in every pass, since its pipeline zips what it shuffles{NOT_HERE}",
    ),
    "zipped, one order": (lambda: zipped(False), {}, KEPT + NOTHING),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_is_true_and_says_what_may_matter(case):
    source, options, wanted = CASES[case]
    options = {"levels": (1, 2) if "image_size" not in options else (2,), **options}
    line = keras_ms.MultiscaleDataset(source(), **options).describe().lines[2]
    assert line == f"examples: {wanted}"


def test_what_has_no_room_is_read_anew_and_no_longer_said_to_be_kept(monkeypatch):
    monkeypatch.setattr("keras_ms.data.example_store._free_bytes", lambda: 0)
    for source, number in (((X, Y), "6"), (generate, "as many as come")):
        made = keras_ms.MultiscaleDataset(source, levels=(1, 2), cache_bytes=3000)
        list(itertools.islice(made.stage(), 4))
        line = made.describe().lines[2]
        want = (
            f"examples: {number}, read anew in every pass, since neither memory nor disk has room"
        )
        assert line.startswith(want)
        assert "say anew" not in line


@pytest.mark.parametrize("way", [generate, of_generator])
def test_what_augments_unseen_is_drawn_anew_where_it_is_said(way):
    rng = np.random.default_rng(0)

    def augmented():
        for x, y in zip(X, Y, strict=True):
            yield x + rng.random(dtype="float32"), y

    source = augmented
    if way is of_generator:
        source = tf.data.Dataset.from_generator(augmented, output_signature=SPEC)

    def distinct(**options):
        made = keras_ms.MultiscaleDataset(source, levels=(1, 2), **options)
        return len({float(b.fine[0][0][0, 0, 0, 0]) for b in made.stage().take(12)})

    assert distinct() <= 6
    assert distinct(anew=True) == 12
