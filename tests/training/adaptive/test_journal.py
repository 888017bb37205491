import pytest
from adaptive_runs import fit

import keras_ms
from keras_ms import AdaptiveSchedule
from keras_ms.levels import Stage
from keras_ms.training.adaptive.journal import Decision, Journal


def test_going_on_needs_the_journal(tmp_path):
    for journal in (None, tmp_path / "none.json"):
        schedule = AdaptiveSchedule(work_units=100.0, journal=journal)
        with pytest.raises(ValueError, match="goes on from its journal"):
            fit(schedule, epochs=8, initial_epoch=4)
    path = tmp_path / "journal.json"
    fit(AdaptiveSchedule(work_units=100.0, journal=path), epochs=2)
    with pytest.raises(ValueError, match="ends before the epoch"):
        fit(AdaptiveSchedule(work_units=100.0, journal=path), epochs=8, initial_epoch=4)


def test_a_monitor_that_validation_does_not_report_is_said_so():
    kept = Journal(None)
    with pytest.warns(UserWarning, match="monitor='val_nope', reported: val_loss"):
        kept.note_validation(0, {"loss": 1.0, "val_loss": 2.0}, "val_nope")
    kept.note_validation(1, {"val_loss": 2.0}, "val_nope")  # once is enough
    kept.note_validation(2, {"val_loss": 2.0}, "val_loss")
    assert kept.validations == [(2, 2.0)]


def test_a_full_disk_costs_a_warning_and_no_training(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("keras_ms.safe_files.write_json", full)
    with pytest.warns(UserWarning, match=r"journal cannot be written .*No space left.*kept\.json"):
        Journal(tmp_path / "kept.json").save()


@pytest.mark.parametrize("journal", [3, "", ".", "README.md/journal.json"])
def test_journals_that_cannot_be_written_are_refused(journal):
    with pytest.raises(ValueError, match="`journal` is the path"):
        keras_ms.AdaptiveSchedule(work_units=10, journal=journal)


def test_a_decision_comes_back_with_its_control_weights(tmp_path):
    kept = Journal(tmp_path / "journal.json")
    decided = Decision(0, 1, (3, 9), "because", figures={"ratio": 2.0}, control_weights=(0.5,))
    kept.decisions.append(decided)
    kept.seconds.append(1.0)
    kept.save()
    again = Journal(tmp_path / "journal.json")
    again.resume(1)
    assert again.decisions == [decided]
    assert again.stage(1) == Stage(1, (3, 9), (0.5,))
    assert "batches of 3, 9 (control weights 0.50)" in decided.announced((16, 16))
    plain_sum = Decision(0, 1, (3, 9), "because", control_weights=(1.0,))
    assert "control" not in plain_sum.announced((16, 16))
