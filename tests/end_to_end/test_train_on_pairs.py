"""`python -m apps.train --target_dir=...`, on made-up shapes, at a tiny size."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from apps import restore, train
from apps.experiment.pair_quality import colours
from apps.experiment.settings import Settings
from keras_ms.data import FolderPairs

COLOURS = np.array([[20, 20, 60], [220, 60, 60]], "uint8")
TINY = {
    "network": "resnet",
    "depth": 1,
    "width": 8,
    "strategy": "single_scale",
    "single_scale_batch": 4,
    "iterations": (40,),
    "image_size": 16,
    "dtype_policy": "float32",
    "learning_rate": 2e-2,
    "validations": 1,
}


@pytest.fixture
def folders(tmp_path):
    """Bright squares on dark ground, and masks of them; 255 along the edges is void."""
    rng = np.random.default_rng(0)
    for number in range(10):
        mask = np.zeros((32, 48), "uint8")
        row, column = rng.integers(0, 16, 2)
        mask[row : row + 16, column : column + 16] = 1
        noise = rng.integers(0, 20, (32, 48, 3)).astype("uint8")
        mask_with_void = mask.copy()
        mask_with_void[:2] = 255
        for part, array in (("x", COLOURS[mask] + noise), ("y", mask_with_void)):
            (tmp_path / part).mkdir(exist_ok=True)
            Image.fromarray(array).save(tmp_path / part / f"{number}.png")
    return {"data_dir": str(tmp_path / "x"), "target_dir": str(tmp_path / "y")}


def test_segmentation_leaves_its_results_and_a_model_that_runs(folders, tmp_path, capsys):
    output = tmp_path / "out"
    options = {**folders, **TINY, "classes": "2", "void": 255, "output": str(output)}
    (outcome,) = train.run(Settings(**options))
    left = {path.name for path in output.iterdir()}
    assert left == {"model", "predicted.png", "loss.png", "curves.json"}
    content = json.loads((output / "curves.json").read_text())
    first, last = (content["curves"]["single_scale"][k]["loss"] for k in (0, -1))
    assert last == pytest.approx(outcome.curve.final.loss)
    assert last <= first
    reached = content["quality"]["single_scale"]
    assert reached["accuracy"] > 0.8  # a ninth to a sixth of the pixels are of the square
    assert reached["mean_iou"] > 0.6
    out = capsys.readouterr().out
    assert "8 pairs to train on, 2 others to validate on." in out
    assert "cross-entropy" in out
    assert "mean IoU" in out
    height, width, _ = plt.imread(output / "predicted.png").shape
    assert width > height  # two rows of three pictures
    assert f"--model={output / 'model'} --input=PICTURES --output=MASKS" in out
    loaded = tf.saved_model.load(output / "model")
    assert loaded(np.zeros((1, 9, 21, 3), "uint8")).shape == (1, 9, 21, 2)
    check_masks(loaded, folders, output, tmp_path)


def check_masks(loaded, folders, output, tmp_path):
    """What `apps.restore` writes of the model: masks as FolderPairs reads them, upright."""
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = Image.open(f"{folders['data_dir']}/3.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90, expand=True).save(photos / "lies.png", exif=exif)
    picture.convert("L").save(photos / "grey.tif")
    masks = tmp_path / "masks"
    options = {"model": str(output), "input": str(photos), "output": str(masks)}
    restore.run(restore.RestoreSettings(**options))
    assert {path.name for path in masks.iterdir()} == {
        *("lies.png", "grey.png", "comparison_sheet.png"),
    }
    wanted = loaded(np.asarray(picture.rotate(90, expand=True))[np.newaxis]).numpy()[0].argmax(-1)
    with Image.open(masks / "lies.png") as mask:
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), np.rot90(wanted, -1))
        assert mask.getpalette()[:6] == colours(2, None).ravel().tolist()
    with Image.open(masks / "grey.png") as mask:
        assert mask.size == picture.size
    with pytest.warns(UserWarning, match=r"2 pairs; left out .*comparison_sheet"):
        pairs = FolderPairs(photos, masks, classes=2)
    assert [y.shape for _, y in pairs] == [(32, 48), (32, 48)]
    with pytest.raises(ValueError, match="--compare is for pictures"):
        restore.run(restore.RestoreSettings(**options, compare=str(photos)))
