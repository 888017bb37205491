import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ms.data.inputs import dataset_elements, examples_of

FROM = tf.data.Dataset.from_tensor_slices


def read(examples):
    return list(examples.passes())


def pairs(count=6, side=8):
    x = tf.reshape(tf.range(count, dtype=tf.float32), (-1, 1, 1, 1)) * tf.ones((side, side, 3))
    return FROM((x, tf.cast(x[..., 0], tf.int32)))


def seen(examples):
    return [int(example[0].max()) for _, example in read(examples)]


def test_pairs_are_read_once_a_pass_in_their_order():
    count = tf.Variable(0)

    def counted(x, y):
        count.assign_add(1)
        return x, y

    examples = examples_of(pairs().map(counted))
    assert examples.length == 6
    assert not examples.anew
    assert seen(examples) == list(range(6))
    assert seen(examples) == list(range(6))
    assert count.numpy() == 12


@pytest.mark.parametrize("batched", [lambda d: d.batch(4), lambda d: d.batch(4).prefetch(1)])
def test_batches_are_taken_apart_the_last_and_smaller_too(batched):
    examples = examples_of(batched(pairs()))
    assert examples.length == 6
    assert seen(examples) == list(range(6))
    assert [tuple(leaf.shape) for leaf in examples.spec] == [(8, 8, 3), (8, 8)]
    assert "batches" in examples.note


def test_batches_without_a_remainder_and_of_a_directory(tmp_path):
    assert examples_of(pairs().batch(4, drop_remainder=True)).length == 4
    for kind in "ab":
        (tmp_path / kind).mkdir()
        for number in range(3):
            keras.utils.save_img(tmp_path / kind / f"{number}.png", np.zeros((8, 8, 3)))
    directory = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(8, 8), batch_size=4, verbose=False
    )
    assert len(read(examples_of(directory))) == 6


def generated(shape, label, **options):
    signature = tf.TensorSpec(shape, tf.float32), tf.TensorSpec(label, tf.float32)

    def generate():
        for _ in range(2):
            yield tuple(np.zeros([side or 2 for side in spec.shape]) for spec in signature)

    return tf.data.Dataset.from_generator(generate, output_signature=signature, **options)


@pytest.mark.parametrize(
    ("shape", "label", "dims", "found"),
    [
        ((None, 8, 8, 3), (None, 8, 8, 1), None, (8, 8, 3)),  # the first side alone is open
        ((None, None, 3), (None, None, 1), None, (None, None, 3)),  # pictures of any size
        ((4, 8, 8, 3), (4,), None, (8, 8, 3)),  # a label an example
        ((4, 8, 8, 3), (4, 8, 8, 1), 2, (8, 8, 3)),
        ((4, 8, 8, 3), (4, 8, 8, 1), 3, (4, 8, 8, 3)),
        ((4, 8, 8, 8, 1), (4, 8, 8, 8, 1), None, (8, 8, 8, 1)),
        ((4, 16, 2), (4, 16, 2), 1, (16, 2)),
        ((4, 16, 2), (4, 16, 2), None, (4, 16, 2)),
    ],
)
def test_batches_are_told_from_examples_by_axes(shape, label, dims, found):
    examples = examples_of(generated(shape, label), spatial_dims=dims)
    assert tuple(examples.spec[0].shape) == found


def test_volumes_one_by_one_are_no_batches():
    volumes = FROM((tf.zeros((3, 4, 8, 8, 1)), tf.zeros((3, 4, 8, 8, 1))))
    assert tuple(examples_of(volumes).spec[0].shape) == (4, 8, 8, 1)
    assert tuple(examples_of(volumes.batch(2)).spec[0].shape) == (4, 8, 8, 1)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match=r"(?s)\(4, 8, 8, 3\).*`\.unbatch\(\)`.*spatial_dims"):
        examples_of(generated((4, 8, 8, 3), (4, 8, 8, 1)))
    with pytest.raises(ValueError, match="at most 3 axes"):
        examples_of(pairs().batch(2).batch(2), spatial_dims=2)


def test_lengths_are_honest():
    assert examples_of(pairs().repeat()).length == math.inf
    assert examples_of(pairs().repeat().batch(2)).length == math.inf
    assert examples_of(pairs().filter(lambda x, y: True)).length is None
    with pytest.raises(ValueError, match="no example"):
        examples_of(pairs().take(0))
    with pytest.raises(ValueError, match="no example"):
        examples_of(pairs().filter(lambda x, y: False))


def test_a_look_at_the_first_reads_it_once():
    begun = []

    def generate():
        for number in range(4):
            begun.append(number)
            yield np.full((8, 8, 3), number, "float32"), number

    dataset = tf.data.Dataset.from_generator(generate, output_types=(tf.float32, tf.int32))
    examples = examples_of(dataset)
    assert tuple(examples.spec[0].shape) == (8, 8, 3)  # declared without shapes
    assert seen(examples) == [0, 1, 2, 3]
    assert begun == [0, 1, 2, 3]


def test_an_example_that_fails_is_named_and_others_follow():
    def failing(x, y):
        checks = [tf.debugging.assert_none_equal(y[0, 0], 2, message="bad pixel")]
        with tf.control_dependencies(checks):
            return tf.identity(x), y

    found = read(examples_of(pairs().map(failing)))
    assert [name for name, one in found if isinstance(one, ValueError)] == ["2"]
    assert "bad pixel" in str(found[2][1])
    assert len(found) == 6


def columns():
    return pairs().map(lambda x, y: {"image": x, "segmentation_mask": y, "file_name": "a.jpg"})


def test_columns_are_named():
    examples = examples_of(columns(), x="image", y="segmentation_mask")
    assert seen(examples) == list(range(6))
    several = examples_of(columns().batch(3), x=["image"], y="image", sample_weight="image")
    assert list(several.spec[0]) == ["image"]
    assert len(several.spec) == 3


@pytest.mark.parametrize(
    ("dataset", "names", "message"),
    [
        (columns(), {}, r"columns 'image'.*x='image', y='segmentation_mask'"),
        (columns(), {"x": "image", "y": "mask"}, r"'mask'. There are 'image', 'segm"),
        (columns(), {"x": "image", "y": "file_name"}, "y is a string"),
        (pairs(), {"x": "image"}, "Leave them out"),
        (pairs().map(lambda x, y: x), {}, r"TensorSpec of shape \(8, 8, 3\). Pass a task"),
        (pairs().map(lambda x, y: (x, y, y, y)), {}, "elements of 4 parts"),
        (
            pairs().map(lambda x, y: (x, tf.RaggedTensor.from_tensor(x))),
            {},
            "y is RaggedTensorSpec",
        ),
    ],
)
def test_what_is_no_example_is_refused(dataset, names, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        examples_of(dataset, **names)


flip = keras.layers.RandomFlip(seed=1)


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (lambda d: d.map(lambda x, y: (tf.image.random_crop(x, (4, 4, 3)), y)), True),
        (lambda d: d.map(lambda x, y: (tf.image.random_flip_left_right(x), y)).batch(2), True),
        (lambda d: d.batch(2).map(lambda x, y: (flip(x), y)), True),
        (lambda d: d.map(lambda x, y: (tf.image.random_hue(x, 0.1), y)).cache(), False),
        (lambda d: d.shuffle(4, reshuffle_each_iteration=True), False),
        (lambda d: d.map(lambda x, y: (x / 2.0, y)), False),
        (
            lambda d: d.map(
                lambda x, y: (
                    tf.ensure_shape(tf.numpy_function(np.copy, [x], tf.float32), x.shape),
                    y,
                )
            ),
            False,
        ),
    ],
)
def test_random_operations_on_pixels_make_examples_anew(change, anew):
    assert examples_of(change(pairs())).anew is anew


def test_no_weights_are_none():
    examples = examples_of(pairs().map(lambda x, y: (x, y, None)).batch(2))
    assert len(examples.spec) == 2
    assert len(read(examples)) == 6


def failing_at(*numbers, message="bad pixel"):
    def fail(x, y):
        bad = tf.reduce_any(tf.equal(y[0, 0], tf.constant(numbers, tf.int32)))
        with tf.control_dependencies([tf.debugging.assert_equal(bad, False, message=message)]):
            return tf.identity(x), y

    return fail


def outcome(examples):
    """Names and first pixels; of an example that fails, what is said."""
    return [
        (name, str(one) if isinstance(one, ValueError) else int(one[0].max()))
        for name, one in read(examples)
    ]


WAYS = {
    "as they are": lambda d: d,
    "in parallel": lambda d: d.map(lambda x, y: (x, y), num_parallel_calls=2).prefetch(1),
    "twice": lambda d: d.repeat(2),
    "columns": lambda d: d.map(lambda x, y: {"x": x, "y": y, "name": "a.jpg"}),
}


@pytest.mark.parametrize(
    ("way", "bad"), [(way, (1, 4)) for way in WAYS] + [("as they are", ()), ("twice", (0, 5))]
)
def test_small_examples_fetched_in_blocks_are_those_fetched_one_by_one(way, bad, monkeypatch):
    names = {"x": "x", "y": "y"} if way == "columns" else {}

    def found(at_once):
        monkeypatch.setattr(dataset_elements, "AT_ONCE", at_once)
        return outcome(examples_of(WAYS[way](pairs().map(failing_at(*bad))), **names))

    single = found(at_once=1)
    errors = [said for _, said in single if isinstance(said, str)]
    assert len(errors) == len(bad) * (1 + (way == "twice"))
    assert found(at_once=4) == single


def test_small_examples_take_few_calls(monkeypatch):
    fetched = []
    real = dataset_elements._arrays
    monkeypatch.setattr(dataset_elements, "_arrays", lambda e: fetched.append(1) or real(e))
    assert len(read(examples_of(pairs(600, side=2)))) == 600
    assert len(fetched) == 3


def test_blocks_hold_no_more_than_a_few_mebibytes(monkeypatch):
    assert dataset_elements._at_once(pairs(2, side=1024)) < 2
    assert dataset_elements._at_once(pairs(2, side=128)) == 16
    assert dataset_elements._at_once(pairs().repeat()) == 1
    assert dataset_elements._at_once(pairs().filter(lambda x, y: True)) == 1


def test_shuffled_examples_in_blocks_come_once_each_and_say_what_fails():
    found = outcome(examples_of(pairs().map(failing_at(2)).shuffle(6)))
    good = [value for _, value in found if isinstance(value, int)]
    assert sorted(good) == [0, 1, 3, 4, 5]
    ((_, said),) = [(name, said) for name, said in found if isinstance(said, str)]
    assert "bad pixel" in said


def test_a_cache_forgets_what_failed_and_nothing_else():
    found = outcome(examples_of(pairs().map(failing_at(1, 4)).cache()))
    assert [value for _, value in found if isinstance(value, int)] == [0, 2, 3, 5]
    assert [name for name, said in found if isinstance(said, str)] == ["1", "4"]


def test_a_shape_that_is_not_as_declared_costs_one_example():
    def odd(x, y):
        taller = tf.numpy_function(lambda a: a[: 8 - int(a.max() == 3)], [x], tf.float32)
        taller.set_shape((8, 8, 3))
        return taller, y

    found = outcome(examples_of(pairs().map(odd)))
    assert [name for name, said in found if isinstance(said, str)] == ["3"]


def test_a_dataset_of_a_generator_that_raises_has_ended():
    def generate():
        for number in range(6):
            if number == 3:
                raise RuntimeError("the disk is gone")
            yield np.full((8, 8, 3), number, "float32"), number

    signature = tf.TensorSpec((8, 8, 3)), tf.TensorSpec((), tf.int32)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    for made in (dataset, dataset.map(lambda x, y: (x, y)).prefetch(2)):
        with pytest.raises(ValueError, match=r"element 3: RuntimeError: the disk is gone"):
            read(examples_of(made))
