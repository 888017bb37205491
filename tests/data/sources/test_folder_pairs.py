import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

import keras_ms
from keras_ms.data import FolderPairs
from keras_ms.gradients.model_fits import check_model_fits

PALETTE = [0, 0, 0, 90, 90, 90, 200, 10, 10]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric="minisblack", planarconfig="contig")
    else:
        Image.fromarray(array).save(path)


def shaded(value, *shape, dtype="uint8"):
    return np.full(shape, value, dtype)


def palette_mask(path, indices):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    picture.putpalette(PALETTE)
    picture.save(path)


@pytest.fixture
def folders(tmp_path):
    """Six photographs in two folders, and masks of palette indices 0 to 2."""
    for number in range(6):
        where = f"{'ab'[number % 2]}/{number}"
        save(tmp_path / f"photos/{where}.jpg", shaded(40 * number, 16, 24, 3))
        palette_mask(tmp_path / f"masks/{where}.png", shaded(number % 3, 16, 24))
    return tmp_path / "photos", tmp_path / "masks"


def test_pairs_by_name_scaled_photographs_and_masks_of_indices(folders):
    pairs = FolderPairs(*folders, classes=3)
    found = list(pairs)
    assert len(pairs) == len(found) == 6
    for (path, target), (x, y) in zip(pairs.files, found, strict=True):
        number = int(path.stem)
        assert target.stem == path.stem
        np.testing.assert_allclose(x, np.float32(40 * number / 255), atol=0.02)
        np.testing.assert_array_equal(y, shaded(number % 3, 16, 24))
        assert (x.dtype, x.shape, y.dtype) == (np.float32, (16, 24, 3), np.uint8)


def test_examples_are_as_stored_with_ranges_and_roles(folders):
    examples = FolderPairs(*folders, classes=3, void=255).examples()
    assert examples.length == 6
    assert [tuple(leaf.shape) for leaf in examples.spec] == [(16, 24, 3), (16, 24)]
    assert [leaf.dtype for leaf in examples.spec] == [tf.uint8, tf.uint8]
    assert examples.ranges == {"x": (0.0, 255.0)}
    assert examples.roles == {"x": "image", "y": "class_map"}
    name, (x, y) = next(examples.passes())
    assert name.endswith("0.jpg")
    assert x.dtype == y.dtype == np.uint8


def test_splits_share_no_pair_and_a_limit_holds(folders):
    parts = [FolderPairs(*folders, split=split).files for split in ("train", "validation", None)]
    assert sorted(parts[0] + parts[1]) == parts[2]
    assert len(parts[1]) == 1
    assert len(FolderPairs(*folders, limit=2)) == 2


COLOURS = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    ("classes", "count"),
    [
        (COLOURS, 3),
        ({"night": (0, 0, 0), "fire": "red", "sea": "blue"}, 3),
        ({(0, 0, 0): 0, (255, 0, 0): 1, (0, 0, 255): 1}, 2),
    ],
)
def test_masks_of_colours(tmp_path, classes, count):
    save(tmp_path / "y/a.png", np.array(COLOURS, "uint8")[[[0, 1, 2, 2]] * 4])
    save(tmp_path / "x/a.png", shaded(0, 4, 4, 3))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes)
    ((_, y),) = pairs
    np.testing.assert_array_equal(y[0], [0, 1, count - 1, count - 1])
    assert pairs.num_classes == count
    np.testing.assert_array_equal(pairs.class_colours[1], COLOURS[1])


@pytest.mark.parametrize(
    ("classes", "void", "wanted"),
    [
        (2, 255, [[0, 1, 255, 255]]),
        (2, 2, [[0, 1, 2, 2]]),
        (3, 255, [[0, 1, 2, 255]]),
        ({0: 0, 1: 1, 2: 1, 9: 0}, None, [[0, 1, 1, 0]]),
    ],
)
def test_what_is_no_class_becomes_void(tmp_path, classes, void, wanted):
    save(tmp_path / "x/a.png", shaded(0, 1, 4, 3))
    save(tmp_path / "y/a.png", np.array([[0, 1, 2, 9]], "uint8"))
    ((_, y),) = FolderPairs(tmp_path / "x", tmp_path / "y", classes, void)
    np.testing.assert_array_equal(y, wanted)


def test_void_meets_the_loss_and_the_metric():
    # Void pixels count for nothing, whatever the network says there.
    y = np.array([[[0, 1], [1, 11]]])
    good = np.eye(11)[[[[0, 1], [1, 5]]]] * 20.0
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=11)
    assert float(loss(y, good)) < 1e-3
    iou = keras.metrics.MeanIoU(11, ignore_class=11, sparse_y_pred=False)
    assert float(iou(y, good)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("mask", "classes", "mend"),
    [
        (shaded(7, 4, 4), 2, r"Use classes=8 if they are classes, or void"),
        # To follow the first mend must not make all of the foreground void.
        (shaded(255, 4, 4), 2, r"Use classes=\{0: 0, 255: 1\} if they are classes, or void"),
        (np.diag([0, 255, 255, 255]).astype("uint8"), 2, r"Use classes=\{0: 0, 255: 1\} if"),
        (np.diag([0, 127, 255, 255]).astype("uint8"), 3, r"classes=\{0: 0, 127: 1, 255: 2\} if"),
        (np.diag([0, 1, 2, 255]).astype("uint8"), 3, r"Use classes=3, void=255 if they are"),
        (
            np.eye(4, dtype="uint8")[..., :3],
            2,
            r"Name the colours of a mask: classes=\{\(0, 0, 0\)",
        ),
        (
            np.eye(4, dtype="uint8")[..., :3],
            [(9, 9, 9), (8, 8, 8)],
            r"mapping, classes=\{\(0, 0, 0\): 0",
        ),
    ],
)
def test_a_mask_that_is_refused_says_how_to_read_it(tmp_path, mask, classes, mend):
    save(tmp_path / "x/0.png", shaded(0, 4, 4, 3))
    mask = np.tile(mask[:, None], (1, 4, 1)) if mask.shape == (4, 3) else mask
    save(tmp_path / "y/0.png", mask)
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=classes)
    ((_, error),) = pairs.examples().passes()
    assert re.search(mend, str(error))


def test_what_is_no_class_is_named_and_refused(tmp_path):
    for number in range(4):
        save(tmp_path / f"x/{number}.png", shaded(0, 4, 4, 3))
        save(tmp_path / f"y/{number}.png", shaded(255 if number == 1 else 0, 4, 4))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=2)
    name, error = list(pairs.examples().passes())[1]
    assert "Received: 255 in" in str(error)
    assert "void=255" in str(error)
    assert name.endswith("1.png")
    with pytest.warns(UserWarning, match="Skipped 1 of 4 pairs"):
        assert len(list(pairs)) == 3
    with pytest.raises(ValueError, match="1 of 4 pairs"):
        list(FolderPairs(tmp_path / "x", tmp_path / "y", classes=2, max_bad_fraction=0.1))


@pytest.mark.parametrize(
    ("array", "options", "values", "wanted"),
    [
        (shaded(32768, 8, 8, dtype="uint16"), {}, (0.0, 65535.0), 32768 / 65535),
        (shaded(1024, 8, 8, dtype="uint16"), {"value_range": (0, 4096)}, (0.0, 4096.0), 0.25),
        (shaded(0.75, 8, 8, 32, dtype="float32"), {}, None, 0.75),
        (shaded(30, 8, 8, dtype="float32"), {"value_range": (20, 40)}, (20.0, 40.0), 0.5),
    ],
)
def test_depth_and_bands_survive(tmp_path, array, options, values, wanted):
    save(tmp_path / "x/a.tif", array)
    save(tmp_path / "y/a.png", shaded(128, 8, 8))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", target_range=(0, 255), **options)
    examples = pairs.examples()
    assert examples.spec[0].dtype == array.dtype
    assert pairs.input_bands == examples.spec[0].shape[-1] == (32 if array.ndim == 3 else 1)
    assert examples.ranges.get("x") == values
    ((x, y),) = pairs
    np.testing.assert_allclose(x, wanted, rtol=1e-6)
    np.testing.assert_allclose(y, 128 / 255, rtol=1e-6)


def test_grey_among_colours_and_bytes_among_deeper_ones(tmp_path):
    save(tmp_path / "x/a.png", shaded(100, 8, 8))
    save(tmp_path / "x/b.png", shaded(100, 9, 8, 3))
    save(tmp_path / "x/c.tif", shaded(100 * 257, 8, 8, dtype="uint16"))
    for name in "abc":
        save(tmp_path / f"y/{name}.png", shaded(0, 9 if name == "b" else 8, 8))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    assert tuple(pairs.examples().spec[0].shape) == (None, 8, 3)
    for x, _ in pairs:
        np.testing.assert_allclose(x, np.full((*x.shape[:2], 3), 100 / 255), rtol=1e-6)


def test_suffixes_tell_files_of_one_folder(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / f"{name}.jpg", shaded(0, 8, 8, 3))
        save(tmp_path / f"{name}_mask.png", shaded(0, 8, 8))
    pairs = FolderPairs(tmp_path, tmp_path, 2, target_suffix="_mask")
    names = [(x.name, y.name) for x, y in pairs.files]
    assert names == [("a.jpg", "a_mask.png"), ("b.jpg", "b_mask.png")]
    with pytest.raises(ValueError, match="the same folder twice"):
        FolderPairs(tmp_path, tmp_path, 2)


@pytest.mark.parametrize(("inputs", "targets"), [(".", "masks"), ("photos", ".")])
def test_one_folder_may_lie_in_the_other(tmp_path, inputs, targets):
    for name in ("a", "b"):
        save(tmp_path / inputs / f"{name}.jpg", shaded(0, 8, 8, 3))
        save(tmp_path / targets / f"{name}_gt.png", shaded(1, 8, 8))
    pairs = FolderPairs(tmp_path / inputs, tmp_path / targets, 2, target_suffix="_gt")
    assert [target.name for _, target in pairs.files] == ["a_gt.png", "b_gt.png"]


def test_names_alone_pair_folders_of_another_order(tmp_path):
    save(tmp_path / "x/first/a.jpg", shaded(0, 8, 8, 3))
    save(tmp_path / "y/a.png", shaded(0, 8, 8))
    assert len(FolderPairs(tmp_path / "x", tmp_path / "y")) == 1


def test_files_without_partner_are_counted_and_named_or_refused(folders):
    photos, masks = folders
    save(photos / "c/extra.jpg", shaded(0, 8, 8, 3))
    with pytest.warns(UserWarning, match=r"6 pairs; left out are 1 inputs .*extra.jpg"):
        FolderPairs(photos, masks, classes=3)
    with pytest.raises(ValueError, match=r"1 of 7 inputs have no target.*extra.jpg"):
        FolderPairs(photos, masks, classes=3, max_unmatched=0.0)


def test_all_pairs_matched_say_nothing(folders):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(FolderPairs(*folders, classes=3))


def test_nothing_matched_proposes_the_suffix(tmp_path):
    save(tmp_path / "x/a.jpg", shaded(0, 8, 8, 3))
    save(tmp_path / "y/a_label.png", shaded(0, 8, 8))
    with pytest.raises(ValueError, match="Use target_suffix='_label'"):
        FolderPairs(tmp_path / "x", tmp_path / "y")


def test_two_candidates_are_refused_by_name(tmp_path):
    for name in ("a.png", "a.tif"):
        save(tmp_path / "y" / name, shaded(0, 8, 8))
    save(tmp_path / "x/a.jpg", shaded(0, 8, 8, 3))
    with pytest.raises(ValueError, match=r"(?s)more than one.*a\.png.*a\.tif"):
        FolderPairs(tmp_path / "x", tmp_path / "y")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "`classes` is a number of classes"),
        ({"classes": [(0, 0, 0), (0, 0, 300)]}, "three numbers from 0 to 255"),
        ({"classes": [(0, 0, 0), (0, 0, 0)]}, "stands for two classes"),
        ({"classes": {"sky": 3, "sea": 4}}, "three numbers from 0 to 255"),
        ({"void": 3}, "goes with `classes`"),
        ({"classes": 3, "void": -1}, "0 or more"),
        ({"value_range": (3, 3)}, "two ordered numbers"),
        ({"split": "test"}, "`split` is"),
        ({"limit": 0}, "`limit`"),
        ({"max_bad_fraction": 2}, "max_bad_fraction"),
    ],
)
def test_senseless_options_are_refused(folders, options, message):
    with pytest.raises(ValueError, match=message):
        FolderPairs(*folders, **options)


def test_batches_are_whole_or_middles_and_fit_networks(tmp_path):
    sizes = [(40, 70), (40, 70), (33, 64)]
    for number, (height, width) in enumerate(sizes):
        ramp = np.arange(height * width).reshape(height, width) % 251
        save(tmp_path / f"x/{number}.png", ramp.astype("uint8"))
        save(tmp_path / f"y/{number}.png", (ramp % 3).astype("uint8"))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=3)
    whole = list(pairs.batches(2, cache_bytes=5000))  # only one is kept, others read again
    assert len(pairs.batches(2)) == 2
    assert [x.shape for x, _ in whole] == [(2, 32, 64, 1), (1, 32, 64, 1)]
    for x, y in whole:
        np.testing.assert_array_equal(np.round(x[..., 0] * 255) % 3, y)
    small = [x.shape for x, _ in pairs.batches(3, image_size=(16, 20), multiple_of=8)]
    assert small == [(3, 16, 16, 1)]
    untouched = [x.shape for x, _ in pairs.batches(1, multiple_of=1)]
    assert untouched == [(1, *size, 1) for size in sizes]


def test_batches_of_targets_of_another_size_are_cut_alike(tmp_path):
    fine = np.kron(np.arange(36).reshape(6, 6), np.ones((8, 8))).astype("uint8")
    save(tmp_path / "x/a.png", fine)
    save(tmp_path / "y/a.png", np.arange(36, dtype="uint8").reshape(6, 6))
    for one, other in (("x", "y"), ("y", "x")):
        pairs = FolderPairs(tmp_path / one, tmp_path / other)
        ((x, y),) = pairs.batches(1, image_size=32 if one == "x" else 4, multiple_of=2)
        small, large = sorted((x.numpy(), y.numpy()), key=lambda part: part.size)
        assert large.shape == (1, 32, 32, 1)
        np.testing.assert_array_equal(large[0, ::8, ::8], small[0])


def test_pairs_whose_sizes_do_not_fit_are_named(folders):
    save(folders[0] / "a/0.jpg", shaded(0, 17, 24, 3))
    errors = [one for _, one in FolderPairs(*folders, classes=3).examples().passes()]
    assert "17x24 and" in str(errors[0])
    assert not isinstance(errors[1], ValueError)


def lying(path, pixels):
    """A picture as phones store it that are held upright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("turned", [6, 3])
def test_photographs_that_lie_are_known_by_their_upright_sides(tmp_path, suffix, turned):
    rng = np.random.default_rng(0)
    for number in range(6):
        pixels = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
        for folder in "xy":
            write = lying if number < turned else save
            upright = pixels if write is lying else np.rot90(pixels, -1)
            if write is save and suffix == ".tif":
                path = tmp_path / folder / f"{number}{suffix}"
                tifffile.imwrite(path, upright, photometric="rgb")
            else:
                write(tmp_path / folder / f"{number}{suffix}", np.ascontiguousarray(upright))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    made = keras_ms.MultiscaleDataset(pairs, levels=(1, 2))
    assert made.image_size == (24, 16)
    assert made.pairs.reading.count == 6


def test_deep_scans_that_lie_are_known_by_their_upright_sides(tmp_path):
    for number in range(3):
        path = tmp_path / f"x/{number}.tif"
        path.parent.mkdir(exist_ok=True)
        tags = [(274, "H", 1, 6, True)]
        tifffile.imwrite(path, shaded(number, 16, 24, dtype="uint16"), extratags=tags)
        save(tmp_path / f"y/{number}.png", shaded(number, 24, 16))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=3)
    assert [tuple(leaf.shape) for leaf in pairs.examples().spec] == [(24, 16, 1), (24, 16)]
    assert next(iter(pairs))[0].shape == (24, 16, 1)


def test_masks_of_jpeg_are_warned_of_and_the_refusal_names_the_mend(tmp_path):
    mask = np.kron(np.eye(4, dtype="uint8") * 200, np.ones((6, 6), "uint8"))
    for number in range(4):
        save(tmp_path / f"x/{number}.jpg", shaded(9, 24, 24, 3))
        save(tmp_path / f"y/{number}.jpg", mask)
    with pytest.warns(UserWarning, match=r"4 of 4 masks are JPEG .*Write masks as PNG"):
        pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes={0: 0, 200: 1})
    with pytest.raises(ValueError, match="JPEG changes values: write masks as PNG"):
        list(pairs)


def test_mappings_may_have_negative_indices_and_numbers_of_numpy(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.jpg", shaded(9, 16, 16, 3))
        save(tmp_path / f"y/{number}.tif", shaded(number - 1, 16, 16, dtype="int8"))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes={-1: np.int64(1), np.int32(0): 0})
    assert [y.max() for _, y in pairs] == [1, 0]


def test_a_side_without_a_readable_file_is_refused_once(folders):
    for path in folders[0].rglob("*.jpg"):
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"^None of 6 files can be read") as refusal:
        list(FolderPairs(*folders, classes=3))
    assert str(refusal.value).count("None of") == 1


def test_bands_of_inputs_are_said_so_that_grey_photographs_fit_networks_of_colours(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.png", shaded(51, 8, 8))
        save(tmp_path / f"y/{number}.png", shaded(1, 8, 8))
    grey, coloured = (FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=b) for b in (None, 3))
    assert (grey.input_bands, coloured.input_bands) == (1, 3)
    x, _ = next(iter(coloured))
    np.testing.assert_allclose(x, np.full((8, 8, 3), 0.2), atol=1e-6)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    dataset = keras_ms.MultiscaleDataset(grey, levels=(1,), steps_per_epoch=1)
    with pytest.raises(ValueError, match=r"3 channels, the examples have 1.*FolderPairs\(bands=3"):
        check_model_fits(model, dataset)
    check_model_fits(model, keras_ms.MultiscaleDataset(coloured, levels=(1,), steps_per_epoch=1))
    with pytest.raises(ValueError, match="bands"):
        FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=0)


def test_bands_that_would_lose_colours_are_refused(tmp_path):
    save(tmp_path / "x/0.png", np.arange(192, dtype="uint8").reshape(8, 8, 3))
    save(tmp_path / "y/0.png", shaded(1, 8, 8))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=1).examples().passes()
    assert "it has 3 bands, the others have 1" in str(error)


def named(folder, inputs, targets):
    for part, names in (("x", inputs), ("y", targets)):
        for name in names:
            save(folder / part / name, shaded(1, 8, 8))
    return folder / "x", folder / "y"


def test_names_may_differ_in_capitals(tmp_path):
    folders = named(tmp_path, ("p0.png", "a/P1.png", "q.png"), ("P0.PNG", "a/p1.png", "q.png"))
    pairs = FolderPairs(*folders, 2)
    assert [(x.name, y.name) for x, y in pairs.files] == [
        *(("P1.png", "p1.png"), ("p0.png", "P0.PNG"), ("q.png", "q.png")),
    ]
    # What fits exactly goes first, and is no matter of capitals.
    save(tmp_path / "x/P0.png", shaded(1, 8, 8))
    with pytest.warns(UserWarning, match=r"1 inputs without target .*p0.png"):
        assert len(FolderPairs(*folders, 2)) == 3
    save(tmp_path / "y/p0.bmp", shaded(1, 8, 8))
    assert len(FolderPairs(*folders, 2)) == 4


@pytest.mark.parametrize(
    ("inputs", "targets", "affix"),
    [
        (("p0.png", "p1.png"), ("mask_p0.png", "mask_p1.png"), {"target_prefix": "mask_"}),
        (("p0.png", "p1.png"), ("p0_gt.png", "p1_gt.png"), {"target_suffix": "_gt"}),
        (("img-0.png", "img-1.png"), ("0.png", "1.png"), {"input_prefix": "img-"}),
        (("0_x.png", "1_x.png"), ("0.png", "1.png"), {"input_suffix": "_x"}),
    ],
)
def test_affixes_pair_names_and_the_error_names_them(tmp_path, inputs, targets, affix):
    folders = named(tmp_path, inputs, targets)
    ((name, part),) = affix.items()
    with pytest.raises(ValueError, match=f"Use {name}='{part}'"):
        FolderPairs(*folders, 2)
    assert len(FolderPairs(*folders, 2, **affix)) == 2


def test_prefixes_tell_files_of_one_folder(tmp_path):
    named(tmp_path, ("a.png", "mask_a.png", "b.png", "mask_b.png"), ())
    pairs = FolderPairs(tmp_path / "x", tmp_path / "x", 2, target_prefix="mask_")
    assert [(x.name, y.name) for x, y in pairs.files] == [
        *(("a.png", "mask_a.png"), ("b.png", "mask_b.png")),
    ]


@pytest.mark.parametrize("scale", [1, 2])
def test_a_mask_that_is_not_turned_as_its_photograph_is_told_from_any_other(tmp_path, scale):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "x").mkdir()
    Image.fromarray(shaded(9, 8, 12, 3)).save(tmp_path / "x/0.jpg", exif=exif)
    save(tmp_path / "y/0.png", shaded(1, 8 * scale, 12 * scale))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2).examples().passes()
    assert "EXIF orientation" in str(error)
    assert "0.jpg is turned" in str(error)
    save(tmp_path / "y/0.png", shaded(1, 9, 12))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2).examples().passes()
    assert "EXIF" not in str(error)


def test_coloured_masks_without_classes_are_told_how_to_be_read(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.png", shaded(51, 8, 8, 3))
        save(tmp_path / f"y/{number}.png", shaded(128, 8, 8, 3))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(1,), steps_per_epoch=1)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r"Use FolderPairs\(classes=\.\.\.\)"):
        check_model_fits(model, dataset)


def test_sizes_that_differ_are_mended_by_an_image_size(tmp_path):
    for number, side in enumerate((16, 24)):
        save(tmp_path / f"x/{number}.png", shaded(51, side, side, 3))
        save(tmp_path / f"y/{number}.png", shaded(1, side, side))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", 2)
    with pytest.raises(ValueError, match=r"`image_size`, such as image_size=\d+.*files beforeh"):
        keras_ms.MultiscaleDataset(pairs, levels=(1, 1), steps_per_epoch=1)
