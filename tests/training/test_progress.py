"""What `fit` shows of its progress."""

import re

import keras
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.training.progress import Figure, duration, left_text, share_text


@pytest.fixture(scope="module")
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    return made


def printed(model, capsys, *callbacks, schedule=None, **options):
    schedule = schedule or keras_ms.FullMultiscaleSchedule((2, 4), 2)
    data = pair_dataset((2, 4), 2, telescoping=False)
    options = {"epochs": 3, "verbose": 2, "rehearse": False} | options
    model.fit(data, callbacks=[schedule, *callbacks], **options)
    return capsys.readouterr().out


@pytest.mark.smoke
@pytest.mark.parametrize("verbose", [1, 2])
def test_a_line_says_stage_resolution_share_and_time_left(model, capsys, verbose):
    out = printed(model, capsys, verbose=verbose)
    lines = re.findall(r"^stage .*$", out, re.MULTILINE)
    # 2, 2 and 4 work units.
    assert lines[0] == "stage 1/2 · 16 px · 0% of the budget"
    assert re.fullmatch(r"stage 1/2 · 16 px · 25% of the budget · .* left", lines[1])
    assert re.fullmatch(r"stage 2/2 · 32 px · 50% of the budget · .* left", lines[2])
    assert len(lines) == 3


def test_integers_are_shown_as_integers_and_nothing_twice(model, capsys):
    out = printed(model, capsys)
    assert re.findall(r"work_units: (\S+)", out) == ["2", "4", "8"]
    assert "stage:" not in out
    assert "resolution:" not in out
    assert "loss_level" not in out  # of a plain batch it is the loss
    assert re.search(r"loss: \d+\.\d{4}", out)


def test_history_and_callbacks_have_plain_numbers(model, capsys):
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    printed(model, capsys, note, verbose=1)
    assert {type(logs["stage"]) for logs in seen} == {int}
    assert {type(logs["resolution"]) for logs in seen} == {int}
    assert {type(logs["work_units"]) for logs in seen} == {float}


def test_a_bar_of_ones_own_and_silence_are_left_alone(model, capsys):
    out = printed(model, capsys, keras.callbacks.ProgbarLogger())
    assert "of the budget" not in out
    assert "resolution: 16.0000" in out
    assert "of the budget" not in printed(model, capsys, verbose=0)


def test_an_adaptive_run_shows_the_share_of_its_budget(model, capsys):
    schedule = keras_ms.AdaptiveSchedule(work_units=20.0)
    out = printed(model, capsys, schedule=schedule, epochs=schedule.epochs)
    shares = [int(share) for share in re.findall(r"(\d+)% of the budget", out)]
    assert shares[:2] == [0, 10]
    assert shares == sorted(shares)


def test_texts():
    assert share_text(0.294) == "29% of the budget"
    assert share_text(1.2) == "100% of the budget"
    assert left_text(0.25, 60.0) == "3 min 00 s left"
    assert left_text(0.0, 5.0) == ""
    assert [duration(s) for s in (-1, 59.4, 3599, 7620)] == [
        "0 s",
        "59 s",
        "59 min 59 s",
        "2 h 07 min",
    ]
    assert [f"{Figure(value):.4f}" for value in (28750.0, 19.5, 0.0, 1234567.25)] == [
        "28,750",
        "19.5",
        "0",
        "1,234,567.25",
    ]
