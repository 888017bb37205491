"""`apps.time_to_quality` at a tiny size: runs that are kept."""

import dataclasses

import pytest

from apps import time_to_quality
from apps.races.settings import RaceSettings

TINY = {
    "tasks": ("denoising",),
    "networks": ("espcn",),
    "strategies": ("single_scale",),
    "seeds": (0,),
    "rates": (1e-3,),
    "image_size": 32,
    "batch_sizes": (1, 2),
    "limit": 4,
    "validation_samples": 2,
    "validations": 2,
    "reference_seconds": 2.0,
}


def test_real_runs_are_kept_and_not_repeated(tmp_path):
    settings = RaceSettings(output=str(tmp_path), **TINY)
    table = time_to_quality.run(settings)
    assert (tmp_path / "time_to_quality.md").read_text() == table
    assert (tmp_path / "time_to_quality.png").is_file()
    assert "| single_scale |" in table
    (run,) = (tmp_path / "denoising-espcn").glob("*.json")  # which is the reference
    before = run.stat().st_mtime_ns
    assert time_to_quality.run(settings) == table
    assert run.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other settings"):
        time_to_quality.run(dataclasses.replace(settings, validations=3))


def test_nothing_is_trained_if_a_run_would_be_refused(tmp_path):
    options = {**TINY, "networks": ("espcn", "resnet"), "strategies": ("full_multiscale_paper",)}
    settings = RaceSettings(output=str(tmp_path), **{**options, "image_size": 36})
    with pytest.raises(ValueError, match="36"):
        time_to_quality.run(settings)
    assert not list(tmp_path.rglob("*"))
