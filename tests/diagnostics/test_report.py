"""A report of round figures: what it reckons, advises, shows and keeps."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import pair_dataset
from PIL import Image

from keras_ms import LevelReport
from keras_ms.diagnostics.plots import save_plot


def report(**changes):
    """A report with round figures: two levels, half the variance shared."""
    plain = LevelReport(
        mesh_sizes=((128, 128), (64, 64)),
        samples=(128, 256),
        variance=(1.0, 1.0),
        variance_error=(0.1, 0.1),
        difference=(0.01, 0.0),
        difference_error=(0.001, 0.0),
        correlation=(0.99,),
        cosine=(None,),
        squared_norm=(0.1, 0.1),
        squared_bias=(0.0, 0.02),
        squared_bias_error=(0.0, 0.01),
        squared_cosine=(1.0, 0.8),
        squared_cosine_error=(0.0, 0.1),
        seconds_per_sample=(0.01, 0.0025),
        fixed_seconds=(0.0, 0.0),
        work_units=(1.0, 0.25),
    )
    return dataclasses.replace(plain, **changes)


def test_figures_of_a_known_report():
    found = report()
    assert found.variances == ((1.0, 0.01), (1.0, 0.0))
    assert found.costs("work_units") == ((1.0, 1.25), (0.25, 0.25))
    wanted = (np.sqrt(0.01 * 1.25) + np.sqrt(0.25)) ** 2
    assert found.relative_costs("work_units") == pytest.approx((1.0, wanted))
    assert found.relative_costs() == pytest.approx((1.0, wanted))
    sizes, weights = found.batch_sizes, found.control_weights
    assert found.sampling_variance(sizes, weights) <= 1 / 16
    by_hand = (1.0 - 2.0 * 0.5 * 0.995 + 0.25) / 4 + 0.25 / 8
    assert found.sampling_variance((4, 8), (0.5,)) == pytest.approx(by_hand)
    assert found.sampling_variance((4, 8)) == pytest.approx(0.01 / 4 + 1.0 / 8)
    with pytest.raises(ValueError, match="Control weights are one finite number per pair"):
        found.sampling_variance((4, 8), (0.5, 0.5))
    assert found.seconds(sizes) == pytest.approx(0.0125 * sizes[0] + 0.0025 * sizes[1])
    assert found.seconds((16,)) == pytest.approx(0.16)
    assert "Use 2 levels" in found.advice
    assert f"{found.seconds(sizes) / 0.16:.2f} of its time" in found.advice
    for senseless in ((), (16, 32, 64), (16, 0)):
        for method in (found.seconds, found.sampling_variance):
            with pytest.raises(ValueError, match="Received: batch_sizes="):
                method(senseless)
    with pytest.raises(ValueError, match="unit='hours'"):
        found.costs("hours")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"difference": (3.0, 0.0)}, "two levels or more cost"),
        ({"fixed_seconds": (0.0, 1.0)}, "Single-scale is cheaper here"),
    ],
)
def test_single_scale_is_advised_where_it_is_cheaper(changes, why):
    found = report(**changes)
    assert found.batch_sizes == (16,)
    assert found.advice.startswith("Single-scale is cheaper here")
    assert why in found.advice


def test_control_weights_are_advised_with_the_batch_sizes_that_match_where_they_pay():
    noisy = report(difference=(0.8, 0.0), variance=(1.0, 3.0))  # covariance 1.6
    sizes, weights = noisy.batch_sizes, noisy.control_weights
    assert len(sizes) == 2
    assert 0.3 < weights[0] < 0.6
    assert noisy.relative_costs(weighted=True)[1] < 0.9 < noisy.relative_costs()[1]
    assert f"({sizes[0]}, {sizes[1]}) and control weights ({weights[0]:.2f})" in noisy.advice
    assert noisy.sampling_variance(sizes, weights) <= 1 / 16 < noisy.sampling_variance(sizes)
    assert f"{weights[0]:.2f}" in str(noisy)
    assert "control weights (" not in report().advice


def test_advice_can_be_trained_on(recwarn):
    noisy = report(difference=(0.8, 0.0), variance=(1.0, 3.0))
    options = {"control_weights": noisy.control_weights}
    data = pair_dataset(noisy.batch_sizes, 4, **options)
    assert data.batch_sizes() == noisy.batch_sizes
    plain = report(difference=(3.0, 0.0))
    pair_dataset(plain.batch_sizes, 4, control_weights=plain.control_weights)
    assert not [w for w in recwarn if "Batch sizes" in str(w.message)]


def test_replicas_divide_the_advice():
    assert all(n % 4 == 0 for n in report(replicas=4).batch_sizes)


def test_json_there_and_back(tmp_path):
    found, path = report(), tmp_path / "report.json"
    found.save(path)
    assert LevelReport.load(path) == found
    content = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert content["advice"] == found.advice
    assert tuple(content["advised_batch_sizes"]) == found.batch_sizes
    assert tuple(content["control_weights"]) == found.control_weights
    path.write_text("{}")
    with pytest.raises(ValueError, match="no LevelReport"):
        LevelReport.load(path)


def test_the_table_shows_every_level_and_the_advice():
    text, details = str(report()), report().told(details=True)
    for shown in (text, details):
        assert "128x128" in shown
        assert "64x64" in shown
        assert "…" not in shown  # nothing was cut off
        assert report().advice in shown
    assert "?" in details  # the cosine that noise left nothing of
    assert "corr" not in report().table()
    assert "corr" in report().table(details=True)
    assert all(len(line) <= 120 for line in report().table(details=True).splitlines())


def test_a_report_ends_in_what_to_paste():
    first, second = report().commands
    assert (first.strategy, second.strategy) == ("adaptive", "full_multiscale")
    assert first.batch_sizes == (4, 8)
    assert (second.batch_sizes, second.control_weights) == (report().batch_sizes, ())
    text = report().told(command="python -m apps.train --task=deblurring")
    assert f"python -m apps.train --task=deblurring {first.flags}\n" in text
    assert text.endswith(f"python -m apps.train --task=deblurring {second.flags}")
    assert second.python.splitlines()[-1] not in text.partition(second.why)[2]
    assert second.python.splitlines()[-1] in report().told(details=True).partition(second.why)[2]
    video = report(mesh_sizes=((8, 128, 128), (8, 64, 64)))
    assert [command.axes for command in (*video.commands, first)] == [(1, 2), (1, 2), None]
    biased = report(squared_cosine=(1.0, 0.0), difference=(3.0, 0.0)).commands
    assert [command.strategy for command in biased] == ["single_scale"]


def test_plots(tmp_path):
    report().plot(tmp_path / "one.png")
    save_plot({"a": report(), "b": report(difference=(0.5, 0.0))}, tmp_path / "two.svg")
    picture = np.asarray(Image.open(tmp_path / "one.png").convert("L"))
    assert np.mean(picture < 128) > 0.01  # lines and words
    assert "relative to single-scale" in (tmp_path / "two.svg").read_text()


def test_a_report_shows_itself_in_a_line_in_a_notebook_and_as_a_figure(tmp_path):
    one = report()
    assert repr(one).startswith(f"<LevelReport of {one.num_levels} levels: --strategy=")
    shown = one._repr_html_()
    assert shown.count("<tr>") == 1 + one.num_levels
    assert one.advice.split(":")[0] in shown
    assert one.commands[0].flags in shown
    figure = one.plot()
    assert [axes.get_title() for axes in figure.axes][1] == "Cost at equal variance"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert one.plot(tmp_path / "levels.png").axes


def test_advice_suits_the_replicas_and_says_what_decides():
    assert report(replicas=3, difference=(3.0, 0.0)).batch_sizes == (18,)
    slow = report(fixed_seconds=(0.0, 1.0)).advice
    assert slow.startswith("Single-scale is cheaper here")
    assert "what a pass takes whatever its batch, outweigh" in slow


def test_reports_of_before_chunks_can_be_loaded(tmp_path):
    path = tmp_path / "report.json"
    report().save(path)
    content = json.loads(path.read_text())
    del content["chunk"]
    path.write_text(json.dumps(content))
    assert LevelReport.load(path) == report()
    del content["variance"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no LevelReport"):
        LevelReport.load(path)
