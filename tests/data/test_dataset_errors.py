import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images

import keras_ms
from keras_ms.tasks import Denoising

IMAGES = np.zeros((4, 40, 40, 3), np.float32)


def with_task(images=IMAGES, task=None, levels=(1, 2, 3), image_size=32, **options):
    return keras_ms.MultiscaleDataset(images, task or Denoising(), levels, image_size, **options)


def pairs(*shapes):
    return tf.data.Dataset.from_tensor_slices(tuple(np.zeros((8, *s), np.float32) for s in shapes))


def own(dataset, levels=(1, 2, 3), **options):
    return keras_ms.MultiscaleDataset(dataset, levels=levels, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": None}, "`image_size` must be given. Received: None"),
        ({"image_size": 38}, r"divisible by .* = 4.*image size \(38, 38\)"),
        ({"image_size": (32, 16)}, r"Too many levels.*levels=3, image size \(32, 16\)"),
        ({"image_size": (32, 32, 32)}, "looks like a single image"),
        ({"image_size": (32, 32, 3)}, r"Too many levels.*Leave out the channels: \(32, 32\)"),
        ({"image_size": 44}, r"4 of 4 images cannot.*\(40, 40\), .* image_size \(44, 44\)"),
        ({"coarsening": "resize"}, "Received: coarsening='resize'"),
        ({"restriction": "bicubic"}, "Received: restriction='bicubic'"),
        ({"steps_per_epoch": 0}, "positive integer. Received: steps_per_epoch=0"),
        ({"steps_per_epoch": -3}, "Received: steps_per_epoch=-3"),
        ({"steps_per_epoch": 2.5}, "Received: steps_per_epoch=2.5"),
        ({"levels": ()}, r"positive integers.*Received: batch_sizes=\(\)"),
        ({"images": []}, "no image to train on"),
        ({"images": np.full((2, 40, 40, 3), np.nan)}, r"image 0 .*\[nan, nan\]"),
    ],
)
def test_senseless_options_are_refused_with_what_was_received(options, message):
    with pytest.raises(ValueError, match=message):
        with_task(**options)


@pytest.mark.parametrize("finest", [-1, 3])
def test_stages_that_do_not_exist_are_refused(finest):
    made = with_task()
    for ask in (made.stage, made.active_levels, made.work_units, made.pair_spec):
        with pytest.raises(ValueError, match=f"Received: level={finest}"):
            ask(finest)


class ForgetsToHalve(Denoising):
    def restrict(self, example):
        return dict(example)


class ChangesTheRank(Denoising):
    def restrict(self, example):
        return {**super().restrict(example), "t": example["t"][:, :, None]}

    def pair(self, example):
        return {"t": example["t"]}, example["clean"]


@pytest.mark.parametrize("task", [ForgetsToHalve(), ChangesTheRank()])
def test_a_task_whose_restriction_does_not_lead_to_the_next_level_is_refused(task):
    with pytest.raises(ValueError, match=r"`restrict` must lead from level 0 to level 1"):
        with_task(task=task)


@pytest.mark.parametrize(
    ("coarsening", "levels", "side"),
    [
        ("crop", (1, 2, 3), 36),  # 36, 18: no central window of 9
        ("coarsen_and_crop", (1, 2, 3), 36),
        ("coarsen_and_crop", (1, 2, 3, 4), 72),  # 72, 36, 18 with a margin of 9: no coarse pixel
    ],
)
def test_sides_whose_crops_are_not_whole_pixels_are_refused_naming_them(coarsening, levels, side):
    images = np.zeros((1, 80, 80, 1), np.float32)
    with pytest.raises(ValueError, match=rf"(?i)image.size.*{side}"):
        with_task(images, levels=levels, image_size=side, coarsening=coarsening)


@pytest.mark.parametrize("coarsening", ["crop", "coarsen_and_crop"])
def test_sides_whose_crops_are_whole_pixels_are_accepted(coarsening):
    made = with_task(levels=(1, 2, 3), image_size=40, coarsening=coarsening)
    assert made.mesh_sizes == ((40, 40), (20, 20), (10, 10))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (pairs((10,), ()), "No tensor of an example is an image"),
        (pairs((38, 38, 3), (38, 38, 3)), r"= 4.*levels=3, image size \(38, 38\)"),
        (pairs((60, 60, 3), (64, 64, 3)), r"incompatible.*x of sizes \(60, 60\) and \(64, 64\)"),
        (pairs((32, 64, 3), (64, 64, 3)), r"incompatible.*x of sizes \(32, 64\) and \(64, 64\)"),
        (pairs((16, 16, 3), (16, 16, 3)), "Too many levels"),
        (pairs((64, 64, 3), (6, 6, 1)), "incompatible"),
        (pairs((64, 64, 3), (2, 2, 1)), r"= 4.*a field of size \(2, 2\) \(y\)"),
        (pairs((32, 32, 3)), r"Examples are \(x, y\)"),
        (pairs(*[(32, 32, 3)] * 4), r"Examples are \(x, y\)"),
        (pairs((32, 32, 3), ()).take(0), "no examples to train on"),
        (pairs((32, 32, 3), ()).map(lambda x, y: {"x": x, "y": y}), "columns 'x', 'y'"),
        (IMAGES, "Received: ndarray"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(dataset, message):
    with pytest.raises(ValueError, match=message):
        own(dataset)


def generated(*shapes, side=32, count=8):
    spec = tuple(tf.TensorSpec(shape) for shape in shapes)
    examples = [(np.zeros((side, side, 3), np.float32),) * 2] * count
    return tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=spec)


@pytest.mark.parametrize("shape", [(None, None, 3), (32, None, 3)])
def test_pairs_of_unknown_size_are_refused_whole_and_cropped(shape):
    with pytest.raises(ValueError, match=r"one known size.*None.*`image_size`.*tf.ensure_shape"):
        own(generated(shape, (32, 32, 3)))
    made = own(generated(shape, (32, 32, 3)), image_size=32)
    assert made.pair_spec(0)[0].shape == (1, 32, 32, 3)


def test_pairs_of_unknown_rank_are_like_the_first():
    made = own(generated(None, None), image_size=32)
    assert made.pair_spec(2)[0].shape == (3, 8, 8, 3)


@pytest.mark.parametrize("image_size", [None, 32])
def test_a_batched_dataset_is_taken_apart(image_size):
    made = own(pairs((32, 32, 3), (32, 32, 1)).batch(4), image_size=image_size)
    assert made.pair_spec(0)[0].shape == (1, 32, 32, 3)
    assert "taken apart" in str(made.describe())


def test_an_image_size_that_is_not_the_targets_is_refused():
    with pytest.raises(ValueError, match=r"64.*32|32.*64"):
        own(pairs((32, 32, 3), (32, 32, 3)), image_size=64)


def test_a_single_batch_size_is_refused_as_levels_refuses_it():
    with pytest.raises(ValueError, match="positive integers, one per level"):
        with_task(levels=16)


@pytest.mark.parametrize(
    "elements", [(IMAGES, np.arange(4)), {"image": IMAGES, "label": np.arange(4)}]
)
def test_elements_that_are_not_images_alone_are_refused_with_a_task(elements):
    with pytest.raises(ValueError, match=r"Received: .*label|Received: .*(tuple|TensorSpec)"):
        with_task(tf.data.Dataset.from_tensor_slices(elements))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"task": "denoising"}, "task='denoising'"),
        ({"task": keras_ms.tasks.Denoising}, "a keras_ms.tasks.Task or None"),
        ({"images": None}, "images of type NoneType"),
        ({"seed": 1.5}, "Received: seed=1.5"),
        ({"prefetch": -5}, "Received: prefetch=-5"),
        ({"mean": (0.5, 0.5)}, r"Received: mean=\(0.5, 0.5\)"),
        ({"std": 0.0}, "Received: mean=0.5, std=0.0"),
        ({"std": float("nan")}, "std=nan"),
    ],
)
def test_senseless_options(options, match):
    usual = {"images": small_images(), "task": keras_ms.tasks.Denoising(), "levels": (2, 4)}
    with pytest.raises(ValueError, match=match):
        keras_ms.MultiscaleDataset(**{**usual, "image_size": 32, **options})


def test_pairs_that_a_filter_leaves_none_of():
    x = small_images()
    none = tf.data.Dataset.from_tensor_slices((x, x)).filter(lambda x, y: False)
    with pytest.raises(ValueError, match="no examples to train on"):
        keras_ms.MultiscaleDataset(none, levels=(2, 4))


@pytest.mark.parametrize("options", [{"samples": 0}, {"batch_size": 0}, {"batch_size": 2.5}])
def test_senseless_evaluation_pairs(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer.*{value}"):
        keras_ms.data.evaluation_pairs(
            small_images(), keras_ms.tasks.Denoising(), 32, **{"samples": 4, **options}
        )
