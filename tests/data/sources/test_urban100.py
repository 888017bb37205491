"""The Urban100 builder on pairs made here, named as the real files are."""

import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import keras_ms
from keras_ms.data.sources.builders.urban100 import Urban100


def photograph(number):
    """Noise, so that nothing mirrored or shifted is taken for it; of sizes as unlike as its kin."""
    shape = (16 + 4 * (number % 3), 24, 3)
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def write_pairs(directory, numbers=range(1, 11), factors=(2,)):
    directory = pathlib.Path(directory)
    directory.mkdir(exist_ok=True)
    for number in numbers:
        high = photograph(number)
        for factor in factors:
            stem = f"{directory}/img_{number:03}_SRF_{factor}"
            Image.fromarray(high).save(f"{stem}_HR.png")
            Image.fromarray(high[::factor, ::factor]).save(f"{stem}_LR.png")
    return directory


class Urban100Test(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Urban100
    SPLITS = {"train": 8, "validation": 2}  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = write_pairs(folder.name, factors=(2, 4))
        super().setUpClass()


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    manual = write_pairs(tmp_path_factory.mktemp("manual"), factors=(2, 4))
    return {"manual_dir": manual, "data_dir": tmp_path_factory.mktemp("data")}


def test_tfds_loads_it_by_name_with_pixels_as_they_are(directories):
    config = tfds.download.DownloadConfig(manual_dir=directories["manual_dir"])
    loaded = tfds.load(
        "urban100/x4",
        data_dir=directories["data_dir"],
        download_and_prepare_kwargs={"download_config": config},
    )
    names = {}
    for split, examples in loaded.items():
        for example in examples.as_numpy_iterator():
            number = int(example["name"].decode().removeprefix("img_"))
            names.setdefault(split, []).append(number)
            wanted = photograph(number)
            np.testing.assert_array_equal(example["hr"], wanted)
            np.testing.assert_array_equal(example["lr"], wanted[::4, ::4])
    assert sorted(names["validation"]) == [5, 10]
    assert sorted(names["train"]) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_a_prepared_copy_needs_no_files(directories):
    images = keras_ms.data.urban100("validation", **directories)
    again = keras_ms.data.urban100("validation", data_dir=directories["data_dir"])
    assert sorted(image.shape for image in images) == [(20, 24, 3), (24, 24, 3)]
    for image, same in zip(images, again, strict=True):
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, same)


def windows(image, side):
    return np.lib.stride_tricks.sliding_window_view(image, (side, side), (0, 1))


@pytest.mark.parametrize("factor", [2, 4])
def test_pairs_are_crops_of_both_sizes_at_one_place(directories, factor):
    made = keras_ms.data.urban100_pairs(
        "validation", crop_size=8, samples=6, factor=factor, **directories
    )
    assert made.element_spec[0].shape == (8 // factor, 8 // factor, 3)
    assert made.element_spec[1].shape == (8, 8, 3)
    pairs = list(made.as_numpy_iterator())
    assert len(pairs) == 6
    images = keras_ms.data.urban100("validation", factor=factor, **directories)
    for k, (low, high) in enumerate(pairs):
        np.testing.assert_array_equal(low, high[::factor, ::factor])
        bytes_ = np.moveaxis(np.round(high * 255.0).astype(np.uint8), -1, 0)
        found = (windows(images[k % 2], 8) == bytes_).all((-3, -2, -1))
        assert found.sum() == 1
        assert all(place % factor == 0 for place in np.argwhere(found)[0])
    assert len({high.tobytes() for _, high in pairs}) > 3  # places differ from turn to turn


def test_pairs_are_a_function_of_seed_and_index(directories):
    def pairs(seed, samples=None, skip=0):
        made = keras_ms.data.urban100_pairs(crop_size=8, samples=samples, seed=seed, **directories)
        return [high for _, high in made.skip(skip).take(4).as_numpy_iterator()]

    np.testing.assert_array_equal(pairs(1), pairs(1, samples=4))
    np.testing.assert_array_equal(pairs(1)[2:], pairs(1, skip=2)[:2])
    assert not np.array_equal(pairs(1), pairs(-2))


def test_pairs_make_a_multiscale_dataset(directories):
    pairs = keras_ms.data.urban100_pairs(crop_size=16, **directories)
    made = keras_ms.MultiscaleDataset(pairs, levels=(2, 3), steps_per_epoch=2)
    assert made.image_size == (16, 16)
    low, high = made.stage().element_spec.coarse[0]
    assert (low.shape, high.shape) == ((2, 4, 4, 3), (2, 8, 8, 3))
    assert len(list(made.stage().take(2))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop_size": 9}, r"multiple of the factor 2 and at most 16.*Received: crop_size=9"),
        ({"crop_size": 18}, r"at most 16.*Received: crop_size=18"),
        ({"crop_size": 0}, "Received: crop_size=0"),
        ({"samples": 0}, "Received: samples=0"),
        ({"factor": 3}, "2 or 4. Received: factor=3"),
        ({"split": "test"}, r"Received: split='test'.*train.*validation"),
    ],
)
def test_senseless_pairs_are_refused(directories, options, message):
    with pytest.raises(ValueError, match=message):
        keras_ms.data.urban100_pairs(**{"crop_size": 8, **options}, **directories)


def spoil(directory, name):
    """Makes one kind of disorder; returns what the message has to say."""
    low, high = (directory / f"img_003_SRF_2_{kind}.png" for kind in ("LR", "HR"))
    if name == "no LR":
        low.unlink()
        return r"Received: img_003_SRF_2_HR\.png alone"
    if name == "no HR":
        high.unlink()
        return r"Received: img_003_SRF_2_LR\.png alone"
    if name == "odd name":
        low.rename(directory / "img_3_SRF_2_LR.png")
        return r"three digits. Received: 'img_3_SRF_2_LR\.png'"
    if name == "odd size":
        Image.fromarray(photograph(3)[1:]).save(high)
        return r"2 times.*Received: img_003_SRF_2_HR\.png and .* of 15 x 24 and 8 x 12 pixels"
    if name == "torn":
        high.write_bytes(high.read_bytes()[:200])
        return r"Not a readable image. Received: .*img_003_SRF_2_HR\.png"
    for path in directory.glob("img_005*"):
        path.unlink()
    return r"no pair for the split 'validation'.*Received: \[1, 2, 3, 4, 6, 7\]"


@pytest.mark.parametrize("name", ["no LR", "no HR", "odd name", "odd size", "torn", "no fifth"])
def test_files_in_disorder_are_named(tmp_path, name):
    manual = write_pairs(tmp_path / "manual", range(1, 8))
    message = spoil(manual, name)
    with pytest.raises(ValueError, match=f"(?s)'urban100' is not prepared.*{message}"):
        keras_ms.data.urban100(data_dir=tmp_path / "data", manual_dir=manual)
    assert not list((tmp_path / "data").rglob("dataset_info.json"))


def test_other_files_in_the_directory_are_passed_over(tmp_path):
    manual = write_pairs(tmp_path / "manual", range(1, 6))
    (manual / "img_009_SRF_2_bicubic.png").write_bytes(b"another method's result")
    (manual / "img_009_SRF_4_HR.png").write_bytes(b"another scale")
    (manual / "stl10_binary.tar.gz").write_bytes(b"another data set")
    options = {"data_dir": tmp_path / "data", "manual_dir": manual}
    assert len(keras_ms.data.urban100("train", **options)) == 4
    assert len(keras_ms.data.urban100("validation", **options)) == 1


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_or_missing_directory_says_what_to_put_where(tmp_path, exists):
    manual = tmp_path / "data" / "downloads" / "manual"
    if exists:
        manual.mkdir(parents=True)
        (manual / "notes.txt").write_text("nothing here")
    with pytest.raises(ValueError, match=r"Received: data_dir='.*data', manual_dir=None") as error:
        keras_ms.data.urban100(data_dir=tmp_path / "data")
    for part in (str(manual), "img_001_SRF_2_HR.png", "image_SRF_2"):
        assert part in str(error.value)
