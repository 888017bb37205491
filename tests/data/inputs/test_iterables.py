"""Sources of examples one after another: generators, map datasets, lists."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from numbered_pairs import pair, read, seen
from PIL import Image

from keras_ms.data.inputs import examples_of, read_once


def generate(count=5, made=None):
    for number in range(count):
        if made is not None:
            made.append(number)
        yield pair(number)


def test_a_generator_function_begins_anew_and_its_first_is_not_lost():
    made = []
    examples = examples_of(lambda: generate(made=made))
    assert seen(examples) == made == list(range(5))
    assert seen(examples) == list(range(5))
    assert not examples.once
    assert examples.length is None


def test_a_generator_object_is_read_once_and_kept():
    made = []
    examples = examples_of(generate(made=made))
    assert examples.once
    assert "generator function" in examples.note
    begun = examples.passes()
    next(begun)
    assert seen(examples) == list(range(5))  # while another pass is under way
    assert len(list(begun)) == 4
    assert made == list(range(5))


def test_more_than_can_be_kept_goes_on_and_ends():
    items = ((str(k), (np.zeros(8, "uint8"),)) for k in range(4))
    source = read_once.ReadOnce(items, kept_bytes=20)
    assert [name for name, _ in itertools.islice(source.passes(), 3)] == ["0", "1", "2"]
    assert [name for name, _ in source.passes()] == ["3"]
    with pytest.raises(ValueError, match="Pass the generator function"):
        source.passes()


class MapDataset:
    """As PyTorch and Hugging Face have them."""

    def __init__(self, items):
        self.items, self.reads = items, 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.reads += 1
        if self.items[index] is None:
            raise OSError("truncated")
        return self.items[index]


def test_map_datasets_of_pictures_by_columns():
    palette = Image.fromarray(np.full((8, 8), 2, "uint8"), "P")
    palette.putpalette([0, 0, 0, 9, 9, 9, 50, 60, 70])
    grey = Image.fromarray(np.full((8, 8), 7, "uint8"))
    item = {"image": palette, "annotation": palette, "name": "a", "depth": grey}
    data = MapDataset([item, None, item])
    examples = examples_of(data, x=["image", "depth"], y="annotation")
    assert examples.length == 3
    assert data.reads == 3  # looked at, to see what most are like
    (_, (x, y)), (name, error), _ = read(examples)
    np.testing.assert_array_equal(x["image"][0, 0], [50, 60, 70])  # an input shows colours
    assert x["depth"].shape == (8, 8, 1)
    assert (y == 2).all()  # a target counts classes
    assert name == "1"
    assert "OSError: truncated" in str(error)
    assert data.reads == 3


def test_lists_of_examples_of_differing_sizes_have_open_sides():
    examples = examples_of([pair(0), list(pair(1, side=9))])
    assert examples.length == 2
    assert [tuple(leaf.shape) for leaf in examples.spec] == [(None, None, 3), (None, None)]


def test_an_example_unlike_the_first_is_named():
    odd = (np.zeros((8, 8, 1), "float32"), np.zeros((8, 8), "uint8"))
    found = read(examples_of(lambda: iter([pair(0), odd, pair(2)[:1], pair(3)])))
    errors = {name: str(one) for name, one in found if isinstance(one, ValueError)}
    assert list(errors) == ["1", "2"]
    assert "x of shape (8, 8, 1)" in errors["1"]
    assert "elements of 1 parts" in errors["2"]


class TorchTensor:
    def __init__(self, *shape):
        self.shape = shape

    def detach(self):
        return self

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        return np.zeros(self.shape, "float32")


def test_tensors_of_pytorch_have_channels_last_or_are_refused():
    found = examples_of(MapDataset([(TorchTensor(8, 9, 3), TorchTensor(8, 9))]))
    assert [tuple(leaf.shape) for leaf in found.spec] == [(8, 9, 3), (8, 9)]
    with pytest.raises(ValueError, match=r"x, a tensor of shape \(3, 8, 9\).*permute\(1, 2, 0\)"):
        examples_of(MapDataset([(TorchTensor(3, 8, 9), 0)]))
    with pytest.raises(ValueError, match=r"permute\(0, 2, 3, 1\)"):
        examples_of(lambda: iter([(TorchTensor(2, 3, 8, 9), TorchTensor(2))]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no example"),
        (iter(()), "no example"),
        ("pictures/", r"FolderPairs. Received: 'pictures/'"),
        (7, "Received: int"),
        (None, "Received: NoneType"),
        (lambda: 3, "which returned int"),
        ([np.zeros((8, 8, 3))], r"ndarray of shape \(8, 8, 3\). Pass a task"),
        (np.zeros((4, 8, 8, 3)), r"Received: ndarray of shape \(4, 8, 8, 3\).*Pass a task"),
        ([{"image": 1, "mask": 2}], "columns 'image', 'mask'"),
        ([("a.jpg", 1.0)], "Strings in x name picture files, and 1 of 1 are not there"),
        (lambda: iter([("a.jpg", 1.0)]), "Examples hold numbers. Received: x of type str"),
        ((tf.data.Dataset.range(3), np.zeros(3)), "Dataset.zip"),
    ],
)
def test_what_yields_no_examples_is_refused(data, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        examples_of(data)


def test_datasets_of_inputs_and_targets_are_zipped():
    parts = tf.data.Dataset.from_tensors(tf.zeros((8, 8, 3))), tf.data.Dataset.range(1)
    assert len(read(examples_of(parts))) == 1


def test_what_knows_its_examples_is_asked():
    class Own:
        def examples(self):
            return examples_of([pair(0)])

    assert examples_of(Own()).length == 1
    with pytest.raises(ValueError, match="Leave them out"):
        examples_of(Own(), x="image")
