"""All pictures of a list say what it holds, not the first alone."""

import grey_files
import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_ms.data.inputs import examples_of

MASKS = np.random.default_rng(0).integers(0, 3, (4, 6, 8)).astype(np.uint8)
PALETTE = [0, 0, 0, 90, 90, 90, 200, 10, 10]
COLOURED = np.array(PALETTE).reshape(3, 3)


def palette(path, mask):
    picture = Image.fromarray(mask)
    picture.putpalette(PALETTE)
    picture.save(path)


WAYS = {
    "palette": palette,
    "gif": lambda path, mask: palette(path.with_suffix(".gif"), mask),
    "grey": lambda path, mask: Image.fromarray(mask).save(path),
    "few": lambda path, mask: grey_files.png(path, mask, 4),
    "deep": lambda path, mask: Image.fromarray(mask.astype("uint16")).save(path),
    "equal": lambda path, mask: Image.fromarray(np.stack([mask] * 3, -1)).save(path),
    "colour": lambda path, mask: Image.fromarray(COLOURED[mask].astype("uint8")).save(path),
    "int": lambda path, mask: tifffile.imwrite(path.with_suffix(".tif"), mask.astype("int32")),
    "float": lambda path, mask: tifffile.imwrite(path.with_suffix(".tif"), mask.astype("float32")),
    "broken": lambda path, mask: path.write_bytes(b"no picture"),
}


def listed(folder, ways):
    for number, way in enumerate(ways):
        WAYS[way](folder / f"{number}.png", MASKS[number])
    return sorted(map(str, folder.iterdir()))


def read(folder, ways):
    targets = listed(folder, ways)
    examples = examples_of((np.zeros((len(ways), 6, 8, 3)), targets))
    return examples, [
        one if isinstance(one, ValueError) else one[1] for _, one in examples.passes()
    ]


@pytest.mark.parametrize(
    "ways",
    [
        ("broken", "palette", "palette", "palette"),
        ("grey", "palette", "palette", "palette"),
        ("palette", "grey", "grey", "grey"),
        ("few", "palette", "gif", "grey"),
        ("deep", "palette", "palette", "int"),
        ("float", "palette", "palette", "palette"),
        ("equal", "palette", "palette", "palette"),
        ("colour", "palette", "palette", "palette"),
    ],
)
def test_palettes_make_class_maps_wherever_they_stand(tmp_path, ways):
    examples, found = read(tmp_path, ways)
    assert examples.roles == {"y": "class_map"}
    assert "indices are classes" in examples.note
    assert tuple(examples.spec[1].shape) == (6, 8)
    for way, mask, one in zip(ways, MASKS, found, strict=True):
        if way in ("broken", "colour"):
            assert isinstance(one, ValueError)
            continue
        np.testing.assert_array_equal(one, mask)
        assert one.dtype == examples.spec[1].dtype


def test_what_is_read_otherwise_than_most_is_told(tmp_path):
    examples, _ = read(tmp_path, ("grey", "few", "palette", "palette"))
    assert "1 grey, 1 grey of few bits among them give the numbers" in examples.note


def test_few_palettes_among_colours_are_colours(tmp_path):
    examples, found = read(tmp_path, ("palette", "colour", "colour", "broken"))
    assert examples.roles == {}
    assert "1 palette among them are read as such" in examples.note
    for mask, one in zip(MASKS[:3], found[:3], strict=True):
        np.testing.assert_array_equal(one, COLOURED[mask])


@pytest.mark.parametrize(
    ("ways", "dtype"),
    [
        (("broken", "grey", "grey", "grey"), "uint8"),
        (("few", "few", "broken", "few"), "uint8"),
        (("few", "grey", "grey", "few"), "uint8"),
        (("deep", "deep", "deep", "deep"), "uint16"),
        (("int", "grey", "int", "few"), "int64"),
    ],
)
def test_shades_are_the_numbers_as_written(tmp_path, ways, dtype):
    examples, found = read(tmp_path, ways)
    assert examples.spec[1].dtype == dtype
    assert examples.roles == {}  # classes under a loss of classes, shades under one of values
    assert ("as written" in examples.note) == ("few" in ways)
    for way, mask, one in zip(ways, MASKS, found, strict=True):
        if way != "broken":
            np.testing.assert_array_equal(one[..., 0], mask)
            assert one.dtype == dtype


def test_bytes_among_16_bits_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"8 and of 16 bits .*both in y.*FolderPairs"):
        read(tmp_path, ("deep", "grey", "grey", "grey"))


def test_inputs_are_pictures_whatever_they_are_stored_as(tmp_path):
    inputs = listed(tmp_path, ("palette", "colour", "broken"))
    examples = examples_of((inputs, np.zeros(3)))
    ((_, (first, _)), (_, (second, _)), (_, third)) = examples.passes()
    np.testing.assert_array_equal(first, COLOURED[MASKS[0]])
    np.testing.assert_array_equal(second, COLOURED[MASKS[1]])
    assert isinstance(third, ValueError)
    assert examples.note == ""


def test_a_list_without_a_readable_file_and_a_link_to_nothing_are_refused(tmp_path):
    with pytest.raises(ValueError, match="None of 2 files can be read"):
        read(tmp_path, ("broken", "broken"))
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match=r"gone\.png', a link to nothing"):
        examples_of((np.zeros((1, 6, 8, 3)), [tmp_path / "gone.png"]))


def test_weights_of_1_bit_are_0_and_1(tmp_path):
    grey_files.png(tmp_path / "w.png", MASKS[0] > 0, 1)
    for weights in ([str(tmp_path / "w.png")], [Image.open(tmp_path / "w.png")]):
        examples = examples_of((np.zeros((1, 6, 8, 3)), np.zeros((1, 6, 8)), weights))
        ((_, (_, _, weight)),) = examples.passes()
        np.testing.assert_array_equal(weight[..., 0], MASKS[0] > 0)
        assert examples.roles == {}


@pytest.mark.parametrize(
    "ways",
    [
        ("grey", "palette", "palette", "few"),
        ("equal", "palette", "palette", "deep"),
        ("palette", "colour", "colour", "colour"),
        ("few", "few", "grey", "grey"),
        ("grey", "colour", "grey", "grey"),
        ("int", "float", "int", "int"),
    ],
)
@pytest.mark.parametrize("part", [0, 1])
def test_lists_of_pillow_are_read_as_lists_of_paths(tmp_path, ways, part):
    paths = listed(tmp_path, ways)
    found = []
    for pictures in (paths, [Image.open(path) for path in paths]):
        data = (pictures, np.zeros(4)) if part == 0 else (np.zeros((4, 6, 8, 3)), pictures)
        examples = examples_of(data)
        found.append((examples, [example[part] for _, example in examples.passes()]))
    (by_path, arrays), (by_picture, others) = found
    rows = examples_of(list(zip(*data, strict=True)))  # one by one, of one kind all the same
    assert rows.spec[part] == by_path.spec[part]
    assert (by_picture.roles, by_picture.note) == (by_path.roles, by_path.note)
    assert by_picture.spec[part] == by_path.spec[part]
    for one, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(one, other)


def cut_off(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    return Image.open(path)


def test_a_picture_of_pillow_that_is_cut_off_is_passed_over(tmp_path):
    whole = [Image.new("L", (64, 64), number) for number in (1, 2, 3)]
    x = np.zeros((4, 64, 64, 3))
    examples = examples_of((x, [cut_off(tmp_path / "a.png"), *whole]))
    (_, first), *others = examples.passes()
    assert "cannot be decoded" in str(first)
    assert [y.max() for _, (_, y) in others] == [1, 2, 3]
    with pytest.raises(ValueError, match="None of 1 pictures can be read"):
        examples_of((x[:1], [cut_off(tmp_path / "a.png")]))
    again = examples_of(([whole[0]] * 4, np.zeros(4)))  # one picture, four times
    assert [x.max() for _, (x, _) in again.passes()] == [1] * 4
