"""What `make train` runs, in seconds: the preset `quick` beats its classical rival, colours right.

The pictures are of textures without two like patches: there, some seconds teach a small network
what minutes teach a larger one of photographs (docs/results/make_train.md has those figures).
"""

import json

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from apps import train
from apps.experiment import presets
from apps.experiment.settings import Settings

PICTURES, SIDE = 10, 96


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("textures")
    rng = np.random.default_rng(5)
    for index in range(PICTURES):
        field = scipy.ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE, 3)), (1.5, 1.5, 0.5))
        colour = rng.uniform(0.3, 0.7, 3)  # of the whole picture: a cast would show
        picture = np.clip(colour + 0.12 * field / field.std(), 0.0, 1.0)
        Image.fromarray((255.0 * picture).astype("uint8")).save(folder / f"{index}.png")
    return folder


def test_the_quick_preset_beats_non_local_means_and_keeps_colours(textures, tmp_path):
    settings = presets.make(
        Settings,
        "quick",
        dataset="folder",
        data_dir=str(textures),
        width=16,
        depth=1,
        work_units=1200.0,
        validations=2,
        validation_samples=4,
        baseline=True,
        dtype_policy="float32",
        output=str(tmp_path),
    )
    train.run(settings)
    quality = json.loads((tmp_path / "curves.json").read_text())["quality"]
    restored, rival = quality["progressive"], quality["non-local means"]
    assert restored["psnr"] > rival["psnr"] + 0.3
    assert rival["psnr"] > quality["degraded"]["psnr"] + 1.0  # a rival worth the name
    assert restored["colour"] < 2.0
