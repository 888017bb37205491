import numpy as np

from apps.experiment.settings import Settings
from apps.races import held_out


def test_crops_cover_what_is_held_out():
    photographs = [np.zeros((64, 96, 3), "uint8"), np.zeros((16, 16, 1), "uint8")]
    assert held_out.crops_of(photographs, 16) == 24 + 1
    assert held_out.crops_of(photographs, 64) == 2  # one of each at least
    large = [np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))]
    assert held_out.crops_of(large, 100) == held_out.MOST_PIXELS / 100**2


def test_trials_see_nothing_of_what_judges_runs():
    settings = Settings(image_size=32, limit=6, validation_samples=held_out.ALL)
    of_race, of_trial = (held_out.data_of(settings, 4, trial) for trial in (False, True))
    assert [len(of_race.train), len(of_trial.train)] == [6, 4]
    assert of_trial.size == held_out.crops_of(of_race.train[::5], 32)
    for number, image in enumerate(of_race.train):
        kept = any(np.array_equal(image, other) for other in of_trial.train)
        assert kept == (number % held_out.EVERY != 0)
    assert len(list(of_trial.whole.unbatch())) == of_trial.size
    assert abs(len(of_trial.curve) - 4) <= 1
