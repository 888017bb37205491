"""What `--tensorboard` leaves, and that it changes nothing else."""

import numpy as np
import pytest
from conftest import small_images

from apps import strategies, train
from apps.experiment import building
from apps.experiment.settings import Settings
from apps.experiment.unfinished import Unfinished

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (2, 2),
    "image_size": 16,
    "width": 4,
    "depth": 1,
    "dtype_policy": "float32",
    "validation_samples": 2,
    "validations": 2,
}


def trained(strategy, folder=None):
    settings = Settings(strategy=strategy, tensorboard=folder, **TINY)
    images = list(small_images(2))
    validation = building.make_validation(settings, images)
    outcome = strategies.get(strategy).train(settings, images, validation)
    return outcome.model.get_weights()[0], outcome.curve.work_units


@pytest.mark.parametrize("strategy", ["progressive", "progressive_resizing"])
def test_a_strategy_leaves_curves_and_pictures(strategy, tmp_path):
    pytest.importorskip("tensorboard")
    weights, work_units = trained(strategy, str(tmp_path))
    found = {path.parent.name for path in tmp_path.rglob("events.*")}
    assert found == {"train", "validation", "pictures"}
    if strategy == "progressive":  # which measures its levels, too
        plain = trained(strategy)
        np.testing.assert_array_equal(weights, plain[0])
        assert work_units == plain[1]


def test_every_strategy_has_a_folder_of_its_own(tmp_path):
    for given, wanted in ((None, None), ("logs", "logs/adaptive")):
        unfinished = Unfinished(tmp_path, Settings(tensorboard=given), signals=None)
        assert unfinished.saving("adaptive")[1].tensorboard == wanted


def test_what_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ms.callbacks.validation_images.check_tensorboard", lambda _: None)
    (tmp_path / "file").write_text("")
    settings = Settings(output=str(tmp_path / "out"), tensorboard=str(tmp_path / "file"), **TINY)
    with pytest.raises(ValueError, match="--tensorboard must be a folder"):
        train.run(settings)
    assert not (tmp_path / "out").exists()
