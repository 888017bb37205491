"""What yields clean images for a task: all that yields pairs without one, and what does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_ms
from keras_ms.data.image_checks import named_arrays

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)


def generate():
    yield from IMAGES


class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, number):  # without an IndexError it would never end by itself
        return IMAGES[number % 4]


class Batches(keras.utils.PyDataset):
    def __init__(self, batch, count=2):
        super().__init__()
        self.batch, self.count = batch, count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, number):
        return self.batch(number)


def pair(number):
    return IMAGES[2 * number : 2 * number + 2]


@pytest.mark.parametrize(
    "source", [generate, generate(), Rows(), Batches(pair), lambda: list(IMAGES), iter(IMAGES)]
)
def test_sources_of_images(source):
    found = list(named_arrays(source, (16, 16)))
    assert [name for name, _ in found] == [f"image {number}" for number in range(4)]
    np.testing.assert_array_equal([image for _, image in found], IMAGES)


def test_batches_of_a_dataset_are_taken_apart(tmp_path):
    slices = tf.data.Dataset.from_tensor_slices(IMAGES)
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    directory = keras.utils.image_dataset_from_directory(
        tmp_path, label_mode=None, image_size=(16, 16), batch_size=3, shuffle=False, verbose=False
    )
    opened = slices.batch(3).map(lambda x: tf.numpy_function(np.copy, [x], tf.uint8))
    for source in (slices.batch(3), slices.batch(2).prefetch(1), directory, opened):
        found = [image for _, image in named_arrays(source, (16, 16))]
        np.testing.assert_array_equal(found, IMAGES)
    volumes = named_arrays(slices.batch(2), (2, 16, 16))  # a side is not taken for examples
    assert [image.shape for _, image in volumes] == [(2, 16, 16, 3)] * 2


def test_a_generator_function_makes_a_dataset_of_a_task():
    made = keras_ms.MultiscaleDataset(generate, keras_ms.tasks.Denoising(), (1, 2), 16)
    assert made.pair_spec()[1].shape == (1, 16, 16, 3)


def test_a_row_that_cannot_be_read_costs_that_row():
    class Torn(Rows):
        def __getitem__(self, number):
            if number == 1:
                raise OSError("truncated")
            return IMAGES[number]

    def torn(number):
        if number == 1:
            raise OSError("truncated")
        return pair(number)

    for source, bad in ((Torn(), 1), (Batches(torn), 2)):
        found = dict(named_arrays(source, (16, 16)))
        assert isinstance(found.pop(f"image {bad}"), OSError)
        assert all(image.shape == (16, 16, 3) for image in found.values())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (7, "Clean images come from .*Received: int"),
        (lambda: 7, "Received: <lambda>, which returned int"),
        (Rows, "Received: Rows"),
        (lambda: ((image, 0) for image in IMAGES), "alone. Received: image 0, a tuple of 2 parts"),
        ([{"image": IMAGES[0]}], "alone. Received: image 0, a dict of 1 parts"),
        ([(Image.fromarray(IMAGES[0]), 1)], "image 0, a tuple of 2 parts"),
        (Batches(lambda number: (pair(number), pair(number))), "image 0, a tuple of 2 parts"),
        (Batches(pair, None), "finitely many"),
    ],
)
def test_what_yields_no_images_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        list(named_arrays(source, (16, 16)))
