"""One example of another kind, wherever it is, is passed over and named; a mixture is refused."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_ms

COUNT, SIDE = 8, 48
HALF = dict.fromkeys(range(4), (SIDE, SIDE // 2))


def pictures(odd):
    sides = [odd.get(number, (SIDE, SIDE)) for number in range(COUNT)]
    photos = [np.full((x, x, 3), number, "uint8") for number, (x, _) in enumerate(sides)]
    return photos, [np.full((y, y), number % 3, "uint8") for number, (_, y) in enumerate(sides)]


def folders(odd, where):
    for part, arrays in zip(("photos", "masks"), pictures(odd), strict=True):
        (where / part).mkdir()
        for number, array in enumerate(arrays):
            Image.fromarray(array).save(where / part / f"{number}.png")
    return keras_ms.data.FolderPairs(where / "photos", where / "masks", classes=3)


def of_unknown_sides(odd, _):
    spec = tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((None, None), tf.uint8)
    return tf.data.Dataset.from_generator(
        lambda: zip(*pictures(odd), strict=True), output_signature=spec
    )


SOURCES = {
    "folders": folders,
    "arrays": lambda odd, _: pictures(odd),
    "sequence": lambda odd, _: list(zip(*pictures(odd), strict=True)),
    "function": lambda odd, _: lambda: zip(*pictures(odd), strict=True),
    "iterator": lambda odd, _: zip(*pictures(odd), strict=True),
    "tf.data": of_unknown_sides,
}


def made(source, image_size=32):
    dataset = keras_ms.MultiscaleDataset(source, levels=(1, 2), image_size=image_size)
    list(dataset.stage().take(4))
    return dataset


def told(source, image_size=32):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        dataset = made(source, image_size)
    return dataset, " ".join(str(warning.message) for warning in said)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_small_mask_is_passed_over_and_named_wherever_it_is(name, number, tmp_path):
    dataset, said = told(SOURCES[name]({number: (SIDE, SIDE // 2)}, tmp_path))
    assert dataset.pair_spec(1)[1].shape == (2, 16, 16)
    assert dataset.pairs.reading.count == COUNT - 1
    assert "Skipped 1 of 8" in said
    assert f"{number}.png (" in said or f"{number} (" in said
    assert "y has the shape (24, 24), expected is (48, 48) beside x of size (48, 48)" in said


@pytest.mark.parametrize("name", ["folders", "arrays", "function"])
@pytest.mark.parametrize("sides", [(SIDE, 16), (16, SIDE), (16, 16), (SIDE, 7), (SIDE, 2 * SIDE)])
@pytest.mark.parametrize("image_size", [32, None])
def test_a_first_pair_of_other_sizes_decides_nothing(name, sides, image_size, tmp_path):
    dataset, said = told(SOURCES[name]({0: sides}, tmp_path), image_size)
    assert dataset.image_size == ((SIDE, SIDE) if image_size is None else (32, 32))
    assert dataset.pairs.reading.count == COUNT - 1
    assert "Skipped 1 of 8" in said


@pytest.mark.parametrize("name", SOURCES)
def test_a_mixture_is_refused_naming_what_is_odd_and_what_is_expected(name, tmp_path):
    with pytest.raises(ValueError, match=r"4 of (the first )?8 .*\(24, 24\).*pected is .*48, 48"):
        made(SOURCES[name](HALF, tmp_path))


def test_maps_that_are_all_smaller_keep_their_ratio(tmp_path):
    halves = dict.fromkeys(range(COUNT), (SIDE, SIDE // 2))
    for name in ("folders", "function"):
        dataset = made(SOURCES[name](halves, tmp_path))
        assert dataset.pair_spec(0)[1].shape == (1, 16, 16)


def test_sizes_that_differ_need_a_size_of_crops(tmp_path):
    odd = {number: (16 + 2 * number,) * 2 for number in range(COUNT)}
    for name in ("folders", "arrays", "function"):
        with pytest.raises(ValueError, match=r"one known size.*Pass `image_size`"):
            made(SOURCES[name](odd, tmp_path), image_size=None)


@pytest.mark.parametrize("name", ["arrays", "sequence", "function"])
@pytest.mark.parametrize(
    "other",
    [
        lambda x, y: (x[..., :1], y),
        lambda x, y: (x[..., 0], y),
        lambda x, y: (x.astype("float32"), y),
        lambda x, y: (x, y.astype("int64")),
        lambda x, y: (x, y[..., None]),
        lambda x, y: (x, y[0, 0]),
    ],
)
@pytest.mark.parametrize("number", [0, 5])
def test_a_picture_of_another_kind_is_passed_over_and_named(name, other, number):
    photos, masks = pictures({})
    photos[number], masks[number] = other(photos[number], masks[number])
    pairs = photos, masks
    zipped = list(zip(photos, masks, strict=True))
    source = {"arrays": pairs, "sequence": zipped, "function": lambda: iter(zipped)}[name]
    dataset, said = told(source)
    assert dataset.pairs.leaves[0].channels
    assert dataset.pairs.reading.count == COUNT - 1
    assert f"{number} (It is of another type, or has other axes or channels than most" in said


def test_batches_of_another_kind_are_passed_over():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            x = np.zeros((2, 16, 16, 3 if index else 1), "float32")
            return x, np.zeros((2, 16, 16), "int32")

    dataset, said = told(Batches(), None)
    assert "Skipped 2 of 12" in said
    assert dataset.pair_spec(0)[0].shape == (1, 16, 16, 3)


def test_labels_of_most_decide_as_well():
    photos, _ = pictures({})
    labels = [np.zeros(3 if number else 2, "float32") for number in range(COUNT)]
    dataset, said = told((photos, labels))
    assert "0 (" in said
    assert dataset.pair_spec(0)[1].shape == (1, 3)


def test_what_is_looked_at_is_neither_lost_nor_read_twice():
    read = []

    def examples():
        for number, pair in enumerate(zip(*pictures({0: (SIDE, 24)}), strict=True)):
            read.append(number)
            yield pair

    dataset, _ = told(examples)
    assert read == list(range(COUNT))
    assert dataset.pairs.reading.count == COUNT - 1


def test_an_error_of_a_source_comes_when_reading_comes_to_it():
    def examples():
        yield from list(zip(*pictures({}), strict=True))[:4]
        raise OSError("the disk is gone")

    dataset = keras_ms.MultiscaleDataset(examples, levels=(1, 2), image_size=32)
    with pytest.raises(Exception, match="the disk is gone"):
        list(dataset.stage().take(4))


@pytest.mark.parametrize("name", ["folders", "arrays", "function"])
def test_the_description_tells_the_shape_of_what_is_kept(name, tmp_path):
    dataset, _ = told(SOURCES[name]({2: (SIDE, SIDE // 2), 3: (16, 16)}, tmp_path))
    x, y, *_ = dataset.describe().lines
    assert x.startswith("x: image 48x48x3 of uint8")
    assert y.startswith("y: class map 48x48 of uint8")
    dataset, _ = told(SOURCES["function"]({2: (SIDE + 8, SIDE + 8)}, tmp_path))
    assert dataset.describe().lines[0].startswith("x: image ?x?x3 of uint8")
