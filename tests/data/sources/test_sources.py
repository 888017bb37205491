import itertools

import numpy as np
import pytest
from PIL import Image

from keras_ms import data
from keras_ms.tasks import Denoising


@pytest.fixture(scope="module")
def photographs():
    return {split: data.photos(split) for split in ("train", "validation")}


def test_photographs_are_colour_bytes_of_the_documented_sizes(photographs):
    assert [len(photographs[split]) for split in ("train", "validation")] == [6, 2]
    every = [*photographs["train"], *photographs["validation"]]
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in every)
    sizes = sorted(image.shape[:2] for image in every)
    assert sizes[0] == (300, 451)
    assert sizes[-1] == (1411, 1411)


def test_no_photograph_is_in_both_splits(photographs):
    for kept, held_out in itertools.product(photographs["train"], photographs["validation"]):
        corner = kept[:256, :256].astype(float), held_out[:256, :256].astype(float)
        assert np.abs(corner[0] - corner[1]).mean() > 10.0


def test_an_unknown_split_of_the_photographs_is_refused():
    with pytest.raises(ValueError, match=r"Received: split='test'.*train.*validation"):
        data.photos("test")


def constant(path, value, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)


def values(images):
    return [int(image[0, 0, 0]) for image in images]


def test_folder_is_read_recursively_in_sorted_order_without_hidden_files(tmp_path):
    for name, value in (("b.png", 2), ("a/c.PNG", 1), ("z/y/x.bmp", 3)):
        constant(tmp_path / name, value)
    for name in (".hidden.png", ".git/d.png", "a/.cache/e.png"):
        constant(tmp_path / name, 99)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    with pytest.warns(UserWarning, match=r"one file was passed over.*notes\.txt"):
        assert values(data.folder(tmp_path)) == values(data.folder(str(tmp_path))) == [1, 2, 3]
    assert [path.name for path in data.image_files(tmp_path)] == ["c.PNG", "b.png", "x.bmp"]


def test_a_folder_under_a_hidden_one_is_read(tmp_path):
    constant(tmp_path / ".home" / "pictures" / "a.png", 5)
    assert values(data.folder(tmp_path / ".home" / "pictures")) == [5]


def test_unreadable_files_are_skipped_counted_and_named(tmp_path):
    constant(tmp_path / "good.png", 7)
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_text("not an image")
    with pytest.warns(UserWarning, match=r"Skipped 3 unreadable") as record:
        images = data.folder(tmp_path)
    assert values(images) == [7]
    assert all(name in str(record[0].message) for name in ("cut.png", "empty.jpg", "text.png"))
    assert record[0].filename == __file__


def test_a_folder_is_read_whenever_it_is_asked_for(tmp_path):
    for value in (3, 4, 5, 6):
        constant(tmp_path / f"{value}.png", value)
    (tmp_path / "0.png").write_bytes(b"")
    images = data.FolderImages(tmp_path)
    assert len(images) == 5
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"Skipped 1 unreadable") as record:
            assert values(images) == [3, 4, 5, 6]
        assert record[0].filename == __file__
    with pytest.warns(UserWarning, match=r"Skipped 1 unreadable"):
        assert values(data.FolderImages(tmp_path, limit=2)) == [3, 4]
    assert len(data.FolderImages(tmp_path, limit=2)) == 2
    constant(tmp_path / "3.png", 7)
    with pytest.warns(UserWarning, match=r"Skipped 1 unreadable"):
        assert values(images) == [7, 4, 5, 6]


def test_a_dataset_says_which_pictures_it_skipped(tmp_path):
    constant(tmp_path / "1.png", 1)
    (tmp_path / "0.png").write_bytes(b"")
    options = {"steps_per_epoch": 1, "max_bad_fraction": 0.5}
    with pytest.warns(UserWarning, match=r"Skipped 1 of 2 images: .*0\.png \(") as record:
        data.MultiscaleDataset(data.FolderImages(tmp_path), Denoising(), (2,), 2, **options)
    assert record[0].filename == __file__


def test_a_folder_with_no_readable_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    with (
        pytest.warns(UserWarning, match="Skipped 1"),
        pytest.raises(ValueError, match="with 1 unreadable files"),
    ):
        data.folder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"P6 x 2 255\n123456", b"P6 2 2 255\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "bad.ppm").write_bytes(content)
    with pytest.raises(ValueError, match=r"Not a readable image. Received: .*bad\.ppm"):
        data.read_image(tmp_path / "bad.ppm")


def test_photographs_are_turned_upright(tmp_path):
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:8, :16] = 255  # top left as stored; turned a quarter clockwise it is top right
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    upright = data.read_image(tmp_path / "turned.png")
    np.testing.assert_array_equal(upright, np.rot90(stored, -1))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK"])
def test_every_mode_becomes_rgb_bytes(tmp_path, mode):
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:, 3:] = 255
    name = "image.tif" if mode == "CMYK" else "image.png"
    Image.fromarray(rgb).convert(mode).save(tmp_path / name)
    image = data.read_image(tmp_path / name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, rgb)


def test_sixteen_bit_grays_keep_their_shades(tmp_path):
    shades = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(shades).save(tmp_path / "gray.png")
    image = data.read_image(tmp_path / "gray.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, shades[..., np.newaxis])


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_pixels_without_a_known_range_need_one(tmp_path, dtype):
    values = np.linspace(0, 60000, 64).reshape(8, 8).astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(data.read_image(tmp_path / "a.tif")[..., 0], values)
    with (
        pytest.warns(UserWarning, match=r"a\.tif \(its values lie in \[0, 60000\].*--value_range"),
        pytest.raises(ValueError, match="No readable image"),
    ):
        data.folder(tmp_path)
    (image,) = data.FolderImages(tmp_path, value_range=(0, 60000))
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[..., 0], values / 60000, atol=1e-6)


def test_pixels_that_are_not_finite_are_not_asked_for_a_range(tmp_path):
    values = np.full((8, 8), 0.5, "float32")
    values[2, 3] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    with (
        pytest.warns(UserWarning, match=r"a\.tif \(it has values that are NaN or Inf; replace"),
        pytest.raises(ValueError, match="No readable image"),
    ):
        data.folder(tmp_path)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no such folder. Received: '.*missing'"):
        data.folder(tmp_path / "missing")
    with pytest.raises(ValueError, match="no image in the folder") as error:
        data.folder(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("take", [data.folder, data.FolderImages])
def test_a_file_in_place_of_a_folder_is_called_one(tmp_path, take):
    (tmp_path / "photo.png").touch()
    with pytest.raises(
        ValueError, match=r"there is a file. Received: '.*photo\.png'\. Use '.*' for"
    ):
        take(tmp_path / "photo.png")


@pytest.mark.parametrize("options", [{"split": "test"}, {"validation_every": 1}])
def test_senseless_splits_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match=r"Received: split=.*validation_every="):
        data.folder(tmp_path, **options)


@pytest.mark.parametrize(
    ("count", "every", "held_out"),
    [(2, 5, [1]), (3, 5, [2]), (5, 5, [4]), (6, 5, [4]), (11, 5, [4, 9]), (6, 2, [1, 3, 5])],
)
def test_splits_are_disjoint_and_cover_the_folder(tmp_path, count, every, held_out):
    for index in range(count):
        constant(tmp_path / f"{index:02}.png", index)
    validation = values(data.folder(tmp_path, "validation", validation_every=every))
    train = values(data.folder(tmp_path, "train", validation_every=every))
    assert validation == held_out
    assert sorted(train + validation) == list(range(count))


def test_a_single_image_cannot_be_split(tmp_path):
    constant(tmp_path / "only.png", 1)
    with pytest.raises(ValueError, match=r"split='train'.*Two or more images"):
        data.folder(tmp_path, "train")


class Clean(Denoising):
    def pair(self, example):
        return example["clean"], example["clean"]


def ramps(count, side=24):
    """Images known by their level, brighter to the right, so that a mirrored one is found out."""
    ramp = np.tile(np.linspace(0.0, 0.05, side), (side, 1))[..., np.newaxis]
    return [(ramp + index / 10.0).astype("float32") for index in range(count)]


def test_evaluation_pairs_are_the_same_every_time():
    def pairs(seed):
        made = data.evaluation_pairs(ramps(4), Denoising(), 16, samples=10, batch_size=4, seed=seed)
        return [list(made.as_numpy_iterator()) for _ in range(2)]

    first, second = pairs(1)
    assert [x.shape for x, _ in first] == [(4, 16, 16, 1), (4, 16, 16, 1), (2, 16, 16, 1)]
    (again, _), (other, _) = pairs(1), pairs(2)
    for k, (x, y) in enumerate(first):
        for x_, y_ in (second[k], again[k]):
            np.testing.assert_array_equal(x, x_)
            np.testing.assert_array_equal(y, y_)
        assert np.all(x != other[k][0])


def test_evaluation_crops_spread_evenly_over_the_given_images_and_are_never_mirrored():
    made = data.evaluation_pairs(ramps(4), Clean(), 16, samples=22, mean=0.0, std=1.0)
    crops = np.concatenate([y for _, y in made.as_numpy_iterator()])
    assert np.all(np.diff(crops, axis=2) > 0.0)
    whose = np.floor(crops[:, 0, 0, 0] * 10.0 + 1e-4).astype(int)
    assert sorted(np.bincount(whose)) == [5, 5, 6, 6]
    assert len(np.unique(crops.round(5), axis=0)) > 15


def test_evaluation_takes_a_side_per_axis_and_any_dimension():
    signals = np.random.default_rng(0).random((3, 40, 2))
    made = data.evaluation_pairs(signals, Denoising(conditional=True), (20,), samples=5)
    ((x, y),) = list(made)
    assert (x["image"].shape, x["noise_level"].shape, y.shape) == ((5, 20, 2), (5, 1), (5, 20, 2))
    with pytest.raises(ValueError, match=r"4 of 4 images cannot .*image_size \(16, 32\)"):
        data.evaluation_pairs(ramps(4), Denoising(), (16, 32))
