import numpy as np
import pytest
from PIL import Image

from apps.segmentation import drawing, results
from apps.segmentation.race import Raced


def run(iou, loss=0.5, seconds=100.0):
    points = [
        {"seconds": share * seconds, "work_units": 5 * share * seconds, "loss": loss / share}
        for share in (0.5, 1.0)
    ]
    points = [{**point, "mean_iou": iou * point["seconds"] / seconds} for point in points]
    ends = {"crossentropy": loss, "mean_iou": iou, "iou": [iou, None], "accuracy": 0.9}
    return {"points": points, "steps": 1234, "finest": 900, **ends}


RACED = {
    "plain_1": Raced(1e-3, [run(0.2), run(0.6), run(0.3)], []),
    "adaptive": Raced(3e-3, [run(0.4), run(0.4), run(0.5)], []),
    "full_multiscale": Raced(1e-3, [run(0.9), {"points": []}, run(0.9)], []),
}


def test_tables_show_medians_and_spread_and_who_did_not_start():
    table = results.as_table(RACED)
    row = "| plain_1 | 0.001 | 100 | 1,234 | 500 | 0.500 | 0.300 (0.200 to 0.600) |"
    assert row in table
    assert "| full_multiscale | 0.001 | 2 of 3 seeds started |" in table
    assert results.best(RACED) == "adaptive"
    by_class = results.by_class(RACED["adaptive"], ("road", "pole"))
    assert "| road | 0.400 (0.400 to 0.500) |\n| pole | - |" in by_class


def test_curves_of_seeds_are_compared_where_all_have_been():
    curves = [run(0.4, seconds=100.0)["points"], run(0.8, seconds=80.0)["points"]]
    grid, values = drawing.on_one_grid(curves, "seconds", "mean_iou")
    assert (grid[0], grid[-1]) == (50.0, 80.0)
    assert values[:, -1] == pytest.approx([0.32, 0.8])


def test_plots_and_sheets_are_made_also_of_who_did_not_start(tmp_path):
    drawing.save_curves({"unet": RACED, "resnet": RACED}, "seconds", tmp_path / "plot.png")
    nobody = {"adaptive": Raced(1e-3, [{"points": []}], [])}
    drawing.save_curves({"unet": nobody}, "work_units", tmp_path / "empty.png")

    class Pairs:
        num_classes, class_colours, void = 2, np.array([[0, 0, 255], [255, 0, 0]], "uint8"), 9

    truth = np.zeros((16, 24), "uint8")
    truth[:, :4] = Pairs.void
    shown = [(np.full((16, 24, 3), 0.5, "float32"), truth)]
    wrong = Raced(1e-3, [], [np.ones_like(truth)])
    drawing.save_sheet(shown, {"plain_1": wrong}, Pairs, tmp_path / "sheet.png")
    colours = {
        tuple(c) for c in np.asarray(Image.open(tmp_path / "sheet.png"))[..., :3].reshape(-1, 3)
    }
    assert {(0, 0, 255), (255, 0, 0), (0, 0, 0)} <= colours  # truth, prediction, void
