"""The harness of `python -m tests.faults`, for a few kills."""

import signal

import harness
import pytest
import victim

import keras_ms


@pytest.fixture(scope="module")
def want(tmp_path_factory):
    folder = tmp_path_factory.mktemp("want")
    victim.library(folder)
    return harness.library_end(folder)


def test_runs_that_are_killed_end_as_if_nothing_had_happened(tmp_path, want):
    # Within a write of the first stage, when it has gone on, within the last stage; and the end.
    for kill in ("write:7:0.5", "step:25"):
        assert harness.ran("library", tmp_path, kill) == -signal.SIGKILL
        assert keras_ms.training.snapshots.Snapshots(tmp_path / "checkpoints").newest()
    assert harness.ran("library", tmp_path) == 0
    assert harness.differences(harness.library_end(tmp_path), want) == []


def test_the_harness_sees_a_difference(want):
    other = {name: value.copy() for name, value in want.items()}
    other["w0"].flat[0] += 1e-7
    assert harness.differences(other, want) == ["w0"]
    del other["w1"]
    assert harness.differences(other, want) == ["w1"]
