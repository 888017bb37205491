"""Advised commands: which there are, and that the programs run as they are printed."""

import re

import keras
import numpy as np
import pytest
from conftest import small_images, small_net

import keras_ms
from keras_ms.diagnostics.advised_command import Advice, advised, flags_of

SUM = ((2, 4, 16), (0.9, 0.5))
PLAIN = ((16,), ())


@pytest.mark.parametrize(
    ("serving", "of_sum", "strategies"),
    [
        ((0,), PLAIN, ["single_scale"]),
        ((0,), SUM, ["multiscale"]),
        ((0, 1, 2), PLAIN, ["adaptive"]),
        ((0, 2), PLAIN, ["progressive"]),
        ((0, 1), SUM, ["adaptive", "full_multiscale"]),
    ],
)
def test_what_figures_speak_for(serving, of_sum, strategies):
    found = advised(serving, "task", *of_sum, batch_size=16)
    assert [advice.strategy for advice in found] == strategies


def test_coarse_to_fine_takes_the_levels_that_serve_in_batches_that_double():
    (adaptive,) = advised((0, 1, 2), ("task", "crop", "crop", "task"), *PLAIN, 16, unit=3)
    assert adaptive.batch_sizes == (6, 12, 24)
    assert adaptive.iterations == (250, 500, 1000)
    assert adaptive.coarsening == "crop"  # of plain batches, level 0 is not coarse
    (progressive,) = advised((0, 2), ("task", "task", "crop", "task"), *PLAIN, 2)
    assert (progressive.batch_sizes, progressive.iterations) == ((1, 2, 4), (250, 0, 1000))
    assert "without level 1" in progressive.why
    (mixed,) = advised((0, 1, 2), ("task", "task", "crop"), *PLAIN, 16)
    assert mixed.coarsening == ("task", "task", "crop")
    assert "--coarsening=task,task,crop" in mixed.flags


def test_weights_and_sizes_of_sums_are_the_advised_ones():
    (found,) = advised((0,), "crop", *SUM, batch_size=16, image_size=(64, 64))
    assert found.flags == (
        "--strategy=multiscale --image_size=64 --coarsening=task --batch_sizes=2,4,16 "
        "--control_weights=0.9,0.5"
    )
    (found,) = advised((0,), "crop", (2, 4), (1.0,), batch_size=16)
    assert found.control_weights == ()


def test_flags_are_quoted_where_a_shell_would_split_them():
    assert (
        flags_of({"data_dir": "my pictures", "flip": False}) == "--data_dir='my pictures' --noflip"
    )


def test_other_images_than_squares_are_made_again_as_they_are():
    video = Advice("adaptive", "", (1, 2), "task", image_size=(8, 64, 64), axes=(1, 2))
    assert "levels=keras_ms.Levels((1, 2), spatial_axes=(1, 2)),\n    image_size=(8, 64, 64)," in (
        video.python
    )
    signal = Advice("adaptive", "", (1, 2), "task", image_size=(64,))
    assert "image_size=(64,)," in signal.python  # one number would be a square
    assert "image_size" not in signal.flags


def smaller(program):
    """The same program for a few steps."""
    program = program.replace("steps_per_epoch=50", "steps_per_epoch=1")
    program = program.replace("seconds=180", "work_units=6.0").replace("epochs=40", "epochs=2")
    return re.sub(r"\b(250|500|1000)\b", "1", program)


MIXED = ("task", "task", "crop")
ADVICES = {
    "adaptive": Advice("adaptive", "", (1, 2), "crop", (), (250, 500)),
    "progressive": Advice(
        "progressive", "", (1, 2, 2), ("task", "task", "crop"), (), (250, 0, 500)
    ),
    "full_multiscale": Advice("full_multiscale", "", (1, 2), "task", (0.9,), (250, 500)),
    "multiscale": Advice("multiscale", "", (1, 2), "task"),
    "single_scale": Advice("single_scale", "", (2,), "task"),
}


@pytest.mark.parametrize("strategy", ADVICES)
def test_programs_run_as_they_are_printed(strategy):
    model = keras.Model(*small_net())  # of Keras, too: the program takes any
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    x = small_images(8, side := 32 if strategy == "progressive" else 16)
    names = {"keras": keras, "keras_ms": keras_ms, "model": model, "pairs": (x, x)}
    names |= {"images": x, "task": keras_ms.tasks.Denoising()}
    advice = ADVICES[strategy]._replace(of_pairs=strategy != "progressive", image_size=(side, side))
    exec(compile(smaller(advice.python), "<advice>", "exec"), names)
    history = names["model"].history.history
    assert np.all(np.isfinite(history["loss"]))
    wanted = {"adaptive": [1, 2], "progressive": [1, 3], "full_multiscale": [1, 2]}
    assert sorted(set(history["stage"])) == wanted.get(strategy, [len(advice.batch_sizes)])
