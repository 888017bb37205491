import types

import matplotlib.pyplot as plt
import numpy as np
import pytest

from apps.experiment import plots, sheets, tables
from apps.experiment.quality import Quality
from apps.experiment.recording import Curve, Point, TrainingClock


def outcome(label, losses, sizes=(2, 4)):
    curve = Curve(TrainingClock())
    curve.points = [Point(10.0 * k, 100.0 * k, loss) for k, loss in enumerate(losses, 1)]
    model = types.SimpleNamespace(optimizer=types.SimpleNamespace(iterations=1234))
    return types.SimpleNamespace(label=label, curve=curve, model=model, batch_sizes=sizes)


def test_markdown_has_a_line_per_row():
    table = tables.markdown(["a", "b"], [["1", "2"], ["3", "4"]])
    assert table == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"


def test_costs_say_when_the_last_ones_loss_was_reached(capsys):
    one, other = outcome("swift", [0.5, 0.1, 0.05]), outcome("plain", [0.9, 0.2, 0.1], (16,))
    tables.print_costs([one, other], "mse")
    lines = capsys.readouterr().out.splitlines()
    (swift,) = (line.split() for line in lines if "swift" in line)
    assert swift == [
        "swift",
        "2,4",
        "1,234",
        "30",
        "300",
        "0.0500",
        "0.0500",
        "20",
        "s,",
        "200",
        "WU",
    ]
    assert "MSE 0.1000 after" in " ".join(lines)
    back = outcome("back", [0.5, 0.1, 0.3])
    tables.print_costs([back], "mse")
    (back,) = (line.split() for line in capsys.readouterr().out.splitlines() if "back" in line)
    assert back[-2:] == ["0.3000", "0.1000"]
    tables.print_costs([one], "ssim")
    printed = capsys.readouterr().out
    assert "-SSIM" in printed
    assert "after" not in printed


def test_metrics_of_validations_are_shown_with_their_best(capsys):
    one = outcome("one", [0.5, 0.1, 0.3])
    tables.print_metrics([one])
    assert not capsys.readouterr().out
    values = (0.2, 0.8, 0.4)
    one.curve.metrics = [{"ssim": value, "authors_ssim": value - 0.1} for value in values]
    assert one.curve.ends()["authors_ssim"] == pytest.approx((0.3, 0.7))
    tables.print_metrics([one])
    printed = capsys.readouterr().out
    assert "authors' SSIM" in printed
    (row,) = (line.split() for line in printed.splitlines() if "0.8000" in line)
    assert row == ["one", "0.4000", "0.8000", "0.3000", "0.7000"]


def test_qualities_are_shown_with_labels_and_means(capsys):
    reached = {"degraded": Quality(20.0, 0.5, 1.5), "x": Quality(25.0, 0.75, 0.25)}
    tables.print_quality(reached, {"x": "X"})
    printed = capsys.readouterr().out
    assert "nothing (degraded)" in printed
    assert "25.00 dB" in printed
    tables.print_restored(
        {"a.png": (Quality(20.0, 0.5, 1.5), Quality(30.0, 0.75, 1.5))}
        | {"b.png": (Quality(10.0, 0.25, 1.5), Quality(20.0, 0.5, 1.5))}
    )
    mean = capsys.readouterr().out.splitlines()[-2].split()
    assert mean == ["mean", "15.00", "dB", "25.00", "dB", "0.3750", "0.6250"]


@pytest.mark.parametrize("loss", ["mse", "ssim", "authors_ssim"])
def test_curves_are_two_panels(loss, tmp_path):
    sign = 1.0 if loss == "mse" else -1.0
    made = [outcome(name, [sign * 0.5, sign * 0.1]) for name in ("one", "two")]
    plots.save_curves(made, loss, tmp_path / "loss.png")
    height, width, _ = plt.imread(tmp_path / "loss.png").shape
    assert width == pytest.approx(2.5 * height, rel=0.02)


def test_sheets_name_the_psnr_of_all_but_the_clean_picture(tmp_path):
    clean = np.full((8, 12, 3), 0.5)
    plots.save_sheet([{"clean": clean, "noisy": clean + 0.1}], tmp_path / "sheet.png")
    height, width, _ = plt.imread(tmp_path / "sheet.png").shape
    assert width > 2 * height
    assert sheets.psnr(clean, clean + 0.1) == pytest.approx(20.0)


ODD = ["a[/b].png", "[red]a", r"\[x]", ":smile:", "a\x1b[2J", "a\nb", "$x^{2$", "a|b"]


@pytest.mark.parametrize("name", ODD)
def test_names_are_shown_as_they_are_in_tables_and_titles(name, capsys, tmp_path):
    shown = repr(name)[1:-1] if not name.isprintable() else name
    tables.show(name, ["file", name], [[name, "1"]])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert sum(line.count(shown) for line in lines) == 3
    assert tables.markdown(["file"], [[name]]).count("\n") == 3
    assert shown.replace("|", r"\|") in tables.markdown(["file"], [[name]])
    plots.save_sheet([{name: np.zeros((8, 8, 3))}], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
