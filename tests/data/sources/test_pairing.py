"""Which file of a folder belongs to which of another."""

import warnings

import pytest
from pair_folders import photographs_and_masks, save, shaded

from keras_ms.data import FolderPairs


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


def test_files_without_partner_are_counted_and_named_or_refused(tmp_path):
    folders = photographs_and_masks(tmp_path)
    photos, masks = folders
    save(photos / "c/extra.jpg", shaded(0, 8, 8, 3))
    with pytest.warns(UserWarning, match=r"6 pairs; left out are 1 inputs .*extra.jpg"):
        FolderPairs(photos, masks, classes=3)
    with pytest.raises(ValueError, match=r"1 of 7 inputs have no target.*extra.jpg"):
        FolderPairs(photos, masks, classes=3, max_unmatched=0.0)


def test_all_pairs_matched_say_nothing(tmp_path):
    folders = photographs_and_masks(tmp_path)
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
