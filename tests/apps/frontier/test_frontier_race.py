"""The runs of a frontier: which are made, on what they are judged, and that they are kept."""

import numpy as np
import pytest
from conftest import SQUARES_VOID, square_pairs

from apps.experiment import building
from apps.frontier import app
from apps.frontier.problems import Named
from apps.frontier.race import Frontier
from apps.frontier.settings import FrontierSettings
from apps.races import mask_quality
from apps.races.held_out import crops_of
from apps.races.progress import Progress

TINY = {
    "problems": ("denoising/espcn",),
    "image_size": 32,
    "batch_sizes": (1, 2),
    "limit": 6,
    "budgets": (1.0,),
    "seeds": (0,),
    "default": "adaptive",
    "rates": (1e-3,),
    "validations": 1,
}
FEW = ("plain_1", "plain_4", "grown_crops", "coarse_to_fine", "adaptive")


def test_real_runs_are_kept_and_not_repeated(tmp_path):
    options = {**TINY, "contestants": ("plain_1",), "output": str(tmp_path)}
    table = app.run(FrontierSettings(**options))
    assert (tmp_path / "denoising-espcn.md").read_text() == table
    assert (tmp_path / "denoising-espcn.png").is_file()
    assert "| plain_1 | 0.001 |" in table
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.json")}
    assert [path.name for path in kept] == ["plain_1-run-1-0-0.001.json"]
    assert app.run(FrontierSettings(**options)) == table
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with pytest.raises(ValueError, match="other settings"):
        app.run(FrontierSettings(**{**options, "validations": 2}))


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Frontiers whose runs are made up: contestants need so much, best with a rate of 1e-3."""
    needs = dict(zip(FEW, (4.0, 3.0, 1.0, 2.0, 5.0), strict=True))
    asked = []

    def trained(self, name, settings, trial):
        asked.append((name, settings.seed, settings.seconds, settings.learning_rate))
        loss = needs[name] / settings.seconds * (1.0 if settings.learning_rate == 1e-3 else 2.0)
        point = {"seconds": settings.seconds, "work_units": 1.0, "loss": loss}
        return {"points": [point], "steps": 1, "finest": 1}, settings.seconds

    def judged(self, model, path):
        return {"loss": needs[path.name.partition("-")[0]] / model}

    monkeypatch.setattr(Frontier, "_trained", trained)
    monkeypatch.setattr(Frontier, "judged", judged)

    def made(**more):
        given = {**TINY, "contestants": FEW, "budgets": (10.0, 20.0, 40.0), "seeds": (0, 1)}
        options = FrontierSettings(**{**given, "output": str(tmp_path), **more})
        return Frontier(options, Named("denoising", "espcn"), Progress([]))

    made.asked = asked
    return made


def test_all_run_shortly_and_the_best_often_and_long(made_up):
    *_, entries = made_up().entries()
    of_all = [(name, 0, seconds, 1e-3) for name in FEW for seconds in (10.0, 20.0)]
    best = ("adaptive", "plain_4", "grown_crops", "coarse_to_fine")
    more = [(1, 10.0), (1, 20.0), (0, 40.0)]
    assert made_up.asked == of_all + [(name, *run, 1e-3) for name in best for run in more]
    assert list(entries) == list(FEW)
    assert entries["plain_4"].curve == [(10.0, 0.3), (20.0, 0.15), (40.0, 0.075)]
    assert [len(entries["plain_4"].runs[budget]) for budget in (10.0, 20.0, 40.0)] == [2, 2, 1]
    assert entries["plain_1"].curve == [(10.0, 0.4), (20.0, 0.2)]


def test_a_second_start_reads_the_runs_and_makes_those_that_are_missing(made_up, tmp_path):
    *_, entries = made_up().entries()
    (tmp_path / "denoising-espcn" / "adaptive-run-20-1-0.001.json").unlink()
    made_up.asked.clear()
    *_, again = made_up().entries()
    assert again == entries
    assert made_up.asked == [("adaptive", 1, 20.0, 1e-3)]


def test_every_contestant_chooses_its_rate_by_trials(made_up):
    first = next(iter(made_up(rates=(3e-3, 1e-3), trial_seconds=5.0).entries()))
    assert first["plain_1"].rate == 1e-3
    trials = [("plain_1", 100, 5.0, rate) for rate in (3e-3, 1e-3)]
    assert made_up.asked[:2] == trials


def test_all_contestants_are_judged_by_the_same_crops_of_all_that_is_held_out(tmp_path):
    options = FrontierSettings(**{**TINY, "curve_pairs": 8, "output": str(tmp_path)})
    one = Frontier(options, Named("denoising", "espcn"), Progress([]))
    model = building.make_model(one.settings_of("crops_32"), 1e-3)
    whole = [np.concatenate(parts) for parts in zip(*one.data.whole, strict=True)]
    held_out = building.kind_of(one.settings_of(None)).held_out()
    assert whole[1].shape == (crops_of(held_out, 32), 32, 32, 3)
    found = one.judged(model, tmp_path / "run.json")
    error = np.mean((np.asarray(model(whole[0])) - whole[1]) ** 2)
    assert found["loss"] == pytest.approx(error, rel=1e-4)
    assert abs(len(one.data.curve) - 8) <= 1


def test_masks_are_judged_by_all_their_pixels(tmp_path):
    folders = (*square_pairs(tmp_path / "train", 5, 0), *square_pairs(tmp_path / "val", 2, 1))
    names = ("data_dir", "target_dir", "val_data_dir", "val_target_dir")
    options = FrontierSettings(
        **{**TINY, "image_size": 16, "problems": ("squares/espcn",), "limit": None},
        **dict(zip(names, folders, strict=True)),
        classes="2",
        void=SQUARES_VOID,
        output=str(tmp_path),
    )
    one = Frontier(options, Named("squares", "espcn"), Progress([]))
    model = building.make_model(one.settings_of(None), 1e-3)
    found = one.judged(model, tmp_path / "run.json")
    wanted = mask_quality.judged(model, one.data.whole, 2, SQUARES_VOID)
    assert (found["loss"], found["mean_iou"]) == (wanted["crossentropy"], wanted["mean_iou"])
    assert [(len(d.train), d.size) for d in (one.trial_data, one.data)] == [(4, 1), (5, 2)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contestants": ("plain_1", "crops_64")}, "crops_64 has crops of 64 px"),
        ({"image_size": 36, "batch_sizes": (1, 2, 4, 8)}, "36"),
        ({"width": 4}, "--width is no option of espcn"),
        ({"data_dir": "nowhere", "dataset": "folder"}, "nowhere"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_the_first(given, message, tmp_path):
    contestants = ("plain_1", "coarse_to_fine")
    options = {**TINY, "contestants": contestants, **given, "output": str(tmp_path / "out")}
    with pytest.raises(ValueError, match=message):
        app.run(FrontierSettings(**options))
    assert not (tmp_path / "out").exists()
