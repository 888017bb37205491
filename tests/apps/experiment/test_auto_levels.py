"""Sizes that measured gradients decide are never refused by the run that they are for."""

import numpy as np
import pytest
from PIL import Image

from apps import strategies
from apps.experiment import auto_levels, building
from apps.experiment.settings import Settings
from keras_ms.gradients.chunks import chunks_for
from keras_ms.gradients.target_roles import suited
from keras_ms.levels import Stage
from keras_ms.training import automatic


@pytest.fixture
def masks(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        for part, shape in (("x", (32, 32, 3)), ("y", (32, 32))):
            (tmp_path / part).mkdir(exist_ok=True)
            pixels = rng.integers(0, 256 if part == "x" else 3, shape).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / part / f"{number}.png")
    return {"data_dir": str(tmp_path / "x"), "target_dir": str(tmp_path / "y")}


@pytest.mark.parametrize("void", [2, None])
def test_a_loss_that_couples_samples_is_measured_in_its_chunks(masks, void, monkeypatch):
    measured = []

    def stages_for(model, dataset, chunks):
        measured.append(chunks.size)
        return tuple(Stage(level, sizes) for level, sizes in enumerate([(8, 12), (20,)]))

    monkeypatch.setattr(automatic, "stages_for", stages_for)
    classes = {"classes": "2", "void": void} if void else {"classes": "3"}
    options = {"network": "resnet", "width": 2, "depth": 1, "image_size": 32, **masks, **classes}
    settings = Settings(auto_levels=True, strategy="multiscale", **options)
    (strategy,) = strategies.chosen(settings)
    images = building.load_images(settings, "train")
    dataset = building.make_dataset(settings, images, **strategy.data_options(settings))
    decided, _ = auto_levels.decided(settings, dataset)
    model = building.make_model(settings, 1e-3)
    chunk = chunks_for(model, suited(model, decided)).size
    assert measured == [4 if void else None]
    assert chunk == measured[0]  # which divides all of the sizes
