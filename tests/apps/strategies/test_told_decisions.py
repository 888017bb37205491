"""Which decisions of an adaptive run are told: those that change something."""

import types

from apps.strategies.adaptive import changes
from keras_ms.levels import Stage


def decided(*stages):
    return [types.SimpleNamespace(stage=stage, number=n) for n, stage in enumerate(stages)]


def test_a_decision_to_stay_is_not_told_again_and_again():
    coarse, fine = Stage(1, (16,)), Stage(0, (4,))
    told = changes(decided(coarse, coarse, coarse, fine, fine))
    assert [decision.number for decision in told] == [0, 3]
    assert changes([]) == []


def test_other_batches_on_the_same_level_are_a_change():
    told = changes(decided(Stage(1, (16,)), Stage(1, (4, 16))))
    assert [decision.number for decision in told] == [0, 1]
