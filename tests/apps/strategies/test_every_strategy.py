"""The registry, what strategies refuse, and that a new one is a new file and nothing else."""

import json
import sys

import numpy as np
import pytest

import keras_ms
from apps import strategies, train
from apps.experiment import building
from apps.experiment.settings import Settings
from apps.strategies.strategy import cycle

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (2, 4),
    "image_size": 16,
    "width": 4,
    "dtype_policy": "float32",
    "validation_samples": 2,
}

NEW = '''
"""Plain training that takes every other step back: a strategy that nobody else knows."""

from .planned import Planned

NAMES = {"to_and_fro": "ToAndFro"}


class ToAndFro(Planned):
    """As many steps as were asked for, and as many again."""

    label = "to and fro"

    def data_options(self, settings):
        return {**super().data_options(settings), "levels": (3,)}

    def iterations(self, settings, num_levels):
        return (2 * max(settings.iterations),)
'''


@pytest.fixture
def new_file(tmp_path, monkeypatch):
    """A strategy in one file, in a folder that the registry searches as well."""
    (tmp_path / "to_and_fro.py").write_text(NEW)
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    yield
    sys.modules.pop("apps.strategies.to_and_fro", None)
    vars(strategies).pop("to_and_fro", None)


def test_a_new_strategy_is_one_new_file(new_file, tmp_path, capsys):
    assert "to_and_fro" in strategies.names()
    output = tmp_path / "out"
    (outcome,) = train.run(Settings(strategy="to_and_fro", output=str(output), **TINY))
    assert (outcome.iterations, outcome.batch_sizes) == ((8,), (3,))
    assert outcome.curve.final.work_units == 8 * 3.0
    assert list(json.loads((output / "curves.json").read_text())["curves"]) == ["to_and_fro"]
    assert capsys.readouterr().out.count("to and fro") == 2  # in both tables


def test_every_name_has_its_own_class_and_label():
    found = [strategies.get(name) for name in strategies.names()]
    assert [one.name for one in found] == list(strategies.names())
    assert len({one.label for one in found}) == len(found) >= 6


def test_what_is_asked_for_comes_in_order():
    settings = Settings(strategy="multiscale", compare=("single_scale", "multiscale"))
    assert [one.name for one in strategies.chosen(settings)] == ["multiscale", "single_scale"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"strategy": "sgd"}, "--strategy is one of .*Received: sgd"),
        ({"compare": ("adaptive", "sgd")}, "--compare takes some of .*Received: sgd"),
        ({"iterations": (1, 2)}, "--iterations=1,2, --batch_sizes=4,8,16,32"),
        ({"strategy": "adaptive", "iterations": (1, 2)}, "--iterations=1,2"),
        ({"strategy": "progressive", "iterations": (1, 2)}, "--iterations=1,2"),
        ({"batch_sizes": (4,), "iterations": (1,)}, "needs two levels"),
        ({"strategy": "multiscale", "batch_sizes": (4,)}, "--strategy=multiscale needs two levels"),
        (
            {"strategy": "adaptive", "auto_levels": True},
            "adaptive, which decides batch sizes by itself",
        ),
        ({"strategy": "progressive", "auto_levels": True}, "progressive, which does not measure"),
        ({"compare": ("progressive_resizing",), "auto_levels": True}, "which has no levels"),
        (
            {"strategy": "single_scale", "control_weights": (1.0,) * 3},
            "and there are none here. Received: --strategy=single_scale",
        ),
    ],
)
def test_what_makes_no_sense_with_a_strategy_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        strategies.chosen(Settings(**options))


@pytest.mark.parametrize("name", ["adaptive", "progressive", "single_scale"])
def test_control_weights_are_refused_where_they_would_be_ignored(name):
    with pytest.raises(ValueError, match=f"none here. Received: --strategy={name}"):
        strategies.chosen(Settings(strategy=name, control_weights=(0.5,) * 3))


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match=r"Received: luck\. Use one of adaptive, "):
        strategies.get("luck")


NOT_WHOLE = {
    "no_label": ("class Whole(Strategy):\n    def train(self, *args): return 1\n", "label=None"),
    "empty_label": ("class Whole(Planned):\n    label = ''\n", "label=''"),
    "odd_label": ("class Whole(Planned):\n    label = 3\n", "label=3"),
    "abstract": ("class Whole(Strategy):\n    label = 'a'\n", "Whole without train"),
    "no_class": ("Whole = 3\n", "Received: 3 for 'no_class'"),
    "no_strategy": ("class Whole:\n    label = 'a'\n", "derived from Strategy"),
}


@pytest.mark.parametrize("name", NOT_WHOLE)
def test_what_is_no_whole_strategy_is_refused_before_it_trains(name, tmp_path, monkeypatch):
    code, match = NOT_WHOLE[name]
    imports = "from .planned import Planned\nfrom .strategy import Strategy\n"
    (tmp_path / f"{name}.py").write_text(f"{imports}NAMES = {{'{name}': 'Whole'}}\n{code}")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    monkeypatch.setattr(strategies, name, None, raising=False)  # imports leave the module there
    for fetch in (strategies.get, lambda name: strategies.chosen(Settings(compare=(name,)))):
        with pytest.raises(ValueError, match=match):
            fetch(name)
    sys.modules.pop(f"apps.strategies.{name}")


@pytest.mark.parametrize("name", ["multiscale", "full_multiscale"])
def test_control_weights_weigh_the_terms(name, small_photo):
    strategy = strategies.get(name)
    settings = Settings(strategy=name, control_weights=(0.25,), **TINY)
    data = building.make_dataset(settings, small_photo, **strategy.data_options(settings))
    batch = next(iter(data.stage()))
    assert np.unique(batch.weights[1]).tolist() == [0.25]


@pytest.mark.parametrize("budget", [{"seconds": 0.2}, {"work_units": 40.0}, {}])
def test_terms_are_kept_for_several_steps(budget, small_photo):
    options = {**TINY, "image_size": 32, "iterations": (4, 8), "validations": 1, **budget}
    settings = Settings(strategy="full_multiscale", refresh=(4, 1), **options)
    validation = building.make_validation(settings, small_photo)
    outcome = strategies.get("full_multiscale").train(settings, small_photo, validation)
    fine, coarse = outcome.iterations
    assert fine % 4 == 0
    sizes = settings.batch_sizes
    # A fine term in every fourth step, a coarse one in each.
    fine_step = (sizes[0] + sizes[0] / 4) / 4 + sizes[1] / 4
    done = fine * fine_step + coarse * sizes[1] / 4
    assert outcome.curve.final.work_units == pytest.approx(done)


@pytest.mark.parametrize("name", ["adaptive", "progressive", "single_scale"])
def test_keeping_terms_is_refused_where_it_would_be_ignored(name):
    with pytest.raises(ValueError, match=f"--strategy={name}, --compare=. Leave it out"):
        strategies.chosen(Settings(strategy=name, refresh=(8, 4, 2, 1)))


@pytest.fixture
def small_photo():
    return [keras_ms.data.photos("validation")[0][:64, :64]]


def test_levels_that_decide_themselves_are_those_that_were_trained(small_photo, capsys):
    options = {**TINY, "image_size": 32, "iterations": (1, 3)}
    settings = Settings(auto_levels=True, strategy="full_multiscale", **options)
    validation = building.make_validation(settings, small_photo)
    outcome = strategies.get("full_multiscale").train(settings, small_photo, validation)
    # 32 and 16 px; half as many steps on the finer level.
    assert outcome.iterations == (1, 3)
    assert outcome.batch_sizes != settings.batch_sizes
    assert "levels='auto'" in capsys.readouterr().out


def test_coarse_problems_that_decide_themselves_are_trained(small_photo, capsys, monkeypatch):
    monkeypatch.setattr("keras_ms.training.automatic.WARM_UP", 1)
    monkeypatch.setattr("keras_ms.training.extent.MEASURING_SHARE", np.inf)
    settings = Settings(coarsening="auto", strategy="adaptive", **{**TINY, "image_size": 32})
    validation = building.make_validation(settings, small_photo)
    outcome = strategies.get("adaptive").train(settings, small_photo, validation)
    assert capsys.readouterr().out.count("coarsening='auto': level 1, 16x16 px") == 1
    assert np.isfinite(outcome.curve.final.loss)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "full_multiscale", "refresh": (10**6, 1), "seconds": 1.0},
        {"strategy": "full_multiscale", "refresh": (8, 1), "iterations": (3, 3)},
    ],
)
def test_terms_that_no_stage_would_compute_anew_are_refused(options):
    with pytest.raises(ValueError, match=r"within every stage.* Received: --refresh="):
        cycle(Settings(batch_sizes=(1, 2), **options))


def test_images_that_cannot_begin_smaller_are_refused():
    with pytest.raises(ValueError, match=r"Received: --image_size=4\."):
        strategies.chosen(Settings(strategy="progressive_resizing", image_size=4))
