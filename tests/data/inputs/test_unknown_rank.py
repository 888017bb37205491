"""Elements of which not even the number of axes is declared: examples, batches, or refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.data.inputs import examples_of

FLOATS = (tf.float32, tf.float32)


def declared_without_shapes(elements):
    return tf.data.Dataset.from_generator(lambda: iter(elements), output_types=FLOATS)


def of_specs_without_shapes(elements):
    signature = tuple(tf.TensorSpec(None, dtype) for dtype in FLOATS)
    return tf.data.Dataset.from_generator(lambda: iter(elements), output_signature=signature)


def by_numpy_function(elements):
    def read(number):
        return elements[number]

    return tf.data.Dataset.range(len(elements)).flat_map(
        lambda k: tf.data.Dataset.from_tensors(tuple(tf.numpy_function(read, [k], FLOATS)))
    )


def by_py_function(elements):
    made = declared_without_shapes(elements)
    return made.map(lambda x, y: tuple(tf.py_function(lambda a, b: (a, b), [x, y], FLOATS)))


class Sequence:
    """Of no class of Keras's, as people wrote them before Keras 3."""

    def __init__(self, elements):
        self.elements = elements

    def __len__(self):
        return len(self.elements)

    def __getitem__(self, number):
        return self.elements[number]


def by_generator_function(elements):
    return lambda: iter(elements)


DATASETS = [declared_without_shapes, of_specs_without_shapes, by_numpy_function, by_py_function]
WAYS = [*DATASETS, Sequence, by_generator_function]


def zeros(*shapes, count=2):
    return [tuple(np.zeros(shape, "float32") for shape in shapes)] * count


def shapes(examples):
    return [tuple(leaf.shape) for leaf in keras.tree.flatten(examples.spec)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("x", "y", "found", "count"),
    [
        ((8, 8, 3), (8, 8), [(8, 8, 3), (8, 8)], 2),  # pictures one by one
        ((4, 8, 8, 3), (4,), [(8, 8, 3), ()], 8),  # a label an example
        ((4, 8, 8, 3), (4, 5), [(4, 8, 8, 3), (4, 5)], None),
        ((4, 8, 8, 3), (), [(4, 8, 8, 3), ()], 2),  # a volume and its label
        ((2, 4, 8, 8, 1), (2, 4, 8, 8), [(4, 8, 8, 1), (4, 8, 8)], 4),
        ((64, 2), (64, 1), [(64, 2), (64, 1)], 2),
    ],
)
def test_the_first_element_tells_by_the_rules_of_known_rank(way, x, y, found, count):
    if count is None:
        with pytest.raises(ValueError, match="It cannot be told whether elements are batches"):
            examples_of(way(zeros(x, y)))
        return
    examples = examples_of(way(zeros(x, y)))
    assert shapes(examples) == found
    assert len(list(examples.passes())) == count


@pytest.mark.parametrize("way", WAYS)
def test_batches_of_pictures_or_volumes_are_refused_and_every_mend_works(way):
    batches = zeros((16, 16, 16, 3), (16, 16, 16))
    with pytest.raises(
        ValueError, match=r"(?s)\(16, 16, 16, 3\).*unbatch.*image_size.*spatial_dims"
    ):
        examples_of(way(batches))
    for options, found in (
        ({"image_size": (16, 16), "levels": (1, 2)}, [(16, 16, 3), (16, 16)]),
        ({"levels": keras_ms.Levels((1, 2), spatial_dims=2)}, [(16, 16, 3), (16, 16)]),
        ({"levels": keras_ms.Levels((1, 2), spatial_dims=3)}, [(16, 16, 16, 3), (16, 16, 16)]),
    ):
        made = keras_ms.MultiscaleDataset(way(batches), **options)
        assert [tuple(s.shape)[1:] for s in made.pair_spec()] == found
        assert [leaf.role for leaf in made.pairs.leaves] == ["image", "image"]
    if way in DATASETS:
        assert shapes(examples_of(way(batches).unbatch())) == [(16, 16, 3), (16, 16)]


def test_what_the_chain_tells_goes_before():
    singles = tf.data.Dataset.from_tensors(zeros((8, 8, 3), (8, 8))[0]).repeat(2)

    def opened(x, y):
        return tuple(tf.numpy_function(lambda a, b: (a, b), [x, y], FLOATS))

    for dataset in (
        singles.map(opened),
        singles.batch(2).map(opened),
        singles.map(opened).batch(2),
    ):
        examples = examples_of(dataset)
        assert shapes(examples) == [(8, 8, 3), (8, 8)]
        assert len(list(examples.passes())) == 2


def test_a_leaf_that_is_declared_tells_for_one_that_is_not():
    elements = zeros((4, 8, 8, 3), (4, 8, 8))
    signature = tf.TensorSpec((None, 8, 8, 3)), tf.TensorSpec(None)
    dataset = tf.data.Dataset.from_generator(lambda: iter(elements), output_signature=signature)
    assert shapes(examples_of(dataset)) == [(8, 8, 3), (8, 8)]


def test_a_sequence_that_says_its_batch_size_yields_batches():
    data = Sequence(zeros((4, 8, 8, 3), (4, 8, 8)))
    data.batch_size = 4
    assert shapes(examples_of(data)) == [(8, 8, 3), (8, 8)]


def test_nothing_is_read_twice_to_find_out():
    read = []

    def generate():
        for number in range(3):
            read.append(number)
            yield zeros((4, 8, 8, 3), (4,))[0]

    dataset = tf.data.Dataset.from_generator(generate, output_types=FLOATS)
    assert len(list(examples_of(dataset).passes())) == 12
    assert read == [0, 1, 2]
