import pytest
import tiny_run

import keras_ms
from apps.reproduce.targets import table1


def test_evaluations_and_work_units_are_the_papers():
    found = [keras_ms.Levels(table1.batch_sizes(n, 512, 16)) for n in range(1, 6)]
    assert [levels.evaluations() for levels in found] == [512, 528, 560, 624, 752]
    assert found[-1].batch_sizes == (16, 32, 64, 128, 272)
    alone, several = table1.PAPER[5]
    of_paper = {
        "ratio": alone / several,
        "work_units": {"single": 512.0, "several": found[-1].work_units()},
    }
    assert table1.promised(of_paper) == pytest.approx(13.28, abs=0.005)
    assert table1.efficiency(of_paper) == pytest.approx(0.24, abs=0.005)


def test_both_sides_are_timed_and_are_the_same_loss_with_one_level(tmp_path):
    text, output = tiny_run.run(tmp_path, "table1")
    assert tiny_run.is_whole(output, "table1")
    one, two = (tiny_run.row_of(output, f"folder-table1/loss-{levels}-0") for levels in (1, 2))
    assert one["loss"]["single"] == pytest.approx(one["loss"]["several"], rel=1e-6)
    assert two["evaluations"] == {"single": 16, "several": 18}
    assert two["work_units"] == {"single": 16.0, "several": 2 * 1.25 + 14 / 4}
    # Of at most 2 fine pictures' pixels; or smaller ones, where they are faster.
    assert two["passes"]["single"] >= 8
    assert two["passes"]["several"] >= 3
    assert two["ratio"] > 0.0
    assert "efficiency" in text
