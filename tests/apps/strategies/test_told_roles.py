"""Runs of the applications say what `fit(verbose=1)` says: roles, sizes and chunks, each once."""

import types

import numpy as np
import pytest
from conftest import square_pairs
from PIL import Image

from apps import train
from apps.experiment import building
from apps.experiment.decisions_told import DecisionsTold
from apps.experiment.settings import Settings

TINY = {
    "network": "resnet",
    "depth": 1,
    "width": 4,
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (1, 1),
    "image_size": 16,
    "dtype_policy": "float32",
    "validations": 1,
    "validation_samples": 2,
}


@pytest.fixture
def folders(tmp_path):
    x, y = square_pairs(tmp_path, 6, 0)
    return {"data_dir": x, "target_dir": y}


def test_roles_and_chunks_are_told_once_before_training(folders, tmp_path, capsys):
    masks = {"classes": "0:0,1:1", "void": 255}
    options = {"strategy": "multiscale", "compare": ("progressive_resizing",), **TINY, **masks}
    train.run(Settings(**folders, **options, output=str(tmp_path / "out")))
    out = capsys.readouterr().out.splitlines()
    first, second = out.index("== multiscale =="), out.index("== progressive_resizing ==")
    line, of_resized = [k for k, text in enumerate(out) if text.startswith("y: class map 32x64")]
    (chunks,) = [k for k, text in enumerate(out) if "chunks of" in text]  # of ignore_class
    steps = next(k for k, text in enumerate(out) if "val_loss" in text)
    assert first < line < chunks < steps < second < of_resized
    assert "(you say so)" not in out[line]  # nobody said it
    assert "most frequent class of each block on 8x8" in out[line]
    assert "8x8" not in out[of_resized]
    assert sum(text.startswith("examples: ") for text in out) == 1  # alike for both
    assert any("grow from 8x8 to 16x16" in text for text in out[second:])


def test_lines_are_told_once_however_often_training_begins(capsys):
    said = {"x: an image"}
    model = types.SimpleNamespace(fit_run=types.SimpleNamespace(told=lambda: ("x: an image", "y")))
    for lines in (None, None, ("z",)):
        callback = DecisionsTold(said, lines)
        callback.set_model(model)
        callback.on_train_begin()
    plain = DecisionsTold()
    plain.set_model(types.SimpleNamespace())
    plain.on_train_begin()
    assert capsys.readouterr().out == "y\nz\n"


@pytest.mark.parametrize(
    ("colours", "wanted"),
    [
        ([0, 255], "--classes=0:0,255:1"),
        ([0, 1, 255], "--classes=2, --void=255"),
        ([(0, 0, 0), (0, 128, 0)], "--classes=#000000,#008000"),
        ([(0, 0, 0), (0, 128, 0)], ""),
    ],
)
def test_targets_of_few_values_are_warned_of_unless_classes_are_given(tmp_path, colours, wanted):
    values = np.array(colours, "uint8")
    for number in range(3):
        for part, array in (("x", np.zeros((20, 20, 3), "uint8")), ("y", None)):
            (tmp_path / part).mkdir(exist_ok=True)
            index = np.arange(400).reshape(20, 20) % len(values)
            Image.fromarray(values[index] if array is None else array).save(
                tmp_path / part / f"{number}.png"
            )
    own = {"data_dir": str(tmp_path / "x"), "target_dir": str(tmp_path / "y")}
    classes = None if wanted else "#000000,#008000"
    said = building.kind_of(Settings(**own, **TINY, classes=classes)).remarks()
    assert len(said) == (1 if wanted else 0)
    assert all(f"use {wanted}." in line for line in said)
