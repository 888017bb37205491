"""Signals, volumes and videos: dimensions are found in the data, and frames may be kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, most_frequent

import keras_ms

VIDEO = keras_ms.Levels((2, 4), spatial_axes=(1, 2))


def clips():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5, 32, 32, 1)).astype("float32"), rng.integers(
        0, 3, (6, 5, 32, 32, 1)
    )


@pytest.mark.parametrize("sides", [(64,), (32, 48), (16, 32, 16)])
def test_dimensions_are_found_in_the_examples(sides):
    images = np.random.default_rng(0).normal(size=(6, *sides, 2)).astype("float32")
    data = keras_ms.MultiscaleDataset((images, images[..., :1]), levels=(2, 4))
    assert data.levels == keras_ms.Levels((2, 4), len(sides))
    assert data.mesh_sizes == (sides, tuple(side // 2 for side in sides))
    batch = next(iter(data.stage()))
    np.testing.assert_allclose(batch.coarse[0][0], block_mean(batch.fine[0][0]), atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"image_size": (3, 16, 16), "flip": True, "rotate": True}])
def test_frames_of_a_video_are_kept(options):
    data = keras_ms.MultiscaleDataset(clips(), levels=VIDEO, **options)
    frames, *_, side = data.image_size
    assert data.mesh_sizes == ((frames, side, side), (frames, side // 2, side // 2))
    assert data.work_units() == 2 * 1.25 + 4 / 4
    batch = next(iter(data.stage()))
    (x, y), (coarse_x, coarse_y) = batch.fine[0], batch.coarse[0]
    assert (x.shape[1:-1], coarse_x.shape[1:-1]) == data.mesh_sizes
    np.testing.assert_allclose(coarse_x, block_mean(x, (1, 2)), atol=1e-6)
    if not options:  # coarse levels are mirrored and turned, so ties are those of the file
        np.testing.assert_array_equal(coarse_y, most_frequent(y, (1, 2)))
    assert batch.fine[1][0].shape == (4, *data.mesh_sizes[1], 1)


def test_central_crops_of_a_video_keep_its_frames():
    data = keras_ms.MultiscaleDataset(clips(), levels=VIDEO, coarsening="crop")
    batch = next(iter(data.stage()))
    np.testing.assert_array_equal(batch.coarse[0][0], batch.fine[0][0][:, :, 8:24, 8:24])


@pytest.mark.parametrize("dims", [1, 2])
def test_levels_of_other_dimensions_than_the_data_are_refused(dims):
    with pytest.raises(ValueError, match=f"{dims} spatial dim"):
        keras_ms.MultiscaleDataset(clips(), levels=keras_ms.Levels((2, 4), dims))


def test_a_network_of_videos_trains():
    clip = keras.Input((None, None, None, 1))
    model = keras_ms.MultiscaleModel(clip, keras.layers.Conv3D(3, 1)(clip))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = keras_ms.MultiscaleDataset(clips(), levels=VIDEO, steps_per_epoch=2)
    history = model.fit(data, verbose=0).history
    assert history["work_units"] == [2 * 3.5]
    assert history["resolution"] == [32]  # of its pixels, not of its five frames
    assert np.isfinite(history["loss"][0])


@pytest.mark.parametrize(
    ("axes", "meshes"),
    [
        ((0, 1), ((32, 32, 16), (16, 16, 16))),
        ((0,), ((32, 32, 16), (16, 32, 16))),
        ((1,), ((32, 32, 16), (32, 16, 16))),
    ],
)
def test_axes_that_pictures_have_too_do_not_tell_the_dimensions(axes, meshes):
    images = np.zeros((6, 32, 32, 16, 1), "float32")
    levels = keras_ms.Levels((2, 4), spatial_axes=axes)
    assert keras_ms.MultiscaleDataset((images, images), levels=levels).mesh_sizes == meshes
    pairs = tf.data.Dataset.from_tensor_slices((images, images))
    assert keras_ms.MultiscaleDataset(pairs, levels=levels).mesh_sizes == meshes
    pictures = images[..., 0]
    found = keras_ms.MultiscaleDataset((pictures, pictures), levels=levels).mesh_sizes
    assert found == tuple(mesh[:2] for mesh in meshes)


@pytest.mark.parametrize("sides", [(64,), (32, 32, 32), (20, 32, 32), (64, 64)])
def test_images_without_an_axis_of_channels_are_refused_with_the_mend(sides):
    images = np.zeros((6, *sides), "float32")
    levels = [(2, 4), keras_ms.Levels((2, 4), len(sides))]
    if len(sides) == 1:
        levels.append(keras_ms.Levels((2, 4), spatial_axes=(0,)))
    for one in levels:
        with pytest.raises(ValueError, match=r"Use x\[\.\.\., np\.newaxis\]"):
            keras_ms.MultiscaleDataset((images, images), levels=one)
    images = images[..., np.newaxis]
    found = keras_ms.MultiscaleDataset((images, images), levels=(2,))
    assert found.image_size == sides


def test_pictures_of_as_many_bands_as_pixels_can_be_said_to_be_that():
    images = np.zeros((6, 32, 32, 32), "float32")
    levels = keras_ms.Levels((2, 4), spatial_dims=2)
    found = keras_ms.MultiscaleDataset((images, images), levels=levels).mesh_sizes
    assert found == ((32, 32), (16, 16))
    images = np.zeros((6, 32, 32, 31), "float32")
    assert keras_ms.MultiscaleDataset((images, images), levels=(2, 4)).mesh_sizes == found
