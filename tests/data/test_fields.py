import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, central_half, every_second

from keras_ms.data import fields

SIDES = (8, 12)


def spec(*shape, dtype=tf.float32):
    return tf.TensorSpec((None, *shape), dtype)


def field(*shape, dtype="float32"):
    values = np.random.default_rng(0).uniform(0.0, 100.0, (2, *shape))
    return tf.constant(values.astype(dtype))


def restricted(structure, name):
    return fields.restrict_structure(structure, fields.mark(structure, SIDES), name, 2)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((8, 12, 3), True),
        ((4, 6, 3), True),  # a super-resolution input
        ((8, 12), True),  # a mask or weight map without channels
        ((12, 8), False),
        ((4, 6), False),
        ((), False),
        ((1,), False),
        ((10,), False),
        ((2, 8, 12, 3), False),
        ((1, 1, 16), False),  # constant over the mesh
        ((1, 12, 3), True),
    ],
)
def test_which_tensors_are_fields(shape, wanted):
    assert fields.mark([spec(*shape)], SIDES) == [wanted]


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [("average", block_mean), ("stride", every_second), ("crop", central_half)],
)
def test_floating_fields_follow_the_restriction_named(name, by_hand):
    image, weights = field(8, 12, 3), field(8, 12)
    image_, weights_ = restricted((image, weights), name)
    np.testing.assert_allclose(image_, by_hand(image), rtol=1e-6)
    np.testing.assert_allclose(weights_, by_hand(weights.numpy()[..., None])[..., 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
@pytest.mark.parametrize("name", ["average", "stride", "crop"])
def test_integer_fields_are_never_averaged(name, dtype):
    classes, mask = field(8, 12, 1, dtype=dtype), field(8, 12, dtype=dtype)
    by_hand = central_half if name == "crop" else every_second
    classes_, mask_ = restricted([classes, mask], name)
    assert classes_.dtype == mask_.dtype == dtype
    np.testing.assert_array_equal(classes_, by_hand(classes))
    np.testing.assert_array_equal(mask_, by_hand(mask.numpy()[..., None])[..., 0])


def test_nesting_is_kept_and_all_other_tensors_left_alone():
    structure = (
        {"image": field(8, 12, 3), "noise_level": field(1)},
        [field(10), field(1, 1, 5)],
    )
    coarse = restricted(structure, "average")
    assert type(coarse) is tuple
    assert coarse[0]["image"].shape == (2, 4, 6, 3)
    assert coarse[0]["noise_level"] is structure[0]["noise_level"]
    assert coarse[1][0] is structure[1][0]
    assert coarse[1][1] is structure[1][1]


def test_what_is_no_field_on_the_finest_mesh_stays_whole_on_coarse_ones():
    label = field(4, 6)
    marks = fields.mark(label, SIDES)
    assert fields.restrict_structure(label, marks, "average", 2) is label


@pytest.mark.parametrize(
    "pair",
    [
        (spec(32, 64, 3), spec(32, 64, 1)),
        (spec(16, 32, 3), spec(32, 64, 3)),
        (spec(64, 128, 3), spec(32, 64, 3)),
        (spec(32, 64, 3), spec(), spec()),
        ({"image": spec(32, 64, 3), "level": spec(1)}, spec(32, 64, 3), spec(32, 64)),
    ],
)
def test_pairs_that_fit_are_accepted(pair):
    fields.check_pair(pair, (32, 64), num_levels=3)


@pytest.mark.parametrize(
    ("x", "num_levels", "message"),
    [
        (spec(None, 64, 3), 3, r"one known size.*Received: shape \(None, 64, 3\)"),
        (spec(32, 68, 3), 4, r"= 8.*Received: levels=4, a field of size \(32, 68\)"),
        (spec(64, 60, 3), 3, r"incompatible.*sizes \(64, 60\) and \(64, 64\)"),
        (spec(60, 60, 3), 3, r"incompatible.*sizes \(60, 60\) and \(64, 64\)"),
        (spec(32, 64, 3), 3, r"incompatible.*sizes \(32, 64\) and \(64, 64\)"),
        (spec(32, 128, 3), 3, r"incompatible.*sizes \(32, 128\) and \(64, 64\)"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(x, num_levels, message):
    with pytest.raises(ValueError, match=message):
        fields.check_pair((x, spec(64, 64, 3)), (64, 64), num_levels)
