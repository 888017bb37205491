"""Targets that train, at a tiny size, all into one folder, as a user has it who asks for all."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from apps.reproduce import contestants, registry, runner, scales, training, verdicts
from apps.reproduce.comparison import Comparison
from apps.reproduce.settings import ReproduceSettings
from apps.reproduce.target import Asked
from apps.reproduce.targets import variances
from apps.reproduce.training import Entry

TABLES = [name for name in registry.names() if isinstance(registry.get(name), Comparison)]
AT = {scale: Asked(scale, "photos", None, (0,)) for scale in ("tiny", "quick", "paper")}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("reproduced")


def reproduced(output, name, **options):
    """The report of a target and the rows of its CSV."""
    runner.run(ReproduceSettings((name,), scale="tiny", output=str(output), **options))
    with (output / f"{name}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert np.asarray(Image.open(output / f"{name}.png")).std() > 0.0
    return (output / f"{name}.md").read_text(), lines


@pytest.fixture
def only(monkeypatch):
    """Leaves few contestants of the tiny scale."""

    def leave(*rows):
        few = dataclasses.replace(scales.SCALES["tiny"], only=rows)
        monkeypatch.setitem(scales.SCALES, "tiny", few)

    return leave


@pytest.fixture(scope="module")
def denoising(output):
    return reproduced(output, "table2_denoising")


def test_a_table_of_strategies(denoising):
    text, lines = denoising
    assert len(lines) == 3
    full, single, plain = sorted(lines, key=lambda line: line["strategy"] + line["equal"])
    assert (full["strategy"], plain["equal"]) == ("full_multiscale", "work_units")
    assert float(single["work_units"]) == 2 * (1 + 2)
    assert float(plain["work_units"]) == 2  # of 2.25 that would be equal
    assert float(full["work_units"]) == 1 * (1 + 2 / 4 + 1 / 4) + 1 * 2 / 4
    for line in lines:
        assert 0.0 < float(line["best.loss"]) <= float(line["last.loss"]) < 10.0
        for kind in ("ssim", "authors_ssim"):
            assert -1.0 <= float(line[f"best.{kind}"]) <= 1.0
    (header,) = [line for line in text.splitlines() if line.startswith("| strategy |")]
    assert "paper" in header
    assert "best authors' SSIM" in header
    assert "| single-scale | 6 |" in text
    assert "| .1658 |" in text
    assert "Trained with 32 px, batches of 1, 2 (finest first), single-scale batches of 3" in text
    assert "plain batches of 1, 1, 1 iterations, rate 0.0005, width 4; the paper: " in text
    assert "; the paper: 128 px, batches of 16, 32, 64, 128 (finest first)" in text
    assert "The pictures are of photos, the paper's of stl10." in text
    assert "Full-Multiscale within 3% of single-scale's MSE" in text


def test_targets_share_what_is_alike(output, denoising):
    before = {path: path.stat().st_mtime_ns for path in output.glob("cells/photos-den*/*.json")}
    for name in ("table3", "table6"):
        _, lines = reproduced(output, name)
        assert len(lines) == 3
    after = {path: path.stat().st_mtime_ns for path in output.glob("cells/photos-den*/*.json")}
    assert before == after


def test_every_contestant_trains(output, denoising, monkeypatch):
    every = dataclasses.replace(scales.SCALES["tiny"], only=(), networks=("paper_resnet",))
    monkeypatch.setitem(scales.SCALES, "tiny", every)
    text, lines = reproduced(output, "table2_denoising")
    assert len(lines) == len(contestants.CONTESTANTS) == 11
    spent = {line["cell"].split("/")[1]: line["work_units"] for line in lines}
    assert spent["full_multiscale-0"] == "2.25"
    assert spent["single_work-0"] == ""  # a step of it has 3 work units
    for row, step in (("ours", 1.0), ("plain_work", 1.0)):
        assert 2.25 - step < float(spent[f"{row}-0"]) <= 2.25
    assert "Coarsening beats cropping: " in text
    assert all(f"| {one.label} |" in text for one in contestants.CONTESTANTS.values())


@pytest.mark.parametrize("name", ["table2_deblurring", "table2_inpainting"])
def test_the_other_tasks(output, only, name):
    only("single_scale")
    text, (line,) = reproduced(output, name)
    assert line["task"] == name.split("_")[1]
    printed = {"table2_deblurring": ".1189", "table2_inpainting": ".8820"}[name]
    assert f"| {printed} | 1.00 | 1.00 |" in text
    assert "holds here" not in text  # there is nothing to compare with


def test_deeper_networks(output, denoising, monkeypatch):
    """The target by a network that is trained already, as these take long to trace."""
    from apps.reproduce.targets.table4 import Deeper

    monkeypatch.setattr(Deeper, "paper", {"paper_resnet": (".1", ".2", ".15")})
    text, lines = reproduced(output, "table4")
    assert len(lines) == 3
    assert "| .15 |" in text


def test_sheets_show_what_the_networks_of_table_2_restore(output, denoising, monkeypatch):
    from apps.reproduce.targets import figures

    monkeypatch.setattr(figures, "SHEETS", figures.SHEETS[1:2])
    text, lines = reproduced(output, "figures")
    assert len(lines) == 3  # two trainings, and the pictures of both
    assert "![denoising, paper_resnet](figures-denoising-paper_resnet.png)" in text
    sheet = np.asarray(Image.open(output / "figures-denoising-paper_resnet.png"))
    height, width, _ = sheet.shape
    assert 3 / 4 * 0.8 < height / width < 3 / 4 * 1.3  # three pictures, four columns
    row = json.loads((output / "cells/photos-denoising-paper_resnet/pictures-0.json").read_text())
    assert set(row["psnr"]) == {"single_scale", "full_multiscale"}


def test_weights_that_are_gone_are_told(output, denoising, monkeypatch, tmp_path):
    path = output / "cells/photos-denoising-paper_resnet/full_multiscale-0.json"
    row = json.loads(path.read_text())
    assert (path.parent / row["weights"]).exists()
    from apps.reproduce import weights

    with pytest.raises(ValueError, match=r"gone.*other\.npz"):
        weights.load(None, {"weights": "other.npz"}, path)


def test_super_resolution_is_judged_by_the_ssim(output, only):
    only("full_multiscale")
    text, lines = reproduced(output, "table2_superresolution")
    assert [line["network"] for line in lines] == ["paper_sr_convnet"]
    for line in lines:
        assert float(line["best.loss"]) == pytest.approx(
            -float(line["best.authors_ssim"]), abs=1e-4
        )
    assert "| best authors' SSIM |" in text
    assert "| .8274 |" in text


def test_budgets_of_few_work_units_are_kept_to(output, only, monkeypatch):
    from apps.reproduce.targets import table5

    monkeypatch.setattr(table5, "PAPER", {budget: table5.PAPER[budget] for budget in (10,)})
    only("single_scale")
    text, (line,) = reproduced(output, "table5")
    assert (line["strategy"], line["work_units"]) == ("single_scale", "10.0")
    assert "| 10 WU: single-scale | 10 |" in text
    assert "| .1000 |" in text


def test_variances_over_seeds(output, monkeypatch):
    monkeypatch.setattr(variances, "COARSENINGS", {"task-consistent": ("task", "average")})
    text, _ = reproduced(output, "variances")
    assert "±" not in text  # there is no spread of one seed
    for path in output.glob("cells/variances/*-0.json"):  # as if a second seed had given the same
        content = json.loads(path.read_text())
        content["settings"]["seed"] = 1
        path.with_name(path.name.replace("-0.", "-1.")).write_text(json.dumps(content))
    text, lines = reproduced(output, "variances", seeds=(0, 1))
    assert len(lines) == 4
    (row,) = [line for line in text.splitlines() if line.startswith("| denoising, espcn, 32 px |")]
    assert row.count("± 0.00") == 4  # of the two costs, the first is 1 by law
    assert all(float(line["weighted"]) > 0.0 for line in lines if line["weighted"])


@pytest.mark.parametrize("size", [(16, 1), (32, 2), (64, 3), (128, 4), (256, 4)])
def test_hierarchies_leave_16_pixels(size):
    side, levels = size
    assert len(variances.hierarchy(side)) == levels
    assert side >> (levels - 1) >= 16


@pytest.mark.parametrize("scale", ["quick", "paper", "tiny"])
@pytest.mark.parametrize("name", TABLES)
def test_every_run_of_every_table_makes_sense(name, scale):
    """Settings are checked as apps.train checks them; each name stands for one key."""
    from apps import strategies
    from apps.experiment import presets
    from apps.experiment.settings import Settings

    cells = registry.get(name).cells(AT[scale])
    assert len({cell.name for cell in cells}) == len(cells)
    names = [cell.name for cell in cells]
    for cell in cells:
        assert all(names.index(other) < names.index(cell.name) for other in cell.after)
        given = {option: cell.key[option] for option in cell.key["given"]}
        settings = presets.make(Settings, "paper", **given)
        strategies.chosen(settings)
        assert bool(cell.after) == bool(cell.key["equal"])
        assert cell.seconds > 0.0


def test_the_papers_scale_is_the_preset():
    """And nothing but what a contestant is."""
    from apps.experiment import presets
    from apps.experiment.settings import Settings

    cells = {cell.name: cell for cell in registry.get("table2_deblurring").cells(AT["paper"])}
    key = cells["photos-deblurring-paper_unet/full_multiscale-0"].key
    made = presets.make(Settings, "paper", task="deblurring", network="paper_unet")
    differing = {n for n in key if n in vars(made) and getattr(made, n) != key[n]} - {"given"}
    assert differing == {"measure_ssim"}
    plain = cells["photos-deblurring-paper_unet/plain_work-0"].key
    assert (plain["strategy"], plain["single_scale_batch"]) == ("single_scale", 16)
    crops = cells["photos-deblurring-paper_unet/full_crops-0"].key
    assert (crops["coarsening"], crops["restriction"]) == ("crop", "average")


def test_quick_keeps_the_papers_proportions():
    quick, paper = (
        scales.SCALES[name].options("denoising", "paper_resnet") for name in ("quick", "paper")
    )
    for name in ("batch_sizes", "iterations"):
        ratios = {a / b for a, b in zip(paper[name], quick[name], strict=False)}
        assert len(ratios) == 1
    assert quick["single_scale_batch"] == sum(quick["batch_sizes"])


def test_fewer_levels_keep_the_finest():
    cells = {cell.name: cell.key for cell in registry.get("table6").cells(AT["paper"])}
    key = cells["photos-denoising-paper_resnet/full_multiscale-2levels-0"]
    assert key["batch_sizes"] == (16, 32)
    assert key["iterations"].fitted(2) == (250, 500)


def run_of(loss, units=100.0):
    return {"best": {"loss": loss}, "last": {"loss": loss}, "work_units": units}


@pytest.mark.parametrize(
    ("full", "crops", "share"), [(1.0, "holds", 10), (1.2, "holds", 10), (1.0, "holds", 7)]
)
def test_claims_are_held_against_what_was_measured(full, crops, share):
    found = {
        Entry("net", contestants.REFERENCE): [run_of(1.0, 100.0 * share)],
        Entry("net", contestants.FULL): [run_of(full)],
        Entry("net", "full_crops"): [run_of(1.3), run_of(1.5)],
        Entry("net", "full_both"): [run_of(1.25)],
    }
    against_crops, against_single = verdicts.of("loss", found)
    assert crops in against_crops
    assert ("does not hold here" in against_single) == (full > 1.03 or share < 8)
    found[Entry("net", "full_both")] = [run_of(0.5)]
    assert "does not hold here" in verdicts.of("loss", found)[0]


def test_a_run_that_could_not_start_has_no_values():
    assert training.value({"points": []}, "loss") is None
    assert verdicts.ratio(None, 1.0) is None
    assert verdicts.ratio(3.0, 2.0) == 1.5


@pytest.mark.parametrize("budget", [10, 90])
def test_budgets_pay_for_several_steps_of_every_contestant(budget):
    """Also of the paper's strategies, whose batches are as small as that needs."""
    cells = {cell.name: cell.key for cell in registry.get("table5").cells(AT["paper"])}
    folder = "photos-denoising-paper_resnet"
    single = cells[f"{folder}/single_scale-{budget}wu-0"]
    assert single["work_units"] == budget
    assert single["single_scale_batch"] == {10: 2, 90: 15}[budget]
    assert cells[f"{folder}/plain_work-{budget}wu-0"]["single_scale_batch"] == 1
    assert budget % single["single_scale_batch"] == 0  # whole steps spend all of it
    for name in ("multiscale", "full_multiscale"):
        assert cells[f"{folder}/{name}-{budget}wu-0"]["batch_sizes"] == (1, 2, 4, 8)
