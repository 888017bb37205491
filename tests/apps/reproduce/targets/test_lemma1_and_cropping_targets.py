import numpy as np
import pytest
import tiny_run

from apps.reproduce.targets import cropping, lemma1


def test_residuals_of_the_same_networks(tmp_path, monkeypatch):
    shown = {name: lemma1.SIGNALS[name] for name in cropping.SHOWN}
    monkeypatch.setattr(lemma1, "SIGNALS", shown)  # one fewer, as networks take their time
    text, output = tiny_run.run(tmp_path, "lemma1", "cropping")
    assert tiny_run.is_whole(output, "lemma1")
    assert tiny_run.is_whole(output, "cropping")
    cells = list((output / "cells" / "folder-residuals").glob("*.json"))
    assert len(cells) == 2  # of both targets
    row = tiny_run.row_of(output, "folder-residuals/noisy-0")
    for name in lemma1.COARSENINGS:
        assert len(row[name]["sample"]) == 2
        assert min(row[name]["sample"]) > 0.0
        assert len(row[name]["norm"]) == 3
    assert "power of h" in text
    crops = tiny_run.row_of(output, "folder-residuals/smooth-0")
    errors = cropping.errors_of(crops, "cropping")
    assert np.all(np.diff(errors) > 0.0)
    assert cropping.bound_of(crops, "both in turn") is None


def test_a_power_of_h_is_fitted_to_what_noise_leaves():
    found = lemma1.law_of([1.0, 2.0, None, 8.0])
    assert found.slope == pytest.approx(1.0)
