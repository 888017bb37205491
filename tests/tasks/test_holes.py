"""Masks of holes: kinds, sizes, seeds, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean
from scipy import ndimage

import keras_ms
from keras_ms.tasks import hole_masks


@pytest.mark.parametrize("kind", ["rectangles", "strokes", "text"])
def test_every_kind_leaves_most_of_the_picture(kind):
    masks = hole_masks(60, (64, 96), (kind,))
    assert (masks.shape, masks.dtype) == ((60, 64, 96), bool)
    shares = masks.mean((1, 2))
    assert np.median(shares) > 0.005
    assert shares.max() < 0.6
    assert len({mask.tobytes() for mask in masks}) > 55


def test_rectangles_are_the_papers_in_number_and_size():
    masks = hole_masks(200, (120, 240), ("rectangles",), seed=1)
    counts, sides = [], []
    for mask in masks:
        found = ndimage.find_objects(ndimage.label(mask)[0])
        counts.append(len(found))
        if len(found) == 1:
            sides.append([part.stop - part.start for part in found[0]])
    assert set(counts) == {1, 2, 3}
    height, width = np.array(sides).T
    assert height.min() >= 9
    assert width.min() >= 19
    alone = np.sort(height)[: len(height) // 2]  # two that overlap may be taken for one
    assert alone.max() <= 21


def test_strokes_are_thin_and_text_is_in_lines():
    strokes, text = (hole_masks(40, (128, 128), (kind,)) for kind in ("strokes", "text"))
    for masks, widest in ((strokes, 12), (text, 8)):
        depth = [ndimage.distance_transform_edt(mask).max() for mask in masks]
        assert np.median(depth) <= widest / 2


def test_kinds_come_in_turn_and_seeds_decide():
    both = hole_masks(4, (48, 48), ("strokes", "text"), seed=3)
    np.testing.assert_array_equal(both, hole_masks(4, (48, 48), ("strokes", "text"), seed=3))
    assert (both != hole_masks(4, (48, 48), ("strokes", "text"), seed=4)).any()
    np.testing.assert_array_equal(both[0], hole_masks(1, (48, 48), ("strokes",), seed=3)[0])


def test_inpainting_takes_them_on_every_level():
    masks = hole_masks(8, (64, 64))
    task = keras_ms.tasks.Inpainting(masks=masks, t_range=(0.0, 0.0))
    example = task.draw(tf.ones((16, 32, 32, 3)), tf.constant([0, 1]))
    halves = block_mean(masks[..., np.newaxis].astype("float32")) > 0.5
    for mask in np.asarray(example["mask"]):
        assert any((mask == half).all() for half in halves)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"count": 0}, "count=0"),
        ({"sides": (0, 8)}, r"sides=\(0, 8\)"),
        ({"sides": (8,)}, r"sides=\(8,\)"),
        ({"kinds": ()}, r"kinds=\(\)"),
        ({"kinds": ("stars",)}, "kinds='stars'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        hole_masks(**{"count": 1, "sides": (8, 8), **options})
