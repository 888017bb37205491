"""What `--tensorboard` leaves, and that it changes nothing else."""

import numpy as np
import pytest

from apps import train
from apps.experiment.settings import Settings

TINY = {
    "strategy": "progressive",
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


def weights_of(outcome):
    return outcome.model.get_weights()[0]


def test_every_strategy_leaves_files_of_its_own_and_weights_are_the_same(tmp_path):
    pytest.importorskip("tensorboard")
    compare = {"compare": ("progressive_resizing",)}
    plain = train.run(Settings(output=str(tmp_path / "plain"), **compare, **TINY))
    logs = tmp_path / "logs"
    options = {"output": str(tmp_path / "out"), "tensorboard": str(logs)}
    watched = train.run(Settings(**options, **compare, **TINY))
    for one, other in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(weights_of(one), weights_of(other))
        assert one.curve.work_units == other.curve.work_units
    for name in ("progressive", "progressive_resizing"):
        found = {path.parent.name for path in (logs / name).rglob("events.*")}
        assert found == {"train", "validation", "pictures"}


def test_what_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ms.callbacks.validation_images.check_tensorboard", lambda _: None)
    (tmp_path / "file").write_text("")
    settings = Settings(output=str(tmp_path / "out"), tensorboard=str(tmp_path / "file"), **TINY)
    with pytest.raises(ValueError, match="--tensorboard must be a folder"):
        train.run(settings)
    assert not (tmp_path / "out").exists()
