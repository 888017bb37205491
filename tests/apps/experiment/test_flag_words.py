import dataclasses

import pytest

from apps.experiment.flag_words import in_flags
from apps.experiment.own_pairs import classes_of
from apps.experiment.settings import Settings

OPTIONS = [field.name for field in dataclasses.fields(Settings)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Use classes={0: 0, 255: 1} if", "Use --classes=0:0,255:1 if"),
        ("Use classes=3, void=255 if", "Use --classes=3, --void=255 if"),
        ("classes={(0, 0, 0): 0, (128, 0, 0): 1}.", "--classes=#000000,#800000."),
        ("classes=[(0, 0, 0), (128, 0, 0)].", "--classes=#000000,#800000."),
        ("Received: void=3, classes=None.", "Received: --void=3, no --classes."),
        ("Use `input_suffix` and", "Use --input_suffix and"),
        ("Use target_suffix='_mask'.", "Use --target_suffix=_mask."),
        ("Use value_range=(0, 4095).", "Use --value_range=0,4095."),
        ("Use FolderPairs(bands=3), or", "Use --bands=3, or"),
        ("keras_ms.data.FolderPairs(classes=3, void=9)", "--classes=3, --void=9"),
        ("t_range=(0.0, 0.5). `t_range`", "--t_low=0 --t_high=0.5. --t_low and --t_high"),
        (
            "`keep_contrast` divides; keep_contrast=False",
            "--keep_contrast divides; --nokeep_contrast",
        ),
        ("by `value_range` (in the apps: --value_range).", "by --value_range."),
        ("max_bad_fraction=0.25.", "--max_bad_fraction=0.25."),
    ],
)
def test_arguments_of_python_become_flags(text, wanted):
    assert in_flags(text, OPTIONS) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Received: --classes=2.",
        "Use output='raw' if that is no image.",
        "loss=<keras.Loss object>, optimizer=Adam(1e-3)",
        "in '/data/classes=3/void=1.png'",
        "roles={'y': 'image'}; model.seed=3",
        "an unclosed classes={0: 0",
    ],
)
def test_all_else_stays(text):
    assert in_flags(text, OPTIONS) == text


def test_what_is_advised_is_what_the_flag_reads():
    for classes in ({0: 0, 255: 1}, 3):
        (flag,) = in_flags(f"classes={classes}", OPTIONS).split()
        assert classes_of(flag.removeprefix("--classes=")) == classes


def test_settings_without_an_option_leave_its_name():
    assert in_flags("Use classes=3.", ("value_range",)) == "Use classes=3."
