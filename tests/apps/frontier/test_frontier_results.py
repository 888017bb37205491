import math

from PIL import Image

from apps.experiment import presets
from apps.frontier import drawing, headline, results
from apps.frontier.entries import Entry
from apps.frontier.settings import FrontierSettings


def run(loss, seconds, **more):
    return {"points": [{"seconds": seconds}], "steps": 9, "finest": 9, "loss": loss, **more}


OPTIONS = presets.make(FrontierSettings, "quick", problems=("deblurring/unet",), default="adaptive")
PLAIN = Entry(
    1e-3,
    {
        60.0: [run(0.4, 60.0), run(0.5, 60.0), run(0.39, 60.0)],
        240.0: [run(0.2, 240.0), run(0.1, 240.0), run(0.3, 240.0)],
        960.0: [run(0.1, 960.0)],
    },
)
ENTRIES = {
    "plain_1": PLAIN,
    "plain_16": Entry(1e-3, {60.0: [run(0.6, 60.0)], 240.0: [run(0.5, 240.0)]}),
    "adaptive": Entry(3e-3, {60.0: [run(0.2, 60.0)], 240.0: [run(0.05, 240.0)]}),
    "grown_crops": Entry(3e-3, {60.0: [run(0.3, 55.0)], 240.0: [run(0.1, 120.0)]}),
    "coarse_to_fine": Entry(3e-3, {60.0: [{"points": []}], 240.0: [run(math.nan, 240.0)]}),
}
NAMES = {**{name: name for name in ENTRIES}, "crops_64": "plain_16"}


def shape_of(path):
    with Image.open(path) as picture:
        return picture.width / picture.height


def test_a_table_has_medians_with_their_spread_and_says_who_came_to_nothing():
    table = results.ends(OPTIONS, ENTRIES)
    assert table.splitlines()[0] == "| contestant | rate | 60 s | 240 s | 960 s | measured |"
    row = "| plain_1 | 0.001 | 0.4 (0.39 to 0.5) | 0.2 (0.1 to 0.3) | 0.1 | 60, 240, 960 |"
    assert row in table
    assert "| plain_16 | 0.001 | 0.6 | 0.5 |  | 60, 240 |" in table
    assert "| 0 of 1 started | 0 of 1 ended with a number |  |  |" in table


def test_speed_ups_are_told_at_every_quality_up_to_the_converged_one():
    columns, _, plain, *rows = results.gains(OPTIONS, ENTRIES).splitlines()
    assert columns == "| contestant | 0.4 | 0.3253 | 0.2505 | 0.1757 | 0.101 (converged) |"
    assert plain.startswith("| plain training | 60 s (plain_1) | 101 s (plain_1) |")
    assert rows[0] == "| plain_1 | 1.0 | 1.0 | 1.0 | 1.0 | 1.0 |"
    assert rows[1] == "| plain_16 | not reached" + " | not reached" * 4 + " |"
    # By 0.101, plain has taken 240 * 4 ** 0.99 = 947 s, adaptive 60 * 4 ** 0.66 = 150 s.
    assert rows[2].startswith("| adaptive | at least 1.0 | at least 1.7 | at least 2.8 |")
    assert rows[2].endswith("| 6.3 |")
    assert rows[4] == "| coarse_to_fine | not reached" + " | not reached" * 4 + " |"


def test_measured_seconds_that_are_unequal_are_told():
    first, second = results.unequal(OPTIONS, ENTRIES)
    assert "for 60 s, grown_crops took 55 s and plain_1 60 s" in first
    assert "for 240 s, grown_crops took 120 s and plain_1 240 s" in second
    equal = {name: entry for name, entry in ENTRIES.items() if name != "grown_crops"}
    assert results.unequal(OPTIONS, equal) == []


def test_the_gain_at_converged_quality_is_told_first_beside_the_best_rival():
    told = headline.headline(OPTIONS, ENTRIES)
    assert told == (
        "Plain training (plain_1) reaches the converged loss, 0.101, after 947 s. adaptive does "
        "after 150 s: 6.3 times as fast. The best rival: grown_crops does after 120 s: 7.9 times "
        "as fast."
    )
    alone = {name: ENTRIES[name] for name in ("plain_1", "plain_16")}
    assert headline.headline(OPTIONS, alone).endswith("after 947 s.")
    late = {"plain_1": PLAIN, "adaptive": ENTRIES["plain_16"], "crops_32": ENTRIES["plain_16"]}
    told = headline.headline(OPTIONS, late)
    assert told.endswith("adaptive does not reach it in 240 s. No rival reaches it.")
    assert headline.headline(OPTIONS, {"plain_1": ENTRIES["coarse_to_fine"]}) == ""


def test_a_report_and_a_plot_are_made_from_the_first_contestant_on(tmp_path):
    for entries in ({"plain_1": ENTRIES["coarse_to_fine"]}, ENTRIES):
        text = results.report(OPTIONS, "deblurring/unet", "mse", entries, NAMES)
        assert text.startswith("**deblurring/unet**\n\n")
        assert "MSE of held-out data at the end of each budget:" in text
        assert "| crops_64 | the same as plain_16 here |" in text
        drawing.save_plot(OPTIONS, "deblurring/unet", "MSE", entries, tmp_path / "plot.png")
    assert 1.5 < shape_of(tmp_path / "plot.png") < 2.0  # one panel

    masks = {"plain_1": Entry(1e-3, {60.0: [run(0.9, 60.0, mean_iou=0.25)]})}
    text = results.report(OPTIONS, "camvid/unet", "crossentropy", masks, NAMES)
    assert "mean IoU at the same places:" in text
    assert "| plain_1 | 0.001 | 0.25 |" in text
    drawing.save_plot(OPTIONS, "camvid/unet", "cross-entropy", masks, tmp_path / "two.png")
    assert shape_of(tmp_path / "two.png") > 2.5  # two panels
