"""Made-up problems are what they say, and every contestant trains on them."""

import keras
import numpy as np
import pytest

from apps.benchmark import example_problems, examples, report
from apps.benchmark.settings import BenchmarkSettings


@pytest.mark.parametrize("petals", example_problems.PETALS)
def test_flowers_have_as_many_petals_as_they_should(petals):
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    inside = example_problems.petals_of(petals, 1.0, np.sin(angles), np.cos(angles))
    assert np.sum(inside & ~np.roll(inside, 1)) == petals


def test_flowers_follow_from_the_seed():
    pictures, classes = example_problems.flowers(20, seed=0)
    assert pictures.shape == (20, 96, 96, 3)
    assert pictures.dtype == np.uint8
    assert len(set(classes)) > 2
    np.testing.assert_array_equal(pictures, example_problems.flowers(20, seed=0)[0])
    assert (pictures != example_problems.flowers(20, seed=1)[0]).any()


def test_beats_and_shells_stand_out_where_their_class_is():
    for x, y in (example_problems.beats(20, 0), example_problems.shells(3, 0)):
        assert x.shape == (*y.shape, 1)
        assert set(np.unique(y)) == {0, 1, 2}
        means = [x[..., 0][y == kind].mean() for kind in range(3)]
        assert min(means[1:]) > means[0] + 0.2


def conv_net():
    signal = keras.Input((None, 1))
    return keras.Model(signal, keras.layers.Conv1D(3, 3, padding="same")(signal))


class CountingClock(keras.callbacks.Callback):
    """A second each time that it is looked at, so that nothing depends on the machine."""

    looks = 0.0

    @property
    def seconds(self):
        self.looks += 1.0
        return self.looks


@pytest.fixture
def tiny(monkeypatch):
    def made(count, seed):
        return example_problems.beats(count, seed, length=128)

    metric = example_problems.EXAMPLES["signals"].metric
    small = example_problems.Example(made, conv_net, (2, 4), (2,), metric, 8, 4)
    monkeypatch.setitem(example_problems.EXAMPLES, "signals", small)
    monkeypatch.setattr(examples, "STEPS_PER_EPOCH", 1)
    monkeypatch.setattr(examples, "TrainingClock", CountingClock)


@pytest.mark.usefixtures("tiny")
def test_every_contestant_trains_on_each_of_its_stages(monkeypatch):
    assert list(examples.ways(example_problems.EXAMPLES["signals"])) == [
        "plain, batches of 2",
        "coarse to fine",
        "full multiscale",
    ]
    ways = {"plain": examples.Way((2,)), "coarse to fine": examples.Way((2, 4))}
    monkeypatch.setattr(examples, "ways", lambda example: ways)
    settings = BenchmarkSettings(
        measures=("examples",),
        example_problems=("signals",),
        example_seconds=40.0,
        seeds=(0,),
        rates=(1e-3,),
        dtype_policy="float32",
    )
    rows = examples.races(settings)
    assert [row["name"] for row in rows] == list(ways)
    assert [len(row["stage_steps"]) for row in rows] == [1, 2]
    assert all(min(row["stage_steps"]) >= 1 for row in rows)
    assert all(0.0 <= float(row["quality"]) <= 1.0 for row in rows)
    assert "| signals | coarse to fine | 0.001 |" in report.as_table(rows)


def test_unknown_problems_are_refused():
    with pytest.raises(ValueError, match=r"--example_problems takes some of .*Received: stocks"):
        BenchmarkSettings(example_problems=("stocks",))
