import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ms.data.examples import leaf_names
from keras_ms.data.inputs import examples_of


def read(examples):
    return list(examples.passes())


def shapes(examples):
    return [tuple(leaf.shape) for leaf in tf.nest.flatten(examples.spec)]


def numbered(count, *shape, dtype="float32"):
    return np.arange(count).reshape(-1, *(1 for _ in shape)) * np.ones(shape, dtype)


def test_arrays_give_their_rows_in_order_in_every_pass():
    x, y = numbered(5, 8, 8, 3).astype("uint8"), numbered(5, 8, 8).astype("int64")
    examples = examples_of((x, y))
    assert examples.length == 5
    assert shapes(examples) == [(8, 8, 3), (8, 8)]
    assert [leaf.dtype for leaf in examples.spec] == [tf.uint8, tf.int64]
    for _ in range(2):
        for row, (name, (one, other)) in enumerate(read(examples)):
            assert name == str(row)
            np.testing.assert_array_equal(one, x[row])
            np.testing.assert_array_equal(other, y[row])


def test_structures_weights_tensors_and_64_bit_floats():
    x = {"a": np.zeros((4, 8, 8, 1)), "b": tf.ones((4, 3))}
    examples = examples_of((x, [np.zeros((4, 8, 8), "int32")], np.ones(4)))
    assert leaf_names(examples.spec) == ["x/a", "x/b", "y/0", "sample_weight"]
    assert [leaf.dtype.name for leaf in tf.nest.flatten(examples.spec)] == [
        "float32",  # as Keras makes them
        "float32",
        "int32",
        "float32",
    ]
    assert len(read(examples)) == 4
    assert len(examples_of((x, x, None)).spec) == 2


def test_lists_of_arrays_of_differing_sizes_have_open_sides():
    x = [np.zeros((8 + k, 8, 3), "uint8") for k in range(3)]
    y = [np.zeros((8 + k, 8), "uint8") for k in range(3)]
    examples = examples_of((x, y))
    assert examples.length == 3
    assert shapes(examples) == [(None, 8, 3), (None, 8)]
    assert read(examples)[2][1][0].shape == (10, 8, 3)


@pytest.mark.parametrize(
    ("x", "y", "length"),
    [
        ([np.zeros((5, 8, 8, 3))] * 2, np.zeros((5, 8, 8, 1)), 5),  # two inputs, as Keras has it
        ([np.zeros((5, 5, 3))] * 5, [np.zeros((5, 5, 1))] * 5, 5),
        ([np.zeros((6, 6, 3))] * 2, [np.zeros((6, 6, 1))] * 2, 2),  # pictures, though 6 fits too
        ([np.zeros((9, 9, 3))] * 4, [0, 1, 2, 3], 4),
        (np.zeros((3, 8, 8, 1)), [[0, 1], [1, 0], [1, 1]], 3),
        ([[[[0.0] * 3] * 4] * 4] * 3, [0, 1, 2], 3),
    ],
)
def test_a_list_is_read_as_what_fits_the_lengths(x, y, length):
    assert examples_of((x, y)).length == length


def test_lists_that_may_be_inputs_or_volumes_are_refused_unless_dimensions_tell():
    both = [np.zeros((6, 6, 6, 1))] * 2, [np.zeros((6, 6, 6, 1))] * 2
    with pytest.raises(ValueError, match=r"Received: lists of 2 arrays .* numpy\.stack"):
        examples_of(both)
    assert examples_of(both, spatial_dims=3).length == 2
    assert examples_of(both, spatial_dims=2).length == 6


def test_datasets_of_hdf5_are_read_row_by_row(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["image"], file["mask"] = numbered(4, 8, 8, 3), numbered(4, 8, 8, 1).astype("uint8")
        for examples in (
            examples_of((file["image"], file["mask"])),
            examples_of(file, x="image", y="mask"),
        ):
            assert examples.length == 4
            assert read(examples)[3][1][0].max() == 3.0


def test_lists_of_files_are_read_as_they_are_stored(tmp_path):
    paths = {"x": [], "y": [], "grey": []}
    for number in range(3):
        for part, mode in (("x", "RGB"), ("y", "P"), ("grey", "I;16")):
            picture = Image.new(mode, (8, 6 + number), 300 if mode == "I;16" else number)
            if mode == "P":
                picture.putpalette(range(24))
            paths[part].append(tmp_path / f"{part}{number}.png")
            picture.save(paths[part][-1])
    examples = examples_of((paths["x"], [str(path) for path in paths["y"]]))
    assert shapes(examples) == [(None, 8, 3), (None, 8)]
    assert "indices are classes" in examples.note
    assert examples.roles == {"y": "class_map"}
    for number, (name, (x, y)) in enumerate(read(examples)):
        assert name.endswith(f"x{number}.png")
        assert x.dtype == np.uint8
        np.testing.assert_array_equal(y, np.full((6 + number, 8), number))
    ((_, (x, label)), *_) = read(examples_of((np.array(paths["grey"]), [4, 5, 6])))
    assert (x.max(), x.shape, label) == (300, (6, 8, 1), 4)
    paths["x"][1].write_bytes(b"no picture")
    bad = dict(read(examples_of((paths["x"], paths["grey"]))))
    assert [isinstance(one, ValueError) for one in bad.values()] == [False, True, False]
    rows = examples_of(list(zip(paths["grey"], [1, 2, 3], strict=True)))
    assert [example[1] for _, example in read(rows)] == [1, 2, 3]
    assert len(examples_of(((paths["x"], paths["grey"]), paths["y"])).spec[0]) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((np.zeros((4, 8, 8, 3)), np.zeros((3, 8, 8, 1))), r"different lengths, x: 4, y: 3"),
        ((np.zeros((0, 8, 8, 3)), np.zeros((0, 8, 8, 1))), "empty arrays"),
        ((np.zeros((4, 8, 8, 3)),), "elements of 1 parts"),
        ((np.zeros((4, 8)),) * 4, r"elements of 4 parts.*\(\(a, b\), y\)"),
        ((np.zeros((4, 8, 8, 3)), None), r"None in y. Pass a task"),
        ((np.ma.zeros((4, 8, 8, 3)), np.zeros(4)), r"MaskedArray in x.*filled"),
        (
            (np.zeros((4, 8, 8, 3)), ["cat", "dog", "cat", "cow"]),
            r"Strings in y name picture files.*'cat'",
        ),
        ((np.zeros((4, 8, 8, 3)), np.array([b"cat"] * 4)), r"Received: y of type bytes"),
        ((np.zeros((8, 8, 3)), np.float32(1.0)), "an array without axes"),
        (
            ([np.zeros((8, 8, 3), "uint8"), np.zeros((9, 8, 3), "float32")], [0, 1]),
            r"Received: x\[1\] of shape \(9, 8, 3\), float32",
        ),
        ((np.zeros((8, 9, 3), "uint8"), np.zeros((8, 9))), "looks like a single image"),
        ({"image": np.zeros((4, 8, 8, 3)), "mask": np.zeros(4)}, "x='image', y='mask'"),
    ],
)
def test_what_holds_no_examples_is_refused(data, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        examples_of(data)
