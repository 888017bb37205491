"""What a real `fit` prints for a run whose epochs nobody knows."""

import re

import keras
import pytest
from adaptive_runs import dataset, new_model

from keras_ms import AdaptiveSchedule


def printed_by(schedule, capsys, callbacks=(), **options):
    new_model().fit(dataset(), callbacks=[*callbacks, schedule], **options)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("budget", "verbose"),
    [({"work_units": 20.0}, 1), ({"work_units": 20.0}, 2), ({"seconds": 0.1}, 1)],
)
def test_the_progress_bar_counts_epochs_without_a_total(capsys, budget, verbose):
    schedule = AdaptiveSchedule(**budget)
    text = printed_by(schedule, capsys, epochs=schedule.epochs, verbose=verbose)
    assert "1000000" not in text
    epochs = re.findall(r"^Epoch (\d+)/(.*)$", text, re.MULTILINE)
    assert [int(epoch) for epoch, _ in epochs] == list(range(1, len(epochs) + 1))
    assert epochs
    assert {total for _, total in epochs} == {"?"}
    assert "4/4" in text  # the steps of an epoch, as ever


@pytest.mark.parametrize("spec", ["", "d", ",", ",d", ">5"])
def test_epochs_are_shown_in_any_format(spec):
    assert format(AdaptiveSchedule.epochs, spec).strip() == "?"


def test_a_number_of_epochs_that_was_asked_for_is_counted_up_to(capsys):
    with pytest.warns(UserWarning, match="of the budget left"):
        text = printed_by(AdaptiveSchedule(work_units=1e4), capsys, epochs=2, verbose=1)
    assert "Epoch 2/2" in text


def test_for_callbacks_it_is_a_number_like_any_other(capsys):
    class Reader(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(epoch < self.params["epochs"] - 1 < 10**6)

    seen = []
    schedule = AdaptiveSchedule(work_units=10.0)
    printed_by(schedule, capsys, [Reader()], epochs=schedule.epochs, verbose=0)
    assert seen
    assert all(seen)
