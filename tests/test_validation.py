"""Checks that many modules share."""

import numpy as np
import pytest

from keras_ms import validation


def test_switches_are_true_or_false_or_left_to_their_default():
    validation.true_or_false(flip=None, rotate=True, other=np.bool_(False))
    for wrong in (1, 0, "yes", [True]):
        with pytest.raises(ValueError, match=r"`flip` is True or False. Received: flip="):
            validation.true_or_false(rotate=True, flip=wrong)
