"""Flags that `diagnose` advises go through the flags of `apps.train`, and make sense there."""

import numpy as np
import pytest

from apps import diagnose, strategies
from apps.experiment import building
from apps.experiment.settings import Settings
from keras_ms.diagnostics.advised_command import advised

SUM, PLAIN = ((2, 4, 16), (0.9, 0.5)), ((16,), ())
WORDS = ("task", "crop", "crop")


@pytest.mark.parametrize(
    ("serving", "words", "of_sum"),
    [
        ((0,), "task", PLAIN),
        ((0,), "task", SUM),
        ((0, 1, 2), WORDS, PLAIN),
        ((0, 1, 2), ("task", "task", "crop"), PLAIN),
        ((0, 2), WORDS, PLAIN),
        ((0, 1), "coarsen_and_crop", SUM),
    ],
)
def test_advised_flags_are_taken(parse, serving, words, of_sum):
    black = [np.zeros((32, 32, 3), np.uint8)]
    for advice in advised(serving, words, *of_sum, 16, image_size=(32, 32)):
        settings = parse(Settings, *advice.flags.split())
        (strategy,) = strategies.chosen(settings)
        assert strategy.name == advice.strategy
        data = building.make_dataset(settings, black, **strategy.data_options(settings))
        assert data.levels.batch_sizes == advice.batch_sizes
        assert data.coarsening == advice.options.get("coarsening", "task")
        if advice.iterations:
            assert settings.iterations == advice.iterations


def test_what_was_diagnosed_is_trained(parse):
    typed = ["--task=deblurring", "--sigma=2", "--batch_sizes=1,2", "--samples=8", "--noflip"]
    settings = parse(diagnose.DiagnoseSettings, *typed, "--restriction=stride", "--seconds=9")
    command = diagnose.train_command(settings)
    assert command == "python -m apps.train --task=deblurring --sigma=2.0 --noflip"
    (advice,) = advised((0, 1), "task", *PLAIN, 16)
    told = advice.told(command)
    line = next(line for line in told.splitlines() if "apps.train" in line)
    trained = parse(Settings, *line.split()[3:])
    assert (trained.task, trained.sigma, trained.flip) == ("deblurring", 2.0, False)
    assert trained.strategy == "adaptive"
    paper = parse(diagnose.DiagnoseSettings, "--preset=paper")
    assert diagnose.train_command(paper) == "python -m apps.train --preset=paper"
