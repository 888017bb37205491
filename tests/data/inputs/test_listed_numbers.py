"""Nested lists of numbers, as public data sets give them without a format, are arrays."""

import keras
import numpy as np
import pytest

from keras_ms.data.inputs import examples_of

RNG = np.random.default_rng(0)
IMAGE, MASK = RNG.integers(0, 256, (8, 9, 3)), RNG.integers(0, 3, (8, 9))
ROW = {"image": IMAGE.tolist(), "mask": MASK.tolist(), "objects": [[1], [2, 3], [{"a": None}]]}


class Rows:
    def __init__(self, *rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, number):
        return self.rows[number]


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        (Rows(ROW, ROW), {"x": "image", "y": "mask"}),
        ([ROW, ROW], {"x": "image", "y": "mask"}),
        (lambda: iter([ROW, ROW]), {"x": "image", "y": "mask"}),
        ([(ROW["image"], ROW["mask"])] * 2, {}),
        ([(tuple(map(tuple, ROW["image"])), ROW["mask"])] * 2, {}),
        (([ROW["image"]] * 2, [ROW["mask"]] * 2), {}),
        ({"image": [ROW["image"]] * 2, "mask": [ROW["mask"]] * 2}, {"x": "image", "y": "mask"}),
    ],
)
def test_pictures_in_lists_are_pictures(source, columns):
    examples = examples_of(source, **columns)
    assert [tuple(leaf.shape) for leaf in examples.spec] == [(8, 9, 3), (8, 9)]
    for _, (x, y) in examples.passes():
        np.testing.assert_array_equal(x, IMAGE)
        np.testing.assert_array_equal(y, MASK)


@pytest.mark.parametrize(
    ("y", "shapes"),
    [
        ([0, 1, 0, 0], [(4,)]),
        ([0.5, 1.0], [(2,)]),
        ([[2, 3, 5, 6], [1, 1, 2, 2]], [(2, 4)]),
        ((3, 0.5), [(), ()]),
        ([3, 0.5], [(), ()]),
        ([MASK, MASK], [(8, 9), (8, 9)]),
        ({"kind": 1, "box": [1.0, 2.0]}, [(2,), ()]),
        ([3, [1, 2]], [(), (2,)]),
    ],
)
def test_structures_stay_structures(y, shapes):
    spec = examples_of(Rows((IMAGE, y))).spec
    leaves = keras.tree.flatten(spec[1])
    assert [tuple(leaf.shape) for leaf in leaves] == shapes


def test_lists_of_no_one_length_are_refused_in_few_words():
    ragged = [*ROW["image"][:-1], ROW["image"][-1][:-1]]
    with pytest.raises(ValueError, match=r"Received: x, 8 lists of which some differ") as raised:
        examples_of(Rows((ragged, ROW["mask"])))
    assert len(str(raised.value)) < 300
