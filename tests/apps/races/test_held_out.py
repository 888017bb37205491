import numpy as np

from apps.experiment.settings import Settings
from apps.races import held_out


def test_trials_see_nothing_of_what_judges_runs():
    settings = Settings(image_size=32, limit=6, validation_samples=held_out.ALL)
    of_race, of_trial = (held_out.data_of(settings, 4, trial) for trial in (False, True))
    assert [len(of_race.train), len(of_trial.train), of_trial.size] == [6, 4, 2 * held_out.CROPS]
    for number, image in enumerate(of_race.train):
        kept = any(np.array_equal(image, other) for other in of_trial.train)
        assert kept == (number % held_out.EVERY != 0)
    assert len(list(of_trial.whole.unbatch())) == of_trial.size
    assert len(of_trial.curve) == len(list(of_trial.curve)) == 4
