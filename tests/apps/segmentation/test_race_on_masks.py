"""`apps.segmentation` on made-up shapes, at a tiny size; and how rates are chosen."""

import json
import math
import types

import pytest
from conftest import SQUARES_VOID, square_pairs

from apps.experiment.recording import Point
from apps.races import equal_race, running
from apps.races.on_masks import NETWORKS
from apps.races.progress import Progress
from apps.segmentation import __main__ as app
from apps.segmentation.contestants import CONTESTANTS
from apps.segmentation.race import Race
from apps.segmentation.runs import settings_of
from apps.segmentation.settings import SegmentationSettings


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS, "resnet", {"width": 4, "depth": 1})
    folders = (*square_pairs(tmp_path / "train", 5, 0), *square_pairs(tmp_path / "val", 2, 1))
    names = ("data_dir", "target_dir", "val_data_dir", "val_target_dir")
    return {
        **dict(zip(names, folders, strict=True)),
        "classes": "2",
        "void": SQUARES_VOID,
        "networks": ("resnet",),
        "contestants": ("plain_2", "coarse_to_fine"),
        "image_size": 16,
        "batch_sizes": (2, 4),
        "work_units": 80.0,  # seconds would depend on the machine
        "seeds": (0,),
        "rates": (2e-2,),
        "validations": 2,
        "output": str(tmp_path / "out"),
    }


def test_a_race_leaves_tables_and_pictures_and_goes_on_where_it_was_stopped(
    options, tmp_path, capsys
):
    settings = SegmentationSettings(**options)
    table = app.run(settings)
    output = tmp_path / "out"
    assert (output / "segmentation.md").read_text() == table
    assert {path.name for path in output.glob("*.png")} == {
        "segmentation.png",
        "segmentation_work_units.png",
        "resnet.png",
    }
    plain, coarse = (
        output / "resnet" / f"{name}-run-0-0.02.json" for name in options["contestants"]
    )
    content = json.loads(plain.read_text())
    assert content["mean_iou"] > 0.6  # an eighth or so of the pixels decides by brightness
    assert [len(content["points"][0]), len(content["iou"])] == [4, 2]
    row = f"| {content['mean_iou']:.3f} |"
    assert any("plain_2" in line and line.endswith(row) for line in table.splitlines())
    assert "2 of 2 runs, about 0 s left" in capsys.readouterr().out

    before = plain.stat().st_mtime_ns
    coarse.rename(coarse.with_suffix(".part"))  # as a run that was killed while it was written
    app.run(settings)
    assert plain.stat().st_mtime_ns == before
    assert coarse.is_file()
    with pytest.raises(ValueError, match="other settings"):
        app.run(SegmentationSettings(**{**options, "validations": 3}))


@pytest.fixture
def made_up(options, monkeypatch):
    """Makes races whose runs are made up: the loss is ten times the rate, of 1e-2 not a number."""
    asked = []

    def trained(self, name, settings, trial):
        asked.append((name, settings, trial))
        loss = {1e-2: math.nan}.get(settings.learning_rate, 10.0 * settings.learning_rate)
        points = [{"seconds": 1.0, "work_units": 1.0, "loss": loss, "mean_iou": 0.5}]
        return {"points": points, "steps": 1}, None

    monkeypatch.setattr(Race, "_trained", trained)

    def made(**more):
        given = {**options, "trial_seconds": 30.0, "rates": (3e-3, 1e-3, 1e-2), **more}
        return Race(SegmentationSettings(**given), "resnet", Progress([]))

    made.asked = asked
    return made


def test_rates_are_chosen_on_pairs_to_train_on_that_are_held_out(made_up, options):
    assert made_up().raced("plain_1").rate == 1e-3
    *trials, run = (settings for _, settings, _ in made_up.asked)
    assert [s.seed for s in (*trials, run)] == [equal_race.TRIAL_SEED] * 3 + [0]
    assert {(s.val_data_dir, s.val_target_dir, s.work_units) for s in trials} == {(None, None, 20)}
    assert (run.val_data_dir, run.work_units) == (options["val_data_dir"], 80.0)
    of_race = made_up()
    assert [(len(d.train), d.size) for d in (of_race.trial_data, of_race.data)] == [(4, 1), (5, 2)]


def test_small_crops_are_counted_as_parts_of_the_finest_mesh(options, monkeypatch):
    curve = types.SimpleNamespace(points=[Point(1.0, 80.0, 0.5)], metrics=[{"mean_iou": 0.5}])
    model = types.SimpleNamespace(optimizer=types.SimpleNamespace(iterations=10))
    outcome = types.SimpleNamespace(curve=curve, model=model, iterations=(4, 6))
    stand_in = types.SimpleNamespace(train=lambda *_, **__: outcome)
    monkeypatch.setattr(running.strategies, "get", lambda name: stand_in)
    settings = SegmentationSettings(**options)
    of_run = settings_of(settings, "resnet", "small_crops")
    assert (of_run.image_size, of_run.single_scale_batch) == (8, 8)
    assert of_run.work_units == 4 * 80.0
    content, _ = Race(settings, "resnet", Progress([]))._trained("small_crops", of_run, False)
    assert (content["steps"], content["finest"]) == (10, 4)
    assert content["points"] == [{"seconds": 1.0, "work_units": 20.0, "loss": 0.5, "mean_iou": 0.5}]


def test_every_contestant_is_settings_that_fit_the_levels(options):
    in_seconds = {**options, "work_units": None, "batch_sizes": (1, 2, 4)}
    settings = SegmentationSettings(**in_seconds)
    made = {name: settings_of(settings, "resnet", name) for name in CONTESTANTS}
    assert made["coarse_to_fine"].iterations == (250, 500, 1000)
    assert made["grown_crops"].coarsening == "crop"
    assert {made[f"plain_{size}"].single_scale_batch for size in (1, 2, 4)} == {1, 2, 4}
    assert all(one.refresh_statistics and one.seconds == 120.0 for one in made.values())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": None}, "no --classes"),
        ({"val_target_dir": None}, "go together"),
        ({"val_data_dir": None, "val_target_dir": None}, "no --val_data_dir, --val_target_dir"),
        ({"seeds": (1, 1)}, "each once"),
        ({"rates": (0.0,)}, "positive and finite"),
        ({"seconds": -1.0}, "--seconds"),
        ({"contestants": ("plain_3",)}, "Received: plain_3"),
        ({"dtype_policy": "auto"}, "one precision"),
    ],
)
def test_senseless_settings_are_refused(options, given, message):
    with pytest.raises(ValueError, match=message):
        SegmentationSettings(**{**options, **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image_size": 15}, "15"),
        ({"class_names": ("a", "b", "c")}, "3 names of 2"),
        ({"val_data_dir": "nowhere"}, "nowhere"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_the_first(options, given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        app.run(SegmentationSettings(**{**options, **given}))
    assert not (tmp_path / "out").exists()
